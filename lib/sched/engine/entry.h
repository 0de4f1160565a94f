/* The jobs that the engine knows: a table of 112-byte entries with dense handles and
 * an index by job id. Handles are reused after an entry is freed; entries do not move.
 */
#ifndef FLUX_SCHED_ENGINE_ENTRY_H
#define FLUX_SCHED_ENGINE_ENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct grant;

enum entry_state {
    ENTRY_FREE = 0,
    ENTRY_PENDING = 1,
    ENTRY_RUNNING = 2,
};

struct entry {
    uint64_t id;
    int64_t priority; /* flux priority */
    int64_t rank;     /* what the order goes by: the priority, or the policy's own */
    int64_t t_submit;
    int64_t duration; /* >= FLUX_SCHED_HORIZON: no limit */
    int64_t start;    /* running: since; planned: when; else FLUX_SCHED_NEVER */
    union {
        int64_t min_duration; /* pending: least in this subtree of the shape's order */
        int64_t end;          /* running: by its limit; >= FLUX_SCHED_HORIZON: none */
    };
    struct grant *grant; /* running */
    uint32_t link[2][2]; /* order.c: left and right, in the order of all and of the shape.
                           * Free entries are chained by link[0][0], running ones by
                           * link[0][0] (previous) and link[0][1] (next) */
    uint32_t userid;
    uint32_t shape;
    uint32_t slot; /* running: place in the heap of ends; pending: plan + 1, or 0 */
    uint32_t why;  /* reason_pending, interned; 0: none */
    uint32_t told; /* the owner's: what was said of it while it waits; 0: nothing */
    uint8_t state;
};

#define ENTRY_CHUNK 128

struct entries {
    struct entry **chunk;
    uint32_t nchunks, count;
    uint32_t free; /* first free handle, 0 if none */
    uint32_t *hash;
    uint32_t mask; /* size of hash - 1; 0: no hash yet */
};

static inline struct entry *entry_get(const struct entries *t, uint32_t handle)
{
    return &t->chunk[handle / ENTRY_CHUNK][handle % ENTRY_CHUNK];
}
/* The entry of a handle that may be wrong; NULL if it is free or out of range. */
struct entry *entry_check(const struct entries *t, uint32_t handle);
/* A new zeroed entry for a job id. Its handle, or -ENOMEM, -EEXIST. */
int64_t entry_add(struct entries *t, uint64_t id);
void entry_del(struct entries *t, uint32_t handle);
/* 0 if the id is unknown. */
uint32_t entry_find(const struct entries *t, uint64_t id);
void entries_finish(struct entries *t); /* does not free grants */

#endif
