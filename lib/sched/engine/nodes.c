/* The engine's nodes: a new set of them, and their going up and down, while jobs run; see
 * engine.h.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sched/engine/state.h"

int64_t engine_node_of(const struct flux_sched *s, uint32_t rank)
{
    uint32_t lo = 0, n = s->pool.nnodes;

    while (n > 0) {
        uint32_t half = n / 2;
        if (s->pool.node[lo + half].rank == rank)
            return lo + half;
        if (s->pool.node[lo + half].rank < rank) {
            lo += half + 1;
            n -= half + 1;
        } else {
            n = half;
        }
    }
    return -ENOENT;
}

int engine_refit(struct flux_sched *s)
{
    int first = 0;

    plan_stale(s);
    for (uint32_t id = 1; id < s->shapes.n; id++) {
        struct shape *sh = shape_get(&s->shapes, id);
        int rc = sh->refs ? engine_fit_shape(s, sh) : 0;
        if (rc < 0) /* its nodes are not known: none will do until they are */
            shape_refit(sh, calloc(s->pool.nnodes / 64 + 1, sizeof(uint64_t)));
        first = first ? first : rc;
    }
    s->why |= FLUX_SCHED_NODE;
    return first;
}

/* A running job's grant in terms of the new pool: ids that are gone are dropped. */
static struct grant *move_grant(const struct grant *old, const struct rpool *from,
                                struct flux_sched *s)
{
    struct grant *g = grant_new(old->nnodes, s->pool.cw, s->pool.gw);

    for (uint32_t i = 0; g && i < old->nnodes; i++) {
        int64_t node = engine_node_of(s, from->node[grant_node(old, i)].rank);
        if (node < 0)
            continue;
        uint32_t k = grant_add(g, (uint32_t)node, 0, 0), nc = 0, ng = 0;
        uint64_t *cores = grant_cores(g, k), *gpus = grant_gpus(g, k);
        for (uint32_t w = 0; w < g->cw; w++) {
            cores[w] = w < old->cw ? grant_cores(old, i)[w] : 0;
            cores[w] &= s->pool.core_all[(size_t)node * s->pool.cw + w];
            nc += (uint32_t)__builtin_popcountll(cores[w]);
        }
        for (uint32_t w = 0; w < g->gw; w++) {
            gpus[w] = w < old->gw ? grant_gpus(old, i)[w] : 0;
            gpus[w] &= s->pool.gpu_all[(size_t)node * s->pool.gw + w];
            ng += (uint32_t)__builtin_popcountll(gpus[w]);
        }
        g->nnodes--;
        grant_add(g, (uint32_t)node, nc, ng);
    }
    return g;
}

int engine_set_nodes(struct flux_sched *s, const struct rpool_desc *desc, uint32_t n)
{
    struct rpool old = s->pool, fresh;
    int rc = rpool_init(&fresh, desc, n);

    if (rc < 0)
        return rc;
    plan_stale(s);
    ends_clear(&s->ends, &s->jobs);
    links_finish(&s->links);
    nodesets_finish(s);
    s->pool = fresh;
    s->npartial = 0;
    for (uint32_t j = s->running; j; j = entry_get(&s->jobs, j)->link[0][1]) {
        struct entry *e = entry_get(&s->jobs, j);
        struct grant *g = move_grant(e->grant, &old, s);
        if (!g) { /* as if it held nothing: its end frees nothing */
            e->grant->nnodes = 0;
            rc = -ENOMEM;
            continue;
        }
        free(e->grant);
        e->grant = g;
        if (engine_take_grant(s, g) < 0)
            assert(!"two jobs held one core");
        s->npartial += !engine_holds_whole(s, g);
    }
    rpool_finish(&old);
    engine_refit(s);
    return rc;
}

void engine_set_up(struct flux_sched *s, uint32_t node, bool up)
{
    if (node >= s->pool.nnodes || s->pool.node[node].up == up)
        return;
    plan_stale(s);
    rpool_set_up(&s->pool, node, up);
    s->why |= FLUX_SCHED_NODE;
}
