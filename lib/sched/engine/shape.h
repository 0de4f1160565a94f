/* Request classes: jobs that ask for the same thing share one interned shape, which
 * holds the request, its eligible nodes, the order of its waiting jobs, and what a pass
 * found out about it.
 */
#ifndef FLUX_SCHED_ENGINE_SHAPE_H
#define FLUX_SCHED_ENGINE_SHAPE_H

#include <stdbool.h>
#include <stdint.h>

#include <flux/sched.h>
#include "sched/engine/rpool.h"

/* What is asked for. All zero but nslots and cores is one core somewhere. */
struct request {
    uint32_t nnodes; /* 0: not said */
    uint32_t nslots; /* in total */
    uint32_t cores;  /* for each slot */
    uint32_t gpus;   /* for each slot */
    uint32_t flags;  /* FLUX_SCHED_EXCLUSIVE */
    int64_t extra[FLUX_SCHED_DIMS];
    const char *constraint; /* the owner's text for a set of nodes; NULL: all */
};

/* How a shape can be counted; see plan.h. */
enum shape_kind {
    SHAPE_UNIT,  /* one-core slots anywhere: cores are interchangeable */
    SHAPE_WHOLE, /* whole nodes, any of them */
    SHAPE_OTHER,
    SHAPE_KINDS,
};

struct shape {
    struct request req;  /* owns req.constraint */
    uint32_t node_cores; /* nnodes given: needed on each node */
    uint32_t node_gpus;
    uint64_t *mask; /* eligible nodes; NULL: all */
    enum shape_kind kind;
    bool satisfiable; /* found so since it was fitted */
    uint32_t refs;    /* jobs, pending and running; 0: free */
    uint32_t npending;
    uint32_t root;   /* order of its waiting jobs */
    uint32_t active; /* place + 1 in shapes.active while npending > 0 */
    uint32_t next;   /* in the hash chain, or the free chain */
    uint64_t hash;
    uint64_t stamp; /* window holds for this state of the engine */
    int64_t window; /* a job of at most this duration can start; 0: none */
};

struct shapes {
    struct shape *shape; /* [0] is not used */
    uint32_t n, room, free;
    uint32_t *bucket;
    uint32_t nbuckets;
    uint32_t *active; /* shapes with waiting jobs, no order */
    uint32_t nactive;
};

static inline struct shape *shape_get(const struct shapes *t, uint32_t id)
{
    return &t->shape[id];
}
static inline bool shape_eligible(const struct shape *s, uint32_t node)
{
    return !s->mask || s->mask[node >> 6] >> (node & 63) & 1;
}
static inline bool shape_exclusive(const struct shape *s)
{
    return s->req.flags & FLUX_SCHED_EXCLUSIVE;
}

/* The id of a request, with a new reference; *fresh says that the caller must give it
 * its mask (shape_refit). -ENOMEM. */
int64_t shape_intern(struct shapes *t, const struct request *req, bool *fresh);
void shape_unref(struct shapes *t, uint32_t id);
/* Give a shape its eligible nodes (takes the mask, NULL: all) and derive its kind. */
void shape_refit(struct shape *s, uint64_t *mask);
/* npending changed from or to 0. */
void shape_set_active(struct shapes *t, uint32_t id, bool active);
/* Could the pool ever hold it, all nodes up and free? 0, or -ENOSPC with the reason. */
int shape_satisfiable(const struct shape *s, const struct rpool *p, char *why,
                      size_t size);
void shapes_finish(struct shapes *t);

#endif
