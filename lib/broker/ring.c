/* The latest events, as many as fit into a bounded number of bytes. */
#include <stdlib.h>

#include "broker/ring.h"
#include "proto/msg_private.h"

#define BYTES_MAX (256u << 10)
#define FEW 16 /* so many are kept, however big */
#define SIZE_MIN 16

static size_t size_of(const flux_msg_t *msg)
{
    return sizeof(*msg) + msg->room_size + msg->payload_len;
}

const flux_msg_t *ring_get(const struct ring *r, size_t i)
{
    return r->v[(r->first + i) & (r->size - 1)];
}

static void drop_oldest(struct ring *r)
{
    const flux_msg_t *msg = ring_get(r, 0);

    r->bytes -= size_of(msg);
    flux_msg_decref(msg);
    r->first = (r->first + 1) & (r->size - 1);
    r->n--;
}

static bool grow(struct ring *r)
{
    size_t size = r->size ? r->size * 2 : SIZE_MIN;
    flux_msg_t **v = malloc(size * sizeof(*v));

    if (!v)
        return false;
    for (size_t i = 0; i < r->n; i++)
        v[i] = (flux_msg_t *)ring_get(r, i);
    free(r->v);
    r->v = v;
    r->size = size;
    r->first = 0;
    return true;
}

void ring_add(struct ring *r, const flux_msg_t *event)
{
    if (r->n > 0 && ring_get(r, r->n - 1)->aux1 + 1 != event->aux1)
        ring_clear(r); /* what is kept has no gaps */
    while (r->n >= FEW && r->bytes + size_of(event) > BYTES_MAX)
        drop_oldest(r);
    if (r->n == r->size && !grow(r)) {
        ring_clear(r);
        return;
    }
    r->v[(r->first + r->n++) & (r->size - 1)] = (flux_msg_t *)flux_msg_incref(event);
    r->bytes += size_of(event);
}

size_t ring_after(const struct ring *r, uint32_t seq)
{
    size_t n = r->n;

    while (n > 0 && seq_later(ring_get(r, n - 1)->aux1, seq))
        n--;
    return r->n - n;
}

void ring_clear(struct ring *r)
{
    while (r->n > 0)
        drop_oldest(r);
    free(r->v);
    *r = (struct ring){0};
}
