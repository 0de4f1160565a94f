/* job-exec between a job manager, a broker and a shell that this test plays. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <check.h>

#include <flux/core.h>
#include <flux/connector.h>
#include <flux/module.h>

#include "base/json.h"

extern const struct flux_module job_exec_module;

#define OWNER 1234

static flux_reactor_t *r;
static struct flux_port *port;
static flux_t *h;
static void *ctx;
static cJSON *results;  /* array of all results */
static unsigned execs;  /* rexec.exec requests so far */
static int exec_errnum; /* how to answer them */
static char exec_payload[1024];
static const flux_msg_t *waiter; /* rexec.wait, held */
static char shell_topic[64], *shell_payload;
static unsigned shell_requests;
static const flux_msg_t *output_request;
static struct buf relayed;
static int relayed_errnum;
static bool hello_answered;

static void respond(const flux_msg_t *req, int errnum, const char *payload)
{
    flux_msg_t *msg = flux_response_derive(req, errnum);
    ck_assert(msg);
    if (payload)
        ck_assert_int_eq(flux_msg_set_string(msg, payload), 0);
    ck_assert_int_eq(flux_port_send_new(port, &msg), 0);
}

static void take_results(const flux_msg_t *msg)
{
    const char *s;
    cJSON *o, *one;
    ck_assert_int_eq(flux_msg_get_string(msg, &s), 0);
    ck_assert_int_eq(json_parse(s, strlen(s), NULL, &o, NULL), 0);
    while ((one = cJSON_DetachItemFromArray(json_get(o, "results"), 0)))
        cJSON_AddItemToArray(results, one);
    json_free(o);
}

static void on_attr(const flux_msg_t *msg)
{
    const char *name;
    ck_assert_int_eq(flux_msg_unpack(msg, "{s:s}", "name", &name), 0);
    if (!strcmp(name, "local-uri"))
        respond(msg, 0, "{\"value\":\"local:///run/x\",\"flags\":1}");
    else if (!strcmp(name, "rundir"))
        respond(msg, 0, "{\"value\":\"/run/x\",\"flags\":1}");
    else
        respond(msg, ENOENT, NULL); /* no statedir */
}

static void on_shell(const char *topic, const flux_msg_t *msg)
{
    const char *s;
    ck_assert_int_eq(flux_msg_get_string(msg, &s), 0);
    snprintf(shell_topic, sizeof(shell_topic), "%s", topic);
    free(shell_payload);
    shell_payload = strdup(s ? s : "");
    shell_requests++;
    if (flux_msg_is_streaming(msg)) {
        flux_msg_decref(output_request);
        output_request = flux_msg_incref(msg);
    } else if (!flux_msg_is_noresponse(msg)) {
        respond(msg, 0, NULL);
    }
}

static void on_request(const flux_msg_t *msg)
{
    const char *topic, *s;
    ck_assert_int_eq(flux_msg_get_topic(msg, &topic), 0);
    if (!strcmp(topic, "job-manager.exec-hello")) {
        respond(msg, 0, "{}");
    } else if (!strcmp(topic, "job-manager.exec-results")) {
        take_results(msg);
    } else if (!strcmp(topic, "attr.get")) {
        on_attr(msg);
    } else if (!strcmp(topic, "rexec.exec")) {
        ck_assert_int_eq(flux_msg_get_string(msg, &s), 0);
        snprintf(exec_payload, sizeof(exec_payload), "%s", s);
        execs++;
        respond(msg, exec_errnum,
                exec_errnum ? "no such file" : "{\"type\":\"started\",\"pid\":77}");
    } else if (!strcmp(topic, "rexec.wait")) {
        flux_msg_decref(waiter);
        waiter = flux_msg_incref(msg);
    } else if (!strncmp(topic, "1234-shell.", 11)) {
        on_shell(topic + 11, msg);
    }
}

static void on_response(const flux_msg_t *msg)
{
    const char *s, *topic;
    int errnum;
    ck_assert_int_eq(flux_msg_get_topic(msg, &topic), 0);
    ck_assert_int_eq(flux_msg_get_errnum(msg, &errnum), 0);
    if (!strcmp(topic, "job-exec.output")) {
        if (errnum)
            relayed_errnum = errnum;
        else if (flux_msg_get_string(msg, &s) == 0)
            buf_adds(&relayed, s);
    } else if (!strcmp(topic, "job-exec.shell-hello")) {
        hello_answered = errnum == 0;
    }
}

static void on_message(struct flux_port *p, flux_msg_t *msg, void *arg)
{
    int type;
    ck_assert_int_eq(flux_msg_get_type(msg, &type), 0);
    if (type == FLUX_MSGTYPE_REQUEST)
        on_request(msg);
    else if (type == FLUX_MSGTYPE_RESPONSE)
        on_response(msg);
    flux_msg_destroy(msg);
    flux_reactor_stop(r);
}

/* Run the loop until the expression holds. */
#define until(expr)                                                                      \
    do {                                                                                 \
        while (!(expr))                                                                  \
            flux_reactor_run(r, 0);                                                      \
    } while (0)

static void setup(void)
{
    char arg[] = "job-shell=/x/flux-shell";
    char *argv[] = {arg, NULL};
    r = flux_reactor_create(0);
    ck_assert(r);
    results = cJSON_CreateArray();
    ck_assert_int_eq(flux_port_create(r, on_message, NULL, NULL, &port, &h), 0);
    ck_assert_int_eq(flux_set_reactor(h, r), 0);
    ck_assert_int_eq(flux_aux_set(h, "flux::name", (void *)"job-exec", NULL), 0);
    ck_assert_int_eq(job_exec_module.init(h, 1, argv, &ctx), 0);
}

static void teardown(void)
{
    job_exec_module.fini(h, ctx);
    flux_msg_decref(waiter);
    flux_msg_decref(output_request);
    flux_close(h);
    flux_port_destroy(port);
    flux_reactor_decref(r);
    json_free(results);
    free(shell_payload);
    buf_free(&relayed);
}

static void send_from(const char *who, const char *topic, bool streaming,
                      const char *payload)
{
    struct flux_msg_cred cred = {OWNER, FLUX_ROLE_OWNER};
    flux_msg_t *msg = flux_request_encode(topic, payload);
    ck_assert(msg);
    flux_msg_route_enable(msg);
    flux_msg_route_push(msg, who);
    flux_msg_set_cred(msg, cred);
    flux_msg_set_matchtag(msg, 5);
    if (streaming)
        flux_msg_set_streaming(msg);
    else
        flux_msg_set_noresponse(msg);
    ck_assert_int_eq(flux_port_send_new(port, &msg), 0);
}

/* system: members of attributes.system. */
static void start(int id, const char *system, const char *more)
{
    char text[1024];
    snprintf(text, sizeof(text),
             "{\"jobs\":[{\"id\":%d,\"userid\":%d,\"R\":{},\"jobspec\":{\"version\":1,"
             "\"attributes\":{\"system\":{%s}}}%s}]}",
             id, OWNER, system, more);
    send_from("manager", "job-exec.start", false, text);
}

static void mock(int id, const char *test)
{
    char system[512];
    snprintf(system, sizeof(system), "\"duration\":0,\"exec\":{\"test\":{%s}}", test);
    start(id, system, "");
}

static const cJSON *find(int id, const char *type)
{
    for (const cJSON *o = results->child; o; o = o->next) {
        int64_t i;
        if (json_int64(json_get(o, "id"), &i) == 0 && i == id &&
            !strcmp(json_str(json_get(o, "type")), type))
            return json_get(o, "data");
    }
    return NULL;
}

static int count(int id, const char *type)
{
    int n = 0;
    for (const cJSON *o = results->child; o; o = o->next) {
        int64_t i;
        n += json_int64(json_get(o, "id"), &i) == 0 && i == id &&
             !strcmp(json_str(json_get(o, "type")), type);
    }
    return n;
}

static int finish_of(int id)
{
    int64_t status;
    until(find(id, "release"));
    ck_assert(find(id, "finish"));
    ck_assert_int_eq(json_int64(json_get(find(id, "finish"), "status"), &status), 0);
    ck_assert((json_get(find(id, "release"), "final")->type & 0xff) == cJSON_True);
    return (int)status;
}

static void hello(const char *who, const char *jobs)
{
    char text[512];
    snprintf(text, sizeof(text), "{\"userid\":%d,\"jobs\":[%s]}", OWNER, jobs);
    hello_answered = false;
    send_from(who, "job-exec.shell-hello", true, text);
    until(hello_answered);
}

START_TEST(mock_jobs_run_for_a_time_and_end_as_told)
{
    mock(1, "\"run_duration\":\"10ms\"");
    mock(2, "\"run_duration\":0.01,\"wait_status\":256");
    ck_assert_int_eq(finish_of(1), 0);
    ck_assert_int_eq(finish_of(2), 256);
    ck_assert_int_eq(count(1, "start"), 1);
    ck_assert_int_eq(count(1, "finish"), 1);
    ck_assert_uint_eq(execs, 0); /* no shell for these */
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
    until(waiter);
    ck_assert_uint_eq(execs, 1);
    ck_assert_msg(strstr(exec_payload, "\"cmdline\":[\"/x/flux-shell\",\"--uri\","
                                       "\"local:///run/x\",\"--dir\",\"/run/x\"]"),
                  "%s", exec_payload);
    ck_assert_uint_eq(shell_requests, 0);
    hello("shell", "");
    until(shell_requests == 1);
    ck_assert_str_eq(shell_topic, "start");
    ck_assert(strstr(shell_payload, "{\"id\":1,\"userid\":1234,"));
    ck_assert(strstr(shell_payload, "\"jobspec\":{\"version\":1,"));
    send_from("shell", "job-exec.shell-results", false,
              "{\"results\":[{\"id\":1,\"type\":\"start\",\"data\":{}},"
              "{\"id\":1,\"type\":\"finish\",\"data\":{\"status\":512,\"utime\":1.5}}]}");
    ck_assert_int_eq(finish_of(1), 512);
    double utime;
    ck_assert_int_eq(json_real(json_get(find(1, "finish"), "utime"), &utime), 0);
    ck_assert_double_eq(utime, 1.5);
    send_from("manager", "job-exec.ack", false, "{\"ids\":[1]}");
    until(shell_requests == 2);
    ck_assert_str_eq(shell_topic, "ack");
    ck_assert_str_eq(shell_payload, "{\"ids\":[1]}");
}
END_TEST

START_TEST(a_dead_shell_is_replaced_and_asked_again)
{
    start(1, "\"duration\":0", "");
    start(2, "\"duration\":0", "");
    start(3, "\"duration\":0", "");
    until(waiter);
    hello("shell", "");
    until(shell_requests == 1);
    send_from("shell", "job-exec.shell-results", false,
              "{\"results\":[{\"id\":1,\"type\":\"start\",\"data\":{}},"
              "{\"id\":2,\"type\":\"start\",\"data\":{}}]}");
    until(find(2, "start"));
    send_from("shell", "job-exec.disconnect", false, NULL);
    until(execs == 2);
    /* The new one's journal knows how 1 ended, nothing of 2, and that 3 was begun. */
    hello("shell2", "{\"id\":1,\"state\":\"finished\",\"data\":{\"status\":0}},"
                    "{\"id\":3,\"state\":\"running\"}");
    until(shell_requests == 2);
    ck_assert_int_eq(finish_of(1), 0);
    ck_assert_int_eq(count(1, "start"), 1);
    until(find(3, "start"));
    ck_assert_str_eq(shell_payload, "{\"jobs\":[{\"id\":2,\"reattach\":true}]}");
}
END_TEST

START_TEST(jobs_fail_when_the_shell_cannot_be_started)
{
    exec_errnum = ENOENT;
    start(1, "\"duration\":0", "");
    ck_assert_int_eq(finish_of(1), 1 << 8);
    ck_assert_uint_eq(execs, 3);
    ck_assert_str_eq(json_str(json_get(find(1, "exception"), "type")), "exec");
    ck_assert_str_eq(json_str(json_get(find(1, "exception"), "note")),
                     "cannot start flux-shell: no such file");
    /* Once it can be, it is. */
    exec_errnum = 0;
    start(2, "\"duration\":0", "");
    until(execs == 4);
}
END_TEST

START_TEST(a_shell_that_dies_before_its_hello_is_tried_again)
{
    start(1, "\"duration\":0", "");
    for (unsigned i = 1; i <= 3; i++) {
        until(execs == i && waiter);
        respond(waiter, 0, "{\"status\":2816}"); /* 11 << 8 */
        flux_msg_decref(waiter);
        waiter = NULL;
    }
    ck_assert_int_eq(finish_of(1), 1 << 8);
    ck_assert(strstr(json_str(json_get(find(1, "exception"), "note")), "exit code 11"));
}
END_TEST

START_TEST(a_shell_that_lives_already_is_waited_for)
{
    start(1, "\"duration\":0", "");
    for (unsigned i = 1; i <= 5; i++) {
        until(execs == i && waiter);
        respond(waiter, 0, "{\"status\":19200}"); /* 75 << 8 */
        flux_msg_decref(waiter);
        waiter = NULL;
    }
    hello("old shell", "{\"id\":1,\"state\":\"running\"}");
    until(find(1, "start"));
    ck_assert_int_eq(count(1, "exception"), 0);
    ck_assert_uint_eq(shell_requests, 0);
}
END_TEST

START_TEST(cancel_reaches_the_shell_or_ends_what_it_never_got)
{
    start(1, "\"duration\":0", "");
    until(waiter);
    send_from("manager", "job-exec.cancel", false, "{\"ids\":[1]}");
    ck_assert_int_eq(finish_of(1), SIGTERM);
    ck_assert_int_eq(count(1, "start"), 0);
    hello("shell", "");
    start(2, "\"duration\":0", "");
    send_from("manager", "job-exec.cancel", false, "{\"ids\":[2]}");
    until(shell_requests == 2); /* start, cancel */
    ck_assert_str_eq(shell_topic, "cancel");
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
    until(output_request);
    ck_assert_str_eq(shell_payload, "{\"id\":1,\"follow\":true,\"skip\":0}");
    respond(output_request, 0, "{\"events\":[{\"a\":1},{\"b\":[2]}]}");
    until(relayed.len > 0);
    ck_assert_str_eq(relayed.data, "{\"events\":[{\"a\":1},{\"b\":[2]}]}");
    flux_msg_decref(output_request);
    output_request = NULL;
    send_from("shell", "job-exec.disconnect", false, NULL);
    until(execs == 1); /* a reader is reason enough */
    hello("shell2", "");
    until(output_request);
    ck_assert_str_eq(shell_payload, "{\"id\":1,\"follow\":true,\"skip\":2}");
    respond(output_request, ENODATA, NULL);
    until(relayed_errnum);
    ck_assert_int_eq(relayed_errnum, ENODATA);
}
END_TEST

START_TEST(a_reader_that_goes_is_forgotten)
{
    hello("shell", "");
    send_from("reader", "job-exec.output", true, "{\"id\":1,\"follow\":true}");
    until(output_request);
    send_from("reader", "job-exec.disconnect", false, NULL);
    until(shell_requests == 2);
    ck_assert_str_eq(shell_topic, "output-cancel");
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
    tcase_add_checked_fixture(tc, setup, teardown);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tc, tests[i]);
    suite_add_tcase(suite, tc);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
