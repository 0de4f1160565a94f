/* Policies against their definitions: start times equal those of a plain simulator
 * written from the text, and nobody who was promised a start gets it later.
 */
#include <assert.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"
#include "sched/policy/policy.h"

#define SECOND 1000000LL
#define ALL 1000000 /* reserve depth: everybody */

/* -- the plain simulator: processors are interchangeable -- */

struct use {
    int64_t t0, t1;
    uint32_t n;
};

struct plain {
    const struct trace *trace;
    int64_t *start; /* -1: not yet */
    uint32_t machine;
    struct use use[4000]; /* of this pass: running jobs and reservations */
    size_t nuse;
};

static uint32_t used_at(const struct plain *p, int64_t t)
{
    uint32_t n = 0;

    for (size_t i = 0; i < p->nuse; i++)
        if (p->use[i].t0 <= t && t < p->use[i].t1)
            n += p->use[i].n;
    return n;
}

/* Use only rises at the beginnings of uses. */
static bool fits(const struct plain *p, uint32_t n, int64_t t0, int64_t t1)
{
    if (used_at(p, t0) + n > p->machine)
        return false;
    for (size_t i = 0; i < p->nuse; i++)
        if (p->use[i].t0 > t0 && p->use[i].t0 < t1 &&
            used_at(p, p->use[i].t0) + n > p->machine)
            return false;
    return true;
}

static int64_t earliest(const struct plain *p, uint32_t n, int64_t now, int64_t limit)
{
    int64_t best = fits(p, n, now, now + limit) ? now : INT64_MAX;

    for (size_t i = 0; i < p->nuse; i++) {
        int64_t t = p->use[i].t1;
        if (t > now && t < best && fits(p, n, t, t + limit))
            best = t;
    }
    return best;
}

/* depth 0: fcfs. */
static void plain_pass(struct plain *p, int64_t now, uint32_t depth)
{
    uint32_t reserved = 0;

    p->nuse = 0;
    for (size_t i = 0; i < p->trace->n; i++) {
        const struct trace_job *j = &p->trace->job[i];
        if (p->start[i] >= 0 && p->start[i] + j->runtime > now)
            p->use[p->nuse++] =
                (struct use){p->start[i], p->start[i] + j->limit, j->req.nslots};
    }
    for (size_t i = 0; i < p->trace->n && p->trace->job[i].submit <= now; i++) {
        const struct trace_job *j = &p->trace->job[i];
        if (p->start[i] >= 0)
            continue;
        int64_t t = earliest(p, j->req.nslots, now, j->limit);
        if (t == now)
            p->start[i] = now;
        else if (depth == 0)
            break;
        else if (reserved++ >= depth)
            continue;
        p->use[p->nuse++] = (struct use){t, t + j->limit, j->req.nslots};
    }
}

static int64_t next_event(const struct plain *p, int64_t now)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < p->trace->n; i++) {
        const struct trace_job *j = &p->trace->job[i];
        int64_t t = p->start[i] >= 0 ? p->start[i] + j->runtime : j->submit;
        if (t > now && t < next)
            next = t;
    }
    return next;
}

static int64_t *plain_run(const struct trace *tr, uint32_t machine, uint32_t depth)
{
    struct plain *p = calloc(1, sizeof(*p));
    int64_t *start = malloc(tr->n * sizeof(*start));

    p->trace = tr;
    p->machine = machine;
    p->start = start;
    for (size_t i = 0; i < tr->n; i++)
        start[i] = -1;
    for (int64_t t = next_event(p, -1); t != INT64_MAX; t = next_event(p, t))
        plain_pass(p, t, depth);
    free(p);
    return start;
}

/* -- traces -- */

static struct trace make_trace(uint64_t seed, size_t n, uint32_t machine, bool whole)
{
    struct trace tr = {calloc(n, sizeof(*tr.job)), n};
    int64_t t = 0;

    for (size_t i = 0; i < n; i++) {
        struct trace_job *j = &tr.job[i];
        t += draw(&seed, 3) ? draw(&seed, 40) : 0;
        j->submit = t;
        j->runtime = 1 + draw(&seed, draw(&seed, 4) ? 60 : 600);
        j->limit = j->runtime + (draw(&seed, 3) ? draw(&seed, 200) : 0);
        j->req.nslots = 1 + draw(&seed, draw(&seed, 5) ? machine / 4 : machine);
        j->req.cores = 1;
        if (whole) {
            j->req.nnodes = j->req.nslots;
            j->req.flags = FLUX_SCHED_EXCLUSIVE;
        }
    }
    return tr;
}

struct setup {
    const char *policy, *depth;
    uint32_t plain_depth;
    struct machine machine;
    bool whole;
};

static const struct setup setups[] = {
    {"fcfs", NULL, 0, {1, 40, 0}, false},
    {"fcfs", NULL, 0, {40, 4, 0}, true},
    {"hybrid", "1", 1, {1, 40, 0}, false},
    {"hybrid", "1", 1, {10, 4, 0}, false},
    {"hybrid", "1", 1, {40, 4, 0}, true},
    {"hybrid", "4", 4, {1, 40, 2}, false},
    {"hybrid", "4", 4, {40, 2, 0}, true},
    {"hybrid", "100000", ALL, {1, 40, 0}, false},
    {"hybrid", "100000", ALL, {40, 1, 0}, true},
};

static void compare_with_plain(const struct setup *su, uint64_t seed)
{
    struct trace tr = make_trace(seed, 250, 40, su->whole);
    struct replay r = {.trace = &tr, .depth = su->depth};
    int64_t *want = plain_run(&tr, 40, su->plain_depth);

    replay_run(&r, su->machine, su->policy);
    for (size_t i = 0; i < tr.n; i++)
        ck_assert_msg(tr.job[i].start == want[i], "seed %d job %zu: %lld, not %lld",
                      (int)seed, i, (long long)tr.job[i].start, (long long)want[i]);
    free(want);
    free(tr.job);
}

START_TEST(start_times_are_those_of_the_definition)
{
    for (uint64_t seed = 1; seed <= 8; seed++)
        compare_with_plain(&setups[_i], seed);
}
END_TEST

/* The test has teeth: another depth gives another schedule. */
START_TEST(depth_makes_a_difference)
{
    struct trace tr = make_trace(3, 250, 40, false);
    int64_t *one = plain_run(&tr, 40, 1), *four = plain_run(&tr, 40, 4);

    ck_assert(memcmp(one, four, tr.n * sizeof(*one)) != 0);
    free(one);
    free(four);
    free(tr.job);
}
END_TEST

/* -- promises, in a mixed crowd on a small cluster -- */

static struct trace mixed_trace(uint64_t seed, size_t n, bool unlimited)
{
    struct trace tr = {calloc(n, sizeof(*tr.job)), n};
    int64_t t = 0;

    for (size_t i = 0; i < n; i++) {
        struct trace_job *j = &tr.job[i];
        t += draw(&seed, 30);
        j->submit = t;
        j->runtime = 1 + draw(&seed, 100);
        j->limit = j->runtime + draw(&seed, 50);
        if (unlimited && draw(&seed, 4) == 0)
            j->limit = 0;
        j->req =
            (struct request){.nslots = 1 + draw(&seed, 6), .cores = 1 + draw(&seed, 4)};
        if (draw(&seed, 3) == 0) {
            j->req.nnodes = 1 + draw(&seed, 4);
            j->req.nslots = j->req.nnodes;
            j->req.flags = draw(&seed, 2) ? FLUX_SCHED_EXCLUSIVE : 0;
        }
        if (draw(&seed, 5) == 0 && j->req.nslots <= 4)
            j->req.gpus = 1;
    }
    return tr;
}

struct promise {
    uint64_t head; /* first in the queue */
    int64_t at;    /* the earliest start it was promised as such */
    unsigned kept;
};

static void watch_promise(struct replay *r)
{
    struct promise *p = r->arg;
    const struct entry *e;

    engine_pass(r->s, FLUX_SCHED_ASK);
    engine_verify(r->s);
    if (p->head && r->trace->job[p->head - 1].start >= 0) {
        if (p->at < FLUX_SCHED_HORIZON) {
            ck_assert_int_le(r->trace->job[p->head - 1].start * SECOND, p->at);
            p->kept++;
        }
        p->head = 0;
    }
    if (!(e = engine_next_pending(r->s, NULL)))
        return;
    if (e->id != p->head)
        *p = (struct promise){e->id, INT64_MAX, p->kept};
    ck_assert_int_ne(e->start, FLUX_SCHED_NEVER);
    p->at = e->start < p->at ? e->start : p->at;
}

START_TEST(the_head_never_starts_later_than_promised)
{
    struct promise p = {0};
    struct trace tr = mixed_trace(50 + _i, 300, _i % 2);
    struct replay r = {.trace = &tr,
                       .depth = _i % 3 ? "5" : "1",
                       .after_pass = watch_promise,
                       .arg = &p};

    replay_run(&r, (struct machine){5, 8, 2}, "hybrid");
    ck_assert_uint_gt(p.kept, 20);
    free(tr.job);
}
END_TEST

/* -- single situations -- */

struct scene {
    struct flux_sched *s;
    uint64_t started[64];
    unsigned n;
};

static void scene_started(void *arg, const struct entry *e)
{
    struct scene *sc = arg;

    sc->started[sc->n++] = e->id;
}

static const struct engine_ops scene_ops = {.started = scene_started};

static void scene_submit(struct scene *sc, uint64_t id, unsigned nslots, int64_t seconds)
{
    struct engine_job job = {.id = id,
                             .priority = 16,
                             .t_submit = (int64_t)id,
                             .duration = seconds * SECOND,
                             .req = {.nslots = nslots, .cores = 1}};
    char why[200];

    ck_assert_int_eq(engine_submit(sc->s, &job, why, sizeof(why)), 0);
}

static bool scene_runs(const struct scene *sc, uint64_t id)
{
    for (unsigned i = 0; i < sc->n; i++)
        if (sc->started[i] == id)
            return true;
    return false;
}

static void scene_open(struct scene *sc, struct machine m, const char *policy)
{
    *sc = (struct scene){0};
    sc->s = machine_new(&scene_ops, sc, m);
    ck_assert_int_eq(engine_set_policy(sc->s, sched_policy_find(policy)), 0);
}

/* A wide job waits for one without a limit: others without a limit must not overtake it,
 * or it would wait for ever; those with a limit may. */
START_TEST(jobs_without_a_limit_do_not_starve_a_wide_one)
{
    struct scene sc;
    const struct entry *e;

    scene_open(&sc, (struct machine){1, 4, 0}, "hybrid");
    scene_submit(&sc, 1, 1, 0);  /* runs, who knows how long */
    scene_submit(&sc, 2, 4, 10); /* waits */
    scene_submit(&sc, 3, 1, 0);
    scene_submit(&sc, 4, 1, 10);
    engine_pass(sc.s, 0);
    ck_assert(scene_runs(&sc, 1) && scene_runs(&sc, 4));
    ck_assert(!scene_runs(&sc, 2) && !scene_runs(&sc, 3));
    engine_pass(sc.s, FLUX_SCHED_ASK);
    e = engine_find(sc.s, 2);
    ck_assert(e->start >= FLUX_SCHED_HORIZON && e->start < FLUX_SCHED_NEVER);
    engine_release(sc.s, 4);
    engine_release(sc.s, 1);
    engine_pass(sc.s, 0);
    ck_assert(scene_runs(&sc, 2) && !scene_runs(&sc, 3));
    engine_release(sc.s, 2);
    engine_pass(sc.s, 0);
    ck_assert(scene_runs(&sc, 3));
    engine_free(sc.s);
}
END_TEST

START_TEST(a_job_past_its_limit_still_holds_its_cores)
{
    struct scene sc;

    scene_open(&sc, (struct machine){1, 4, 0}, "hybrid");
    scene_submit(&sc, 1, 2, 10);
    scene_submit(&sc, 2, 4, 10);
    scene_submit(&sc, 3, 1, 100); /* would delay 2 */
    engine_set_time(sc.s, 1 * SECOND);
    engine_pass(sc.s, 0);
    engine_set_time(sc.s, 20 * SECOND);
    engine_pass(sc.s, FLUX_SCHED_ASK);
    ck_assert_uint_eq(sc.n, 1);
    ck_assert_int_gt(engine_find(sc.s, 2)->start, 20 * SECOND);
    engine_verify(sc.s);
    engine_release(sc.s, 1);
    engine_pass(sc.s, 0);
    ck_assert(scene_runs(&sc, 2));
    engine_free(sc.s);
}
END_TEST

START_TEST(swapping_the_policy_loses_nothing)
{
    struct scene sc;

    scene_open(&sc, (struct machine){1, 4, 0}, "fcfs");
    scene_submit(&sc, 1, 3, 100);
    scene_submit(&sc, 2, 4, 100);
    scene_submit(&sc, 3, 1, 10);
    engine_pass(sc.s, 0);
    ck_assert_uint_eq(sc.n, 1);
    ck_assert_int_eq(engine_set_policy(sc.s, sched_policy_find("sched.hybrid")), 0);
    engine_pass(sc.s, 0);
    ck_assert(scene_runs(&sc, 3));
    ck_assert_uint_eq(engine_npending(sc.s), 1);
    ck_assert_int_eq(engine_set_policy(sc.s, sched_policy_find("fcfs")), 0);
    engine_release(sc.s, 1);
    engine_release(sc.s, 3);
    engine_pass(sc.s, 0);
    ck_assert(scene_runs(&sc, 2));
    engine_verify(sc.s);
    engine_free(sc.s);
}
END_TEST

static const char *bad_depth(void *arg, const char *key)
{
    return "many";
}

START_TEST(bad_options_are_refused_and_the_old_policy_stays)
{
    static const struct engine_ops ops = {.started = scene_started, .option = bad_depth};
    struct scene sc = {0};

    sc.s = machine_new(&ops, &sc, (struct machine){1, 4, 0});
    ck_assert_int_eq(engine_set_policy(sc.s, sched_policy_find("fcfs")), 0);
    ck_assert_int_lt(engine_set_policy(sc.s, sched_policy_find("hybrid")), 0);
    ck_assert_str_eq(engine_policy(sc.s)->name, "fcfs");
    ck_assert_ptr_null(sched_policy_find("nonesuch"));
    engine_free(sc.s);
}
END_TEST

/* A policy of somebody who got everything wrong: the engine refuses each act. */
static const struct flux_sched_api *api;
static struct flux_sched *api_s;

static int wild_init(struct flux_sched *s, const struct flux_sched_api *a, void **self)
{
    api = a;
    api_s = s;
    return 0;
}

static int wild_pass(void *self, uint32_t why)
{
    uint32_t job = api->next(api_s, 0);
    struct flux_sched_pick bad_set = {.size = sizeof(bad_set), .allow = 77};
    struct flux_sched_job view;

    ck_assert_int_eq(api->start(api_s, 12345678, NULL), FLUX_SCHED_INVALID);
    ck_assert_int_eq(api->start(api_s, 0, NULL), FLUX_SCHED_INVALID);
    ck_assert_int_eq(api->start(api_s, job, &bad_set), FLUX_SCHED_INVALID);
    ck_assert_int_eq(api->start(api_s, job, NULL), FLUX_SCHED_OK);
    ck_assert_int_eq(api->start(api_s, job, NULL), FLUX_SCHED_INVALID);
    ck_assert_int_eq(api->deny(api_s, job, "no"), FLUX_SCHED_INVALID);
    ck_assert(api->plan(api_s, job, 0, NULL) == FLUX_SCHED_NEVER);
    ck_assert_int_eq(api->unplan(api_s, job), FLUX_SCHED_INVALID);
    ck_assert_int_eq(api->job(api_s, 999999, &view), FLUX_SCHED_INVALID);
    ck_assert_uint_eq(api->next(api_s, 4000000000u), 0);
    ck_assert_uint_eq(api->set_op(api_s, 9, 1, 1), 0);
    return 0;
}

START_TEST(wrong_acts_are_refused)
{
    static const struct flux_sched_policy wild = {.size = sizeof(wild),
                                                  .abi = FLUX_SCHED_ABI,
                                                  .name = "wild",
                                                  .init = wild_init,
                                                  .pass = wild_pass};
    struct scene sc;

    scene_open(&sc, (struct machine){1, 4, 0}, "fcfs");
    ck_assert_int_eq(engine_set_policy(sc.s, &wild), 0);
    scene_submit(&sc, 1, 1, 10);
    engine_pass(sc.s, 0);
    ck_assert_uint_eq(sc.n, 1);
    ck_assert_int_eq(api->start(api_s, 1, NULL), FLUX_SCHED_INVALID); /* no pass now */
    engine_verify(sc.s);
    engine_free(sc.s);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("policy");
    TCase *t = tcase_create("policy");

    tcase_set_timeout(t, 100);
    tcase_add_loop_test(t, start_times_are_those_of_the_definition, 0,
                        sizeof(setups) / sizeof(setups[0]));
    tcase_add_test(t, depth_makes_a_difference);
    tcase_add_loop_test(t, the_head_never_starts_later_than_promised, 0, 12);
    tcase_add_test(t, jobs_without_a_limit_do_not_starve_a_wide_one);
    tcase_add_test(t, a_job_past_its_limit_still_holds_its_cores);
    tcase_add_test(t, swapping_the_policy_loses_nothing);
    tcase_add_test(t, bad_options_are_refused_and_the_old_policy_stays);
    tcase_add_test(t, wrong_acts_are_refused);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
