/* Traces on virtual time; see replay.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"
#include "sched/policy/policy.h"

#define SECOND 1000000LL

uint32_t draw(uint64_t *seed, uint32_t below)
{
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
    return (uint32_t)((*seed >> 33) * below >> 31);
}

static void fill_ids(uint64_t *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        words[i / 64] |= 1ull << i % 64;
}

struct flux_sched *machine_new(const struct engine_ops *ops, void *arg, struct machine m)
{
    uint64_t cores[16] = {0}, gpus[1] = {0};
    struct rpool_desc *desc = calloc(m.nnodes, sizeof(*desc));
    struct flux_sched *s;

    assert(desc && m.ncores <= 1024 && m.ngpus <= 64);
    fill_ids(cores, m.ncores);
    fill_ids(gpus, m.ngpus);
    for (unsigned i = 0; i < m.nnodes; i++)
        desc[i] = (struct rpool_desc){i, cores, gpus, 16, 1};
    int rc = engine_new(ops, arg, &s);
    assert(rc == 0);
    rc = engine_set_nodes(s, desc, m.nnodes);
    assert(rc == 0);
    for (unsigned i = 0; i < m.nnodes; i++)
        engine_set_up(s, i, true);
    free(desc);
    return s;
}

static void on_started(void *arg, const struct entry *e)
{
    struct replay *r = arg;

    assert(r->trace->job[e->id - 1].start < 0);
    r->trace->job[e->id - 1].start = r->now;
    r->running[r->nrunning++] = e->id - 1;
}

static const char *on_option(void *arg, const char *key)
{
    struct replay *r = arg;

    return strcmp(key, "reserve-depth") == 0 ? r->depth : NULL;
}

static const struct engine_ops replay_ops = {
    .started = on_started,
    .option = on_option,
};

static int64_t next_end(const struct replay *r)
{
    int64_t t = INT64_MAX;

    for (size_t i = 0; i < r->nrunning; i++) {
        const struct trace_job *j = &r->trace->job[r->running[i]];
        t = j->start + j->runtime < t ? j->start + j->runtime : t;
    }
    return t;
}

static void end_jobs(struct replay *r)
{
    for (size_t i = 0; i < r->nrunning;) {
        const struct trace_job *j = &r->trace->job[r->running[i]];
        if (j->start + j->runtime > r->now) {
            i++;
            continue;
        }
        int rc = engine_release(r->s, r->running[i] + 1);
        assert(rc == 0);
        r->running[i] = r->running[--r->nrunning];
    }
}

static void submit_job(struct replay *r, size_t i)
{
    const struct trace_job *j = &r->trace->job[i];
    struct engine_job ej = {
        .id = i + 1,
        .priority = 16,
        .t_submit = j->submit * SECOND,
        .duration = j->limit * SECOND,
        .req = j->req,
    };
    char why[160];
    int rc = engine_submit(r->s, &ej, why, sizeof(why));
    assert(rc == 0);
}

void replay_run(struct replay *r, struct machine m, const char *policy)
{
    size_t next = 0;

    r->running = calloc(r->trace->n + 1, sizeof(*r->running));
    r->nrunning = 0;
    for (size_t i = 0; i < r->trace->n; i++)
        r->trace->job[i].start = -1;
    r->s = machine_new(&replay_ops, r, m);
    int rc = engine_set_policy(r->s, sched_policy_find(policy));
    assert(rc == 0);
    while (next < r->trace->n || r->nrunning > 0) {
        int64_t t = next_end(r);
        if (next < r->trace->n && r->trace->job[next].submit < t)
            t = r->trace->job[next].submit;
        r->now = t;
        engine_set_time(r->s, t * SECOND);
        end_jobs(r);
        while (next < r->trace->n && r->trace->job[next].submit == t)
            submit_job(r, next++);
        engine_pass(r->s, 0);
        if (r->after_pass)
            r->after_pass(r);
    }
    assert(engine_npending(r->s) == 0);
    engine_free(r->s);
    free(r->running);
}
