/* A piece of a byte stream: `used` bytes have been put in, those before `off` have been
 * taken out. Not thread-safe.
 */
#ifndef FLUX_OVERLAY_CHUNK_H
#define FLUX_OVERLAY_CHUNK_H

#include "base/list.h"

struct chunk {
    struct list link;
    size_t size, used, off;
    size_t payload; /* outbox: bytes of messages in it, without their lengths */
    int refcount;
    char data[];
};

struct chunk *chunk_new(size_t size); /* NULL: no memory */
struct chunk *chunk_ref(struct chunk *c);
void chunk_unref(struct chunk *c); /* accepts NULL */
void chunk_list_free(struct list *chunks);

#endif
