/* Consumables on trees of links: a capacity over time for each link, each node hung on
 * one link of each tree. A charge at a node counts on every link up to the root.
 */
#ifndef FLUX_SCHED_ENGINE_LINK_H
#define FLUX_SCHED_ENGINE_LINK_H

#include <stdbool.h>

#include "sched/engine/profile.h"

struct link {
    int32_t parent; /* -1: a root */
    int64_t capacity;
    int64_t held; /* by a placement in the making */
    struct profile profile;
};

struct links {
    int ndims;
    char *dim[FLUX_SCHED_DIMS];
    int32_t *leaf[FLUX_SCHED_DIMS]; /* by node: its link, -1 none */
    uint32_t nnodes;
    struct link *link;
    int32_t n;
};

/* The number of a consumable, made if `create`. -ENOENT, -ENOSPC, -ENOMEM. */
int link_dim(struct links *ls, const char *name, bool create);
/* A new link under `parent` (-1: a root). Its number, or -errno. */
int link_add(struct links *ls, int32_t parent, int64_t capacity);
/* Hang a node on a link. */
int link_attach(struct links *ls, int dim, uint32_t node, uint32_t nnodes, int32_t link);
/* Least spare from a node to the root during [t0, t1), what is held deducted. */
int64_t link_spare(const struct links *ls, int dim, uint32_t node, int64_t t0,
                   int64_t t1);
/* Charge (amount < 0: give back) at a node during [t0, t1). -ENOMEM. */
int link_charge(struct links *ls, int dim, uint32_t node, int64_t t0, int64_t t1,
                int64_t amount);
/* Hold an amount at a node until link_unhold(). */
void link_hold(struct links *ls, int dim, uint32_t node, int64_t amount);
void link_unhold(struct links *ls);
/* Forget charges before t. */
void link_advance(struct links *ls, int64_t t);
void links_finish(struct links *ls);

#endif
