/* Plans bound to nodes; see timeline.h.
 *
 * The search sweeps time: what a node offers to a window of the job's length changes
 * only when a job there ends, a span there ends, or a span enters the window. Each such
 * event costs one look at one node.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "sched/engine/timeline.h"

int timeline_init(struct timeline *tl, const struct rpool *pool, int64_t now)
{
    uint32_t n = pool->nnodes + 1;

    *tl = (struct timeline){.pool = pool, .now = now};
    tl->cfree = calloc(n, sizeof(*tl->cfree));
    tl->gfree = calloc(n, sizeof(*tl->gfree));
    tl->first = calloc(n + 1, sizeof(*tl->first));
    tl->head = calloc(n, sizeof(*tl->head));
    tl->units = calloc(n, sizeof(*tl->units));
    if (!tl->cfree || !tl->gfree || !tl->first || !tl->head || !tl->units) {
        timeline_finish(tl);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < pool->nnodes; i++) {
        tl->cfree[i] = pool->node[i].cfree;
        tl->gfree[i] = pool->node[i].gfree;
    }
    return 0;
}

void timeline_finish(struct timeline *tl)
{
    free(tl->cfree);
    free(tl->gfree);
    free(tl->release);
    free(tl->first);
    free(tl->by_time);
    free(tl->span);
    free(tl->head);
    free(tl->units);
    *tl = (struct timeline){0};
}

int timeline_release(struct timeline *tl, uint32_t node, int64_t t, uint32_t cores,
                     uint32_t gpus)
{
    if (tl->nreleases == tl->room) {
        uint32_t room = tl->room ? tl->room * 2 : 64;
        void *mem = realloc(tl->release, room * sizeof(*tl->release));
        if (!mem)
            return -ENOMEM;
        tl->release = mem;
        tl->room = room;
    }
    tl->release[tl->nreleases++] = (struct release){t, node, cores, gpus};
    return 0;
}

static int compare_by_node(const void *a, const void *b)
{
    const struct release *x = a, *y = b;

    if (x->node != y->node)
        return x->node < y->node ? -1 : 1;
    return x->t < y->t ? -1 : x->t > y->t;
}

static int compare_by_time(const void *a, const void *b, void *arg)
{
    const struct release *r = arg;
    const struct release *x = &r[*(const uint32_t *)a], *y = &r[*(const uint32_t *)b];

    return x->t < y->t ? -1 : x->t > y->t;
}

int timeline_seal(struct timeline *tl)
{
    struct release *r = tl->release;

    if (tl->nreleases)
        qsort(r, tl->nreleases, sizeof(*r), compare_by_node);
    if (!(tl->by_time = malloc((tl->nreleases + 1) * sizeof(*tl->by_time))))
        return -ENOMEM;
    for (uint32_t i = 0; i < tl->nreleases; i++) {
        tl->first[r[i].node + 1]++;
        tl->by_time[i] = i;
        if (i > 0 && r[i].node == r[i - 1].node) {
            r[i].cores += r[i - 1].cores;
            r[i].gpus += r[i - 1].gpus;
        }
    }
    for (uint32_t n = 0; n < tl->pool->nnodes; n++)
        tl->first[n + 1] += tl->first[n];
    if (tl->nreleases)
        qsort_r(tl->by_time, tl->nreleases, sizeof(*tl->by_time), compare_by_time, r);
    return 0;
}

int64_t timeline_add(struct timeline *tl, uint32_t node, int64_t t0, int64_t t1,
                     int32_t cores, int32_t gpus)
{
    if (tl->nspans == tl->span_room) {
        uint32_t room = tl->span_room ? tl->span_room * 2 : 64;
        void *mem = realloc(tl->span, room * sizeof(*tl->span));
        if (!mem)
            return -ENOMEM;
        tl->span = mem;
        tl->span_room = room;
    }
    tl->span[tl->nspans] = (struct span){t0, t1, node, cores, gpus, tl->head[node]};
    tl->head[node] = tl->nspans + 1;
    return tl->nspans++;
}

void timeline_cancel(struct timeline *tl, uint32_t span)
{
    tl->span[span].t1 = tl->span[span].t0;
}

/* What a node has free at t, in the plan. Negative would be a broken plan. */
static void free_at(const struct timeline *tl, uint32_t node, int64_t t, int64_t *cores,
                    int64_t *gpus)
{
    uint32_t lo = tl->first[node], hi = tl->first[node + 1];

    *cores = tl->cfree[node];
    *gpus = tl->gfree[node];
    while (lo < hi) { /* the number of releases up to t */
        uint32_t mid = lo + (hi - lo) / 2;
        if (tl->release[mid].t <= t)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo > tl->first[node]) {
        *cores += tl->release[lo - 1].cores;
        *gpus += tl->release[lo - 1].gpus;
    }
    for (uint32_t i = tl->head[node]; i; i = tl->span[i - 1].next) {
        const struct span *s = &tl->span[i - 1];
        if (s->t0 <= t && t < s->t1) {
            *cores -= s->cores;
            *gpus -= s->gpus;
        }
    }
}

static void least_of(const struct timeline *tl, uint32_t node, int64_t t, int64_t *cores,
                     int64_t *gpus)
{
    int64_t c, g;

    free_at(tl, node, t, &c, &g);
    *cores = c < *cores ? c : *cores;
    *gpus = g < *gpus ? g : *gpus;
}

void timeline_least(const struct timeline *tl, uint32_t node, int64_t t0, int64_t t1,
                    uint32_t *cores, uint32_t *gpus)
{
    int64_t c = INT64_MAX, g = INT64_MAX;

    /* Running jobs only give back, and those who left early are counted until their own
     * limit: the low points are the beginnings of spans. */
    least_of(tl, node, t0, &c, &g);
    for (uint32_t i = tl->head[node]; i; i = tl->span[i - 1].next) {
        const struct span *s = &tl->span[i - 1];
        if (s->t0 > t0 && s->t0 < t1 && s->t0 < s->t1)
            least_of(tl, node, s->t0, &c, &g);
    }
    *cores = c > 0 ? (uint32_t)c : 0;
    *gpus = g > 0 ? (uint32_t)g : 0;
}

/* -- search -- */

struct sweep {
    struct timeline *tl;
    const struct place *pl;
    const struct timeline_filter *filter;
    int64_t duration;
    uint64_t total; /* units that all nodes together offer to the window */
};

static uint32_t units_at(const struct sweep *sw, uint32_t node, int64_t t)
{
    const struct timeline *tl = sw->tl;
    const struct place *pl = sw->pl;
    const struct rpool_node *n = &tl->pool->node[node];
    uint32_t cores, gpus;

    if (!n->up || !shape_eligible(pl->shape, node) ||
        (pl->allow && !(pl->allow[node >> 6] >> (node & 63) & 1)))
        return 0;
    timeline_least(tl, node, t, span_end(t, sw->duration), &cores, &gpus);
    return place_holds(pl->shape, n, cores, gpus, cores == n->ncores && gpus == n->ngpus);
}

static void look_again(struct sweep *sw, uint32_t node, int64_t t)
{
    uint32_t *units = &sw->tl->units[node];

    sw->total -= *units;
    *units = units_at(sw, node, t);
    sw->total += *units;
}

struct candidate {
    int64_t key;
    uint32_t node;
};

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;

    if (x->key != y->key)
        return x->key < y->key ? -1 : 1;
    return x->node < y->node ? -1 : x->node > y->node;
}

static int64_t candidate_key(const struct sweep *sw, uint32_t node)
{
    const struct place *pl = sw->pl;

    if (pl->order == FLUX_SCHED_SCORE && pl->score)
        return pl->score(pl->score_arg, pl->job, node);
    if (pl->order == FLUX_SCHED_LOW)
        return 0;
    /* Slots on few nodes: the roomiest first. Node shares: the tightest first. */
    int64_t units = sw->tl->units[node];
    return pl->shape->req.nnodes ? sw->tl->cfree[node] : -units;
}

/* Choose nodes for the window that begins at t. */
static int choose(const struct sweep *sw, int64_t t, struct parts *out)
{
    const struct timeline_filter *f = sw->filter;
    const struct timeline *tl = sw->tl;
    uint32_t n = 0, left = place_units(sw->pl->shape);
    AUTOFREE struct candidate *c = malloc((tl->pool->nnodes + 1) * sizeof(*c));

    if (!c)
        return -ENOMEM;
    for (uint32_t i = 0; i < tl->pool->nnodes; i++)
        if (tl->units[i])
            c[n++] = (struct candidate){candidate_key(sw, i), i};
    qsort(c, n, sizeof(*c), compare_candidates);
    out->n = 0;
    if (f)
        f->begin(f->arg, t, span_end(t, sw->duration));
    for (uint32_t i = 0; i < n && left > 0; i++) {
        uint32_t units = tl->units[c[i].node], cores, gpus;
        if (f && !f->take(f->arg, c[i].node))
            continue;
        units = units < left ? units : left;
        left -= units;
        place_amount(sw->pl->shape, &tl->pool->node[c[i].node], units, &cores, &gpus);
        if (parts_add(out, c[i].node, cores, gpus) < 0)
            return -ENOMEM;
    }
    return left ? -EBUSY : 0;
}

struct event {
    int64_t t;
    uint32_t node;
    bool gain;
};

static int compare_events(const void *a, const void *b)
{
    const struct event *x = a, *y = b;

    return x->t < y->t ? -1 : x->t > y->t;
}

/* When spans make a difference to the window, in order of time. */
static uint32_t span_events(const struct sweep *sw, int64_t from, struct event *ev)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < sw->tl->nspans; i++) {
        const struct span *s = &sw->tl->span[i];
        int64_t enters =
            sw->duration < FLUX_SCHED_HORIZON ? s->t0 - sw->duration + 1 : s->t0;
        if (s->t0 == s->t1)
            continue;
        if (enters > from)
            ev[n++] = (struct event){enters, s->node, false};
        if (s->t1 > from)
            ev[n++] = (struct event){s->t1, s->node, true};
    }
    qsort(ev, n, sizeof(*ev), compare_events);
    return n;
}

int64_t timeline_search(struct timeline *tl, const struct place *pl, int64_t from,
                        int64_t duration, struct parts *out,
                        const struct timeline_filter *filter)
{
    struct sweep sw = {.tl = tl, .pl = pl, .filter = filter, .duration = duration};
    uint32_t need = place_units(pl->shape), ri = 0, ei = 0;
    AUTOFREE struct event *ev = malloc((2 * tl->nspans + 1) * sizeof(*ev));

    if (!ev)
        return FLUX_SCHED_NEVER;
    uint32_t nev = span_events(&sw, from, ev);
    memset(tl->units, 0, tl->pool->nnodes * sizeof(*tl->units));
    for (uint32_t i = 0; i < tl->pool->nnodes; i++)
        look_again(&sw, i, from);
    while (ri < tl->nreleases && tl->release[tl->by_time[ri]].t <= from)
        ri++;
    for (int64_t t = from;;) {
        if (sw.total >= need && choose(&sw, t, out) == 0)
            return t;
        bool gain = false;
        while (!gain) {
            int64_t tr = ri < tl->nreleases ? tl->release[tl->by_time[ri]].t : INT64_MAX;
            int64_t te = ei < nev ? ev[ei].t : INT64_MAX;
            t = tr < te ? tr : te;
            if (t == INT64_MAX)
                return FLUX_SCHED_NEVER;
            for (; ei < nev && ev[ei].t == t; ei++) {
                gain |= ev[ei].gain;
                look_again(&sw, ev[ei].node, t);
            }
            for (; ri < tl->nreleases && tl->release[tl->by_time[ri]].t == t; ri++) {
                gain = true;
                look_again(&sw, tl->release[tl->by_time[ri]].node, t);
            }
        }
    }
}
