/* The engine's events: jobs come and go, nodes change, time moves; see engine.h. What
 * policies see of it is in pass.c, the counting of plans in plan.c.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sched/engine/state.h"

int engine_new(const struct engine_ops *ops, void *arg, struct flux_sched **ret)
{
    struct flux_sched *s = calloc(1, sizeof(*s));

    if (!s || !(s->reasons = map_new(NULL))) {
        free(s);
        return -ENOMEM;
    }
    s->ops = ops;
    s->ops_arg = arg;
    s->wake = FLUX_SCHED_NEVER;
    s->gains = 1;
    *ret = s;
    return 0;
}

static void drop_policy(struct flux_sched *s)
{
    if (s->policy && s->policy->fini)
        s->policy->fini(s->self);
    s->policy = NULL;
    s->self = NULL;
}

void engine_free(struct flux_sched *s)
{
    if (!s)
        return;
    drop_policy(s);
    for (uint32_t j = s->running; j; j = entry_get(&s->jobs, j)->link[0][1])
        free(entry_get(&s->jobs, j)->grant);
    plan_finish(&s->planner);
    ends_finish(&s->ends);
    links_finish(&s->links);
    shapes_finish(&s->shapes);
    entries_finish(&s->jobs);
    rpool_finish(&s->pool);
    nodesets_finish(s);
    map_free(s->reasons);
    for (uint32_t i = 0; i < s->nreasons; i++)
        free((char *)s->reason[i]);
    free(s->reason);
    free(s);
}

/* -- the queue -- */

static int64_t rank_of(struct flux_sched *s, uint32_t job)
{
    struct flux_sched_job view;

    if (!s->policy || !s->policy->priority)
        return entry_get(&s->jobs, job)->priority;
    engine_view(s, job, &view);
    return s->policy->priority(s->self, &view);
}

static void enqueue(struct flux_sched *s, uint32_t job)
{
    struct entry *e = entry_get(&s->jobs, job);
    struct shape *sh = shape_get(&s->shapes, e->shape);

    e->state = ENTRY_PENDING;
    e->start = FLUX_SCHED_NEVER;
    e->rank = rank_of(s, job);
    order_insert(&s->jobs, ORDER_ALL, &s->root, job);
    order_insert(&s->jobs, ORDER_SHAPE, &sh->root, job);
    s->npending++;
    s->kind_pending[sh->kind]++;
    if (sh->npending++ == 0)
        shape_set_active(&s->shapes, e->shape, true);
}

void engine_unqueue(struct flux_sched *s, uint32_t job)
{
    struct entry *e = entry_get(&s->jobs, job);
    struct shape *sh = shape_get(&s->shapes, e->shape);

    plan_drop(s, job);
    order_remove(&s->jobs, ORDER_ALL, &s->root, job);
    order_remove(&s->jobs, ORDER_SHAPE, &sh->root, job);
    s->npending--;
    s->kind_pending[sh->kind]--;
    if (--sh->npending == 0)
        shape_set_active(&s->shapes, e->shape, false);
}

void engine_forget(struct flux_sched *s, uint32_t job)
{
    shape_unref(&s->shapes, entry_get(&s->jobs, job)->shape);
    entry_del(&s->jobs, job);
}

int engine_fit_shape(struct flux_sched *s, struct shape *sh)
{
    uint64_t *mask = NULL;
    int rc = 0;

    if (sh->req.constraint)
        rc = s->ops->eligible ? s->ops->eligible(s->ops_arg, sh->req.constraint, &mask)
                              : -EINVAL;
    if (rc < 0)
        return rc;
    s->kind_pending[sh->kind] -= sh->npending;
    shape_refit(sh, mask);
    s->kind_pending[sh->kind] += sh->npending;
    return 0;
}

static bool bad_request(const struct request *r)
{
    return r->nslots == 0 || (r->cores == 0 && r->gpus == 0) ||
           (r->nnodes && r->nslots < r->nnodes) || r->nslots > INT32_MAX ||
           r->cores > INT32_MAX || r->gpus > INT32_MAX;
}

/* The shape of a request that can run here, referenced. */
static int64_t admit_shape(struct flux_sched *s, const struct request *req, char *why,
                           size_t size)
{
    bool fresh;
    int rc = 0;

    if (bad_request(req)) {
        snprintf(why, size, "impossible request: %u slots on %u nodes", req->nslots,
                 req->nnodes);
        return -EINVAL;
    }
    int64_t id = shape_intern(&s->shapes, req, &fresh);
    if (id < 0)
        return id;
    struct shape *sh = shape_get(&s->shapes, (uint32_t)id);
    if (fresh && (rc = engine_fit_shape(s, sh)) < 0)
        snprintf(why, size, "invalid constraint: %s", req->constraint);
    if (rc == 0 && !sh->satisfiable)
        rc = shape_satisfiable(sh, &s->pool, why, size);
    sh->satisfiable = rc == 0;
    if (rc < 0)
        shape_unref(&s->shapes, (uint32_t)id);
    return rc < 0 ? rc : id;
}

int engine_satisfiable(struct flux_sched *s, const struct request *req, char *why,
                       size_t size)
{
    int64_t id = admit_shape(s, req, why, size);

    if (id < 0)
        return (int)id;
    shape_unref(&s->shapes, (uint32_t)id);
    return 0;
}

/* A new entry for a job; takes over the reference to its shape. */
static int64_t add_entry(struct flux_sched *s, const struct engine_job *job,
                         uint32_t shape)
{
    int64_t h = entry_add(&s->jobs, job->id);

    if (h < 0) {
        shape_unref(&s->shapes, shape);
        return h;
    }
    struct entry *e = entry_get(&s->jobs, (uint32_t)h);
    e->priority = job->priority;
    e->t_submit = job->t_submit;
    e->userid = job->userid;
    e->shape = shape;
    e->duration = job->duration;
    if (job->duration <= 0 || job->duration > FLUX_SCHED_HORIZON / 2)
        e->duration = FLUX_SCHED_NEVER;
    return h;
}

int engine_submit(struct flux_sched *s, const struct engine_job *job, char *why,
                  size_t size)
{
    int64_t shape = admit_shape(s, &job->req, why, size);

    if (shape < 0)
        return (int)shape;
    int64_t h = add_entry(s, job, (uint32_t)shape);
    if (h < 0)
        return (int)h;
    if (s->policy && s->policy->admit) {
        struct flux_sched_job view;
        engine_view(s, (uint32_t)h, &view);
        if (s->policy->admit(s->self, &view, why, size)) {
            engine_forget(s, (uint32_t)h);
            return -EPERM;
        }
    }
    enqueue(s, (uint32_t)h);
    s->why |= FLUX_SCHED_ARRIVE;
    return 0;
}

int engine_cancel(struct flux_sched *s, uint64_t id)
{
    uint32_t job = entry_find(&s->jobs, id);

    if (!job)
        return -ENOENT;
    if (entry_get(&s->jobs, job)->state != ENTRY_PENDING)
        return -EBUSY;
    engine_unqueue(s, job);
    engine_forget(s, job);
    s->why |= FLUX_SCHED_PRIO;
    return 0;
}

static void reorder(struct flux_sched *s, uint32_t job)
{
    struct entry *e = entry_get(&s->jobs, job);
    struct shape *sh = shape_get(&s->shapes, e->shape);
    int64_t rank = rank_of(s, job);

    if (rank == e->rank)
        return;
    order_remove(&s->jobs, ORDER_ALL, &s->root, job);
    order_remove(&s->jobs, ORDER_SHAPE, &sh->root, job);
    e->rank = rank;
    order_insert(&s->jobs, ORDER_ALL, &s->root, job);
    order_insert(&s->jobs, ORDER_SHAPE, &sh->root, job);
    s->why |= FLUX_SCHED_PRIO;
}

int engine_prioritize(struct flux_sched *s, uint64_t id, int64_t priority)
{
    uint32_t job = entry_find(&s->jobs, id);

    if (!job || entry_get(&s->jobs, job)->state != ENTRY_PENDING)
        return -ENOENT;
    entry_get(&s->jobs, job)->priority = priority;
    reorder(s, job);
    return 0;
}

/* -- running jobs -- */

bool engine_holds_whole(const struct flux_sched *s, const struct grant *g)
{
    for (uint32_t i = 0; i < g->nnodes; i++) {
        const struct rpool_node *n = &s->pool.node[grant_node(g, i)];
        if (grant_ncores(g, i) != n->ncores || grant_ngpus(g, i) != n->ngpus)
            return false;
    }
    return true;
}

/* Put an entry that holds its grant among those that run. */
static void enter_running(struct flux_sched *s, uint32_t job)
{
    struct entry *e = entry_get(&s->jobs, job);

    e->state = ENTRY_RUNNING;
    e->slot = 0;
    e->link[0][0] = 0;
    e->link[0][1] = s->running;
    if (s->running)
        entry_get(&s->jobs, s->running)->link[0][0] = job;
    s->running = job;
    s->nrunning++;
    s->npartial += !engine_holds_whole(s, e->grant);
    plan_started(s, job);
}

static void leave_running(struct flux_sched *s, uint32_t job)
{
    struct entry *e = entry_get(&s->jobs, job);
    uint32_t prev = e->link[0][0], next = e->link[0][1];

    if (prev)
        entry_get(&s->jobs, prev)->link[0][1] = next;
    else
        s->running = next;
    if (next)
        entry_get(&s->jobs, next)->link[0][0] = prev;
    s->nrunning--;
}

static void tell(struct flux_sched *s, uint32_t job,
                 void (*fn)(void *self, const struct flux_sched_job *job))
{
    struct flux_sched_job view;

    if (!fn)
        return;
    engine_view(s, job, &view);
    fn(s->self, &view);
}

int engine_start(struct flux_sched *s, uint32_t job)
{
    struct entry *e = entry_get(&s->jobs, job);
    const struct parts *ps = &s->planner.parts;
    struct grant *g = grant_new(ps->n, s->pool.cw, s->pool.gw);

    if (!g)
        return -ENOMEM;
    engine_unqueue(s, job);
    for (uint32_t i = 0; i < ps->n; i++) {
        const struct part *p = &ps->part[i];
        uint32_t k = grant_add(g, p->node, p->cores, p->gpus);
        rpool_take(&s->pool, p->node, p->cores, p->gpus, grant_cores(g, k),
                   grant_gpus(g, k));
    }
    e->grant = g;
    e->start = s->now;
    e->end = e->duration < FLUX_SCHED_HORIZON ? s->now + e->duration : FLUX_SCHED_HORIZON;
    enter_running(s, job);
    engine_loss(s);
    s->ops->started(s->ops_arg, e);
    if (s->policy)
        tell(s, job, s->policy->started);
    return 0;
}

int engine_take_grant(struct flux_sched *s, const struct grant *g)
{
    for (uint32_t i = 0; i < g->nnodes; i++) {
        int rc = rpool_take_ids(&s->pool, grant_node(g, i), grant_cores(g, i),
                                grant_gpus(g, i));
        if (rc == 0)
            continue;
        while (i-- > 0)
            rpool_give(&s->pool, grant_node(g, i), grant_cores(g, i), grant_gpus(g, i));
        return rc;
    }
    return 0;
}

int engine_adopt(struct flux_sched *s, const struct engine_job *job, struct grant *grant,
                 int64_t start, int64_t end)
{
    bool fresh;
    int64_t shape = shape_intern(&s->shapes, &job->req, &fresh), h;
    int rc;

    if (shape < 0) {
        free(grant);
        return (int)shape;
    }
    if (fresh)
        shape_refit(shape_get(&s->shapes, (uint32_t)shape), NULL);
    if ((h = add_entry(s, job, (uint32_t)shape)) < 0) {
        free(grant);
        return (int)h;
    }
    if ((rc = engine_take_grant(s, grant)) < 0) {
        engine_forget(s, (uint32_t)h);
        free(grant);
        return rc;
    }
    struct entry *e = entry_get(&s->jobs, (uint32_t)h);
    e->grant = grant;
    e->start = start;
    e->end = end < FLUX_SCHED_HORIZON ? end : FLUX_SCHED_HORIZON;
    enter_running(s, (uint32_t)h);
    engine_loss(s);
    return 0;
}

static struct entry *running_entry(struct flux_sched *s, uint64_t id, uint32_t *job)
{
    *job = entry_find(&s->jobs, id);
    struct entry *e = *job ? entry_get(&s->jobs, *job) : NULL;
    return e && e->state == ENTRY_RUNNING ? e : NULL;
}

int engine_release(struct flux_sched *s, uint64_t id)
{
    uint32_t job;
    struct entry *e = running_entry(s, id, &job);

    if (!e)
        return -ENOENT;
    plan_ended(s, job);
    s->npartial -= !engine_holds_whole(s, e->grant);
    for (uint32_t i = 0; i < e->grant->nnodes; i++)
        rpool_give(&s->pool, grant_node(e->grant, i), grant_cores(e->grant, i),
                   grant_gpus(e->grant, i));
    if (s->policy)
        tell(s, job, s->policy->ended);
    leave_running(s, job);
    free(e->grant);
    e->grant = NULL;
    engine_forget(s, job);
    engine_gain(s);
    s->why |= FLUX_SCHED_FREE;
    return 0;
}

int engine_release_node(struct flux_sched *s, uint64_t id, uint32_t node)
{
    uint32_t job, i = 0;
    struct entry *e = running_entry(s, id, &job);

    while (e && i < e->grant->nnodes && grant_node(e->grant, i) != node)
        i++;
    if (!e || i == e->grant->nnodes)
        return -ENOENT;
    if (e->grant->nnodes == 1)
        return engine_release(s, id);
    plan_ended(s, job);
    s->npartial -= !engine_holds_whole(s, e->grant);
    rpool_give(&s->pool, node, grant_cores(e->grant, i), grant_gpus(e->grant, i));
    grant_del(e->grant, i);
    s->npartial += !engine_holds_whole(s, e->grant);
    plan_started(s, job);
    engine_gain(s);
    s->why |= FLUX_SCHED_FREE;
    return 0;
}

int engine_set_end(struct flux_sched *s, uint64_t id, int64_t end)
{
    uint32_t job;
    struct entry *e = running_entry(s, id, &job);

    if (!e)
        return -ENOENT;
    plan_ended(s, job);
    e->end = end < FLUX_SCHED_HORIZON ? end : FLUX_SCHED_HORIZON;
    plan_started(s, job);
    engine_gain(s);
    s->why |= FLUX_SCHED_FREE;
    return 0;
}

/* -- policy and time -- */

int engine_set_policy(struct flux_sched *s, const struct flux_sched_policy *policy)
{
    const struct flux_sched_policy *old = s->policy;
    void *old_self = s->self, *self = NULL;

    if (policy->abi != FLUX_SCHED_ABI || policy->size < sizeof(*policy) || !policy->pass)
        return -EINVAL;
    if (policy->init && policy->init(s, &engine_api, &self) < 0)
        return -EINVAL;
    plan_stale(s);
    s->policy = policy;
    s->self = self;
    if (old && old->fini)
        old->fini(old_self);
    if (policy->priority || (old && old->priority)) {
        uint32_t n = 0, *all = malloc((s->npending + 1) * sizeof(*all));
        for (uint32_t j = 0; all && (j = order_next(&s->jobs, ORDER_ALL, s->root, j));)
            all[n++] = j;
        while (n > 0)
            reorder(s, all[--n]);
        free(all);
    }
    s->why |= FLUX_SCHED_PRIO;
    return 0;
}

const struct flux_sched_policy *engine_policy(const struct flux_sched *s)
{
    return s->policy;
}

int engine_set_option(struct flux_sched *s, const char *key, const char *value)
{
    if (!s->policy || !s->policy->option)
        return 0;
    s->why |= FLUX_SCHED_PRIO;
    return s->policy->option(s->self, key, value) ? -EINVAL : 0;
}

void engine_set_time(struct flux_sched *s, int64_t now)
{
    if (now <= s->now)
        return;
    s->now = now;
    plan_advance(s);
    engine_gain(s);
}

uint32_t engine_dirty(const struct flux_sched *s)
{
    return s->why | (s->wake <= s->now ? FLUX_SCHED_TIMER : 0);
}

int64_t engine_wake(const struct flux_sched *s)
{
    return s->wake;
}
