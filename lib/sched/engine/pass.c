/* The table of calls that policies act through, and the running of a pass. Every act is
 * checked here.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sched/engine/state.h"

#define MAX_REASONS 1024 /* different texts */

static struct entry *pending_entry(struct flux_sched *s, uint32_t job)
{
    struct entry *e = entry_check(&s->jobs, job);

    return e && e->state == ENTRY_PENDING ? e : NULL;
}

/* The key of `after` is good even if the job is gone by now, as long as it existed. */
static bool good_handle(const struct flux_sched *s, uint32_t job)
{
    return job / ENTRY_CHUNK < s->jobs.nchunks;
}

/* -- clock and queue -- */

static int64_t api_now(struct flux_sched *s)
{
    return s->now;
}

static uint32_t api_pending(struct flux_sched *s)
{
    return s->npending;
}

static uint32_t api_next(struct flux_sched *s, uint32_t after)
{
    if (after && !good_handle(s, after))
        return 0;
    return order_next(&s->jobs, ORDER_ALL, s->root, after);
}

static uint32_t api_next_fit(struct flux_sched *s, uint32_t after)
{
    uint32_t best = 0;

    if (after && !good_handle(s, after))
        return 0;
    for (uint32_t i = 0; i < s->shapes.nactive; i++) {
        uint32_t id = s->shapes.active[i];
        int64_t window = plan_window(s, id);
        if (window <= 0)
            continue;
        uint32_t job =
            order_next_short(&s->jobs, shape_get(&s->shapes, id)->root, after, window);
        if (job && (!best || order_compare(entry_get(&s->jobs, job),
                                           entry_get(&s->jobs, best)) < 0))
            best = job;
    }
    return best;
}

void engine_view(const struct flux_sched *s, uint32_t job, struct flux_sched_job *out)
{
    const struct entry *e = entry_get(&s->jobs, job);
    const struct request *r = &shape_get(&s->shapes, e->shape)->req;

    *out = (struct flux_sched_job){
        .size = sizeof(*out),
        .job = job,
        .id = e->id,
        .priority = e->priority,
        .t_submit = e->t_submit,
        .duration = e->duration,
        .start = e->start,
        .userid = e->userid,
        .shape = e->shape,
        .nnodes = r->nnodes,
        .nslots = r->nslots,
        .cores = r->cores,
        .gpus = r->gpus,
        .flags = r->flags,
    };
    memcpy(out->extra, r->extra, sizeof(out->extra));
}

static int api_job(struct flux_sched *s, uint32_t job, struct flux_sched_job *out)
{
    if (!entry_check(&s->jobs, job))
        return FLUX_SCHED_INVALID;
    engine_view(s, job, out);
    return 0;
}

static uint32_t api_next_running(struct flux_sched *s, uint32_t after)
{
    if (!after)
        return s->running;
    const struct entry *e = entry_check(&s->jobs, after);
    return e && e->state == ENTRY_RUNNING ? e->link[0][1] : 0;
}

/* -- acts -- */

static bool bad_pick(struct flux_sched *s, const struct flux_sched_pick *pick)
{
    return pick && (pick->size < sizeof(*pick) || pick->order > FLUX_SCHED_SCORE ||
                    (pick->allow && !nodeset_words(s, pick->allow)));
}

static int api_start(struct flux_sched *s, uint32_t job,
                     const struct flux_sched_pick *pick)
{
    struct entry *e = pending_entry(s, job);

    if (!e || !s->in_pass || bad_pick(s, pick))
        return FLUX_SCHED_INVALID;
    int64_t planned = e->start;
    plan_drop(s, job);
    int rc = plan_check(s, job, pick);
    if (rc == FLUX_SCHED_OK && engine_start(s, job) < 0)
        rc = FLUX_SCHED_BUSY;
    if (rc != FLUX_SCHED_OK && planned != FLUX_SCHED_NEVER)
        plan_make(s, job, planned, pick, true);
    return rc;
}

static int64_t api_plan(struct flux_sched *s, uint32_t job, int64_t not_before,
                        const struct flux_sched_pick *pick)
{
    if (!s->in_pass || !pending_entry(s, job) || bad_pick(s, pick))
        return FLUX_SCHED_NEVER;
    return plan_make(s, job, not_before, pick, true);
}

static int64_t api_probe(struct flux_sched *s, uint32_t job, int64_t not_before,
                         const struct flux_sched_pick *pick)
{
    if (!s->in_pass || !pending_entry(s, job) || bad_pick(s, pick))
        return FLUX_SCHED_NEVER;
    return plan_make(s, job, not_before, pick, false);
}

static int api_unplan(struct flux_sched *s, uint32_t job)
{
    const struct entry *e = pending_entry(s, job);

    if (!s->in_pass || !e || e->slot == 0)
        return FLUX_SCHED_INVALID;
    plan_drop(s, job);
    return 0;
}

static void api_unplan_all(struct flux_sched *s)
{
    if (s->in_pass)
        plan_drop_all(s);
}

static int api_deny(struct flux_sched *s, uint32_t job, const char *why)
{
    const struct entry *e = pending_entry(s, job);

    if (!s->in_pass || !e || !why)
        return FLUX_SCHED_INVALID;
    engine_unqueue(s, job);
    if (s->ops->denied)
        s->ops->denied(s->ops_arg, e->id, why);
    engine_forget(s, job);
    return 0;
}

/* The number of a text, + 1; 0 when there are too many. */
static uint32_t intern_reason(struct flux_sched *s, const char *text)
{
    uint32_t n = (uint32_t)(uintptr_t)map_get(s->reasons, text);

    if (n || s->nreasons == MAX_REASONS)
        return n;
    if (s->nreasons == s->reason_room) {
        uint32_t room = s->reason_room ? s->reason_room * 2 : 16;
        void *mem = realloc(s->reason, room * sizeof(*s->reason));
        if (!mem)
            return 0;
        s->reason = mem;
        s->reason_room = room;
    }
    char *copy = strdup(text);
    n = s->nreasons + 1;
    if (!copy || map_add(s->reasons, text, (void *)(uintptr_t)n) < 0) {
        free(copy);
        return 0;
    }
    s->reason[s->nreasons++] = copy;
    return n;
}

static int api_why(struct flux_sched *s, uint32_t job, const char *reason)
{
    struct entry *e = pending_entry(s, job);

    if (!e)
        return FLUX_SCHED_INVALID;
    e->why = reason ? intern_reason(s, reason) : 0;
    return 0;
}

static void api_wake(struct flux_sched *s, int64_t at)
{
    s->wake = at < s->wake ? at : s->wake;
}

static int api_should_yield(struct flux_sched *s)
{
    return s->ops->yield ? s->ops->yield(s->ops_arg) : 0;
}

/* -- nodes -- */

static uint32_t api_nnodes(struct flux_sched *s)
{
    return s->pool.nnodes;
}

static int api_node(struct flux_sched *s, uint32_t node, uint32_t *rank, uint32_t *ncores,
                    uint32_t *ngpus, uint32_t *free_cores, uint32_t *free_gpus)
{
    if (node >= s->pool.nnodes)
        return FLUX_SCHED_INVALID;
    const struct rpool_node *n = &s->pool.node[node];
    *rank = n->rank;
    *ncores = n->ncores;
    *ngpus = n->ngpus;
    *free_cores = n->up ? n->cfree : 0;
    *free_gpus = n->up ? n->gfree : 0;
    return 0;
}

static int64_t api_node_attr(struct flux_sched *s, uint32_t node, const char *name,
                             int64_t dflt)
{
    return node_attribute(s, node, name, dflt);
}

static uint32_t api_set_count(struct flux_sched *s, uint32_t set)
{
    const uint64_t *w = nodeset_words(s, set);
    uint32_t n = 0;

    for (uint32_t i = 0; w && i < s->set_words; i++)
        n += (uint32_t)__builtin_popcountll(w[i]);
    return n;
}

static const uint64_t *api_set_words(struct flux_sched *s, uint32_t set, uint32_t *nwords)
{
    *nwords = s->set_words;
    return nodeset_words(s, set);
}

/* -- consumables and environment -- */

static int api_dim(struct flux_sched *s, const char *name)
{
    int d = link_dim(&s->links, name, false);

    return d < 0 ? -1 : d;
}

static int64_t api_link_spare(struct flux_sched *s, int dim, uint32_t node, int64_t from,
                              int64_t to)
{
    return link_spare(&s->links, dim, node, from, to);
}

static const char *api_option(struct flux_sched *s, const char *key, const char *dflt)
{
    const char *v = s->ops->option ? s->ops->option(s->ops_arg, key) : NULL;

    return v ? v : dflt;
}

static void api_log(struct flux_sched *s, int level, const char *msg)
{
    if (s->ops->log)
        s->ops->log(s->ops_arg, level, msg);
}

const struct flux_sched_api engine_api = {
    .size = sizeof(engine_api),
    .abi = FLUX_SCHED_ABI,
    .now = api_now,
    .pending = api_pending,
    .next = api_next,
    .next_fit = api_next_fit,
    .job = api_job,
    .next_running = api_next_running,
    .start = api_start,
    .plan = api_plan,
    .probe = api_probe,
    .unplan = api_unplan,
    .unplan_all = api_unplan_all,
    .deny = api_deny,
    .why = api_why,
    .wake = api_wake,
    .should_yield = api_should_yield,
    .nnodes = api_nnodes,
    .node = api_node,
    .node_attr = api_node_attr,
    .set_free = nodeset_free,
    .set_where = nodeset_where,
    .set_op = nodeset_op,
    .set_count = api_set_count,
    .set_words = api_set_words,
    .dim = api_dim,
    .link_spare = api_link_spare,
    .option = api_option,
    .log = api_log,
};

/* -- the pass -- */

int engine_pass(struct flux_sched *s, uint32_t why)
{
    int more = 0;

    why |= s->why;
    if (s->wake <= s->now) {
        why |= FLUX_SCHED_TIMER;
        s->wake = FLUX_SCHED_NEVER;
    }
    if (why == 0 || !s->policy || s->pool.nnodes == 0)
        return 0;
    s->why = 0;
    s->in_pass = true;
    more = s->policy->pass(s->self, why);
    s->in_pass = false;
    nodesets_clear(s);
    if (more)
        s->why |= FLUX_SCHED_MORE;
    return more ? 1 : 0;
}
