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

/* ---- stock ---- */

void stock_init(struct stock *s, size_t size)
{
    list_init(&s->chunks);
    s->n = 0;
    s->size = size;
}

struct chunk *stock_take(struct stock *s, size_t size)
{
    if (size != s->size || s->n == 0)
        return chunk_new(size);
    struct chunk *c = list_first(&s->chunks, struct chunk, link);
    list_del(&c->link);
    s->n--;
    c->used = c->off = c->payload = 0;
    return c;
}

void stock_give(struct stock *s, struct chunk *c)
{
    if (c->refcount > 1 || c->size != s->size || s->n == STOCK_MAX) {
        chunk_unref(c);
        return;
    }
    list_prepend(&s->chunks, &c->link);
    s->n++;
}

void stock_move(struct stock *to, struct stock *from)
{
    while (from->n > 1)
        stock_give(to, stock_take(from, from->size));
}

void stock_clear(struct stock *s)
{
    chunk_list_free(&s->chunks);
    s->n = 0;
}
