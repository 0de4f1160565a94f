/* A piece of a byte stream: `used` bytes have been put in, those before `off` have been
 * taken out. Not thread-safe.
 *
 * A stock keeps some chunks of one size while a link is busy. Left to malloc, the heap
 * would grow and shrink with the queues, and each time fault in every page anew and
 * interrupt every CPU where one of our threads runs: several times what the bytes cost.
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

#define STOCK_MAX 64

struct stock {
    struct list chunks;
    unsigned n;
    size_t size; /* of each */
};

void stock_init(struct stock *s, size_t size);
/* An empty chunk; a new one if there is none of that size. NULL: no memory. */
struct chunk *stock_take(struct stock *s, size_t size);
/* Drop a reference; what nobody else holds is kept if it fits. */
void stock_give(struct stock *s, struct chunk *c);
/* Leaves one chunk in `from`. */
void stock_move(struct stock *to, struct stock *from);
void stock_clear(struct stock *s);

#endif
