/* Requests that act on jobs and on the queue, and that ask about them. */
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

START_TEST(hold_release_and_expedite)
{
    AUTOFREE char *answer = NULL;
    flux_jobid_t id = world_submit(w, NULL, 0, 0);
    struct rfc21 r;

    world_turns(w, 20);
    world_check_order(w, id, "submit,validate,depend,priority");
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
    world_check_order(w, id, NORMAL);
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
    world_wait_event(w, id, "start");
    ck_assert_int_eq(
        world_rpc(w, w->client, "job-manager.kill", "{\"id\":1,\"signum\":9}", NULL), 0);
    world_drain(w);
    ck_assert_uint_eq(w->kills, 1);
    ck_assert_int_eq(world_check(w, id).status, 9);
}
END_TEST

START_TEST(raiseall_and_killall_count)
{
    AUTOFREE char *answer = NULL;

    w->refuse_end = true;
    w->cores = 2;
    for (int i = 0; i < 5; i++)
        world_submit(w, NULL, 16, 0);
    world_wait_event(w, 2, "start");
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

START_TEST(memo_and_annotations_show_in_the_list)
{
    flux_future_t *f;
    const char *summary, *memo;
    int64_t id;

    w->refuse_end = true;
    world_submit(w, NULL, 16, 0);
    world_wait_event(w, 1, "start");
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
    ck_assert(world_has_event(w, 1, "memo"));
    world_cancel(w, 1);
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
    world_check_order(
        w, id,
        "submit,validate,depend,priority,jobspec-update,priority,alloc,start,"
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
    ck_assert(world_has_event(w, 2, "clean"));
    world_cancel(w, 1);
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
    world_cancel(w, 3);
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
    ck_assert(world_has_event(w, 1, "clean"));
    free(TAKE(answer));
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.purge",
                               "{\"age_limit\":-1.0,\"num_limit\":2,\"batch\":50,"
                               "\"force\":true}",
                               &answer),
                     0);
    ck_assert_str_eq(answer, "{\"count\":3}");
    ck_assert(!world_has_event(w, 3, "clean"));
    ck_assert(world_has_event(w, 4, "clean"));
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

static int64_t purged(flux_future_t *f)
{
    int64_t count = -1;

    world_wait(w, f);
    ck_assert_int_eq(flux_rpc_get_unpack(f, "{s:I}", "count", &count), 0);
    flux_future_destroy(f);
    return count;
}

/* More than a step's worth, by two who ask at once: no job counts twice. */
START_TEST(a_large_purge_goes_in_steps_one_at_a_time)
{
    static const char request[] = "{\"num_limit\":20,\"batch\":%d,\"force\":true}";
    enum { JOBS = 450 };
    flux_future_t *f[2];
    int64_t count[2];
    char text[80];

    for (int i = 0; i < JOBS; i++)
        flux_future_destroy(world_submit_async(w, NULL, 16, 0));
    world_submit(w, NULL, 16, 0);
    world_drain(w);
    for (int i = 0; i < 2; i++) {
        snprintf(text, sizeof(text), request, i == 0 ? 10000 : 50);
        f[i] = flux_rpc(w->client, "job-manager.purge", text, FLUX_NODEID_ANY, 0);
        ck_assert_ptr_nonnull(f[i]);
    }
    for (int i = 0; i < 2; i++)
        count[i] = purged(f[i]);
    ck_assert_int_eq(count[0], JOBS + 1 - 20);
    ck_assert_int_eq(count[1], 0);
    ck_assert(!world_has_event(w, JOBS + 1 - 20, "clean"));
    ck_assert(world_has_event(w, JOBS + 2 - 20, "clean"));
}
END_TEST

static int configure(const char *limits, char **answer)
{
    char text[128];

    snprintf(text, sizeof(text), "{\"job-manager\":{%s}}", limits);
    return world_rpc(w, w->client, "job-manager.config-reload", text, answer);
}

static bool is_gone(struct world *w, void *arg)
{
    return !world_has_event(w, *(flux_jobid_t *)arg, "clean");
}

START_TEST(the_configuration_limits_the_number_of_ended_jobs)
{
    flux_jobid_t id = 0;

    for (int i = 0; i < 5; i++)
        world_submit(w, NULL, 16, 0);
    world_drain(w);
    ck_assert_int_eq(configure("\"inactive-num-limit\":3", NULL), 0);
    id = 2;
    ck_assert(world_until(w, is_gone, &id));
    ck_assert(world_has_event(w, 3, "clean"));
    world_submit(w, NULL, 16, 0);
    world_drain(w);
    id = 3;
    ck_assert(world_until(w, is_gone, &id));
    ck_assert(world_has_event(w, 4, "clean"));
    ck_assert(world_has_event(w, 6, "clean"));
}
END_TEST

START_TEST(the_configuration_limits_the_age_of_ended_jobs)
{
    flux_jobid_t id;

    ck_assert_int_eq(configure("\"inactive-age-limit\":\"1h\"", NULL), 0);
    id = world_submit(w, NULL, 16, 0);
    world_drain(w);
    ck_assert(world_has_event(w, id, "clean"));
    ck_assert_int_eq(configure("\"inactive-age-limit\":\"1s\"", NULL), 0);
    ck_assert(world_until(w, is_gone, &id));
    id = world_submit(w, NULL, 16, 0);
    world_drain(w);
    ck_assert(world_until(w, is_gone, &id));
}
END_TEST

START_TEST(limits_that_make_no_sense_are_refused)
{
    AUTOFREE char *text = NULL;

    ck_assert_int_eq(configure("\"inactive-age-limit\":\"soon\"", &text), EINVAL);
    ck_assert_ptr_nonnull(strstr(text, "job-manager.inactive-age-limit"));
    free(TAKE(text));
    ck_assert_int_eq(configure("\"inactive-num-limit\":-1", &text), EINVAL);
    ck_assert_ptr_nonnull(strstr(text, "job-manager.inactive-num-limit"));
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
    ck_assert_int_eq(world_cancel(w, 1), 0);
    world_drain(w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("job-manager/requests");
    TCase *tc = tcase_create("requests");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, guests_act_on_their_own_jobs_only);
    tcase_add_test(tc, hold_release_and_expedite);
    tcase_add_test(tc, hold_takes_a_job_back_from_the_scheduler);
    tcase_add_test(tc, priority_order_reaches_the_scheduler);
    tcase_add_test(tc, stopped_queue_shows_nothing_to_the_scheduler);
    tcase_add_test(tc, disabled_queue_refuses_with_the_reason);
    tcase_add_test(tc, kill_reaches_a_running_job_only);
    tcase_add_test(tc, raiseall_and_killall_count);
    tcase_add_test(tc, memo_and_annotations_show_in_the_list);
    tcase_add_test(tc, duration_of_a_waiting_job_is_updated);
    tcase_add_test(tc, idle_says_how_many_wait);
    tcase_add_test(tc, history_is_latest_first);
    tcase_add_test(tc, purge_removes_the_oldest_and_ids_stay_taken);
    tcase_add_test(tc, a_large_purge_goes_in_steps_one_at_a_time);
    tcase_add_test(tc, the_configuration_limits_the_number_of_ended_jobs);
    tcase_add_test(tc, the_configuration_limits_the_age_of_ended_jobs);
    tcase_add_test(tc, limits_that_make_no_sense_are_refused);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
