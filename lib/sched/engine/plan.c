/* Plans; see plan.h. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "sched/engine/state.h"

/* A job past its limit is expected to end within this. */
#define OVERTIME 1000000

void plan_finish(struct planner *p)
{
    profile_finish(&p->profile[0]);
    profile_finish(&p->profile[1]);
    timeline_finish(&p->timeline);
    parts_finish(&p->parts);
    free(p->plan);
    *p = (struct planner){0};
}

static enum plan_mode choose_mode(const struct flux_sched *s)
{
    const uint32_t *kind = s->kind_pending;

    if (s->policy && s->policy->flags & FLUX_SCHED_BIND_PLANS)
        return PLAN_BOUND;
    if (kind[SHAPE_OTHER] == 0 && kind[SHAPE_WHOLE] == 0)
        return PLAN_CORES;
    if (s->pool.nnodes == 1 && s->links.n == 0)
        return PLAN_CORES;
    if (kind[SHAPE_OTHER] == 0 && kind[SHAPE_UNIT] == 0 && s->pool.uniform &&
        s->npartial == 0)
        return PLAN_NODES;
    return PLAN_BOUND;
}

/* -- counting -- */

/* What a shape needs, in the unit of the mode. */
static void need_of(const struct flux_sched *s, const struct shape *sh, int64_t need[2])
{
    const struct request *r = &sh->req;
    const struct rpool_node *n = &s->pool.node[0];

    need[1] = 0;
    if (s->planner.mode == PLAN_NODES) {
        uint32_t each = place_holds(sh, n, n->ncores, n->ngpus, true);
        each = each ? each : 1;
        need[0] = r->nnodes ? r->nnodes : (r->nslots + each - 1) / each;
    } else if (shape_exclusive(sh)) {
        need[0] = n->ncores;
        need[1] = n->ngpus;
    } else {
        uint64_t units = r->nnodes ? r->nnodes : r->nslots;
        need[0] = (int64_t)(units * (r->nnodes ? sh->node_cores : r->cores));
        need[1] = (int64_t)(units * (r->nnodes ? sh->node_gpus : r->gpus));
    }
}

/* What a grant holds on usable nodes, in the unit of the mode. */
static void held_by(const struct flux_sched *s, const struct grant *g, int64_t held[2])
{
    held[0] = held[1] = 0;
    for (uint32_t i = 0; i < g->nnodes; i++) {
        if (!s->pool.node[grant_node(g, i)].up)
            continue;
        held[0] += s->planner.mode == PLAN_NODES ? 1 : grant_ncores(g, i);
        held[1] += grant_ngpus(g, i);
    }
}

static int count(struct flux_sched *s, int64_t t0, int64_t t1, const int64_t amount[2],
                 int sign)
{
    struct planner *p = &s->planner;

    for (int d = 0; d < p->dims; d++)
        if (amount[d] && profile_add(&p->profile[d], t0, t1, sign * amount[d]) < 0)
            return -ENOMEM;
    return 0;
}

/* Have a running job's limit in the heap, and in the future. */
static int watch_end(struct flux_sched *s, uint32_t job)
{
    struct entry *e = entry_get(&s->jobs, job);

    if (e->end <= s->now) {
        ends_remove(&s->ends, &s->jobs, job);
        e->end = s->now + OVERTIME;
    }
    if (e->slot || e->end >= FLUX_SCHED_HORIZON)
        return 0;
    return ends_add(&s->ends, &s->jobs, job);
}

static int build_profiles(struct flux_sched *s)
{
    struct planner *p = &s->planner;
    int64_t now_free[2] = {(int64_t)s->pool.free_cores, (int64_t)s->pool.free_gpus};

    if (p->mode == PLAN_NODES)
        now_free[0] = s->pool.nidle;
    p->dims = p->mode == PLAN_CORES && s->pool.gw ? 2 : 1;
    for (int d = 0; d < 2; d++) {
        profile_finish(&p->profile[d]);
        if (d < p->dims && profile_init(&p->profile[d], s->now, now_free[d]) < 0)
            return -ENOMEM;
    }
    for (uint32_t j = s->running; j; j = entry_get(&s->jobs, j)->link[0][1]) {
        struct entry *e = entry_get(&s->jobs, j);
        int64_t held[2];
        if (watch_end(s, j) < 0)
            return -ENOMEM;
        held_by(s, e->grant, held);
        if (count(s, e->end, PROFILE_NEVER, held, 1) < 0)
            return -ENOMEM;
    }
    p->live = true;
    return 0;
}

static int build_timeline(struct flux_sched *s)
{
    struct timeline *tl = &s->planner.timeline;
    int rc = timeline_init(tl, &s->pool, s->now);

    for (uint32_t j = s->running; j && rc == 0; j = entry_get(&s->jobs, j)->link[0][1]) {
        struct entry *e = entry_get(&s->jobs, j);
        rc = watch_end(s, j);
        for (uint32_t i = 0; i < e->grant->nnodes && rc == 0; i++)
            if (s->pool.node[grant_node(e->grant, i)].up)
                rc =
                    timeline_release(tl, grant_node(e->grant, i), e->end,
                                     grant_ncores(e->grant, i), grant_ngpus(e->grant, i));
    }
    if (rc == 0)
        rc = timeline_seal(tl);
    if (rc < 0)
        timeline_finish(tl);
    s->planner.built = rc == 0;
    return rc;
}

/* Get ready to plan; the mode is fixed while there are plans. */
static int prepare(struct flux_sched *s)
{
    struct planner *p = &s->planner;

    if (p->nplans == 0) {
        enum plan_mode mode = choose_mode(s);
        if (mode != p->mode)
            p->live = false;
        p->mode = mode;
    }
    if (p->mode == PLAN_BOUND)
        return p->built ? 0 : build_timeline(s);
    return p->live ? 0 : build_profiles(s);
}

/* -- what can start now -- */

/* What a node offers to a window, plans and links deducted. */
struct offer {
    struct flux_sched *s;
    const struct shape *shape;
    int64_t t0, t1;
};

static bool links_allow(const struct offer *o, uint32_t node)
{
    for (int d = 0; d < o->s->links.ndims; d++) {
        int64_t want = o->shape->req.extra[d];
        if (want > 0 && link_spare(&o->s->links, d, node, o->t0, o->t1) < want)
            return false;
    }
    return true;
}

static void offer_node(void *arg, uint32_t node, uint32_t *cores, uint32_t *gpus)
{
    const struct offer *o = arg;
    const struct planner *p = &o->s->planner;

    if (p->built && timeline_touched(&p->timeline, node))
        timeline_least(&p->timeline, node, o->t0, o->t1, cores, gpus);
    if (o->s->links.n && !links_allow(o, node))
        *cores = *gpus = 0;
}

static void hold_node(void *arg, uint32_t node)
{
    const struct offer *o = arg;

    for (int d = 0; d < o->s->links.ndims; d++)
        if (o->shape->req.extra[d] > 0)
            link_hold(&o->s->links, d, node, o->shape->req.extra[d]);
}

static void apply_pick(const struct flux_sched *s, struct place *pl,
                       const struct flux_sched_pick *pick)
{
    if (!pick)
        return;
    pl->order = pick->order;
    pl->allow = nodeset_words(s, pick->allow);
    pl->score = pick->score;
    pl->score_arg = pick->arg;
}

/* Place a shape now, for a job that would end at t1; nodes go to the planner's parts. */
static int place_now(struct flux_sched *s, uint32_t shape, uint32_t job, int64_t t1,
                     const struct flux_sched_pick *pick)
{
    struct planner *p = &s->planner;
    struct offer o = {s, shape_get(&s->shapes, shape), s->now, t1};
    struct place pl = {.pool = &s->pool, .shape = o.shape, .job = job};

    apply_pick(s, &pl, pick);
    if (s->links.n || (p->nplans && p->mode == PLAN_BOUND)) {
        pl.offer = offer_node;
        pl.offer_arg = &o;
    }
    if (s->links.n)
        pl.took = hold_node;
    int rc = place_find(&pl, &p->parts);
    if (s->links.n)
        link_unhold(&s->links);
    return rc;
}

static int64_t count_window(struct flux_sched *s, const struct shape *sh)
{
    int64_t need[2], until = PROFILE_NEVER;

    need_of(s, sh, need);
    for (int d = 0; d < s->planner.dims; d++) {
        int64_t t = profile_deficit(&s->planner.profile[d], s->now, need[d]);
        until = t < until ? t : until;
    }
    if (until > FLUX_SCHED_HORIZON)
        return INT64_MAX;
    return until - s->now;
}

static int compare_times(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return x < y ? -1 : x > y;
}

/* The longest window is one that ends where some plan begins. */
static int64_t bound_window(struct flux_sched *s, uint32_t shape)
{
    struct planner *p = &s->planner;
    int64_t *t = malloc((p->n + 1) * sizeof(*t));
    uint32_t n = 0, lo = 0;

    if (!t || place_now(s, shape, 0, FLUX_SCHED_HORIZON + 1, NULL) == 0) {
        free(t);
        return t ? INT64_MAX : 0;
    }
    for (uint32_t i = 0; i < p->n; i++)
        if (p->plan[i].job && p->plan[i].t0 > s->now)
            t[n++] = p->plan[i].t0;
    qsort(t, n, sizeof(*t), compare_times);
    for (uint32_t hi = n; lo < hi;) { /* t[lo - 1] is the last end that works */
        uint32_t mid = lo + (hi - lo) / 2;
        if (place_now(s, shape, 0, t[mid], NULL) == 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    int64_t until = lo ? t[lo - 1] : s->now;
    free(t);
    return until - s->now;
}

int64_t plan_window(struct flux_sched *s, uint32_t shape)
{
    struct shape *sh = shape_get(&s->shapes, shape);
    uint64_t gained = (uint64_t)s->gains << 32, stamp = gained | s->losses;

    if (sh->stamp == stamp || (sh->window == 0 && sh->stamp >> 32 == s->gains))
        return sh->window;
    if (s->planner.nplans == 0)
        sh->window = place_now(s, shape, 0, s->now + 1, NULL) == 0 ? INT64_MAX : 0;
    else if (s->planner.mode == PLAN_BOUND)
        sh->window = bound_window(s, shape);
    else
        sh->window = count_window(s, sh);
    sh->stamp = stamp;
    return sh->window;
}

/* Would it start if there were no plans? */
static bool free_without_plans(struct flux_sched *s, uint32_t shape)
{
    struct place pl = {.pool = &s->pool, .shape = shape_get(&s->shapes, shape)};

    return s->planner.nplans > 0 && place_find(&pl, &s->planner.parts) == 0;
}

int plan_check(struct flux_sched *s, uint32_t job, const struct flux_sched_pick *pick)
{
    const struct entry *e = entry_get(&s->jobs, job);
    int64_t window = plan_window(s, e->shape);

    if (window == 0 || window < e->duration)
        return free_without_plans(s, e->shape) ? FLUX_SCHED_HELD : FLUX_SCHED_BUSY;
    if (place_now(s, e->shape, job, span_end(s->now, e->duration), pick) < 0)
        return FLUX_SCHED_BUSY;
    return FLUX_SCHED_OK;
}

/* -- plans -- */

static void begin_choice(void *arg, int64_t t0, int64_t t1)
{
    struct offer *o = arg;

    link_unhold(&o->s->links);
    o->t0 = t0;
    o->t1 = t1;
}

static bool take_node(void *arg, uint32_t node)
{
    struct offer *o = arg;

    if (!links_allow(o, node))
        return false;
    hold_node(o, node);
    return true;
}

/* Charge (sign 1) or give back (-1) what a shape takes of the links at a node. */
static int charge_links(struct flux_sched *s, uint32_t shape, uint32_t node, int64_t t0,
                        int64_t t1, int sign)
{
    const struct request *r = &shape_get(&s->shapes, shape)->req;

    for (int d = 0; d < s->links.ndims; d++)
        if (r->extra[d] > 0 &&
            link_charge(&s->links, d, node, t0, t1, sign * r->extra[d]) < 0)
            return -ENOMEM;
    return 0;
}

static struct plan *new_plan(struct flux_sched *s, uint32_t job, int64_t t0)
{
    struct planner *p = &s->planner;
    struct entry *e = entry_get(&s->jobs, job);

    if (p->n == p->room) {
        uint32_t room = p->room ? p->room * 2 : 64;
        void *mem = realloc(p->plan, room * sizeof(*p->plan));
        if (!mem)
            return NULL;
        p->plan = mem;
        p->room = room;
    }
    struct plan *pl = &p->plan[p->n++];
    *pl = (struct plan){.job = job, .t0 = t0, .t1 = span_end(t0, e->duration)};
    p->nplans++;
    e->slot = p->n;
    e->start = t0;
    engine_loss(s);
    return pl;
}

static int64_t plan_counted(struct flux_sched *s, uint32_t job, int64_t from, bool book)
{
    struct planner *p = &s->planner;
    const struct entry *e = entry_get(&s->jobs, job);
    int64_t need[2], t = from, found;

    need_of(s, shape_get(&s->shapes, e->shape), need);
    do { /* until all kinds agree */
        found = t;
        for (int d = 0; d < p->dims && t != FLUX_SCHED_NEVER; d++)
            t = profile_earliest(&p->profile[d], t, e->duration, need[d]);
    } while (t != found && t != FLUX_SCHED_NEVER);
    if (t == FLUX_SCHED_NEVER || !book)
        return t;
    struct plan *pl = new_plan(s, job, t);
    if (!pl)
        return FLUX_SCHED_NEVER;
    pl->need[0] = need[0];
    pl->need[1] = need[1];
    if (count(s, pl->t0, pl->t1, need, -1) < 0) {
        p->live = false;
        plan_drop_all(s);
        return FLUX_SCHED_NEVER;
    }
    return t;
}

static int book_parts(struct flux_sched *s, struct plan *pl, uint32_t shape)
{
    struct planner *p = &s->planner;

    pl->span = p->timeline.nspans;
    for (uint32_t i = 0; i < p->parts.n; i++) {
        const struct part *part = &p->parts.part[i];
        int64_t n = timeline_add(&p->timeline, part->node, pl->t0, pl->t1,
                                 (int32_t)part->cores, (int32_t)part->gpus);
        if (n < 0)
            return (int)n;
        pl->nspans++;
        if (charge_links(s, shape, part->node, pl->t0, pl->t1, 1) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int64_t plan_bound(struct flux_sched *s, uint32_t job, int64_t from,
                          const struct flux_sched_pick *pick, bool book)
{
    struct planner *p = &s->planner;
    const struct entry *e = entry_get(&s->jobs, job);
    struct offer o = {.s = s, .shape = shape_get(&s->shapes, e->shape)};
    struct place pl = {.pool = &s->pool, .shape = o.shape, .job = job};
    const struct timeline_filter filter = {begin_choice, take_node, &o};

    apply_pick(s, &pl, pick);
    int64_t t = timeline_search(&p->timeline, &pl, from, e->duration, &p->parts,
                                s->links.n ? &filter : NULL);
    link_unhold(&s->links);
    if (t == FLUX_SCHED_NEVER || !book)
        return t;
    struct plan *plan = new_plan(s, job, t);
    if (!plan)
        return FLUX_SCHED_NEVER;
    if (book_parts(s, plan, e->shape) < 0) {
        plan_drop_all(s);
        return FLUX_SCHED_NEVER;
    }
    return t;
}

int64_t plan_make(struct flux_sched *s, uint32_t job, int64_t not_before,
                  const struct flux_sched_pick *pick, bool book)
{
    int64_t from = not_before > s->now ? not_before : s->now;

    if (book)
        plan_drop(s, job);
    if (s->pool.nnodes == 0 || prepare(s) < 0)
        return FLUX_SCHED_NEVER;
    if (s->planner.mode == PLAN_BOUND)
        return plan_bound(s, job, from, pick, book);
    return plan_counted(s, job, from, book);
}

void plan_drop(struct flux_sched *s, uint32_t job)
{
    struct planner *p = &s->planner;
    struct entry *e = entry_get(&s->jobs, job);

    if (e->state != ENTRY_PENDING || e->slot == 0)
        return;
    struct plan *pl = &p->plan[e->slot - 1];
    if (p->mode != PLAN_BOUND) {
        if (p->live && count(s, pl->t0, pl->t1, pl->need, 1) < 0)
            p->live = false;
    } else {
        for (uint32_t i = pl->span; i < pl->span + pl->nspans; i++) {
            charge_links(s, e->shape, p->timeline.span[i].node, pl->t0, pl->t1, -1);
            timeline_cancel(&p->timeline, i);
        }
    }
    pl->job = 0;
    e->slot = 0;
    e->start = FLUX_SCHED_NEVER;
    engine_gain(s);
    while (p->n > 0 && p->plan[p->n - 1].job == 0)
        p->n--;
    if (--p->nplans == 0) {
        timeline_finish(&p->timeline);
        p->built = false;
    }
}

void plan_drop_all(struct flux_sched *s)
{
    struct planner *p = &s->planner;

    for (uint32_t i = p->n; i-- > 0 && p->nplans > 0;)
        if (p->plan[i].job)
            plan_drop(s, p->plan[i].job);
    timeline_finish(&p->timeline);
    p->built = false;
}

/* -- running jobs -- */

/* Count a running job in (sign -1) or out (1), from now to its end. */
static int count_running(struct flux_sched *s, const struct entry *e, int sign)
{
    struct planner *p = &s->planner;
    const struct grant *g = e->grant;
    int64_t held[2];
    int rc = 0;

    if (p->live) {
        held_by(s, g, held);
        rc = count(s, s->now, e->end, held, sign);
    }
    if (!p->built && !s->links.n)
        return rc;
    for (uint32_t i = 0; i < g->nnodes && rc == 0; i++) {
        uint32_t node = grant_node(g, i);
        if (p->built && s->pool.node[node].up && e->end > s->now &&
            timeline_add(&p->timeline, node, s->now, e->end,
                         -sign * (int32_t)grant_ncores(g, i),
                         -sign * (int32_t)grant_ngpus(g, i)) < 0)
            return -ENOMEM;
        rc = charge_links(s, e->shape, node, s->now, e->end, -sign);
    }
    return rc;
}

void plan_started(struct flux_sched *s, uint32_t job)
{
    struct planner *p = &s->planner;
    struct entry *e = entry_get(&s->jobs, job);
    bool watched = p->live || p->built || s->links.n;

    if ((watched && watch_end(s, job) < 0) || count_running(s, e, -1) < 0)
        plan_stale(s);
}

void plan_ended(struct flux_sched *s, uint32_t job)
{
    ends_remove(&s->ends, &s->jobs, job);
    if (count_running(s, entry_get(&s->jobs, job), 1) < 0)
        plan_stale(s);
}

void plan_stale(struct flux_sched *s)
{
    plan_drop_all(s);
    s->planner.live = false;
    engine_gain(s);
}

void plan_advance(struct flux_sched *s)
{
    struct planner *p = &s->planner;

    for (int d = 0; p->live && d < p->dims; d++)
        profile_advance(&p->profile[d], s->now);
    link_advance(&s->links, s->now);
    while (s->ends.n > 0 && entry_get(&s->jobs, s->ends.heap[0])->end <= s->now) {
        /* Past its limit and still here: expect it to end soon. */
        uint32_t job = s->ends.heap[0];
        ends_remove(&s->ends, &s->jobs, job);
        entry_get(&s->jobs, job)->end = s->now + OVERTIME;
        plan_started(s, job);
    }
}
