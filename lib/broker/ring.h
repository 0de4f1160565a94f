/* The latest events, kept for brokers that come back after a while. */
#ifndef FLUX_BROKER_RING_H
#define FLUX_BROKER_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <flux/message.h>

struct ring { /* {0} is an empty one */
    flux_msg_t **v;
    size_t size, first, n; /* size: a power of two */
    size_t bytes;
};

/* Add an event (a reference of its own), whose sequence number follows the latest's; old
 * ones make room for it. One that cannot be kept for lack of memory is lost to those who
 * come back, which ring_after() tells. */
void ring_add(struct ring *r, const flux_msg_t *event);
/* Number of events kept after `seq`, which the i-th of (from 0) is ring_get(). */
size_t ring_after(const struct ring *r, uint32_t seq);
const flux_msg_t *ring_get(const struct ring *r, size_t i); /* 0: the oldest kept */
void ring_clear(struct ring *r);

/* Is sequence number a later than b? They may wrap around. */
static inline bool seq_later(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) > 0;
}

#endif
