/* Values that do not stand in a directory's entry: one blob, or many below a rope, which
 * is a tree like a directory's, ordered by position. Appending touches its right edge.
 */
#ifndef FLUX_MODULE_KVS_ROPE_H
#define FLUX_MODULE_KVS_ROPE_H

#include "modules/kvs/dir.h"

#define VALUE_INLINE 256       /* bytes that stand in the entry */
#define VALUE_CHUNK 65536      /* bytes of a blob */
#define VALUE_FILL 4096        /* a blob that appends made grows up to this */
#define VALUE_MAX (1ull << 30) /* bytes of a value */

/* Fill the type, val, n of an entry for these bytes; *kid is what stands below (NULL:
 * nothing), yours. -EFBIG. */
int value_make(struct edit *e, const void *data, size_t len, struct entry *entry,
               struct obj **kid);
/* Append to the value of an entry (its kid taken out into *kid, maybe NULL). The entry's
 * val may point to `out`, which lives as long as the entry. */
int value_append(struct edit *e, struct entry *entry, struct obj **kid, const void *data,
                 size_t len, struct buf *out);
/* Append the bytes from `from` on, at most max, of entry i. */
int value_read(struct objs *os, struct obj *leaf, unsigned i, uint64_t from, uint64_t max,
               struct need *need, struct buf *out);

/* A value of blobs that are in the store. */
int value_begin_refs(struct edit *e, struct entry *entry, struct obj **kid);
int value_add_ref(struct edit *e, struct entry *entry, struct obj **kid,
                  const unsigned char *hash, uint64_t len);

/* The blobs of entry i, in order: fn gets each one's hash, which is right only if the
 * objects are hashed. A non-zero return of fn stops and is returned. */
typedef int (*value_blob_f)(const unsigned char *hash, uint64_t len, void *arg);
int value_blobs(struct objs *os, struct obj *leaf, unsigned i, struct need *need,
                value_blob_f fn, void *arg);

#endif
