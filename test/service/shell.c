/* The shell with real processes, over a connection to a broker that this test plays. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shell_fixture.h"

static struct fixture fx, *f = &fx;

static void setup(void)
{
    fixture_init(f);
    fixture_start(f);
}

static void teardown(void)
{
    fixture_fini(f);
}

static bool is_alive(pid_t pid)
{
    return kill(pid, 0) == 0;
}

START_TEST(exit_codes_and_signals)
{
    fixture_run_command(f, 1, 1, "", "[\"true\"]", 0);
    fixture_run_job(f, 2, 1, "", "exit 3");
    fixture_run_job(f, 3, 1, "", "kill -9 $$");
    fixture_run_job(f, 4, 1, "", "kill -TERM $$");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    ck_assert_int_eq(fixture_finish(f, 2), 3 << 8);
    ck_assert_int_eq(fixture_finish(f, 3), SIGKILL);
    ck_assert_int_eq(fixture_finish(f, 4), SIGTERM);
    for (uint64_t id = 1; id <= 4; id++) {
        ck_assert_uint_eq(fixture_count(f, id, "start"), 1);
        ck_assert_uint_eq(fixture_count(f, id, "finish"), 1);
        ck_assert_uint_eq(fixture_count(f, id, "exception"), 0);
    }
}
END_TEST

START_TEST(finish_tells_the_resources_used)
{
    fixture_run_job(f, 1, 1, "", "i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    double utime, maxrss;
    const cJSON *d = fixture_result(f, 1, "finish");
    ck_assert_int_eq(json_real(json_get(d, "utime"), &utime), 0);
    ck_assert_int_eq(json_real(json_get(d, "maxrss"), &maxrss), 0);
    ck_assert_double_gt(utime, 0.0);
    ck_assert_double_gt(maxrss, 100); /* KiB */
}
END_TEST

START_TEST(a_missing_program_is_127_and_says_so)
{
    fixture_run_command(f, 1, 1, "", "[\"no-such-program\"]", 0);
    ck_assert_int_eq(fixture_finish(f, 1), 127 << 8);
    fixture_output(f, 1, true);
    ck_assert_str_eq(f->err.data, "flux-shell: task 0: start failed: no-such-program: "
                                  "No such file or directory\n");
}
END_TEST

START_TEST(what_cannot_be_executed_is_126)
{
    fixture_run_command(f, 1, 1, "", "[\"/etc/passwd\"]", 0);
    ck_assert_int_eq(fixture_finish(f, 1), 126 << 8);
    fixture_output(f, 1, true);
    ck_assert(strstr(f->err.data, "start failed: /etc/passwd: Permission denied"));
}
END_TEST

START_TEST(a_bad_directory_is_told_and_replaced)
{
    fixture_run_command(f, 1, 1, "\"cwd\":\"/no/such/dir\",", "[\"pwd\"]", 0);
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    fixture_output(f, 1, true);
    ck_assert_str_eq(f->out.data, "/tmp\n");
    ck_assert(strstr(f->err.data, "'/no/such/dir': No such file or directory; going to"));
}
END_TEST

START_TEST(tasks_know_their_place)
{
    fixture_run_job(f, 1, 3, "",
                    "echo $FLUX_TASK_RANK/$FLUX_JOB_SIZE $FLUX_JOB_ID $FLUX_URI; "
                    "exit $FLUX_TASK_RANK");
    ck_assert_int_eq(fixture_finish(f, 1), 2 << 8); /* the worst */
    fixture_output(f, 1, true);
    for (int i = 0; i < 3; i++) {
        char want[64];
        snprintf(want, sizeof(want),
                 "%d/3 \xc6\x92"
                 "2 local:///nowhere\n",
                 i);
        ck_assert_msg(strstr(f->out.data, want), "%s", f->out.data);
    }
    ck_assert_uint_eq(f->eofs, 6);
}
END_TEST

START_TEST(stdin_is_empty_or_a_file)
{
    char *text;
    fixture_run_command(f, 1, 1, "", "[\"cat\"]", 0);
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    fixture_run_job(f, 2, 1, "", "echo words > input");
    ck_assert_int_eq(fixture_finish(f, 2), 0);
    text = fixture_read(f, "input");
    ck_assert_str_eq(text, "words\n");
    free(text);
    fixture_run_command(f, 3, 1,
                        "\"shell\":{\"options\":{\"input\":{\"stdin\":{\"type\":\"file\","
                        "\"path\":\"input\"}}}},",
                        "[\"cat\"]", 0);
    ck_assert_int_eq(fixture_finish(f, 3), 0);
    fixture_output(f, 3, true);
    ck_assert_str_eq(f->out.data, "words\n");
}
END_TEST

START_TEST(output_keeps_its_order_and_is_replayed)
{
    fixture_run_job(f, 1, 1, "",
                    "for i in 1 2 3; do echo out $i; echo err $i >&2; done; printf tail");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    for (int i = 0; i < 2; i++) {
        fixture_output(f, 1, i == 0);
        ck_assert_str_eq(f->out.data, "out 1\nout 2\nout 3\ntail");
        ck_assert_str_eq(f->err.data, "err 1\nerr 2\nerr 3\n");
        ck_assert_uint_eq(f->eofs, 2);
    }
    unsigned all = f->entries;
    f->entries = 0;
    f->out_over = false;
    fixture_send(f, "output", FLUX_MSGFLAG_STREAMING, "{\"id\":1,\"skip\":%u}", all - 1);
    fixture_until(f, f->out_over);
    ck_assert_uint_eq(f->entries, 1);
}
END_TEST

START_TEST(output_is_followed_while_the_job_runs)
{
    char fifo[128];
    snprintf(fifo, sizeof(fifo), "%s/go", f->dir);
    ck_assert_int_eq(mkfifo(fifo, 0600), 0);
    fixture_run_job(f, 1, 1, "", "echo early; read x < go; echo late");
    buf_adds(&f->out, "");
    fixture_send(f, "output", FLUX_MSGFLAG_STREAMING, "{\"id\":1,\"follow\":true}");
    fixture_until(f, f->out.len > 0);
    ck_assert_str_eq(f->out.data, "early\n");
    ck_assert(!f->out_over);
    int fd = open(fifo, O_WRONLY);
    ck_assert_int_eq(write(fd, "x\n", 2), 2);
    close(fd);
    fixture_until(f, f->out_over);
    ck_assert_str_eq(f->out.data, "early\nlate\n");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
}
END_TEST

START_TEST(no_byte_of_much_output_is_lost)
{
    /* 600,000 lines, 4 MB and more, while nobody reads it. */
    fixture_run_job(f, 1, 1, "", "seq 600000; seq 10 >&2");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    fixture_output(f, 1, true);
    const char *p = f->out.data;
    long i = 0;
    for (char *end; *p && strtol(p, &end, 10) == i + 1 && *end == '\n'; p = end + 1)
        i++;
    ck_assert_int_eq(i, 600000);
    ck_assert_int_eq(*p, '\0');
    ck_assert_str_eq(f->err.data, "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n");
}
END_TEST

START_TEST(binary_output_is_kept)
{
    fixture_run_job(f, 1, 1, "", "printf '\\377\\000\\376'");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    fixture_output(f, 1, true);
    ck_assert_uint_eq(f->out.len, 3);
    ck_assert_mem_eq(f->out.data, "\xff\0\xfe", 3);
}
END_TEST

START_TEST(a_job_without_output_makes_no_file)
{
    char path[160];
    fixture_run_command(f, 77, 1, "", "[\"true\"]", 0);
    ck_assert_int_eq(fixture_finish(f, 77), 0);
    snprintf(path, sizeof(path), "%s/77", f->output);
    ck_assert_int_ne(access(path, F_OK), 0);
    fixture_output(f, 77, true);
    ck_assert_uint_eq(f->entries, 3); /* header, two EOF */
}
END_TEST

START_TEST(output_goes_to_files_by_template)
{
    char *text;
    fixture_run_job(f, 1, 2,
                    "\"shell\":{\"options\":{\"output\":{"
                    "\"stdout\":{\"type\":\"file\",\"path\":\"o.{{id.dec}}.{{taskid}}\"},"
                    "\"stderr\":{\"type\":\"file\",\"path\":\"e\",\"label\":true}}}},",
                    "echo I am $FLUX_TASK_RANK; echo no $FLUX_TASK_RANK >&2");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    text = fixture_read(f, "o.1.0");
    ck_assert_str_eq(text, "I am 0\n");
    free(text);
    text = fixture_read(f, "o.1.1");
    ck_assert_str_eq(text, "I am 1\n");
    free(text);
    text = fixture_read(f, "e");
    ck_assert(strstr(text, "0: no 0\n") && strstr(text, "1: no 1\n"));
    free(text);
    fixture_output(f, 1, true);
    ck_assert_uint_eq(f->out.len, 0);
    ck_assert_uint_eq(f->entries, 1 + 4 + 4); /* header, redirects, EOFs */
}
END_TEST

START_TEST(an_unwritable_file_fails_the_job_by_name)
{
    fixture_run_job(f, 1, 1,
                    "\"shell\":{\"options\":{\"output\":{\"stdout\":{\"type\":\"file\","
                    "\"path\":\"/no/such/dir/o\"}}}},",
                    "echo x");
    ck_assert_int_eq(fixture_finish(f, 1), 1 << 8);
    ck_assert_str_eq(fixture_exception(f, 1, "type"), "exec");
    ck_assert_str_eq(fixture_exception(f, 1, "note"),
                     "cannot open output file '/no/such/dir/o': "
                     "No such file or directory");
}
END_TEST

START_TEST(daemons_die_with_their_job)
{
    /* One that kept the mark, one that scrubbed its environment; both in sessions of
     * their own, with the job's stdout open. */
    fixture_run_job(f, 1, 1, "",
                    "setsid sh -c 'echo $$ > one; exec sleep 1000' & "
                    "env -i setsid /bin/sh -c 'echo $$ > two; exec sleep 1000' & "
                    "while [ ! -s one -o ! -s two ]; do :; done; echo done");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    char *one = fixture_read(f, "one"), *two = fixture_read(f, "two");
    ck_assert(!is_alive(atoi(one)));
    ck_assert(!is_alive(atoi(two)));
    free(one);
    free(two);
    fixture_output(f, 1, true);
    ck_assert_str_eq(f->out.data, "done\n");
}
END_TEST

START_TEST(a_running_job_keeps_its_daemon_when_another_ends)
{
    fixture_run_job(f, 1, 1, "",
                    "setsid sh -c 'echo $$ > one; exec sleep 1000' & sleep 1000");
    fixture_until(f, fixture_result(f, 1, "start"));
    char path[128];
    snprintf(path, sizeof(path), "%s/one", f->dir);
    while (access(path, F_OK) != 0)
        flux_reactor_run(f->r, FLUX_REACTOR_NOWAIT);
    fixture_run_command(f, 2, 1, "", "[\"true\"]", 0);
    ck_assert_int_eq(fixture_finish(f, 2), 0);
    char *one;
    do {
        one = fixture_read(f, "one");
    } while (!*one);
    ck_assert(is_alive(atoi(one)));
    fixture_call(f, "kill", "{\"id\":1,\"signum\":9}");
    ck_assert_int_eq(fixture_finish(f, 1), SIGKILL);
    ck_assert(!is_alive(atoi(one)));
    free(one);
}
END_TEST

START_TEST(the_time_limit_ends_a_job)
{
    double now = env_time(f->env);
    fixture_run_command(f, 1, 1, "", "[\"sleep\",\"1000\"]", now + 0.2);
    ck_assert_int_eq(fixture_finish(f, 1), SIGTERM);
    ck_assert_str_eq(fixture_exception(f, 1, "type"), "timeout");
    ck_assert_str_eq(fixture_exception(f, 1, "note"), "resource allocation expired");
    ck_assert_double_ge(env_time(f->env), now + 0.2);
    ck_assert_double_le(env_time(f->env), now + 20);
}
END_TEST

START_TEST(a_stubborn_job_is_killed_in_the_end)
{
    double t0 = env_monotonic(f->env);
    fixture_run_job(f, 1, 1, "", "trap '' TERM; echo $$; while :; do sleep 0.01; done");
    buf_adds(&f->out, "");
    fixture_send(f, "output", FLUX_MSGFLAG_STREAMING, "{\"id\":1,\"follow\":true}");
    fixture_until(f, f->out.len > 0); /* the trap is set */
    ck_assert_int_eq(fixture_call(f, "cancel", "{\"ids\":[1]}"), 0);
    ck_assert_int_eq(fixture_finish(f, 1), SIGKILL);
    ck_assert_double_ge(env_monotonic(f->env) - t0, 0.3);
    ck_assert_uint_eq(fixture_count(f, 1, "exception"), 0);
}
END_TEST

START_TEST(signals_reach_all_tasks_and_their_children)
{
    fixture_run_job(f, 1, 2, "", "sh -c 'sleep 1000'; :");
    fixture_until(f, fixture_result(f, 1, "start"));
    ck_assert_int_eq(fixture_call(f, "kill", "{\"id\":1,\"signum\":15}"), 0);
    ck_assert_int_eq(fixture_finish(f, 1), SIGTERM);
    ck_assert_int_eq(fixture_call(f, "kill", "{\"id\":1,\"signum\":15}"), ESRCH);
    ck_assert_int_eq(fixture_call(f, "kill", "{\"id\":9,\"signum\":15}"), ESRCH);
    ck_assert_int_eq(fixture_call(f, "kill", "{\"id\":1,\"signum\":0}"), EINVAL);
}
END_TEST

START_TEST(exit_on_error_ends_the_other_tasks)
{
    fixture_run_job(f, 1, 2, "\"shell\":{\"options\":{\"exit-on-error\":1}},",
                    "[ $FLUX_TASK_RANK = 0 ] && exit 5; sleep 1000");
    ck_assert_int_eq(fixture_finish(f, 1), SIGTERM); /* 143 > 5 */
    ck_assert_str_eq(fixture_exception(f, 1, "type"), "exec");
    ck_assert(strstr(fixture_exception(f, 1, "note"), "code 5"));
}
END_TEST

START_TEST(the_first_exit_starts_a_clock)
{
    fixture_run_job(f, 1, 2, "\"shell\":{\"options\":{\"exit-timeout\":\"200ms\"}},",
                    "[ $FLUX_TASK_RANK = 0 ] && exit 0; sleep 1000");
    ck_assert_int_eq(fixture_finish(f, 1), SIGTERM);
    ck_assert(strstr(fixture_exception(f, 1, "note"), "1 task still running"));
}
END_TEST

START_TEST(a_bad_jobspec_fails_its_job_only)
{
    ck_assert_int_eq(fixture_call(f, "start",
                                  "{\"jobs\":[{\"id\":1,\"userid\":%u,\"jobspec\":"
                                  "{\"version\":9},\"R\":{}}]}",
                                  getuid()),
                     0);
    ck_assert_int_eq(fixture_finish(f, 1), 1 << 8);
    ck_assert_str_eq(fixture_exception(f, 1, "type"), "exec");
    fixture_run_command(f, 2, 1, "", "[\"true\"]", 0);
    ck_assert_int_eq(fixture_finish(f, 2), 0);
}
END_TEST

START_TEST(another_users_job_is_refused)
{
    ck_assert_int_eq(fixture_call(f, "start",
                                  "{\"jobs\":[{\"id\":1,\"userid\":%u,\"jobspec\":{}}]}",
                                  getuid() + 1),
                     0);
    ck_assert_int_eq(fixture_finish(f, 1), 1 << 8);
    ck_assert_str_eq(fixture_exception(f, 1, "note"), "the job is another user's");
}
END_TEST

START_TEST(starting_again_changes_nothing)
{
    char *text;
    fixture_run_job(f, 1, 1, "", "echo x >> count");
    fixture_run_job(f, 1, 1, "", "echo x >> count");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    fixture_run_job(f, 1, 1, "", "echo x >> count");
    fixture_until(f, fixture_count(f, 1, "finish") == 2); /* said again */
    text = fixture_read(f, "count");
    ck_assert_str_eq(text, "x\n");
    free(text);
    ck_assert_int_eq(fixture_call(f, "ack", "{\"ids\":[1]}"), 0);
}
END_TEST

START_TEST(a_job_has_a_folder_that_goes_with_it)
{
    fixture_run_job(
        f, 1, 2, "",
        "echo x > $FLUX_JOB_TMPDIR/$FLUX_TASK_RANK && echo $FLUX_JOB_TMPDIR &&"
        "[ $OMPI_MCA_btl_vader_backing_directory = $FLUX_JOB_TMPDIR ]");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    fixture_output(f, 1, true);
    char *path = strndup(f->out.data, strcspn(f->out.data, "\n"));
    ck_assert(!strncmp(path, f->tmp, strlen(f->tmp)));
    while (access(path, F_OK) == 0)
        flux_reactor_run(f->r, FLUX_REACTOR_NOWAIT);
    free(path);
}
END_TEST

START_TEST(a_thousand_jobs)
{
    for (uint64_t id = 1; id <= 1000; id++)
        fixture_run_command(f, id, 1, "", id % 10 ? "[\"true\"]" : "[\"false\"]", 0);
    for (uint64_t id = 1; id <= 1000; id++)
        ck_assert_int_eq(fixture_finish(f, id), id % 10 ? 0 : 1 << 8);
    ck_assert_uint_eq(shell_active_jobs(f->sh), 0);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        exit_codes_and_signals,
        finish_tells_the_resources_used,
        a_missing_program_is_127_and_says_so,
        what_cannot_be_executed_is_126,
        a_bad_directory_is_told_and_replaced,
        tasks_know_their_place,
        stdin_is_empty_or_a_file,
        output_keeps_its_order_and_is_replayed,
        output_is_followed_while_the_job_runs,
        no_byte_of_much_output_is_lost,
        binary_output_is_kept,
        a_job_without_output_makes_no_file,
        output_goes_to_files_by_template,
        an_unwritable_file_fails_the_job_by_name,
        daemons_die_with_their_job,
        a_running_job_keeps_its_daemon_when_another_ends,
        the_time_limit_ends_a_job,
        a_stubborn_job_is_killed_in_the_end,
        signals_reach_all_tasks_and_their_children,
        exit_on_error_ends_the_other_tasks,
        the_first_exit_starts_a_clock,
        a_bad_jobspec_fails_its_job_only,
        another_users_job_is_refused,
        starting_again_changes_nothing,
        a_job_has_a_folder_that_goes_with_it,
        a_thousand_jobs,
    };
    Suite *suite = suite_create("shell");
    TCase *tc = tcase_create("shell");
    SRunner *sr = srunner_create(suite);
    tcase_set_timeout(tc, 50);
    tcase_add_checked_fixture(tc, setup, teardown);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
