/* A record of the redo log: what one version of a KVS namespace changed. All numbers are
 * little-endian.
 *
 *   0  u32 crc32c of all that follows
 *   4  u8 format (1)   5  u8 kind   6  u16 flags
 *   8  u64 seq         the record's place in the log
 *  16  u64 chain       what the record before it came to, see redo_chain()
 *  24  u64 version     of the namespace, afterwards
 *  32  u32 userid      who changed it; of a new namespace, its owner
 *  36  u32 number of operations
 *  40  u8 length, name of the namespace
 *      operations: u8 op, varint length, key, varint length, value
 *
 * Keys are in normal form (key.h). Values by operation:
 *
 *   put, append   the bytes
 *   unlink, mkdir nothing
 *   link          varint length, namespace (may be empty), target
 *   valref        (32 bytes hash, varint length) for each blob
 *   dirref        32 bytes hash, varint number of entries
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_PROTO_REDO_H
#define FLUX_PROTO_REDO_H

#include <stdint.h>

#include "base/buf.h"
#include "base/slice.h"

enum redo_kind {
    REDO_COMMIT = 1,
    REDO_NSCREATE, /* one dirref operation of the root may follow */
    REDO_NSREMOVE,
};

enum redo_op {
    REDO_PUT = 1,
    REDO_APPEND,
    REDO_UNLINK,
    REDO_MKDIR,
    REDO_LINK,
    REDO_VALREF,
    REDO_DIRREF,
};

#define REDO_HASH 32
#define REDO_NAMESPACE_MAX 255

struct redo_head {
    enum redo_kind kind;
    uint16_t flags;
    uint64_t seq, chain, version;
    uint32_t userid, nops;
    struct slice ns;
};

struct redo_item {
    enum redo_op op;
    struct slice key, value;
};

/* Start a record in out, which is emptied. */
int redo_begin(struct buf *out, enum redo_kind kind, const char *ns);
/* One operation; value in as many pieces as it has. */
int redo_add(struct buf *out, enum redo_op op, struct slice key, struct slice value);
/* Operations that another buffer holds, made by redo_add() with no redo_begin(). */
int redo_add_all(struct buf *out, const struct buf *ops);
/* Finish it: h->kind and h->ns are what redo_begin() was told. */
int redo_end(struct buf *out, const struct redo_head *h);

/* Read a record. -EBADMSG: its checksum is wrong; -EPROTO: it is malformed. *pos is where
 * its operations begin. */
int redo_read(const void *rec, size_t len, struct redo_head *ret, size_t *pos);
/* The operation at *pos of a record, or of a buffer of operations. 1; 0 at the end;
 * -EPROTO. */
int redo_next(const void *rec, size_t len, size_t *pos, struct redo_item *ret);
/* What the log comes to with this record, for the next one. */
uint64_t redo_chain(const void *rec);

/* The parts of a link's value. */
int redo_link(struct slice value, struct slice *ns, struct slice *target);
int redo_link_add(struct buf *out, struct slice ns, struct slice target);
/* The next reference of a valref's or dirref's value: 1, 0 at the end, -EPROTO. */
int redo_ref(struct slice value, size_t *pos, const unsigned char **hash, uint64_t *n);
int redo_ref_add(struct buf *out, const unsigned char *hash, uint64_t n);

#endif
