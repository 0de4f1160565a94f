/* Choosing nodes; see place.h.
 *
 * A shape is counted in units: node shares where the job names a number of nodes, slots
 * where it does not. The fast path walks the pool's buckets for the best fit; any other
 * order collects the nodes that would do and sorts them.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "sched/engine/place.h"

void parts_finish(struct parts *ps)
{
    free(ps->part);
    *ps = (struct parts){0};
}

int parts_add(struct parts *ps, uint32_t node, uint32_t cores, uint32_t gpus)
{
    if (ps->n == ps->room) {
        uint32_t room = ps->room ? ps->room * 2 : 16;
        void *mem = realloc(ps->part, room * sizeof(*ps->part));
        if (!mem)
            return -ENOMEM;
        ps->part = mem;
        ps->room = room;
    }
    ps->part[ps->n++] = (struct part){node, cores, gpus};
    return 0;
}

uint32_t place_holds(const struct shape *s, const struct rpool_node *n, uint32_t cores,
                     uint32_t gpus, bool whole)
{
    if (shape_exclusive(s)) {
        if (!whole)
            return 0;
        cores = n->ncores;
        gpus = n->ngpus;
    }
    if (s->req.nnodes)
        return cores >= s->node_cores && gpus >= s->node_gpus;
    uint32_t by_cores = s->req.cores ? cores / s->req.cores : UINT32_MAX;
    uint32_t by_gpus = s->req.gpus ? gpus / s->req.gpus : UINT32_MAX;
    return by_cores < by_gpus ? by_cores : by_gpus;
}

void place_amount(const struct shape *s, const struct rpool_node *n, uint32_t units,
                  uint32_t *cores, uint32_t *gpus)
{
    if (shape_exclusive(s)) {
        *cores = n->ncores;
        *gpus = n->ngpus;
    } else if (s->req.nnodes) {
        *cores = s->node_cores;
        *gpus = s->node_gpus;
    } else {
        *cores = units * s->req.cores;
        *gpus = units * s->req.gpus;
    }
}

/* Units that a node offers now. */
static uint32_t node_units(const struct place *pl, uint32_t node)
{
    const struct rpool_node *n = &pl->pool->node[node];
    uint32_t cores = n->cfree, gpus = n->gfree;

    if (!shape_eligible(pl->shape, node) ||
        (pl->allow && !(pl->allow[node >> 6] >> (node & 63) & 1)))
        return 0;
    if (pl->offer)
        pl->offer(pl->offer_arg, node, &cores, &gpus);
    return place_holds(pl->shape, n, cores, gpus, cores == n->ncores && gpus == n->ngpus);
}

/* Add a node with up to `units`; lowers *left by what it took. */
static int take_units(const struct place *pl, struct parts *out, uint32_t node,
                      uint32_t units, uint32_t *left)
{
    uint32_t cores, gpus;

    units = units < *left ? units : *left;
    *left -= units;
    place_amount(pl->shape, &pl->pool->node[node], units, &cores, &gpus);
    if (pl->took)
        pl->took(pl->offer_arg, node);
    return parts_add(out, node, cores, gpus);
}

/* -- best fit by buckets -- */

/* Nodes with free counts from `from` up hold what one node needs; the first ones that
 * offer `units` each are taken. */
static int fit_ascending(const struct place *pl, const struct rpool_buckets *b,
                         uint32_t from, uint32_t units, uint32_t *left, struct parts *out)
{
    for (uint32_t k = rpool_bucket(b, from); k != HBITMAP_NONE && *left > 0;
         k = rpool_bucket(b, k + 1)) {
        const struct hbitmap *set = &b->set[k];
        for (uint32_t i = hbitmap_next(set, 0); i != HBITMAP_NONE && *left > 0;
             i = hbitmap_next(set, i + 1)) {
            if (node_units(pl, i) < units)
                continue;
            int rc = take_units(pl, out, i, units, left);
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

/* Slots over as few nodes as possible: those with most to offer first. */
static int fit_descending(const struct place *pl, uint32_t *left, struct parts *out)
{
    const struct rpool_buckets *b = &pl->pool->by_cores;

    for (uint32_t k = b->max; k > 0 && k >= pl->shape->req.cores && *left > 0; k--) {
        const struct hbitmap *set = &b->set[k];
        if (b->count[k] == 0)
            continue;
        for (uint32_t i = hbitmap_next(set, 0); i != HBITMAP_NONE && *left > 0;
             i = hbitmap_next(set, i + 1)) {
            uint32_t units = node_units(pl, i);
            int rc = units ? take_units(pl, out, i, units, left) : 0;
            if (rc < 0)
                return rc;
        }
    }
    return 0;
}

static int fit_idle(const struct place *pl, uint32_t *left, struct parts *out)
{
    const struct hbitmap *set = &pl->pool->idle;

    for (uint32_t i = hbitmap_next(set, 0); i != HBITMAP_NONE && *left > 0;
         i = hbitmap_next(set, i + 1)) {
        uint32_t units = node_units(pl, i);
        int rc = units ? take_units(pl, out, i, units, left) : 0;
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int find_fit(const struct place *pl, uint32_t *left, struct parts *out)
{
    const struct rpool *p = pl->pool;
    const struct shape *s = pl->shape;
    uint32_t each = s->req.nnodes ? 1 : s->req.nslots; /* units of one node */
    uint64_t cores = s->req.nnodes ? s->node_cores : (uint64_t)each * s->req.cores;
    uint64_t gpus = s->req.nnodes ? s->node_gpus : (uint64_t)each * s->req.gpus;
    int rc = 0;

    if (shape_exclusive(s))
        return fit_idle(pl, left, out);
    if (gpus > 0 && gpus <= p->by_gpus.max)
        rc = fit_ascending(pl, &p->by_gpus, (uint32_t)gpus, each, left, out);
    else if (gpus == 0 && cores <= p->by_cores.max)
        rc = fit_ascending(pl, &p->by_cores, (uint32_t)cores, each, left, out);
    if (rc < 0 || *left == 0 || s->req.nnodes || s->req.nslots == 1)
        return rc;
    return fit_descending(pl, left, out);
}

/* -- any order -- */

struct candidate {
    int64_t key;
    uint32_t node, units;
};

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->node < y->node ? -1 : 1;
}

static int64_t sort_key(const struct place *pl, uint32_t node)
{
    switch (pl->order) {
    case FLUX_SCHED_SPREAD:
        return -(int64_t)pl->pool->node[node].cfree;
    case FLUX_SCHED_SCORE:
        return pl->score ? pl->score(pl->score_arg, pl->job, node) : 0;
    default:
        return 0;
    }
}

static int find_sorted(const struct place *pl, uint32_t *left, struct parts *out)
{
    AUTOFREE struct candidate *c = malloc((pl->pool->nnodes + 1) * sizeof(*c));
    uint32_t n = 0;
    int rc = 0;

    if (!c)
        return -ENOMEM;
    for (uint32_t i = 0; i < pl->pool->nnodes; i++) {
        uint32_t units = pl->pool->node[i].up ? node_units(pl, i) : 0;
        if (units)
            c[n++] = (struct candidate){sort_key(pl, i), i, units};
    }
    qsort(c, n, sizeof(*c), compare_candidates);
    for (uint32_t i = 0; i<n && * left> 0 && rc == 0; i++) {
        uint32_t units = pl->took ? node_units(pl, c[i].node) : c[i].units;
        if (units)
            rc = take_units(pl, out, c[i].node, units, left);
    }
    return rc;
}

int place_find(const struct place *pl, struct parts *out)
{
    const struct request *r = &pl->shape->req;
    const struct rpool *p = pl->pool;
    uint32_t left = place_units(pl->shape);
    int rc;

    out->n = 0;
    if ((uint64_t)r->nslots * r->cores > p->free_cores ||
        (uint64_t)r->nslots * r->gpus > p->free_gpus || r->nnodes > p->nup ||
        (shape_exclusive(pl->shape) && (p->nidle == 0 || r->nnodes > p->nidle)))
        return -EBUSY;
    if (pl->order == FLUX_SCHED_FIT)
        rc = find_fit(pl, &left, out);
    else
        rc = find_sorted(pl, &left, out);
    if (rc < 0)
        return rc;
    return left == 0 ? 0 : -EBUSY;
}
