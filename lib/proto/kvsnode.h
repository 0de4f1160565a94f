/* A node of the KVS tree, as it is stored under its hash. Numbers are little-endian.
 *
 *   0  'F' 'K'   2  u8 format (1)   3  u8 kind   4  u8 level   5  u8 0
 *   6  u16 number of entries; the entries follow
 *
 * A directory is a tree of leaves and inner nodes, all leaves at level 0. Entries are in
 * order of their keys (bytes, the shorter first), none twice:
 *
 *   leaf    varint length, name, u8 type, varint version of the last change, and
 *             val    varint length, bytes
 *             link   varint length, namespace, varint length, target
 *             blob   32 bytes hash, varint length       the value is that blob
 *             rope   32 bytes hash, varint length       the value is below that rope
 *             dir    32 bytes hash, varint number of its entries
 *   inner   varint length, key, 32 bytes hash, varint number of entries below
 *   rope    32 bytes hash, varint bytes below           level 1: of a blob, else a rope
 *
 * The key of an inner node's first entry bounds nothing: all keys below the second one's
 * are in the first child.
 * Functions return 0 or more, or -EPROTO.
 */
#ifndef FLUX_PROTO_KVSNODE_H
#define FLUX_PROTO_KVSNODE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

#define NODE_HASH 32
#define NODE_HEAD 8
#define NODE_LEVEL_MAX 32

enum node_kind {
    NODE_LEAF,
    NODE_INNER,
    NODE_ROPE,
};

enum entry_type {
    ENTRY_NONE, /* of an inner node or a rope */
    ENTRY_VAL,
    ENTRY_LINK,
    ENTRY_BLOB,
    ENTRY_ROPE,
    ENTRY_DIR,
};

struct node_head {
    enum node_kind kind;
    unsigned level, n;
};

/* One entry; slices and hash lie in the node. */
struct entry {
    enum entry_type type;
    struct slice key;
    uint64_t version;
    struct slice val;          /* val; target of a link */
    struct slice ns;           /* link */
    const unsigned char *hash; /* NULL: it has none */
    uint64_t n;                /* what stands behind the hash */
};

void node_head_write(void *p, const struct node_head *h);
int node_head_read(const void *p, size_t len, struct node_head *ret);
/* The entry at p: its size. */
int entry_read(enum node_kind kind, const void *p, size_t len, struct entry *ret);
/* Append an entry; a hash of NULL is written as zeros. */
int entry_write(enum node_kind kind, const struct entry *e, struct buf *out);
/* Is all of it sound: entries, their number and order, no bytes behind them? */
int node_check(const void *p, size_t len);

/* The order of keys. */
static inline int key_compare(struct slice a, struct slice b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int rc = n ? memcmp(a.p, b.p, n) : 0;

    return rc ? rc : a.len < b.len ? -1 : a.len > b.len;
}

#endif
