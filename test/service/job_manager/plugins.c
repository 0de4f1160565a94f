/* Plug-ins of the job manager: the built-in ones by what they do, the interface with a
 * shared object as a user would build it. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "world.h"

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

static flux_jobid_t submit_after(const char *scheme, const char *value)
{
    char extra[128];

    snprintf(extra, sizeof(extra),
             "\"dependencies\":[{\"scheme\":\"%s\",\"value\":\"%s\"}],", scheme, value);
    return world_submit(w, extra, 16, 0);
}

static int kill_job(flux_jobid_t id)
{
    char payload[64];

    snprintf(payload, sizeof(payload), "{\"id\":%ju,\"signum\":9}", (uintmax_t)id);
    return world_rpc(w, w->client, "job-manager.kill", payload, NULL);
}

static bool has_task(struct world *world, void *arg)
{
    return world_task(world, *(flux_jobid_t *)arg) != NULL;
}

static void wait_task(flux_jobid_t id)
{
    ck_assert(world_until(w, has_task, &id));
    world_turns(w, 20);
}

#define WAITED                                                                           \
    "submit,validate,dependency-add,dependency-remove,depend,priority,alloc,start,"      \
    "finish,release,free,clean"
#define DOOMED "submit,validate,dependency-add,exception,clean"

START_TEST(after_schemes_when_the_first_ends_well)
{
    w->refuse_end = true;
    w->sched_paused = true;
    world_submit(w, NULL, 16, 0);
    submit_after("after", "1");
    submit_after("afterany", "f2");
    submit_after("afterok", "1");
    submit_after("afternotok", "1");
    world_sched_resume(w);
    wait_task(1);
    wait_task(2);
    /* It runs: what waited for that goes on, the others wait. */
    ck_assert_ptr_nonnull(world_task(w, 2));
    ck_assert_ptr_null(world_task(w, 3));
    ck_assert_ptr_null(world_task(w, 4));
    w->refuse_end = false;
    ck_assert_int_eq(
        world_rpc(w, w->client, "job-manager.kill", "{\"id\":2,\"signum\":9}", NULL), 0);
    flux_watcher_start(world_task(w, 1)->timer);
    world_drain(w);
    world_check_order(w, 2, WAITED);
    world_check_order(w, 3, WAITED);
    world_check_order(w, 4, WAITED);
    world_check_order(w, 5, DOOMED);
    ck_assert_str_eq(world_check(w, 5).exception, "dependency");
}
END_TEST

START_TEST(after_schemes_when_the_first_fails)
{
    w->refuse_end = true;
    world_submit(w, NULL, 16, 0);
    submit_after("afterany", "1");
    submit_after("afterok", "1");
    submit_after("afternotok", "1");
    wait_task(1);
    w->refuse_end = false;
    ck_assert_int_eq(kill_job(1), 0);
    world_drain(w);
    world_check_order(w, 2, WAITED);
    world_check_order(w, 3, DOOMED);
    world_check_order(w, 4, WAITED);
}
END_TEST

START_TEST(after_a_job_that_never_starts)
{
    world_submit(w, NULL, 0, 0);
    submit_after("after", "1");
    submit_after("afterany", "1");
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.raise",
                               "{\"id\":1,\"severity\":0,\"type\":\"cancel\"}", NULL),
                     0);
    world_drain(w);
    world_check_order(w, 2, DOOMED);
    world_check_order(w, 3, WAITED);
}
END_TEST

START_TEST(dependencies_on_ended_jobs_are_decided_at_once)
{
    const char *text;

    world_submit(w, NULL, 16, 0);
    world_drain(w);
    world_turns(w, 10);
    submit_after("afterok", "1");
    submit_after("after", "1");
    world_drain(w);
    world_check_order(
        w, 2, "submit,validate,depend,priority,alloc,start,finish,release,free,clean");
    ck_assert_int_eq(world_submit_fails(w,
                                        "\"dependencies\":[{\"scheme\":\"afternotok\","
                                        "\"value\":\"1\"}],",
                                        &text),
                     EINVAL);
    ck_assert_ptr_nonnull(strstr(text, "completed successfully"));
}
END_TEST

START_TEST(impossible_dependencies_are_refused)
{
    static const struct {
        const char *scheme, *value, *text;
    } bad[] = {
        {"afterok", "99", "no such job"},
        {"afterok", "x!", "is not a job id"},
        {"nosuch", "1", "dependency scheme 'nosuch' is not supported"},
        {"begin-time", "soon", "is not a time"},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        char extra[128];
        const char *text;

        snprintf(extra, sizeof(extra),
                 "\"dependencies\":[{\"scheme\":\"%s\",\"value\":\"%s\"}],",
                 bad[i].scheme, bad[i].value);
        ck_assert_int_ne(world_submit_fails(w, extra, &text), 0);
        ck_assert_msg(strstr(text, bad[i].text), "%s", text);
    }
    world_drain(w);
}
END_TEST

START_TEST(chain_of_dependencies_runs_in_order)
{
    char value[16];

    world_submit(w, NULL, 16, 0);
    for (int i = 1; i < 20; i++) {
        snprintf(value, sizeof(value), "%d", i);
        submit_after("afterok", value);
    }
    world_drain(w);
    for (flux_jobid_t id = 1; id <= 20; id++)
        ck_assert_int_eq(world_task(w, id)->runs, 1);
    ck_assert_uint_eq(w->nallocs, 20);
}
END_TEST

START_TEST(dependency_survives_a_restart)
{
    w->refuse_end = true;
    world_submit(w, NULL, 16, 0);
    submit_after("afterok", "1");
    wait_task(1);
    world_crash(w);
    world_start(w);
    world_turns(w, 50);
    ck_assert_ptr_null(world_task(w, 2));
    w->refuse_end = false;
    flux_watcher_start(world_task(w, 1)->timer);
    world_drain(w);
    world_check_order(w, 2, WAITED);
}
END_TEST

START_TEST(begin_time_holds_until_then)
{
    double now = flux_reactor_now(w->r);
    char value[32];
    flux_jobid_t id;

    snprintf(value, sizeof(value), "%.3f", now + 1000);
    id = submit_after("begin-time", value);
    snprintf(value, sizeof(value), "%.3f", now - 1000);
    submit_after("begin-time", value);
    world_drain(w);
    ck_assert(flux_reactor_now(w->r) >= now + 1000);
    world_check_order(w, id, WAITED);
    world_check_order(
        w, 2, "submit,validate,depend,priority,alloc,start,finish,release,free,clean");
}
END_TEST

static void time_passed(flux_reactor_t *r, flux_watcher_t *timer, int revents, void *arg)
{
    flux_reactor_stop(r);
}

START_TEST(begin_time_that_passed_while_the_broker_was_down)
{
    flux_watcher_t *timer;
    char value[32];

    snprintf(value, sizeof(value), "%.3f", flux_reactor_now(w->r) + 2);
    submit_after("begin-time", value);
    world_crash(w);
    timer = flux_timer_watcher_create(w->r, 5., 0., time_passed, NULL);
    flux_watcher_start(timer);
    flux_reactor_run(w->r, 0);
    flux_watcher_destroy(timer);
    world_start(w);
    world_drain(w);
    world_check_order(w, 1, WAITED);
}
END_TEST

/* -- a shared object -- */

static void load(const char *conf)
{
    char payload[512];

    snprintf(payload, sizeof(payload), "{\"load\":\"%s\",\"conf\":{%s}}", TAP_PATH, conf);
    AUTOFREE char *text = NULL;
    ck_assert_msg(world_rpc(w, w->client, "job-manager.jobtap", payload, &text) == 0,
                  "%s", text);
}

START_TEST(plugins_are_listed_loaded_and_removed)
{
    AUTOFREE char *text = NULL;

    load("");
    ck_assert_int_eq(
        world_rpc(w, w->client, "job-manager.jobtap", "{\"query_only\":true}", &text), 0);
    ck_assert_ptr_nonnull(strstr(text, "\".priority-default\""));
    ck_assert_ptr_nonnull(strstr(text, "\"tap\""));
    free(TAKE(text));
    ck_assert_int_eq(
        world_rpc(w, w->client, "job-manager.jobtap", "{\"remove\":\"all\"}", &text), 0);
    ck_assert_ptr_nonnull(strstr(text, "\".priority-default\""));
    ck_assert_ptr_null(strstr(text, "\"tap\""));
    free(TAKE(text));
    ck_assert_int_eq(
        world_rpc(w, w->client, "job-manager.jobtap", "{\"remove\":\"tap\"}", &text),
        ENOENT);
    free(TAKE(text));
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.jobtap",
                               "{\"load\":\"/nonexistent.so\"}", &text),
                     ENOENT);
    ck_assert_ptr_nonnull(strstr(text, "/nonexistent.so"));
}
END_TEST

START_TEST(plugin_refuses_jobs_and_changes_them)
{
    const char *text;
    AUTOFREE char *events = NULL;

    load("");
    ck_assert_int_eq(world_submit_fails(w, "\"job\":{\"name\":\"bad\"},", &text), EINVAL);
    ck_assert_str_eq(text, "bad name 'bad'");
    ck_assert_int_eq(world_submit_fails(w, "\"job\":{\"name\":\"worse\"},", &text),
                     EINVAL);
    ck_assert_str_eq(text, "rejected by job-manager plugin tap");
    /* Both ids are burnt. */
    ck_assert_uint_eq(world_submit(w, "\"job\":{\"name\":\"longer\"},", 16, 0), 3);
    world_drain(w);
    events = world_events(w, 3);
    ck_assert_ptr_nonnull(strstr(events, "submit,jobspec-update,validate"));
}
END_TEST

START_TEST(prolog_and_epilog_hold_the_job)
{
    load("\"prolog\":\"pro\",\"epilog\":\"epi\"");
    world_submit(w, NULL, 16, 0);
    world_drain(w);
    world_check_order(
        w, 1,
        "submit,validate,depend,priority,alloc,prolog-start,prolog-finish,start,"
        "finish,epilog-start,release,epilog-finish,free,clean");
}
END_TEST

START_TEST(priority_of_a_plugin_and_its_absence)
{
    AUTOFREE char *answer = NULL;

    load("\"wait\":1");
    world_submit(w, NULL, 16, 0);
    world_turns(w, 50);
    world_check_order(w, 1, "submit,validate,depend");
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.tap.go", NULL, &answer), 0);
    ck_assert_str_eq(answer, "{\"posted\":1,\"unposted\":0}");
    world_drain(w);
    ck_assert_int_eq(world_check(w, 1).priority, 42);
    ck_assert_int_eq(
        world_rpc(w, w->client, "job-manager.jobtap", "{\"remove\":\"tap\"}", NULL), 0);
    load("\"fixed\":7");
    world_submit(w, NULL, 16, 0);
    world_drain(w);
    ck_assert_int_eq(world_check(w, 2).priority, 7);
}
END_TEST

START_TEST(subscriber_sees_every_event_of_its_job_only)
{
    AUTOFREE char *answer = NULL;

    load("");
    world_submit(w, "\"job\":{\"name\":\"watched\"},", 16, 0);
    world_submit(w, NULL, 16, 0);
    world_drain(w);
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.jobtap-query",
                               "{\"name\":\"tap\"}", &answer),
                     0);
    /* From validate on: nine events. */
    ck_assert_ptr_nonnull(strstr(answer, "\"runs\":2"));
    ck_assert_ptr_nonnull(strstr(answer, "\"events\":9"));
}
END_TEST

/* What the plug-in heard of jobs that ended or were purged, and how many the latter are. */
static void check_ended(const char *heard, int purged)
{
    AUTOFREE char *answer = NULL, *stats = NULL;
    char want[300];

    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.jobtap-query",
                               "{\"name\":\"tap\"}", &answer),
                     0);
    snprintf(want, sizeof(want), "\"ended\":\"%s\"", heard);
    ck_assert_msg(strstr(answer, want), "%s", answer);
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.stats-get", NULL, &stats), 0);
    snprintf(want, sizeof(want), "\"purged_jobs\":%d,", purged);
    ck_assert_msg(strstr(stats, want), "%s", stats);
}

START_TEST(ended_and_purged_jobs_are_told_and_counted)
{
    char heard[128];
    int me = (int)getuid();

    load("");
    for (int i = 0; i < 3; i++) {
        world_submit(w, NULL, 16, 0);
        world_drain(w);
    }
    snprintf(heard, sizeof(heard), "+1:%d +2:%d +3:%d ", me, me, me);
    check_ended(heard, 0);
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.purge",
                               "{\"num_limit\":2,\"batch\":50,\"force\":false}", NULL),
                     0);
    check_ended(heard, 0);
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.purge",
                               "{\"num_limit\":2,\"batch\":50,\"force\":true}", NULL),
                     0);
    snprintf(heard, sizeof(heard), "+1:%d +2:%d +3:%d -1:%d ", me, me, me, me);
    check_ended(heard, 1);
    /* The count outlives the process. */
    world_stop(w);
    world_start(w);
    load("");
    check_ended("", 1);
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.purge-id",
                               "{\"ids\":[3,1,2],\"force\":true}", NULL),
                     0);
    snprintf(heard, sizeof(heard), "-3:%d -2:%d ", me, me);
    check_ended(heard, 3);
}
END_TEST

START_TEST(service_of_a_removed_plugin_is_gone)
{
    load("");
    ck_assert_int_eq(
        world_rpc(w, w->client, "job-manager.jobtap", "{\"remove\":\"tap\"}", NULL), 0);
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.tap.go", NULL, NULL), ENOSYS);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("job-manager/plugins");
    TCase *tc = tcase_create("plugins");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, after_schemes_when_the_first_ends_well);
    tcase_add_test(tc, after_schemes_when_the_first_fails);
    tcase_add_test(tc, after_a_job_that_never_starts);
    tcase_add_test(tc, dependencies_on_ended_jobs_are_decided_at_once);
    tcase_add_test(tc, impossible_dependencies_are_refused);
    tcase_add_test(tc, chain_of_dependencies_runs_in_order);
    tcase_add_test(tc, dependency_survives_a_restart);
    tcase_add_test(tc, begin_time_holds_until_then);
    tcase_add_test(tc, begin_time_that_passed_while_the_broker_was_down);
    tcase_add_test(tc, plugins_are_listed_loaded_and_removed);
    tcase_add_test(tc, plugin_refuses_jobs_and_changes_them);
    tcase_add_test(tc, prolog_and_epilog_hold_the_job);
    tcase_add_test(tc, priority_of_a_plugin_and_its_absence);
    tcase_add_test(tc, subscriber_sees_every_event_of_its_job_only);
    tcase_add_test(tc, ended_and_purged_jobs_are_told_and_counted);
    tcase_add_test(tc, service_of_a_removed_plugin_is_gone);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
