/* Looking at the engine from outside, and checking it; see engine.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "sched/engine/state.h"

const struct rpool *engine_pool(const struct flux_sched *s)
{
    return &s->pool;
}

struct links *engine_links(struct flux_sched *s)
{
    return &s->links;
}

uint32_t engine_npending(const struct flux_sched *s)
{
    return s->npending;
}

uint32_t engine_nrunning(const struct flux_sched *s)
{
    return s->nrunning;
}

const struct entry *engine_find(const struct flux_sched *s, uint64_t id)
{
    uint32_t job = entry_find(&s->jobs, id);

    return job ? entry_get(&s->jobs, job) : NULL;
}

const struct entry *engine_next_pending(const struct flux_sched *s,
                                        const struct entry *after)
{
    uint32_t job = after ? entry_find(&s->jobs, after->id) : 0;

    job = order_next(&s->jobs, ORDER_ALL, s->root, job);
    return job ? entry_get(&s->jobs, job) : NULL;
}

const struct entry *engine_next_running(const struct flux_sched *s,
                                        const struct entry *after)
{
    uint32_t job = after ? after->link[0][1] : s->running;

    return job ? entry_get(&s->jobs, job) : NULL;
}

const struct request *engine_request(const struct flux_sched *s, const struct entry *e)
{
    return &shape_get(&s->shapes, e->shape)->req;
}

const char *engine_reason(const struct flux_sched *s, const struct entry *e)
{
    return e->why && e->why <= s->nreasons ? s->reason[e->why - 1] : NULL;
}

void engine_told(struct flux_sched *s, const struct entry *e, uint32_t told)
{
    entry_get(&s->jobs, entry_find(&s->jobs, e->id))->told = told;
}

/* -- for tests -- */

static void verify_grants(const struct flux_sched *s, uint64_t *cores, uint64_t *gpus)
{
    uint32_t n = 0;

    for (uint32_t j = s->running; j; j = entry_get(&s->jobs, j)->link[0][1], n++) {
        const struct grant *g = entry_get(&s->jobs, j)->grant;
        assert(entry_get(&s->jobs, j)->state == ENTRY_RUNNING);
        for (uint32_t i = 0; i < g->nnodes; i++) {
            uint32_t node = grant_node(g, i), count = 0;
            for (uint32_t w = 0; w < g->cw; w++) {
                uint64_t *used = &cores[(size_t)node * s->pool.cw + w];
                assert(!(*used & grant_cores(g, i)[w]));
                *used |= grant_cores(g, i)[w];
                count += (uint32_t)__builtin_popcountll(grant_cores(g, i)[w]);
            }
            assert(count == grant_ncores(g, i));
            for (uint32_t w = 0; w < g->gw; w++) {
                uint64_t *used = &gpus[(size_t)node * s->pool.gw + w];
                assert(!(*used & grant_gpus(g, i)[w]));
                *used |= grant_gpus(g, i)[w];
            }
        }
    }
    assert(n == s->nrunning);
}

static void verify_pool(const struct rpool *p, const uint64_t *cores,
                        const uint64_t *gpus)
{
    uint64_t free_cores = 0, free_gpus = 0;
    uint32_t nidle = 0;

    for (size_t i = 0; i < (size_t)p->nnodes * p->cw; i++)
        assert(p->core_free[i] == (p->core_all[i] & ~cores[i]));
    for (size_t i = 0; i < (size_t)p->nnodes * p->gw; i++)
        assert(p->gpu_free[i] == (p->gpu_all[i] & ~gpus[i]));
    for (uint32_t i = 0; i < p->nnodes; i++) {
        const struct rpool_node *n = &p->node[i];
        uint32_t c = 0;
        for (uint32_t w = 0; w < p->cw; w++)
            c += (uint32_t)__builtin_popcountll(p->core_free[(size_t)i * p->cw + w]);
        assert(c == n->cfree);
        assert(hbitmap_test(&p->by_cores.set[c], i) == n->up);
        assert(hbitmap_test(&p->idle, i) == (n->up && rpool_is_idle(n)));
        free_cores += n->up ? n->cfree : 0;
        free_gpus += n->up ? n->gfree : 0;
        nidle += n->up && rpool_is_idle(n);
    }
    assert(free_cores == p->free_cores && free_gpus == p->free_gpus && nidle == p->nidle);
}

static void verify_order(const struct flux_sched *s)
{
    uint32_t n = 0, last = 0;

    for (uint32_t j = 0; (j = order_next(&s->jobs, ORDER_ALL, s->root, j));
         last = j, n++) {
        assert(entry_get(&s->jobs, j)->state == ENTRY_PENDING);
        assert(!last ||
               order_compare(entry_get(&s->jobs, last), entry_get(&s->jobs, j)) < 0);
    }
    assert(n == s->npending && s->jobs.count == s->npending + s->nrunning);
}

/* What the profiles say of now is what is free now, less the plans that begin now. */
static void verify_profiles(const struct flux_sched *s)
{
    const struct planner *p = &s->planner;

    if (!p->live || p->nplans > 0)
        return;
    uint64_t now_free = p->mode == PLAN_NODES ? s->pool.nidle : s->pool.free_cores;
    assert(profile_at(&p->profile[0], s->now) == (int64_t)now_free);
    assert(p->dims < 2 ||
           profile_at(&p->profile[1], s->now) == (int64_t)s->pool.free_gpus);
}

void engine_verify(const struct flux_sched *s)
{
    uint64_t *cores = calloc((size_t)s->pool.nnodes * s->pool.cw + 1, sizeof(*cores));
    uint64_t *gpus = calloc((size_t)s->pool.nnodes * s->pool.gw + 1, sizeof(*gpus));

    assert(cores && gpus);
    verify_grants(s, cores, gpus);
    verify_pool(&s->pool, cores, gpus);
    verify_order(s);
    verify_profiles(s);
    free(cores);
    free(gpus);
}
