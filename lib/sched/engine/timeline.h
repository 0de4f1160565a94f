/* Plans bound to nodes: what each node has free over time, exactly, from the ends of
 * running jobs and the spans that plans (and jobs started since) take.
 *
 * Built for one pass from the running jobs, used when counting alone cannot tell (see
 * plan.h), dropped when the plans are.
 */
#ifndef FLUX_SCHED_ENGINE_TIMELINE_H
#define FLUX_SCHED_ENGINE_TIMELINE_H

#include "sched/engine/place.h"
#include "sched/engine/profile.h"

/* A running job gives something back. */
struct release {
    int64_t t;
    uint32_t node;
    uint32_t cores, gpus; /* after sealing: in total, with the node's earlier ones */
};

/* A node is used for a while; or, with amounts below zero, someone who was counted until
 * t1 has left at t0. */
struct span {
    int64_t t0, t1; /* t0 == t1: cancelled */
    uint32_t node;
    int32_t cores, gpus;
    uint32_t next; /* of the same node, + 1 */
};

struct timeline {
    const struct rpool *pool;
    int64_t now;
    uint16_t *cfree, *gfree; /* by node, when built */
    struct release *release; /* by node, then time */
    uint32_t nreleases, room;
    uint32_t *first;   /* by node: its first release; nnodes + 1 */
    uint32_t *by_time; /* releases in order of time */
    struct span *span;
    uint32_t nspans, span_room;
    uint32_t *head;  /* by node: its latest span, + 1 */
    uint32_t *units; /* by node: scratch of the search */
};

/* Begin; then one timeline_release() for each node of each running job on a usable node;
 * then timeline_seal(). -ENOMEM. */
int timeline_init(struct timeline *tl, const struct rpool *pool, int64_t now);
int timeline_release(struct timeline *tl, uint32_t node, int64_t t, uint32_t cores,
                     uint32_t gpus);
int timeline_seal(struct timeline *tl);
void timeline_finish(struct timeline *tl);

/* Use a node during [t0, t1). The span's number, or -ENOMEM. */
int64_t timeline_add(struct timeline *tl, uint32_t node, int64_t t0, int64_t t1,
                     int32_t cores, int32_t gpus);
void timeline_cancel(struct timeline *tl, uint32_t span);
/* The least that a node has free during [t0, t1). */
void timeline_least(const struct timeline *tl, uint32_t node, int64_t t0, int64_t t1,
                    uint32_t *cores, uint32_t *gpus);
static inline bool timeline_touched(const struct timeline *tl, uint32_t node)
{
    return tl->head[node] != 0;
}

/* More to ask of nodes than what they have free; take() also counts what was taken. */
struct timeline_filter {
    void (*begin)(void *arg, int64_t t0,
                  int64_t t1);              /* a choice for this window begins */
    bool (*take)(void *arg, uint32_t node); /* may the choice use this node? */
    void *arg;
};

/* The earliest time >= from at which pl's shape has room for the duration; the nodes go
 * to out. pl->offer and took are not used; filter may be NULL. FLUX_SCHED_NEVER if there
 * is none or memory is short. */
int64_t timeline_search(struct timeline *tl, const struct place *pl, int64_t from,
                        int64_t duration, struct parts *out,
                        const struct timeline_filter *filter);

#endif
