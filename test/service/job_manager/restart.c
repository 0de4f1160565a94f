/* The job manager is killed at every moment of a small workload, and started again on
 * the same store: every job that was acknowledged ends, none is started twice, ids are
 * kept. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "world.h"

static struct world *w;

#define JOBS 4

static const char after_first[] =
    "\"dependencies\":[{\"scheme\":\"afterany\",\"value\":\"1\"}],";

/* Two that run at once, one that has to wait for the first, one with a limit of cores. */
static void submit_all(flux_future_t **f)
{
    for (int i = 0; i < JOBS; i++)
        f[i] = world_submit_async(w, i == 2 ? after_first : NULL, 16, 0);
}

/* Every job known to the store has ended well, having run once. Returns how many. */
static int check_all(void)
{
    int found = 0;

    for (flux_jobid_t id = 1; id <= JOBS; id++) {
        AUTOFREE char *log = world_eventlog(w, id);
        struct rfc21 r;

        if (!log[0])
            continue;
        found++;
        r = world_check(w, id);
        ck_assert_msg(r.state == FLUX_JOB_STATE_INACTIVE, "job %ju:\n%s", (uintmax_t)id,
                      log);
        ck_assert_msg(r.status == 0 && !r.doomed, "job %ju:\n%s", (uintmax_t)id, log);
        ck_assert_ptr_nonnull(world_task(w, id));
        ck_assert_int_eq(world_task(w, id)->runs, 1);
    }
    return found;
}

/* Run until turn `turn`, kill, start again, and let all end. False if all had ended
 * before. */
static bool crash_at(uint64_t seed, int turn, bool clean)
{
    flux_future_t *f[JOBS];
    int acked = 0, found;
    bool before = true;

    w = world_new(seed);
    w->cores = 2;
    world_start(w);
    world_turns(w, 30);
    submit_all(f);
    world_turns(w, turn);
    for (int i = 0; i < JOBS; i++) {
        flux_jobid_t id;

        if (flux_future_is_ready(f[i]) && flux_job_submit_get_id(f[i], &id) == 0) {
            ck_assert_uint_eq(id, (flux_jobid_t)i + 1);
            acked++;
        }
        flux_future_destroy(f[i]);
    }
    for (flux_jobid_t id = 1; id <= JOBS; id++)
        before &= world_task(w, id) && world_task(w, id)->acked;
    if (clean)
        world_stop(w);
    else
        world_crash(w);
    world_turns(w, 3);
    world_start(w);
    world_drain(w);
    found = check_all();
    ck_assert_msg(found >= acked, "seed %ju turn %d: %d jobs of %d", (uintmax_t)seed,
                  turn, found, acked);
    ck_assert_uint_eq(w->lost, 0);
    world_turns(w, 20);
    ck_assert_uint_eq(w->cores, 2);
    ck_assert_uint_gt(world_submit(w, NULL, 16, 0), (flux_jobid_t)found);
    world_drain(w);
    world_free(w);
    return !before;
}

START_TEST(killed_at_any_moment_no_job_is_lost_or_run_twice)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        int turn = 0;

        while (crash_at(seed, turn, false))
            turn++;
        ck_assert_int_gt(turn, 8);
    }
}
END_TEST

START_TEST(stopped_at_any_moment_no_job_is_lost_or_run_twice)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        int turn = 0;

        while (crash_at(seed, turn, true))
            turn++;
        ck_assert_int_gt(turn, 8);
    }
}
END_TEST

/* The same with a cancel under way. */
START_TEST(killed_during_a_cancel_the_job_still_ends_cancelled)
{
    for (int turn = 0; turn < 40; turn++) {
        flux_future_t *f;
        struct rfc21 r;

        w = world_new(7);
        w->refuse_end = true;
        world_start(w);
        world_submit(w, NULL, 16, 0);
        world_turns(w, turn);
        f = flux_job_cancel(w->client, 1, NULL);
        world_wait(w, f);
        ck_assert_int_eq(flux_rpc_get(f, NULL), 0);
        flux_future_destroy(f);
        world_turns(w, turn % 7);
        world_crash(w);
        world_turns(w, 3);
        world_start(w);
        world_drain(w);
        r = world_check(w, 1);
        ck_assert_int_eq(r.state, FLUX_JOB_STATE_INACTIVE);
        ck_assert_str_eq(r.exception, "cancel");
        ck_assert(!world_task(w, 1) || world_task(w, 1)->runs == 1);
        world_turns(w, 20);
        ck_assert_uint_eq(w->cores, 4);
        world_free(w);
    }
}
END_TEST

START_TEST(waiting_jobs_get_a_restart_event_and_go_on)
{
    AUTOFREE char *events = NULL;

    w = world_new(1);
    world_start(w);
    w->sched_paused = true;
    world_submit(w, NULL, 20, 0);
    world_submit(w, NULL, 0, 0);
    world_turns(w, 30);
    world_stop(w);
    w->sched_paused = false;
    world_start(w);
    world_turns(w, 100);
    events = world_events(w, 1);
    ck_assert_str_eq(events,
                     "submit,validate,depend,priority,flux-restart,priority,alloc,"
                     "start,finish,release,free,clean");
    free(events);
    events = world_events(w, 2);
    ck_assert_str_eq(events, "submit,validate,depend,priority,flux-restart,priority");
    world_free(w);
}
END_TEST

START_TEST(queue_state_survives)
{
    AUTOFREE char *answer = NULL;

    w = world_new(1);
    world_start(w);
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.queue-start",
                               "{\"start\":false,\"all\":false,\"reason\":\"tea\"}",
                               NULL),
                     0);
    world_crash(w);
    world_start(w);
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.queue-status", NULL, &answer),
                     0);
    ck_assert_str_eq(answer, "{\"enable\":true,\"start\":false,\"stop_reason\":\"tea\"}");
    world_free(w);
}
END_TEST

static int break_row(void)
{
    struct store_txn *t = store_txn_new(w->store);
    struct store_job row = {.id = 1,
                            .state = FLUX_JOB_STATE_SCHED,
                            .userid = 0,
                            .t_submit = 1,
                            .rec = "{\"id\":1,\"state\":",
                            .rec_len = 16};
    int rc = store_txn_job(t, &row);

    return rc < 0 ? rc : store_commit(w->store, t, NULL, NULL);
}

START_TEST(bad_row_sets_its_job_aside_and_no_other)
{
    w = world_new(1);
    world_start(w);
    w->sched_paused = true;
    world_submit(w, NULL, 16, 0);
    world_submit(w, NULL, 16, 0);
    world_turns(w, 30);
    world_stop(w);
    w->sched_paused = false;
    ck_assert_int_eq(break_row(), 0);
    store_flush(w->store);
    world_start(w);
    world_drain(w);
    ck_assert_int_eq(world_check(w, 2).state, FLUX_JOB_STATE_INACTIVE);
    ck_assert_int_eq(world_check(w, 1).state, FLUX_JOB_STATE_SCHED);
    ck_assert_uint_eq(world_submit(w, NULL, 16, 0), 3);
    world_drain(w);
    world_free(w);
}
END_TEST

START_TEST(many_waiting_jobs_are_taken_up_again)
{
    flux_future_t *f[3000];
    flux_jobid_t id;

    w = world_new(1);
    world_start(w);
    w->sched_paused = true;
    for (int i = 0; i < 3000; i++)
        f[i] = world_submit_async(w, NULL, 16, 0);
    for (int i = 0; i < 3000; i++) {
        world_wait(w, f[i]);
        ck_assert_int_eq(flux_job_submit_get_id(f[i], &id), 0);
        flux_future_destroy(f[i]);
    }
    world_crash(w);
    w->sched_paused = false;
    world_start(w);
    world_drain(w);
    for (id = 1; id <= 3000; id++)
        ck_assert_int_eq(world_task(w, id)->runs, 1);
    world_free(w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("job-manager/restart");
    TCase *tc = tcase_create("restart");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, killed_at_any_moment_no_job_is_lost_or_run_twice);
    tcase_add_test(tc, stopped_at_any_moment_no_job_is_lost_or_run_twice);
    tcase_add_test(tc, killed_during_a_cancel_the_job_still_ends_cancelled);
    tcase_add_test(tc, waiting_jobs_get_a_restart_event_and_go_on);
    tcase_add_test(tc, queue_state_survives);
    tcase_add_test(tc, bad_row_sets_its_job_aside_and_no_other);
    tcase_add_test(tc, many_waiting_jobs_are_taken_up_again);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
