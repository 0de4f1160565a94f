/* What is found, as RFC 11 objects in JSON. The objects that are named by their hash have
 * been hashed.
 */
#ifndef FLUX_MODULE_KVS_ANSWER_H
#define FLUX_MODULE_KVS_ANSWER_H

#include "modules/kvs/kvs.h"

void answer_val(struct buf *out, const void *data, size_t len);
void answer_dirref(struct buf *out, const unsigned char *hash);
void answer_symlink(struct buf *out, struct slice ns, struct slice target);
/* Entry i as it is in its directory: a val, valref, dirref or symlink. -EAGAIN: nothing
 * was appended. */
int answer_entry(struct objs *os, struct obj *leaf, unsigned i, struct need *need,
                 struct buf *out);
/* The value of entry i, all of it. -EAGAIN, -EFBIG. */
int answer_value(struct objs *os, struct obj *leaf, unsigned i, struct need *need,
                 struct buf *out);

#define ANSWER_MAX (32u << 20) /* bytes of a value in one answer */

#endif
