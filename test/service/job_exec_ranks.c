/* job-exec and jobs on several ranks: their shells, and what happens when a rank cannot be
 * reached. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "job_exec_fixture.h"

#define START "{\"id\":%d,\"type\":\"start\",\"data\":{}}"
#define FINISH "{\"id\":%d,\"type\":\"finish\",\"data\":{\"status\":%d}}"
#define BOTH START "," FINISH

static void setup(void)
{
    fixture_init(0);
}

static void setup_lost(void)
{
    fixture_init(0.3);
}

static void all_up(void)
{
    hello_of(0, "s0", "");
    hello_of(1, "s1", "");
    hello_of(2, "s2", "");
}

/* A job that has started on ranks 0 to 2. */
static void running(int id)
{
    unsigned before[3];
    for (unsigned i = 0; i < 3; i++)
        before[i] = fx.ranks[i].requests;
    start_on(id, "0-2", "");
    for (unsigned i = 0; i < 3; i++)
        until(fx.ranks[i].requests > before[i]);
    say(0, "s0", START, id);
    say(1, "s1", START, id);
    say(2, "s2", START, id);
    until(find(id, "start"));
}

static const char *note_of(int id)
{
    return json_str(json_get(find(id, "exception"), "note"));
}

static const char *type_of(int id)
{
    const char *s = json_str(json_get(find(id, "exception"), "type"));
    return s ? s : "";
}

START_TEST(each_rank_gets_a_shell_and_the_job)
{
    start_on(1, "1-2", "");
    until(fx.ranks[1].waiter && fx.ranks[2].waiter);
    ck_assert(strstr(fx.ranks[2].exec_payload, "\"--rank=2\""));
    hello_of(1, "s1", "");
    hello_of(2, "s2", "");
    until(fx.ranks[1].requests == 1 && fx.ranks[2].requests == 1);
    for (unsigned i = 1; i <= 2; i++) {
        ck_assert_str_eq(fx.ranks[i].topic, "start");
        ck_assert(strstr(fx.ranks[i].payload, "{\"jobs\":[{\"id\":1,\"userid\":1234,"));
    }
    say(1, "s1", START, 1);
    say(2, "s2", START, 1);
    until(find(1, "start"));
    say(2, "s2", FINISH, 1, 0);
    say(1, "s1",
        "{\"id\":1,\"type\":\"finish\",\"data\":{\"status\":0,\"utime\":1.5,"
        "\"stime\":0.5,\"maxrss\":100}}");
    ck_assert_int_eq(finish_of(1), 0);
    ck_assert_int_eq(count(1, "start"), 1);
    ck_assert_int_eq(count(1, "finish"), 1);
    ck_assert_str_eq(json_str(json_get(find(1, "release"), "ranks")), "all");
    send_from("manager", "job-exec.ack", false, "{\"ids\":[1]}");
    until(fx.ranks[1].requests == 2 && fx.ranks[2].requests == 2);
    ck_assert_str_eq(fx.ranks[1].topic, "ack");
    ck_assert_str_eq(fx.ranks[2].payload, "{\"ids\":[1]}");
}
END_TEST

START_TEST(start_is_told_when_all_have_started)
{
    all_up();
    start_on(1, "0-2", "");
    until(fx.ranks[2].requests == 1);
    say(0, "s0", START, 1);
    say(2, "s2", START, 1);
    start_on(2, "0", "");
    until(fx.ranks[0].requests == 2);
    say(0, "s0", START, 2);
    until(find(2, "start"));
    ck_assert(!find(1, "start"));
    say(1, "s1", START, 1);
    until(find(1, "start"));
}
END_TEST

START_TEST(the_worst_status_and_all_the_usage_count)
{
    static const char usage[] = "{\"id\":1,\"type\":\"finish\",\"data\":{\"status\":%d,"
                                "\"utime\":%d,\"stime\":0.25,"
                                "\"maxrss\":%d}}";
    double v;
    all_up();
    running(1);
    say(0, "s0", usage, 3 << 8, 1, 500);
    say(1, "s1", usage, SIGTERM, 2, 700); /* 143 > 3 */
    say(2, "s2", usage, 1 << 8, 3, 600);
    ck_assert_int_eq(finish_of(1), SIGTERM);
    ck_assert_int_eq(json_real(json_get(find(1, "finish"), "utime"), &v), 0);
    ck_assert_double_eq(v, 6);
    ck_assert_int_eq(json_real(json_get(find(1, "finish"), "stime"), &v), 0);
    ck_assert_double_eq(v, 0.75);
    ck_assert_int_eq(json_real(json_get(find(1, "finish"), "maxrss"), &v), 0);
    ck_assert_double_eq(v, 700);
}
END_TEST

START_TEST(jobs_of_a_turn_go_to_a_shell_in_one_message)
{
    all_up();
    send_from("manager", "job-exec.start", false,
              "{\"jobs\":["
              "{\"id\":1,\"R\":{\"execution\":{\"R_lite\":[{\"rank\":\"1\"}]}}},"
              "{\"id\":2,\"R\":{\"execution\":{\"R_lite\":[{\"rank\":\"1-2\"}]}}},"
              "{\"id\":3,\"R\":{\"execution\":{\"R_lite\":[{\"rank\":\"1\"}]}}}]}");
    until(fx.ranks[1].requests && fx.ranks[2].requests);
    ck_assert(strstr(fx.ranks[1].payload, "\"id\":1") &&
              strstr(fx.ranks[1].payload, "\"id\":3"));
    ck_assert(!strstr(fx.ranks[2].payload, "\"id\":1"));
    ck_assert_uint_eq(fx.ranks[0].requests, 0);
}
END_TEST

START_TEST(an_exception_on_one_rank_ends_the_job_on_all)
{
    all_up();
    running(1);
    say(1, "s1",
        "{\"id\":1,\"type\":\"exception\",\"data\":{\"severity\":0,\"type\":"
        "\"exec\",\"note\":\"x\"}}");
    until(fx.ranks[0].requests == 2 && fx.ranks[2].requests == 2);
    ck_assert_str_eq(fx.ranks[0].topic, "cancel");
    ck_assert_str_eq(fx.ranks[2].payload, "{\"ids\":[1]}");
    ck_assert_uint_eq(fx.ranks[1].requests, 1); /* it knows */
    say(2, "s2",
        "{\"id\":1,\"type\":\"exception\",\"data\":{\"severity\":0,\"type\":"
        "\"exec\",\"note\":\"follows from it\"}}");
    say(0, "s0", FINISH, 1, SIGTERM);
    say(1, "s1", FINISH, 1, 1 << 8);
    say(2, "s2", FINISH, 1, SIGTERM);
    ck_assert_int_eq(finish_of(1), SIGTERM);
    ck_assert_int_eq(count(1, "exception"), 1);
}
END_TEST

START_TEST(a_rank_that_cannot_start_it_fails_the_job)
{
    hello_of(0, "s0", "");
    hello_of(1, "s1", "");
    fx.ranks[2].errnum = ENOENT;
    start_on(1, "0-2", "");
    until(fx.ranks[0].requests && fx.ranks[1].requests);
    say(0, "s0", START, 1);
    say(1, "s1", START, 1);
    until(find(1, "exception"));
    ck_assert_str_eq(note_of(1), "cannot start flux-shell on n2 (rank 2): no such file");
    until(fx.ranks[0].requests == 2 && fx.ranks[1].requests == 2);
    ck_assert_str_eq(fx.ranks[1].topic, "cancel");
    say(0, "s0", FINISH, 1, SIGTERM);
    say(1, "s1", FINISH, 1, SIGTERM);
    ck_assert_int_eq(finish_of(1), SIGTERM);
    ck_assert_int_eq(count(1, "start"), 0);
}
END_TEST

START_TEST(a_cancel_reaches_all_and_ends_what_was_never_told)
{
    hello_of(0, "s0", "");
    fx.ranks[1].errnum = EHOSTUNREACH;
    start_on(1, "0-1", "");
    until(fx.ranks[0].requests == 1 && fx.ranks[1].execs);
    send_from("manager", "job-exec.cancel", false, "{\"ids\":[1]}");
    until(fx.ranks[0].requests == 2);
    ck_assert_str_eq(fx.ranks[0].topic, "cancel");
    say(0, "s0", BOTH, 1, 1, SIGTERM);
    ck_assert_int_eq(finish_of(1), SIGTERM);
}
END_TEST

/* Handed over by a job manager that does not know how far it came: a shell that cannot be
 * reached may run it. */
START_TEST(what_a_shell_may_have_been_told_is_not_over_without_it)
{
    fx.ranks[1].errnum = EHOSTUNREACH;
    start_on(1, "0-1", ",\"maybe-started\":true");
    hello_of(0, "s0",
             "{\"id\":1,\"state\":\"finished\",\"exception\":{\"severity\":0,\"type\":"
             "\"lost-shell\",\"note\":\"it died\"},\"data\":{\"status\":9}}");
    until(find(1, "exception") && fx.ranks[1].execs);
    ck_assert_int_eq(count(1, "finish"), 0);
    fx.ranks[1].errnum = 0;
    hello_of(1, "s1", "{\"id\":1,\"state\":\"running\"}");
    until(fx.ranks[1].requests == 1);
    ck_assert_str_eq(fx.ranks[1].topic, "cancel");
    ck_assert_int_eq(count(1, "finish"), 0);
    say(1, "s1", FINISH, 1, SIGTERM);
    ck_assert_int_eq(finish_of(1), SIGTERM);
}
END_TEST

START_TEST(a_shell_that_was_not_told_is_not_told_of_what_is_over)
{
    start_on(1, "0-1", ",\"maybe-started\":true");
    until(fx.ranks[1].waiter);
    hello_of(0, "s0", "{\"id\":1,\"state\":\"finished\",\"data\":{\"status\":0}}");
    until(fx.hello_answered);
    send_from("manager", "job-exec.cancel", false, "{\"ids\":[1]}");
    ck_assert_int_eq(count(1, "finish"), 0);
    hello_of(1, "s1", "");
    ck_assert_int_eq(finish_of(1), SIGTERM);
    ck_assert_uint_eq(fx.ranks[1].requests, 0);
}
END_TEST

START_TEST(kill_asks_all_and_is_answered_once)
{
    all_up();
    running(1);
    fx.ranks[1].kill_errnum = ESRCH; /* its tasks have ended */
    call_from("user", "job-exec.kill", "{\"id\":1,\"signum\":10}");
    until(fx.kill_answer >= 0);
    ck_assert_int_eq(fx.kill_answer, 0);
    for (unsigned i = 0; i < 3; i++) {
        ck_assert_uint_eq(fx.ranks[i].kills, 1);
        ck_assert_str_eq(fx.ranks[i].payload, "{\"id\":1,\"signum\":10}");
    }
    fx.ranks[0].kill_errnum = fx.ranks[2].kill_errnum = ESRCH;
    fx.kill_answer = -1;
    call_from("user", "job-exec.kill", "{\"id\":1,\"signum\":10}");
    until(fx.kill_answer >= 0);
    ck_assert_int_eq(fx.kill_answer, ESRCH);
    say(1, "s1", FINISH, 1, 0);
    fx.ranks[0].kill_errnum = fx.ranks[2].kill_errnum = 0;
    fx.ranks[2].kill_errnum = EINVAL;
    fx.kill_answer = -1;
    call_from("user", "job-exec.kill", "{\"id\":1,\"signum\":10}");
    until(fx.kill_answer >= 0);
    ck_assert_int_eq(fx.kill_answer, EINVAL);
    ck_assert_uint_eq(fx.ranks[1].kills, 2);
}
END_TEST

START_TEST(a_new_expiration_reaches_all_now_or_later)
{
    all_up();
    running(1);
    send_from("s2", "job-exec.disconnect", false, NULL);
    until(fx.ranks[2].execs == 1);
    send_from("manager", "job-exec.expiration", false, "{\"id\":1,\"expiration\":77.5}");
    until(fx.ranks[0].requests == 2 && fx.ranks[1].requests == 2);
    ck_assert_str_eq(fx.ranks[1].topic, "expiration");
    hello_of(2, "s2b", "{\"id\":1,\"state\":\"running\"}");
    until(fx.ranks[2].requests == 2);
    ck_assert_str_eq(fx.ranks[2].payload, "{\"id\":1,\"expiration\":77.5}");
}
END_TEST

START_TEST(a_rank_that_goes_and_returns_loses_nothing)
{
    all_up();
    running(1);
    fx.ranks[1].errnum = EHOSTUNREACH;
    send_from("s1", "job-exec.disconnect", false, NULL);
    until(fx.ranks[1].execs > 3); /* three attributes a time: it goes on trying */
    say(0, "s0", FINISH, 1, 0);
    say(2, "s2", FINISH, 1, 0);
    fx.ranks[1].errnum = 0;
    hello_of(1, "s1", "{\"id\":1,\"state\":\"finished\",\"data\":{\"status\":1280}}");
    ck_assert_int_eq(finish_of(1), 5 << 8);
    ck_assert_int_eq(count(1, "exception"), 0);
    ck_assert_int_eq(count(1, "start"), 1);
    ck_assert_int_eq(count(1, "release"), 1);
}
END_TEST

START_TEST(a_rank_that_returns_without_the_job_is_asked_not_to_start_it_anew)
{
    all_up();
    start_on(1, "0-2", "");
    until(fx.ranks[0].requests && fx.ranks[1].requests && fx.ranks[2].requests);
    say(1, "s1", START, 1);
    send_from("s1", "job-exec.disconnect", false, NULL);
    send_from("s2", "job-exec.disconnect", false, NULL);
    until(fx.ranks[1].execs == 1 && fx.ranks[2].execs == 1);
    hello_of(1, "s1b", "");
    hello_of(2, "s2b", "");
    until(fx.ranks[1].requests == 2 && fx.ranks[2].requests == 2);
    ck_assert_str_eq(fx.ranks[1].payload, "{\"jobs\":[{\"id\":1,\"reattach\":true}]}");
    ck_assert(strstr(fx.ranks[2].payload, "\"jobspec\"")); /* it never said that it did */
}
END_TEST

START_TEST(what_a_rank_had_is_lost_after_a_time)
{
    all_up();
    running(1);
    start_on(2, "1", "");
    until(fx.ranks[1].requests == 2);
    say(1, "s1", START, 2);
    until(find(2, "start"));
    fx.ranks[1].errnum = EHOSTUNREACH;
    send_from("s1", "job-exec.disconnect", false, NULL);
    until(find(1, "exception") && find(2, "exception"));
    ck_assert_str_eq(type_of(1), "lost-shell");
    ck_assert_str_eq(note_of(1), "no word from n1 (rank 1) for 0.3s");
    ck_assert_int_eq(finish_of(2), SIGKILL);
    until(fx.ranks[0].requests == 2 && fx.ranks[2].requests == 2);
    ck_assert_str_eq(fx.ranks[2].topic, "cancel");
    say(0, "s0", FINISH, 1, SIGTERM);
    say(2, "s2", FINISH, 1, SIGTERM);
    ck_assert_int_eq(finish_of(1), SIGTERM); /* 143 > 137 */
    ck_assert_int_eq(count(1, "exception"), 1);

    /* The job manager is done with 2, not yet with 1. The shell still has both. */
    send_from("manager", "job-exec.ack", false, "{\"ids\":[2]}");
    fx.ranks[1].errnum = 0;
    hello_of(1, "s1",
             "{\"id\":1,\"state\":\"running\"},{\"id\":2,\"state\":\"running\"}");
    until(fx.ranks[1].requests == 3);
    ck_assert_str_eq(fx.ranks[1].topic, "cancel");
    ck_assert_str_eq(fx.ranks[1].payload, "{\"ids\":[1]}");
    until(find(2, "stray"));
    send_from("manager", "job-exec.ack", false, "{\"ids\":[2]}"); /* its answer */
    until(fx.ranks[1].requests == 4);
    ck_assert_str_eq(fx.ranks[1].topic, "cancel");
    ck_assert_str_eq(fx.ranks[1].payload, "{\"ids\":[2]}");
    say(1, "s1", FINISH "," FINISH, 2, SIGTERM, 1, SIGTERM);
    until(fx.ranks[1].requests == 5);
    ck_assert_str_eq(fx.ranks[1].topic, "ack");
    ck_assert_str_eq(fx.ranks[1].payload, "{\"ids\":[2]}");
    ck_assert_int_eq(count(1, "finish"), 1);
    ck_assert_int_eq(count(2, "finish"), 1);
}
END_TEST

START_TEST(ranks_that_are_done_are_released_when_others_are_not)
{
    all_up();
    running(1);
    send_from("manager", "job-exec.cancel", false, "{\"ids\":[1]}");
    say(0, "s0", FINISH, 1, SIGTERM);
    say(2, "s2", FINISH, 1, SIGTERM);
    until(find(1, "release"));
    ck_assert_str_eq(json_str(json_get(find(1, "release"), "ranks")), "0,2");
    ck_assert(cJSON_IsFalse(json_get(find(1, "release"), "final")));
    ck_assert(!find(1, "finish"));
    say(1, "s1", FINISH, 1, SIGKILL);
    ck_assert_int_eq(finish_of(1), SIGTERM); /* 143 > 137 */
    ck_assert_int_eq(count(1, "release"), 2);
}
END_TEST

START_TEST(a_new_job_exec_takes_up_what_the_shells_have)
{
    /* The shells are there before the job manager hands over. */
    hello_of(1, "s1", "{\"id\":1,\"state\":\"finished\",\"data\":{\"status\":0}}");
    hello_of(2, "s2",
             "{\"id\":1,\"state\":\"running\"},"
             "{\"id\":9,\"state\":\"finished\",\"data\":{\"status\":0}}");
    until(find(1, "stray") && find(9, "stray"));
    ck_assert(!find(1, "finish")); /* one rank is not the job */
    start_on(1, "1-2", ",\"reattach\":true");
    until(fx.ranks[1].requests == 1 && fx.ranks[2].requests == 1);
    ck_assert_str_eq(fx.ranks[1].payload, "{\"jobs\":[{\"id\":1,\"reattach\":true}]}");
    say(1, "s1", "{\"id\":1,\"type\":\"reattached\",\"data\":{}}," FINISH, 1, 0);
    say(2, "s2", "{\"id\":1,\"type\":\"reattached\",\"data\":{}}");
    until(find(1, "reattached"));
    say(2, "s2", FINISH, 1, 2 << 8);
    ck_assert_int_eq(finish_of(1), 2 << 8);
    /* 9 is over for the job manager. */
    send_from("manager", "job-exec.ack", false, "{\"ids\":[9]}");
    until(fx.ranks[2].requests == 2);
    ck_assert_str_eq(fx.ranks[2].topic, "ack");
    ck_assert_str_eq(fx.ranks[2].payload, "{\"ids\":[9]}");
}
END_TEST

START_TEST(a_job_that_is_handed_over_again_is_told_as_it_stands)
{
    all_up();
    running(1);
    start_on(1, "0-2", ",\"reattach\":true");
    until(find(1, "reattached"));
    say(0, "s0", FINISH, 1, 0);
    say(1, "s1", FINISH, 1, 3 << 8);
    say(2, "s2", FINISH, 1, 0);
    ck_assert_int_eq(finish_of(1), 3 << 8);
    start_on(1, "0-2", ",\"reattach\":true");
    until(count(1, "finish") == 2 && count(1, "release") == 2);
    ck_assert_uint_eq(fx.ranks[1].requests, 1); /* no shell was asked */
}
END_TEST

START_TEST(the_shell_of_rank_0_keeps_the_output_of_all)
{
    hello_of(1, "s1", "");
    hello_of(2, "s2", "");
    start_on(1, "1-2", "");
    until(fx.ranks[0].waiter); /* started for that */
    hello_of(0, "s0", "");
    say(1, "s1", "{\"id\":1,\"type\":\"start\",\"data\":{\"ntasks\":6}}");
    say(2, "s2", "{\"id\":1,\"type\":\"start\",\"data\":{\"ntasks\":6}}");
    until(find(1, "start"));
    send_from("reader", "job-exec.output", true, "{\"id\":1,\"follow\":true}");
    until(fx.output_request);
    ck_assert_str_eq(fx.ranks[0].payload, "{\"id\":1,\"follow\":true,\"skip\":0,"
                                          "\"live\":true,\"ntasks\":6}");
    say(1, "s1", FINISH, 1, 0);
    say(2, "s2", FINISH, 1, 0);
    ck_assert_int_eq(finish_of(1), 0);
    until(fx.ranks[0].ends[0]);
    ck_assert_str_eq(fx.ranks[0].ends, "{\"ids\":[1]}");
    /* A reader that comes now finds a job that is over. */
    flux_msg_decref(fx.output_request);
    fx.output_request = NULL;
    send_from("reader2", "job-exec.output", true, "{\"id\":1,\"follow\":true}");
    until(fx.output_request);
    ck_assert(strstr(fx.ranks[0].payload, "\"live\":false"));
}
END_TEST

START_TEST(after_the_first_exit_the_others_have_some_time)
{
    all_up();
    running(1);
    say(1, "s1", "{\"id\":1,\"type\":\"exited\",\"data\":{\"exit-timeout\":0.1}}," FINISH,
        1, 0);
    say(2, "s2", "{\"id\":1,\"type\":\"exited\",\"data\":{\"exit-timeout\":0.1}}");
    until(find(1, "exception"));
    ck_assert_str_eq(type_of(1), "exec");
    ck_assert(strstr(note_of(1), "tasks on 2 of 3 nodes are still running"));
    until(fx.ranks[0].requests == 2 && fx.ranks[2].requests == 2);
    ck_assert_str_eq(fx.ranks[0].topic, "cancel");
    say(0, "s0", FINISH, 1, SIGTERM);
    say(2, "s2", FINISH, 1, SIGTERM);
    ck_assert_int_eq(finish_of(1), SIGTERM);
    ck_assert_int_eq(count(1, "exception"), 1);
}
END_TEST

START_TEST(the_first_exit_is_not_forgotten)
{
    start_on(1, "1-2", ",\"reattach\":true");
    until(fx.ranks[1].waiter && fx.ranks[2].waiter);
    hello_of(1, "s1", "{\"id\":1,\"state\":\"running\",\"exit-timeout\":0.1}");
    hello_of(2, "s2", "{\"id\":1,\"state\":\"running\"}");
    until(find(1, "exception"));
    ck_assert_str_eq(type_of(1), "exec");
}
END_TEST

START_TEST(R_that_makes_no_sense_fails_its_job)
{
    start_on(1, "x", "");
    ck_assert_int_eq(finish_of(1), 1 << 8);
    ck_assert_str_eq(note_of(1), "R makes no sense");
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        each_rank_gets_a_shell_and_the_job,
        start_is_told_when_all_have_started,
        the_worst_status_and_all_the_usage_count,
        jobs_of_a_turn_go_to_a_shell_in_one_message,
        an_exception_on_one_rank_ends_the_job_on_all,
        a_rank_that_cannot_start_it_fails_the_job,
        a_cancel_reaches_all_and_ends_what_was_never_told,
        what_a_shell_may_have_been_told_is_not_over_without_it,
        a_shell_that_was_not_told_is_not_told_of_what_is_over,
        kill_asks_all_and_is_answered_once,
        a_new_expiration_reaches_all_now_or_later,
        a_rank_that_goes_and_returns_loses_nothing,
        a_rank_that_returns_without_the_job_is_asked_not_to_start_it_anew,
        ranks_that_are_done_are_released_when_others_are_not,
        a_new_job_exec_takes_up_what_the_shells_have,
        a_job_that_is_handed_over_again_is_told_as_it_stands,
        the_shell_of_rank_0_keeps_the_output_of_all,
        after_the_first_exit_the_others_have_some_time,
        the_first_exit_is_not_forgotten,
        R_that_makes_no_sense_fails_its_job,
    };
    Suite *suite = suite_create("job_exec_ranks");
    TCase *tc = tcase_create("ranks"), *lost = tcase_create("lost");
    SRunner *sr = srunner_create(suite);
    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, fixture_fini);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tc, tests[i]);
    tcase_set_timeout(lost, 30);
    tcase_add_checked_fixture(lost, setup_lost, fixture_fini);
    tcase_add_test(lost, what_a_rank_had_is_lost_after_a_time);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, lost);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
