/* What the kvs modules of two brokers tell each other, the lower one (a follower) asking:
 *
 *   kvs.root {"namespace","id","version"}: the current version of a namespace, which is at
 *     least that one if the namespace (two of one name differ by their id) is still there
 *       0  'F' 'R'   2  u8 format (1)   3  u8 0   4  u32 owner   8  u32 flags
 *       12 u64 id   20  u64 version   28  32 bytes hash of its root; the root's bytes
 *   kvs.fetch: objects by their hashes, each 1 byte (is it a node?), 32 bytes hash
 *       for each that was looked for: u8 its place in the request, u32 length, bytes;
 *       length FEED_MISSING: it is not there. What is not mentioned is to be asked for
 *       again: the answer got too long.
 *   kvs.follow, a stream: {} when it begins; {"check":true} when the one above may have
 *     missed events, and so has the one below.
 *
 * Numbers are little-endian. Functions return 0 or more, or -EPROTO.
 */
#ifndef FLUX_PROTO_KVSFEED_H
#define FLUX_PROTO_KVSFEED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "proto/kvsnode.h"

#define FEED_ROOT_HEAD 60
#define FEED_WANT (1 + NODE_HASH)
#define FEED_WANTS_MAX 64
#define FEED_MISSING UINT32_MAX

struct feed_root {
    uint64_t id, version;
    uint32_t owner, flags;
    unsigned char hash[NODE_HASH];
    const void *data; /* of the root; lies in what was read */
    size_t len;
};
int feed_root_write(const struct feed_root *root, struct buf *out);
int feed_root_read(const void *p, size_t len, struct feed_root *ret);

struct feed_want {
    bool node;
    unsigned char hash[NODE_HASH];
};
int feed_want_write(const struct feed_want *want, struct buf *out);
/* All of them: how many there are. */
int feed_wants_read(const void *p, size_t len, struct feed_want wants[FEED_WANTS_MAX]);

struct feed_object {
    unsigned i;
    bool missing;
    const void *data;
    size_t len;
};
int feed_object_write(const struct feed_object *o, struct buf *out);
/* 1: the next one; 0: there are no more. *pos starts at 0. */
int feed_object_read(const void *p, size_t len, size_t *pos, struct feed_object *ret);

#endif
