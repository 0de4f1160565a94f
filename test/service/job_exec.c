/* job-exec between a job manager, a broker and a shell that this test plays: jobs of one
 * rank. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job_exec_fixture.h"

static void setup(void)
{
    fixture_init(0);
}

START_TEST(mock_jobs_run_for_a_time_and_end_as_told)
{
    mock(1, "\"run_duration\":\"10ms\"");
    mock(2, "\"run_duration\":0.01,\"wait_status\":256");
    ck_assert_int_eq(finish_of(1), 0);
    ck_assert_int_eq(finish_of(2), 256);
    ck_assert_int_eq(count(1, "start"), 1);
    ck_assert_int_eq(count(1, "finish"), 1);
    ck_assert_uint_eq(fx.ranks[0].execs, 0); /* no shell for these */
}
END_TEST

START_TEST(mock_jobs_can_be_cancelled_and_killed)
{
    mock(1, "\"run_duration\":\"1h\"");
    mock(2, "\"run_duration\":\"1h\"");
    until(find(1, "start") && find(2, "start"));
    send_from("manager", "job-exec.cancel", false, "{\"ids\":[1,99]}");
    send_from("manager", "job-exec.kill", false, "{\"id\":2,\"signum\":9}");
    ck_assert_int_eq(finish_of(1), SIGTERM);
    ck_assert_int_eq(finish_of(2), SIGKILL);
}
END_TEST

START_TEST(mock_exceptions)
{
    mock(1, "\"run_duration\":\"1h\",\"mock_exception\":\"init\"");
    mock(2, "\"run_duration\":\"1h\",\"mock_exception\":\"run\"");
    mock(3, "\"run_duration\":\"soon\"");
    for (int id = 1; id <= 3; id++) {
        ck_assert_int_eq(finish_of(id), 1 << 8);
        ck_assert_str_eq(json_str(json_get(find(id, "exception"), "type")), "exec");
    }
    ck_assert_int_eq(count(1, "start"), 0);
    ck_assert_int_eq(count(2, "start"), 1);
}
END_TEST

START_TEST(a_finish_is_told_again_until_it_is_acknowledged)
{
    mock(1, "\"run_duration\":0");
    finish_of(1);
    mock(1, "\"run_duration\":0");
    until(count(1, "finish") == 2);
    ck_assert_int_eq(count(1, "start"), 1);
    send_from("manager", "job-exec.ack", false, "{\"ids\":[1]}");
    mock(1, "\"run_duration\":0"); /* forgotten: a new job, as far as it knows */
    until(count(1, "finish") == 3);
    ck_assert_int_eq(count(1, "start"), 2);
}
END_TEST

START_TEST(a_real_job_starts_the_shell_and_waits_for_its_hello)
{
    start(1, "\"duration\":0", "");
    until(fx.ranks[0].waiter);
    ck_assert_uint_eq(fx.ranks[0].execs, 1);
    ck_assert_msg(strstr(fx.ranks[0].exec_payload,
                         "\"cmdline\":[\"/x/flux-shell\",\"--uri\","
                         "\"local:///run/x\",\"--dir\",\"/run/x\",\"--rank=0\"]"),
                  "%s", fx.ranks[0].exec_payload);
    ck_assert_uint_eq(fx.ranks[0].requests, 0);
    hello("shell", "");
    until(fx.ranks[0].requests == 1);
    ck_assert_str_eq(fx.ranks[0].topic, "start");
    ck_assert(strstr(fx.ranks[0].payload, "{\"id\":1,\"userid\":1234,"));
    ck_assert(strstr(fx.ranks[0].payload, "\"jobspec\":{\"version\":1,"));
    send_from("shell", "job-exec.shell-results", false,
              "{\"results\":[{\"id\":1,\"type\":\"start\",\"data\":{}},"
              "{\"id\":1,\"type\":\"finish\",\"data\":{\"status\":512,\"utime\":1.5}}]}");
    ck_assert_int_eq(finish_of(1), 512);
    double utime;
    ck_assert_int_eq(json_real(json_get(find(1, "finish"), "utime"), &utime), 0);
    ck_assert_double_eq(utime, 1.5);
    send_from("manager", "job-exec.ack", false, "{\"ids\":[1]}");
    until(fx.ranks[0].requests == 2);
    ck_assert_str_eq(fx.ranks[0].topic, "ack");
    ck_assert_str_eq(fx.ranks[0].payload, "{\"ids\":[1]}");
}
END_TEST

START_TEST(a_dead_shell_is_replaced_and_asked_again)
{
    start(1, "\"duration\":0", "");
    start(2, "\"duration\":0", "");
    start(3, "\"duration\":0", "");
    until(fx.ranks[0].waiter);
    hello("shell", "");
    until(fx.ranks[0].requests == 1);
    send_from("shell", "job-exec.shell-results", false,
              "{\"results\":[{\"id\":1,\"type\":\"start\",\"data\":{}},"
              "{\"id\":2,\"type\":\"start\",\"data\":{}}]}");
    until(find(2, "start"));
    send_from("shell", "job-exec.disconnect", false, NULL);
    until(fx.ranks[0].execs == 2);
    /* The new one's journal knows how 1 ended, nothing of 2, and that 3 was begun. */
    hello("shell2", "{\"id\":1,\"state\":\"finished\",\"data\":{\"status\":0}},"
                    "{\"id\":3,\"state\":\"running\"}");
    until(fx.ranks[0].requests == 2);
    ck_assert_int_eq(finish_of(1), 0);
    ck_assert_int_eq(count(1, "start"), 1);
    until(find(3, "start"));
    ck_assert_str_eq(fx.ranks[0].payload, "{\"jobs\":[{\"id\":2,\"reattach\":true}]}");
}
END_TEST

START_TEST(jobs_fail_when_the_shell_cannot_be_started)
{
    fx.ranks[0].errnum = ENOENT;
    start(1, "\"duration\":0", "");
    ck_assert_int_eq(finish_of(1), 1 << 8);
    ck_assert_uint_eq(fx.ranks[0].execs, 3);
    ck_assert_str_eq(json_str(json_get(find(1, "exception"), "type")), "exec");
    ck_assert_str_eq(json_str(json_get(find(1, "exception"), "note")),
                     "cannot start flux-shell on rank 0: no such file");
    /* Once it can be, it is. */
    fx.ranks[0].errnum = 0;
    start(2, "\"duration\":0", "");
    until(fx.ranks[0].execs == 4);
}
END_TEST

START_TEST(a_shell_that_dies_before_its_hello_is_tried_again)
{
    start(1, "\"duration\":0", "");
    for (unsigned i = 1; i <= 3; i++) {
        until(fx.ranks[0].execs == i && fx.ranks[0].waiter);
        respond(fx.ranks[0].waiter, 0, "{\"status\":2816}"); /* 11 << 8 */
        flux_msg_decref(fx.ranks[0].waiter);
        fx.ranks[0].waiter = NULL;
    }
    ck_assert_int_eq(finish_of(1), 1 << 8);
    ck_assert(strstr(json_str(json_get(find(1, "exception"), "note")), "exit code 11"));
}
END_TEST

START_TEST(a_shell_that_lives_already_is_waited_for)
{
    start(1, "\"duration\":0", "");
    for (unsigned i = 1; i <= 5; i++) {
        until(fx.ranks[0].execs == i && fx.ranks[0].waiter);
        respond(fx.ranks[0].waiter, 0, "{\"status\":19200}"); /* 75 << 8 */
        flux_msg_decref(fx.ranks[0].waiter);
        fx.ranks[0].waiter = NULL;
    }
    hello("old shell", "{\"id\":1,\"state\":\"running\"}");
    until(find(1, "start"));
    ck_assert_int_eq(count(1, "exception"), 0);
    ck_assert_uint_eq(fx.ranks[0].requests, 0);
}
END_TEST

START_TEST(cancel_reaches_the_shell_or_ends_what_it_never_got)
{
    start(1, "\"duration\":0", "");
    until(fx.ranks[0].waiter);
    send_from("manager", "job-exec.cancel", false, "{\"ids\":[1]}");
    ck_assert_int_eq(finish_of(1), SIGTERM);
    ck_assert_int_eq(count(1, "start"), 0);
    hello("shell", "");
    start(2, "\"duration\":0", "");
    send_from("manager", "job-exec.cancel", false, "{\"ids\":[2]}");
    until(fx.ranks[0].requests == 2); /* start, cancel */
    ck_assert_str_eq(fx.ranks[0].topic, "cancel");
    ck_assert_int_eq(count(2, "finish"), 0);
}
END_TEST

START_TEST(jobs_of_others_are_refused)
{
    send_from("manager", "job-exec.start", false,
              "{\"jobs\":[{\"id\":1,\"userid\":99,\"R\":{},\"jobspec\":{}}]}");
    ck_assert_int_eq(finish_of(1), 1 << 8);
    ck_assert(strstr(json_str(json_get(find(1, "exception"), "note")), "other users"));
}
END_TEST

START_TEST(output_is_passed_on_and_taken_up_again)
{
    hello("shell", "");
    send_from("reader", "job-exec.output", true, "{\"id\":1,\"follow\":true}");
    until(fx.output_request);
    ck_assert_str_eq(fx.ranks[0].payload, "{\"id\":1,\"follow\":true,\"skip\":0,"
                                          "\"live\":false,\"ntasks\":0}");
    respond(fx.output_request, 0, "{\"events\":[{\"a\":1},{\"b\":[2]}]}");
    until(fx.relayed.len > 0);
    ck_assert_str_eq(fx.relayed.data, "{\"events\":[{\"a\":1},{\"b\":[2]}]}");
    flux_msg_decref(fx.output_request);
    fx.output_request = NULL;
    send_from("shell", "job-exec.disconnect", false, NULL);
    until(fx.ranks[0].execs == 1); /* a reader is reason enough */
    hello("shell2", "");
    until(fx.output_request);
    ck_assert_str_eq(fx.ranks[0].payload, "{\"id\":1,\"follow\":true,\"skip\":2,"
                                          "\"live\":false,\"ntasks\":0}");
    respond(fx.output_request, ENODATA, NULL);
    until(fx.relayed_errnum);
    ck_assert_int_eq(fx.relayed_errnum, ENODATA);
}
END_TEST

START_TEST(a_reader_that_goes_is_forgotten)
{
    hello("shell", "");
    send_from("reader", "job-exec.output", true, "{\"id\":1,\"follow\":true}");
    until(fx.output_request);
    send_from("reader", "job-exec.disconnect", false, NULL);
    until(fx.ranks[0].requests == 2);
    ck_assert_str_eq(fx.ranks[0].topic, "output-cancel");
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        mock_jobs_run_for_a_time_and_end_as_told,
        mock_jobs_can_be_cancelled_and_killed,
        mock_exceptions,
        a_finish_is_told_again_until_it_is_acknowledged,
        a_real_job_starts_the_shell_and_waits_for_its_hello,
        a_dead_shell_is_replaced_and_asked_again,
        jobs_fail_when_the_shell_cannot_be_started,
        a_shell_that_dies_before_its_hello_is_tried_again,
        a_shell_that_lives_already_is_waited_for,
        cancel_reaches_the_shell_or_ends_what_it_never_got,
        jobs_of_others_are_refused,
        output_is_passed_on_and_taken_up_again,
        a_reader_that_goes_is_forgotten,
    };
    Suite *suite = suite_create("job_exec");
    TCase *tc = tcase_create("job_exec");
    SRunner *sr = srunner_create(suite);
    tcase_set_timeout(tc, 20);
    tcase_add_checked_fixture(tc, setup, fixture_fini);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
