/* Choosing nodes for a shape among what is free now. Decides only; the caller takes.
 */
#ifndef FLUX_SCHED_ENGINE_PLACE_H
#define FLUX_SCHED_ENGINE_PLACE_H

#include "sched/engine/shape.h"

/* One node's part of a placement. */
struct part {
    uint32_t node, cores, gpus;
};

/* A growing list of parts, kept by the caller for reuse. */
struct parts {
    struct part *part;
    uint32_t n, room;
};

void parts_finish(struct parts *ps);
int parts_add(struct parts *ps, uint32_t node, uint32_t cores, uint32_t gpus);

/* How to choose. All zero but pool and shape: best fit among all free nodes. */
struct place {
    const struct rpool *pool;
    const struct shape *shape;
    uint32_t order;        /* FLUX_SCHED_FIT ... */
    const uint64_t *allow; /* restrict to these nodes; NULL: all */
    int64_t (*score)(void *arg, uint32_t job, uint32_t node); /* FLUX_SCHED_SCORE */
    void *score_arg;
    uint32_t job; /* passed to score */
    /* Lower what a node offers (plans, links); NULL: what is free is offered. */
    void (*offer)(void *arg, uint32_t node, uint32_t *cores, uint32_t *gpus);
    /* A node was chosen; later offers may depend on it. May be NULL. */
    void (*took)(void *arg, uint32_t node);
    void *offer_arg;
};

/* 0 with the parts in out (replacing what it held), -EBUSY, -ENOMEM. */
int place_find(const struct place *pl, struct parts *out);
/* Slots that an offer of cores and gpus on a node holds, or 0/1 node shares where nodes are
 * counted; `whole` says that the node is wholly free. */
uint32_t place_holds(const struct shape *s, const struct rpool_node *n, uint32_t cores,
                     uint32_t gpus, bool whole);
/* What `units` of place_holds() take of the node. */
void place_amount(const struct shape *s, const struct rpool_node *n, uint32_t units,
                  uint32_t *cores, uint32_t *gpus);
/* Units that the shape needs in total. */
static inline uint32_t place_units(const struct shape *s)
{
    return s->req.nnodes ? s->req.nnodes : s->req.nslots;
}

#endif
