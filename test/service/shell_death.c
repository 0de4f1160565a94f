/* Deaths: of the shell, and of the broker. A second process plays the shell that is
 * killed. What it leaves behind goes to init, so that the new shell, in this process, is
 * not its parent, as it is not in an instance.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shell_fixture.h"

static struct fixture fx, *f = &fx;

static const cJSON *hello_job(uint64_t id)
{
    for (const cJSON *o = json_get(f->hello, "jobs")->child; o; o = o->next) {
        int64_t i;
        if (json_int64(json_get(o, "id"), &i) == 0 && (uint64_t)i == id)
            return o;
    }
    return NULL;
}

/* Job 1 ended with 3 and is not acknowledged, 2 was acknowledged, 3 runs with a daemon
 * and counts its starts, 4 runs and has scrubbed its environment. */
static void four_jobs(struct fixture *c)
{
    char path[128];
    fixture_start(c);
    fixture_run_job(c, 1, 1, "", "echo kept; exit 3");
    fixture_run_job(c, 2, 1, "", "exit 4");
    fixture_run_job(c, 3, 1, "",
                    "echo x >> count; setsid sh -c 'echo $$ > daemon; exec sleep 1000' & "
                    "echo $$ > three; exec sleep 1000");
    fixture_run_job(
        c, 4, 1, "",
        "echo $$ > four; exec env -i /bin/sh -c 'sleep 0.3; exec sleep 1000'");
    fixture_finish(c, 1);
    fixture_finish(c, 2);
    fixture_call(c, "ack", "{\"ids\":[2]}");
    const char *const files[] = {"daemon", "three", "four"};
    for (int i = 0; i < 3; i++) {
        struct stat st;
        snprintf(path, sizeof(path), "%s/%s", c->dir, files[i]);
        while (file_stat(c->env, path, &st) < 0 || st.st_size == 0)
            flux_reactor_run(c->r, FLUX_REACTOR_NOWAIT);
    }
    /* Until job 4 is in the journal by number. */
    for (bool found = false; !found;) {
        flux_reactor_run(c->r, FLUX_REACTOR_NOWAIT);
        char *text = fixture_read(c, "shell/journal");
        found = strstr(text, "\nt 4 0 ") != NULL;
        free(text);
    }
}

/* Gone, or dead and not yet reaped. */
static bool is_dead(pid_t pid)
{
    char path[64], state = 'Z', *text;
    size_t len;
    snprintf(path, sizeof(path), "/proc/%d/stat", pid);
    if (file_read(f->env, path, 4096, &text, &len) < 0)
        return true;
    sscanf(strrchr(text, ')'), ") %c", &state);
    free(text);
    return state == 'Z' || state == 'X';
}

/* All the processes whose numbers a file of the folder holds. */
static bool are_dead(const char *name)
{
    char *text = fixture_read(f, name), *p = text;
    bool dead = *text != '\0';
    for (pid_t pid; (pid = (pid_t)strtol(p, &p, 10)) > 0;)
        dead = dead && is_dead(pid);
    free(text);
    return dead;
}

START_TEST(after_a_kill_each_job_has_one_outcome)
{
    char *dir = fixture_run_and_kill(four_jobs);
    char *count;
    fixture_init_at(f, dir);
    fixture_start(f);
    const cJSON *one = hello_job(1), *three = hello_job(3);
    int64_t status;
    ck_assert(one && three && hello_job(4));
    ck_assert(!hello_job(2)); /* acknowledged */
    ck_assert_str_eq(json_str(json_get(one, "state")), "finished");
    ck_assert_int_eq(json_int64(json_get_path(one, "data.status"), &status), 0);
    ck_assert_int_eq(status, 3 << 8);
    ck_assert_str_eq(json_str(json_get(three, "state")), "running");

    fixture_until(f, fixture_result(f, 3, "finish") && fixture_result(f, 4, "finish"));
    ck_assert_str_eq(fixture_exception(f, 3, "type"), "lost-shell");
    ck_assert_str_eq(fixture_exception(f, 4, "type"), "lost-shell");
    ck_assert(strstr(fixture_exception(f, 3, "note"), "flux-shell died"));
    ck_assert_uint_eq(fixture_count(f, 3, "exception"), 1);
    ck_assert(are_dead("three"));
    ck_assert(are_dead("daemon"));
    ck_assert(are_dead("four"));

    /* job-exec asks for all of them again: nothing runs twice. */
    ck_assert_int_eq(fixture_call(f, "start",
                                  "{\"jobs\":[{\"id\":1,\"reattach\":true},"
                                  "{\"id\":3,\"reattach\":true}]}"),
                     0);
    fixture_until(f, fixture_count(f, 3, "finish") == 2);
    ck_assert_int_eq(fixture_finish(f, 1), 3 << 8);
    count = fixture_read(f, "count");
    ck_assert_str_eq(count, "x\n");
    free(count);
    fixture_output(f, 1, false);
    ck_assert_str_eq(f->out.data, "kept\n");
    fixture_fini(f);
}
END_TEST

START_TEST(a_job_it_never_knew_is_started_unless_it_had_been)
{
    fixture_init_at(f, fixture_run_and_kill(fixture_start));
    fixture_start(f);
    fixture_run_job(f, 1, 1, "", "exit 7");
    ck_assert_int_eq(fixture_finish(f, 1), 7 << 8);
    ck_assert_int_eq(
        fixture_call(f, "start", "{\"jobs\":[{\"id\":2,\"reattach\":true}]}"), 0);
    fixture_finish(f, 2);
    ck_assert_str_eq(fixture_exception(f, 2, "type"), "lost-shell");
    fixture_fini(f);
}
END_TEST

static void hundred_jobs(struct fixture *c)
{
    fixture_start(c);
    for (uint64_t id = 1; id <= 100; id++)
        fixture_run_job(c, id, 1, "", "echo $$ >> pids; exec sleep 1000");
    for (uint64_t id = 1; id <= 100; id++)
        fixture_until(c, fixture_result(c, id, "start"));
}

START_TEST(a_hundred_running_jobs_are_lost_and_gone)
{
    fixture_init_at(f, fixture_run_and_kill(hundred_jobs));
    fixture_start(f);
    for (uint64_t id = 1; id <= 100; id++) {
        fixture_finish(f, id);
        ck_assert_str_eq(fixture_exception(f, id, "type"), "lost-shell");
        ck_assert_uint_eq(fixture_count(f, id, "finish"), 1);
    }
    ck_assert(are_dead("pids"));
    fixture_fini(f);
}
END_TEST

START_TEST(jobs_outlive_the_broker)
{
    fixture_init(f);
    fixture_start(f);
    fixture_run_job(f, 1, 1, "", "while [ ! -f go ]; do sleep 0.01; done; exit 5");
    fixture_run_job(f, 2, 1, "", "exit 6");
    fixture_until(f, fixture_result(f, 1, "start"));
    ck_assert_int_eq(fixture_finish(f, 2), 6 << 8);
    fixture_cut(f);
    fixture_until(f, f->hellos == 2);
    ck_assert_str_eq(json_str(json_get(hello_job(1), "state")), "running");
    ck_assert_str_eq(json_str(json_get(hello_job(2), "state")), "finished");
    fixture_cut(f);
    char path[128];
    snprintf(path, sizeof(path), "%s/go", f->dir);
    ck_assert_int_eq(file_replace(f->env, path, "x", 1, 0600), 0);
    fixture_until(f, f->hellos == 3);
    /* It may have ended before the hello, or after. */
    int64_t status = -1;
    if (json_int64(json_get_path(hello_job(1), "data.status"), &status) < 0)
        status = fixture_finish(f, 1);
    ck_assert_int_eq(status, 5 << 8);
    fixture_fini(f);
}
END_TEST

START_TEST(the_way_to_job_exec_may_break)
{
    fixture_init(f);
    f->rank = 3;
    fixture_start(f);
    int64_t rank;
    ck_assert_int_eq(json_int64(json_get(f->hello, "rank"), &rank), 0);
    ck_assert_int_eq(rank, 3);
    fixture_run_job(f, 1, 1, "", "while [ ! -f go ]; do sleep 0.01; done; exit 5");
    fixture_until(f, fixture_result(f, 1, "start"));
    f->hello_errnum = EHOSTUNREACH;
    fixture_cut_upstream(f);
    fixture_until(f, f->hellos == 3); /* it goes on trying */
    ck_assert_str_eq(json_str(json_get(hello_job(1), "state")), "running");
    ck_assert(f->wire); /* on the same connection */
    char path[128];
    snprintf(path, sizeof(path), "%s/go", f->dir);
    ck_assert_int_eq(file_replace(f->env, path, "x", 1, 0600), 0);
    while (!hello_job(1) || strcmp(json_str(json_get(hello_job(1), "state")), "finished"))
        flux_reactor_run(f->r, 0);
    f->hello_errnum = 0;
    unsigned hellos = f->hellos;
    fixture_until(f, f->hellos > hellos);
    int64_t status;
    ck_assert_int_eq(json_int64(json_get_path(hello_job(1), "data.status"), &status), 0);
    ck_assert_int_eq(status, 5 << 8);
    fixture_fini(f);
}
END_TEST

START_TEST(without_a_way_to_job_exec_for_too_long_they_are_killed)
{
    fixture_init(f);
    f->orphan_timeout = 0.3;
    fixture_start(f);
    fixture_run_job(f, 1, 1, "", "trap '' TERM; while :; do sleep 0.01; done");
    fixture_until(f, fixture_result(f, 1, "start"));
    f->hello_errnum = EHOSTUNREACH;
    fixture_cut_upstream(f);
    while (!shell_is_done(f->sh))
        flux_reactor_run(f->r, 0);
    fixture_fini(f);
}
END_TEST

START_TEST(without_a_broker_for_too_long_they_are_killed)
{
    fixture_init(f);
    f->orphan_timeout = 0.3;
    fixture_start(f);
    fixture_run_job(f, 1, 1, "", "trap '' TERM; while :; do sleep 0.01; done");
    fixture_until(f, fixture_result(f, 1, "start"));
    f->refuse = true;
    fixture_cut(f);
    while (!shell_is_done(f->sh))
        flux_reactor_run(f->r, 0);
    ck_assert_uint_eq(shell_active_jobs(f->sh), 0);
    /* Its end is in the journal for whoever comes. */
    f->refuse = false;
    shell_free(f->sh);
    fixture_start(f);
    int64_t status;
    ck_assert_int_eq(json_int64(json_get_path(hello_job(1), "data.status"), &status), 0);
    ck_assert_int_eq(status, SIGKILL);
    fixture_fini(f);
}
END_TEST

START_TEST(a_second_shell_is_told_that_there_is_one)
{
    struct shell *other;
    flux_error_t err;
    fixture_init(f);
    fixture_start(f);
    struct shell_opts opts = {.env = f->env,
                              .reactor = f->r,
                              .uri = "local:///nowhere",
                              .dir = f->journal,
                              .output_dir = f->output};
    ck_assert_int_eq(shell_new(&opts, &other, &err), -EBUSY);
    ck_assert(strstr(err.text, "another shell"));
    fixture_fini(f);
}
END_TEST

START_TEST(an_idle_shell_goes_when_told_a_busy_one_does_not)
{
    fixture_init(f);
    fixture_start(f);
    fixture_run_job(f, 1, 1, "", "exec sleep 1000");
    ck_assert_int_eq(fixture_call(f, "exit", "{}"), EBUSY);
    ck_assert(!shell_is_done(f->sh));
    fixture_call(f, "kill", "{\"id\":1,\"signum\":9}");
    fixture_call(f, "cancel", "{\"ids\":[1]}");
    fixture_finish(f, 1);
    ck_assert_int_eq(fixture_call(f, "exit", "{}"), 0);
    ck_assert(shell_is_done(f->sh));
    fixture_fini(f);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        after_a_kill_each_job_has_one_outcome,
        a_job_it_never_knew_is_started_unless_it_had_been,
        a_hundred_running_jobs_are_lost_and_gone,
        jobs_outlive_the_broker,
        the_way_to_job_exec_may_break,
        without_a_way_to_job_exec_for_too_long_they_are_killed,
        without_a_broker_for_too_long_they_are_killed,
        a_second_shell_is_told_that_there_is_one,
        an_idle_shell_goes_when_told_a_busy_one_does_not,
    };
    Suite *suite = suite_create("shell_death");
    TCase *tc = tcase_create("shell_death");
    SRunner *sr = srunner_create(suite);
    tcase_set_timeout(tc, 50);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
