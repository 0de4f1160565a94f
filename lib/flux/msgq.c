/* A queue of messages: see msgq.h. */
#include "flux/msgq.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RING_MIN 16

static flux_msg_t **slot(const struct msgq *q, size_t i)
{
    return &q->ring[(q->head + i) & (q->size - 1)];
}

static int grow(struct msgq *q)
{
    size_t size = q->size ? q->size * 2 : RING_MIN;
    flux_msg_t **ring = calloc(size, sizeof(*ring));

    if (!ring)
        return -ENOMEM;
    for (size_t i = 0; i < q->count; i++)
        ring[i] = *slot(q, i);
    free(q->ring);
    q->ring = ring;
    q->size = size;
    q->head = 0;
    return 0;
}

int msgq_push(struct msgq *q, flux_msg_t *msg)
{
    if (q->count == q->size && grow(q) < 0)
        return -ENOMEM;
    *slot(q, q->count++) = msg;
    return 0;
}

int msgq_push_front(struct msgq *q, flux_msg_t *msg)
{
    if (q->count == q->size && grow(q) < 0)
        return -ENOMEM;
    q->head = (q->head - 1) & (q->size - 1);
    q->count++;
    *slot(q, 0) = msg;
    return 0;
}

flux_msg_t *msgq_pop(struct msgq *q)
{
    flux_msg_t *msg;

    if (q->count == 0)
        return NULL;
    msg = *slot(q, 0);
    q->head = (q->head + 1) & (q->size - 1);
    q->count--;
    return msg;
}

flux_msg_t *msgq_pop_last(struct msgq *q)
{
    return q->count ? *slot(q, --q->count) : NULL;
}

flux_msg_t *msgq_take(struct msgq *q, size_t i)
{
    flux_msg_t *msg;

    assert(i < q->count);
    if (i == 0)
        return msgq_pop(q);
    msg = *slot(q, i);
    for (; i + 1 < q->count; i++)
        *slot(q, i) = *slot(q, i + 1);
    q->count--;
    return msg;
}

flux_msg_t *msgq_peek(const struct msgq *q, size_t i)
{
    assert(i < q->count);
    return *slot(q, i);
}

void msgq_clear(struct msgq *q)
{
    flux_msg_t *msg;

    while ((msg = msgq_pop(q)))
        flux_msg_destroy(msg);
    free(q->ring);
    memset(q, 0, sizeof(*q));
}
