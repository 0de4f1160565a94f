/* The job manager with a scheduler and an execution service that the test plays: the
 * life of jobs, and what ends it early. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "world.h"

#define NORMAL "submit,validate,depend,priority,alloc,start,finish,release,free,clean"

static struct world *w;

static void setup(void)
{
    w = world_new(1);
    world_start(w);
}

static void teardown(void)
{
    world_free(w);
}

START_TEST(a_job_goes_through_all_states_in_order)
{
    flux_jobid_t id = world_submit(w, NULL, 16, 0);
    struct rfc21 r;

    ck_assert_uint_eq(id, 1);
    world_drain(w);
    world_check_order(w, id, NORMAL);
    r = world_check(w, id);
    ck_assert_int_eq(r.state, FLUX_JOB_STATE_INACTIVE);
    ck_assert_int_eq(r.status, 0);
    ck_assert_int_eq(r.priority, 16);
    ck_assert_int_eq(world_task(w, id)->runs, 1);
    world_turns(w, 20);
    ck_assert(world_task(w, id)->acked);
    ck_assert_uint_eq(w->cores, 4);
}
END_TEST

START_TEST(many_jobs_end_and_ids_are_in_order)
{
    flux_future_t *f[200];
    flux_jobid_t id;

    for (int i = 0; i < 200; i++)
        f[i] = world_submit_async(w, NULL, 16, 0);
    for (int i = 0; i < 200; i++) {
        world_wait(w, f[i]);
        ck_assert_int_eq(flux_job_submit_get_id(f[i], &id), 0);
        ck_assert_uint_eq(id, (flux_jobid_t)i + 1);
        flux_future_destroy(f[i]);
    }
    world_drain(w);
    for (int i = 0; i < 200; i++) {
        world_check_order(w, (flux_jobid_t)i + 1, NORMAL);
        ck_assert_int_eq(world_task(w, (flux_jobid_t)i + 1)->runs, 1);
    }
    ck_assert_uint_eq(w->nallocs, 200);
    world_turns(w, 20);
    ck_assert_uint_eq(w->nfrees, 200);
}
END_TEST

START_TEST(cancel_while_it_waits_for_a_dependency)
{
    flux_jobid_t first, id;

    w->refuse_end = true;
    first = world_submit(w, NULL, 16, 0);
    id = world_submit(w, "\"dependencies\":[{\"scheme\":\"afterok\",\"value\":\"1\"}],",
                      16, 0);
    ck_assert_int_eq(world_cancel(w, id), 0);
    world_wait_event(w, id, "clean");
    world_check_order(w, id, "submit,validate,dependency-add,exception,clean");
    ck_assert_int_eq(world_cancel(w, first), 0);
    world_drain(w);
}
END_TEST

START_TEST(cancel_while_it_waits_for_resources)
{
    flux_jobid_t id;

    w->sched_paused = true;
    id = world_submit(w, NULL, 16, 0);
    world_turns(w, 20);
    ck_assert_ptr_nonnull(umap_get(w->sched_queue, id));
    ck_assert_int_eq(world_cancel(w, id), 0);
    world_drain(w);
    world_check_order(w, id, "submit,validate,depend,priority,exception,clean");
    ck_assert_uint_eq(w->ncancels, 1);
    ck_assert_ptr_null(world_task(w, id));
}
END_TEST

START_TEST(cancel_while_it_is_held)
{
    flux_jobid_t id = world_submit(w, NULL, 0, 0);

    world_turns(w, 20);
    ck_assert_ptr_null(umap_get(w->sched_queue, id));
    ck_assert_int_eq(world_cancel(w, id), 0);
    world_drain(w);
    world_check_order(w, id, "submit,validate,depend,priority,exception,clean");
}
END_TEST

START_TEST(cancel_while_it_runs)
{
    flux_jobid_t id;
    struct rfc21 r;

    w->refuse_end = true;
    id = world_submit(w, NULL, 16, 0);
    world_wait_event(w, id, "start");
    ck_assert_int_eq(world_cancel(w, id), 0);
    world_drain(w);
    world_check_order(
        w, id,
        "submit,validate,depend,priority,alloc,start,exception,finish,release,"
        "free,clean");
    r = world_check(w, id);
    ck_assert_int_eq(r.status, 15);
    ck_assert_str_eq(r.exception, "cancel");
    ck_assert_uint_eq(w->cores, 4);
}
END_TEST

START_TEST(cancel_after_alloc_without_an_execution_service)
{
    flux_jobid_t id;

    world_stop_exec(w);
    id = world_submit(w, NULL, 16, 0);
    world_wait_event(w, id, "alloc");
    ck_assert_int_eq(world_cancel(w, id), 0);
    world_drain(w);
    world_check_order(w, id,
                      "submit,validate,depend,priority,alloc,exception,free,clean");
}
END_TEST

START_TEST(cancel_of_unknown_and_ended_jobs_says_which)
{
    AUTOFREE char *text = NULL;
    flux_jobid_t id = world_submit(w, NULL, 16, 0);

    world_drain(w);
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.raise",
                               "{\"id\":1,\"severity\":0,\"type\":\"cancel\"}", &text),
                     ENOENT);
    ck_assert_str_eq(text, "job is inactive");
    free(TAKE(text));
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.raise",
                               "{\"id\":99,\"severity\":0,\"type\":\"cancel\"}", &text),
                     ENOENT);
    ck_assert_str_eq(text, "unknown job id");
    ck_assert_uint_eq(id, 1);
}
END_TEST

START_TEST(exception_of_lesser_severity_changes_nothing)
{
    flux_jobid_t id;

    w->refuse_end = true;
    id = world_submit(w, NULL, 16, 0);
    world_wait_event(w, id, "start");
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.raise",
                               "{\"id\":1,\"severity\":3,\"type\":\"odd\"}", NULL),
                     0);
    ck_assert_int_eq(world_check(w, id).state, FLUX_JOB_STATE_RUN);
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.raise",
                               "{\"id\":1,\"severity\":9,\"type\":\"odd\"}", NULL),
                     EPROTO);
    ck_assert_int_eq(world_cancel(w, id), 0);
    world_drain(w);
}
END_TEST

START_TEST(jobs_wait_for_a_scheduler_and_for_another)
{
    flux_jobid_t id, running;

    w->refuse_end = true;
    running = world_submit(w, NULL, 16, 0);
    world_wait_event(w, running, "start");
    w->sched_paused = true;
    id = world_submit(w, NULL, 16, 0);
    world_turns(w, 20);
    world_stop_sched(w);
    world_turns(w, 20);
    w->sched_paused = false;
    world_start_sched(w);
    world_wait_event(w, id, "start");
    ck_assert_uint_eq(w->cores, 2);
    w->refuse_end = false;
    world_cancel(w, id);
    world_cancel(w, running);
    world_drain(w);
    world_turns(w, 20);
    ck_assert_uint_eq(w->cores, 4);
    ck_assert_int_eq(world_task(w, id)->runs, 1);
}
END_TEST

START_TEST(cancelled_job_ends_when_the_scheduler_goes)
{
    flux_jobid_t id;

    w->sched_paused = true;
    id = world_submit(w, NULL, 16, 0);
    world_turns(w, 20);
    world_stop_sched(w);
    ck_assert_int_eq(world_cancel(w, id), 0);
    world_drain(w);
    world_check_order(w, id, "submit,validate,depend,priority,exception,clean");
}
END_TEST

START_TEST(execution_service_reloaded_finds_its_jobs)
{
    flux_jobid_t id, late;

    w->refuse_end = true;
    id = world_submit(w, NULL, 16, 0);
    world_wait_event(w, id, "start");
    world_stop_exec(w);
    late = world_submit(w, NULL, 16, 0);
    world_wait_event(w, late, "alloc");
    world_start_exec(w);
    world_wait_event(w, late, "start");
    ck_assert_uint_eq(w->lost, 0);
    ck_assert_int_eq(world_task(w, id)->runs, 1);
    world_cancel(w, id);
    world_cancel(w, late);
    world_drain(w);
    world_check_order(w, late,
                      "submit,validate,depend,priority,alloc,start,exception,finish,"
                      "release,free,clean");
}
END_TEST

START_TEST(an_exception_told_twice_happened_once)
{
    flux_jobid_t id;

    w->refuse_end = true;
    id = world_submit(w, NULL, 16, 0);
    world_wait_event(w, id, "start");
    for (int i = 0; i < 2; i++)
        world_report(w, id, "exception",
                     "{\"severity\":0,\"type\":\"lost-shell\",\"note\":\"gone\"}");
    world_report(w, id, "exception",
                 "{\"severity\":0,\"type\":\"lost-shell\",\"note\":\"another\"}");
    world_end_task(w, id, 9);
    world_drain(w);
    world_check_order(w, id,
                      "submit,validate,depend,priority,alloc,start,exception,exception,"
                      "finish,release,free,clean");
}
END_TEST

START_TEST(some_ranks_are_released_before_the_others)
{
    flux_jobid_t id;

    w->refuse_end = true;
    id = world_submit(w, NULL, 16, 0);
    world_wait_event(w, id, "start");
    world_report(w, id, "exception", "{\"severity\":0,\"type\":\"exec\",\"note\":\"\"}");
    world_report(w, id, "release", "{\"ranks\":\"1\",\"final\":false}");
    world_wait_event(w, id, "release");
    ck_assert_uint_eq(w->cores, 3); /* it holds its resources until the end */
    world_end_task(w, id, 9);
    world_drain(w);
    world_check_order(w, id,
                      "submit,validate,depend,priority,alloc,start,exception,release,"
                      "finish,release,free,clean");
    ck_assert_uint_eq(w->cores, 4);
}
END_TEST

START_TEST(a_stray_that_has_ended_is_acknowledged)
{
    flux_jobid_t ended = world_submit(w, NULL, 16, 0), id;

    world_drain(w);
    world_turns(w, 20);
    w->refuse_end = true;
    id = world_submit(w, NULL, 16, 0);
    world_wait_event(w, id, "start");
    world_task(w, ended)->acked = false;
    world_report(w, id, "stray", "{}");
    world_report(w, ended, "stray", "{}");
    world_turns(w, 20);
    ck_assert(world_task(w, ended)->acked);
    ck_assert(!world_task(w, id)->acked);
    world_cancel(w, id);
    world_drain(w);
    world_check_order(w, ended, NORMAL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("job-manager/life");
    TCase *tc = tcase_create("life");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_job_goes_through_all_states_in_order);
    tcase_add_test(tc, many_jobs_end_and_ids_are_in_order);
    tcase_add_test(tc, cancel_while_it_waits_for_a_dependency);
    tcase_add_test(tc, cancel_while_it_waits_for_resources);
    tcase_add_test(tc, cancel_while_it_is_held);
    tcase_add_test(tc, cancel_while_it_runs);
    tcase_add_test(tc, cancel_after_alloc_without_an_execution_service);
    tcase_add_test(tc, cancel_of_unknown_and_ended_jobs_says_which);
    tcase_add_test(tc, exception_of_lesser_severity_changes_nothing);
    tcase_add_test(tc, jobs_wait_for_a_scheduler_and_for_another);
    tcase_add_test(tc, cancelled_job_ends_when_the_scheduler_goes);
    tcase_add_test(tc, execution_service_reloaded_finds_its_jobs);
    tcase_add_test(tc, an_exception_told_twice_happened_once);
    tcase_add_test(tc, some_ranks_are_released_before_the_others);
    tcase_add_test(tc, a_stray_that_has_ended_is_acknowledged);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
