/* How much of something is available over time: a step function from a start time to
 * infinity, under additions over intervals. Steps are kept in blocks with the block's
 * minimum, maximum and a pending addition, so that additions and searches skip whole
 * blocks: about the square root of the number of steps.
 */
#ifndef FLUX_SCHED_ENGINE_PROFILE_H
#define FLUX_SCHED_ENGINE_PROFILE_H

#include <stdint.h>

#include <flux/sched.h>

#define PROFILE_NEVER FLUX_SCHED_NEVER

/* When something that starts now and has no time limit counts as ended: a moment after
 * the horizon, where those that have run without a limit end. So it can overtake no one
 * who waits for them. */
static inline int64_t span_end(int64_t start, int64_t duration)
{
    if (duration < FLUX_SCHED_HORIZON)
        return start + duration;
    return start < FLUX_SCHED_HORIZON ? FLUX_SCHED_HORIZON + 1 : start + 1;
}

struct profile_block;

struct profile {
    struct profile_block **block;
    uint32_t nblocks, room;
    struct profile_block *spare; /* one kept for the next split */
};

/* `value` from `start` on, for ever. -ENOMEM. */
int profile_init(struct profile *p, int64_t start, int64_t value);
void profile_finish(struct profile *p); /* harmless on {0} */

/* Add v (of any sign) over [t0, t1); t1 == PROFILE_NEVER: for ever. Times before the
 * start count as the start. -ENOMEM, with nothing added. */
int profile_add(struct profile *p, int64_t t0, int64_t t1, int64_t v);
int64_t profile_at(const struct profile *p, int64_t t);
/* The earliest time t >= from at which `need` is available until span_end(t, duration);
 * PROFILE_NEVER. */
int64_t profile_earliest(const struct profile *p, int64_t from, int64_t duration,
                         int64_t need);
/* The first time >= from at which less than `need` is available; PROFILE_NEVER. */
int64_t profile_deficit(const struct profile *p, int64_t from, int64_t need);
/* The least available during [t0, t1). */
int64_t profile_min(const struct profile *p, int64_t t0, int64_t t1);
/* Forget what was before t. */
void profile_advance(struct profile *p, int64_t t);

#endif
