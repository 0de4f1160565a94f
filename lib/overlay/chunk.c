/* Pieces of a byte stream (chunk.h). */
#include "overlay/chunk.h"

struct chunk *chunk_new(size_t size)
{
    struct chunk *c = malloc(sizeof(*c) + size);
    if (!c)
        return NULL;
    list_init(&c->link);
    c->size = size;
    c->used = c->off = c->payload = 0;
    c->refcount = 1;
    return c;
}

struct chunk *chunk_ref(struct chunk *c)
{
    c->refcount++;
    return c;
}

void chunk_unref(struct chunk *c)
{
    if (c && --c->refcount == 0)
        free(c);
}

void chunk_list_free(struct list *chunks)
{
    struct chunk *c;
    while ((c = list_first(chunks, struct chunk, link))) {
        list_del(&c->link);
        chunk_unref(c);
    }
}
