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

static bool has_event(flux_jobid_t id, const char *name)
{
    AUTOFREE char *events = world_events(w, id);

    return strstr(events, name) != NULL;
}

struct wanted {
    flux_jobid_t id;
    const char *name;
};

static bool event_seen(struct world *world, void *arg)
{
    struct wanted *want = arg;

    return has_event(want->id, want->name);
}

static void wait_event(flux_jobid_t id, const char *name)
{
    struct wanted want = {id, name};

    ck_assert_msg(world_until(w, event_seen, &want), "job %ju: no %s", (uintmax_t)id,
                  name);
}

static int cancel(flux_jobid_t id)
{
    char payload[128];

    snprintf(payload, sizeof(payload),
             "{\"id\":%ju,\"severity\":0,\"type\":\"cancel\",\"note\":\"x\"}",
             (uintmax_t)id);
    return world_rpc(w, w->client, "job-manager.raise", payload, NULL);
}

static void check_order(flux_jobid_t id, const char *expected)
{
    AUTOFREE char *events = world_events(w, id);

    ck_assert_str_eq(events, expected);
    world_check(w, id);
}

START_TEST(a_job_goes_through_all_states_in_order)
{
    flux_jobid_t id = world_submit(w, NULL, 16, 0);
    struct rfc21 r;

    ck_assert_uint_eq(id, 1);
    world_drain(w);
    check_order(id, NORMAL);
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
        check_order((flux_jobid_t)i + 1, NORMAL);
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
    ck_assert_int_eq(cancel(id), 0);
    wait_event(id, "clean");
    check_order(id, "submit,validate,dependency-add,exception,clean");
    ck_assert_int_eq(cancel(first), 0);
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
    ck_assert_int_eq(cancel(id), 0);
    world_drain(w);
    check_order(id, "submit,validate,depend,priority,exception,clean");
    ck_assert_uint_eq(w->ncancels, 1);
    ck_assert_ptr_null(world_task(w, id));
}
END_TEST

START_TEST(cancel_while_it_is_held)
{
    flux_jobid_t id = world_submit(w, NULL, 0, 0);

    world_turns(w, 20);
    ck_assert_ptr_null(umap_get(w->sched_queue, id));
    ck_assert_int_eq(cancel(id), 0);
    world_drain(w);
    check_order(id, "submit,validate,depend,priority,exception,clean");
}
END_TEST

START_TEST(cancel_while_it_runs)
{
    flux_jobid_t id;
    struct rfc21 r;

    w->refuse_end = true;
    id = world_submit(w, NULL, 16, 0);
    wait_event(id, "start");
    ck_assert_int_eq(cancel(id), 0);
    world_drain(w);
    check_order(id,
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
    wait_event(id, "alloc");
    ck_assert_int_eq(cancel(id), 0);
    world_drain(w);
    check_order(id, "submit,validate,depend,priority,alloc,exception,free,clean");
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

START_TEST(guests_act_on_their_own_jobs_only)
{
    AUTOFREE char *text = NULL;

    world_submit(w, NULL, 0, 0);
    ck_assert_int_eq(world_rpc(w, w->guest, "job-manager.raise",
                               "{\"id\":1,\"severity\":0,\"type\":\"cancel\"}", &text),
                     EPERM);
    ck_assert_str_eq(text, "guests can only raise exceptions on their own jobs");
    free(TAKE(text));
    ck_assert_int_eq(
        world_rpc(w, w->guest, "job-manager.urgency", "{\"id\":1,\"urgency\":10}", &text),
        EPERM);
    free(TAKE(text));
    ck_assert_int_eq(
        world_rpc(w, w->guest, "job-manager.queue-start", "{\"start\":false}", &text),
        EPERM);
    ck_assert_int_eq(cancel(1), 0);
    world_drain(w);
}
END_TEST

START_TEST(hold_release_and_expedite)
{
    AUTOFREE char *answer = NULL;
    flux_jobid_t id = world_submit(w, NULL, 0, 0);
    struct rfc21 r;

    world_turns(w, 20);
    check_order(id, "submit,validate,depend,priority");
    ck_assert_int_eq(world_check(w, id).priority, 0);
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.urgency",
                               "{\"id\":1,\"urgency\":31}", &answer),
                     0);
    ck_assert_str_eq(answer, "{\"old_urgency\":0}");
    world_drain(w);
    r = world_check(w, id);
    ck_assert_int_eq(r.priority, 4294967295);
    ck_assert_int_eq(r.status, 0);
    free(TAKE(answer));
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.urgency",
                               "{\"id\":1,\"urgency\":32}", &answer),
                     ENOENT);
}
END_TEST

START_TEST(hold_takes_a_job_back_from_the_scheduler)
{
    flux_jobid_t id;

    w->sched_paused = true;
    id = world_submit(w, NULL, 16, 0);
    world_turns(w, 20);
    ck_assert_ptr_nonnull(umap_get(w->sched_queue, id));
    ck_assert_int_eq(
        world_rpc(w, w->client, "job-manager.urgency", "{\"id\":1,\"urgency\":0}", NULL),
        0);
    world_turns(w, 20);
    ck_assert_ptr_null(umap_get(w->sched_queue, id));
    world_sched_resume(w);
    ck_assert_int_eq(
        world_rpc(w, w->client, "job-manager.urgency", "{\"id\":1,\"urgency\":5}", NULL),
        0);
    world_drain(w);
    ck_assert_int_eq(world_check(w, id).priority, 5);
}
END_TEST

START_TEST(priority_order_reaches_the_scheduler)
{
    flux_jobid_t low, high;

    w->sched_paused = true;
    w->cores = 1;
    low = world_submit(w, NULL, 10, 0);
    high = world_submit(w, NULL, 16, 0);
    world_turns(w, 20);
    ck_assert_int_eq(
        world_rpc(w, w->client, "job-manager.urgency", "{\"id\":1,\"urgency\":20}", NULL),
        0);
    world_turns(w, 20);
    ck_assert_uint_eq((uintptr_t)umap_get(w->sched_queue, low), 21);
    ck_assert_uint_eq((uintptr_t)umap_get(w->sched_queue, high), 17);
    world_sched_resume(w);
    world_drain(w);
}
END_TEST

START_TEST(stopped_queue_shows_nothing_to_the_scheduler)
{
    AUTOFREE char *answer = NULL;
    flux_jobid_t id;

    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.queue-start",
                               "{\"start\":false,\"all\":false,\"reason\":\"tea\"}",
                               NULL),
                     0);
    id = world_submit(w, NULL, 16, 0);
    world_turns(w, 20);
    ck_assert_ptr_null(umap_get(w->sched_queue, id));
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.queue-status", "{}", &answer),
                     0);
    ck_assert_str_eq(answer, "{\"enable\":true,\"start\":false,\"stop_reason\":\"tea\"}");
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.queue-start",
                               "{\"start\":true,\"all\":false}", NULL),
                     0);
    world_drain(w);
    check_order(id, NORMAL);
}
END_TEST

START_TEST(disabled_queue_refuses_with_the_reason)
{
    const char *text;

    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.queue-enable",
                               "{\"enable\":false,\"all\":false,\"reason\":\"closed\"}",
                               NULL),
                     0);
    ck_assert_int_eq(world_submit_fails(w, NULL, &text), EINVAL);
    ck_assert_str_eq(text, "job submission is disabled: closed");
}
END_TEST

START_TEST(kill_reaches_a_running_job_only)
{
    AUTOFREE char *text = NULL;
    flux_jobid_t id;

    w->refuse_end = true;
    w->sched_paused = true;
    id = world_submit(w, NULL, 16, 0);
    ck_assert_int_eq(
        world_rpc(w, w->client, "job-manager.kill", "{\"id\":1,\"signum\":9}", &text),
        EINVAL);
    ck_assert_str_eq(text, "job is not running");
    world_sched_resume(w);
    wait_event(id, "start");
    ck_assert_int_eq(
        world_rpc(w, w->client, "job-manager.kill", "{\"id\":1,\"signum\":9}", NULL), 0);
    world_drain(w);
    ck_assert_uint_eq(w->kills, 1);
    ck_assert_int_eq(world_check(w, id).status, 9);
}
END_TEST

START_TEST(exception_of_lesser_severity_changes_nothing)
{
    flux_jobid_t id;

    w->refuse_end = true;
    id = world_submit(w, NULL, 16, 0);
    wait_event(id, "start");
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.raise",
                               "{\"id\":1,\"severity\":3,\"type\":\"odd\"}", NULL),
                     0);
    ck_assert_int_eq(world_check(w, id).state, FLUX_JOB_STATE_RUN);
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.raise",
                               "{\"id\":1,\"severity\":9,\"type\":\"odd\"}", NULL),
                     EPROTO);
    ck_assert_int_eq(cancel(id), 0);
    world_drain(w);
}
END_TEST

START_TEST(raiseall_and_killall_count)
{
    AUTOFREE char *answer = NULL;

    w->refuse_end = true;
    w->cores = 2;
    for (int i = 0; i < 5; i++)
        world_submit(w, NULL, 16, 0);
    wait_event(2, "start");
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.killall",
                               "{\"dry_run\":true,\"userid\":4294967295,\"signum\":15}",
                               &answer),
                     0);
    ck_assert_str_eq(answer, "{\"count\":2,\"errors\":0}");
    free(TAKE(answer));
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.raiseall",
                               "{\"dry_run\":false,\"userid\":4294967295,\"states\":8,"
                               "\"severity\":0,\"type\":\"cancel\"}",
                               &answer),
                     0);
    ck_assert_str_eq(answer, "{\"count\":3,\"errors\":0}");
    free(TAKE(answer));
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.raiseall",
                               "{\"dry_run\":false,\"userid\":4294967295,\"states\":62,"
                               "\"severity\":0,\"type\":\"cancel\"}",
                               &answer),
                     0);
    ck_assert_str_eq(answer, "{\"count\":2,\"errors\":0}");
    world_drain(w);
}
END_TEST

START_TEST(jobs_wait_for_a_scheduler_and_for_another)
{
    flux_jobid_t id, running;

    w->refuse_end = true;
    running = world_submit(w, NULL, 16, 0);
    wait_event(running, "start");
    w->sched_paused = true;
    id = world_submit(w, NULL, 16, 0);
    world_turns(w, 20);
    world_stop_sched(w);
    world_turns(w, 20);
    w->sched_paused = false;
    world_start_sched(w);
    wait_event(id, "start");
    ck_assert_uint_eq(w->cores, 2);
    w->refuse_end = false;
    cancel(id);
    cancel(running);
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
    ck_assert_int_eq(cancel(id), 0);
    world_drain(w);
    check_order(id, "submit,validate,depend,priority,exception,clean");
}
END_TEST

START_TEST(execution_service_reloaded_finds_its_jobs)
{
    flux_jobid_t id, late;

    w->refuse_end = true;
    id = world_submit(w, NULL, 16, 0);
    wait_event(id, "start");
    world_stop_exec(w);
    late = world_submit(w, NULL, 16, 0);
    wait_event(late, "alloc");
    world_start_exec(w);
    wait_event(late, "start");
    ck_assert_uint_eq(w->lost, 0);
    ck_assert_int_eq(world_task(w, id)->runs, 1);
    cancel(id);
    cancel(late);
    world_drain(w);
    check_order(late, "submit,validate,depend,priority,alloc,start,exception,finish,"
                      "release,free,clean");
}
END_TEST

START_TEST(memo_and_annotations_show_in_the_list)
{
    flux_future_t *f;
    const char *summary, *memo;
    int64_t id;

    w->refuse_end = true;
    world_submit(w, NULL, 16, 0);
    wait_event(1, "start");
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.memo",
                               "{\"id\":1,\"memo\":{\"a\":\"b\",\"c\":null}}", NULL),
                     0);
    f = flux_rpc_pack(w->client, "job-manager.list", FLUX_NODEID_ANY, FLUX_RPC_STREAMING,
                      "{s:[s,s]}", "attrs", "annotations", "state");
    world_wait(w, f);
    ck_assert_int_eq(flux_rpc_get_unpack(f, "{s:[{s:I s:{s:{s:s} s:{s:s}}}]}", "jobs",
                                         "id", &id, "annotations", "sched",
                                         "resource_summary", &summary, "user", "a",
                                         &memo),
                     0);
    ck_assert_str_eq(summary, "rank0/core3");
    ck_assert_str_eq(memo, "b");
    flux_future_reset(f);
    world_wait(w, f);
    ck_assert_int_eq(flux_rpc_get(f, NULL), -1);
    ck_assert_int_eq(errno, ENODATA);
    flux_future_destroy(f);
    ck_assert(has_event(1, "memo"));
    cancel(1);
    world_drain(w);
}
END_TEST

START_TEST(duration_of_a_waiting_job_is_updated)
{
    AUTOFREE char *text = NULL;
    flux_jobid_t id;

    w->sched_paused = true;
    id = world_submit(w, NULL, 16, 0);
    ck_assert_int_eq(
        world_rpc(w, w->client, "job-manager.update",
                  "{\"id\":1,\"updates\":{\"attributes.system.duration\":60}}", NULL),
        0);
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.update",
                               "{\"id\":1,\"updates\":{\"attributes.system.x\":60}}",
                               &text),
                     EINVAL);
    ck_assert_str_eq(text, "update of attributes.system.x is not supported");
    world_sched_resume(w);
    world_drain(w);
    check_order(id, "submit,validate,depend,priority,jobspec-update,priority,alloc,start,"
                    "finish,release,free,clean");
}
END_TEST

START_TEST(idle_says_how_many_wait)
{
    AUTOFREE char *answer = NULL;

    world_submit(w, NULL, 0, 0);
    world_submit(w, NULL, 16, 0);
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.idle", NULL, &answer), 0);
    ck_assert_str_eq(answer, "{\"pending\":1}");
    ck_assert(has_event(2, "clean"));
    cancel(1);
    world_drain(w);
}
END_TEST

START_TEST(history_is_latest_first)
{
    AUTOFREE char *answer = NULL;

    for (int i = 0; i < 4; i++)
        world_submit(w, NULL, i == 2 ? 0 : 16, 0);
    world_turns(w, 200);
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.history.get",
                               "{\"slice\":\"[:3]\"}", &answer),
                     0);
    ck_assert_str_eq(answer, "{\"jobs\":[4,3,2]}");
    cancel(3);
    world_drain(w);
}
END_TEST

START_TEST(purge_removes_the_oldest_and_ids_stay_taken)
{
    AUTOFREE char *answer = NULL;

    for (int i = 0; i < 5; i++) {
        world_submit(w, NULL, 16, 0);
        world_drain(w);
    }
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.purge",
                               "{\"age_limit\":-1.0,\"num_limit\":2,\"batch\":50,"
                               "\"force\":false}",
                               &answer),
                     0);
    ck_assert_str_eq(answer, "{\"count\":3}");
    ck_assert(has_event(1, "clean"));
    free(TAKE(answer));
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.purge",
                               "{\"age_limit\":-1.0,\"num_limit\":2,\"batch\":50,"
                               "\"force\":true}",
                               &answer),
                     0);
    ck_assert_str_eq(answer, "{\"count\":3}");
    ck_assert(!has_event(3, "clean"));
    ck_assert(has_event(4, "clean"));
    free(TAKE(answer));
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.purge-id",
                               "{\"ids\":[5],\"force\":true}", &answer),
                     0);
    ck_assert_str_eq(answer, "{\"count\":1}");
    world_stop(w);
    world_start(w);
    ck_assert_uint_eq(world_submit(w, NULL, 16, 0), 6);
    world_drain(w);
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
    tcase_add_test(tc, guests_act_on_their_own_jobs_only);
    tcase_add_test(tc, hold_release_and_expedite);
    tcase_add_test(tc, hold_takes_a_job_back_from_the_scheduler);
    tcase_add_test(tc, priority_order_reaches_the_scheduler);
    tcase_add_test(tc, stopped_queue_shows_nothing_to_the_scheduler);
    tcase_add_test(tc, disabled_queue_refuses_with_the_reason);
    tcase_add_test(tc, kill_reaches_a_running_job_only);
    tcase_add_test(tc, exception_of_lesser_severity_changes_nothing);
    tcase_add_test(tc, raiseall_and_killall_count);
    tcase_add_test(tc, jobs_wait_for_a_scheduler_and_for_another);
    tcase_add_test(tc, cancelled_job_ends_when_the_scheduler_goes);
    tcase_add_test(tc, execution_service_reloaded_finds_its_jobs);
    tcase_add_test(tc, memo_and_annotations_show_in_the_list);
    tcase_add_test(tc, duration_of_a_waiting_job_is_updated);
    tcase_add_test(tc, idle_says_how_many_wait);
    tcase_add_test(tc, history_is_latest_first);
    tcase_add_test(tc, purge_removes_the_oldest_and_ids_stay_taken);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
