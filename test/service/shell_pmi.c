/* Jobs on several nodes: PMI of tasks, within a shell and with the shells of other nodes,
 * which this test plays; the first exit of a task. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shell_fixture.h"

static struct fixture fx, *f = &fx;

/* A client in sh: `ask LINE` says it and prints the answer. */
#define CLIENT                                                                           \
    "ask() { echo \"$*\" >&$PMI_FD; read -r answer <&$PMI_FD; echo \"$answer\"; };"      \
    "ask cmd=init pmi_version=1 pmi_subversion=1;"                                       \
    "kvs=$(ask cmd=get_my_kvsname); kvs=${kvs##*=};"

static void setup(void)
{
    fixture_init(f);
}

static void teardown(void)
{
    fixture_fini(f);
}

static bool payload_is(const flux_msg_t *msg, const char *payload)
{
    const char *s;
    return flux_msg_get_string(msg, &s) == 0 && !strcmp(s, payload);
}

START_TEST(tasks_of_one_node_exchange_keys)
{
    fixture_start(f);
    fixture_run_job(f, 1, 2, "",
                    CLIENT "ask cmd=put kvsname=$kvs key=k$PMI_RANK value=v$PMI_RANK;"
                           "ask cmd=barrier_in;"
                           "ask cmd=get kvsname=$kvs key=k$((1 - PMI_RANK));"
                           "ask cmd=get kvsname=$kvs key=PMI_process_mapping;"
                           "ask cmd=finalize; echo $PMI_SIZE $kvs");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    fixture_output(f, 1, true);
    static const char *const lines[] = {
        "cmd=response_to_init rc=0 pmi_version=1 pmi_subversion=1\n",
        "cmd=get_result rc=0 value=v0\n",
        "cmd=get_result rc=0 value=v1\n",
        "cmd=get_result rc=0 value=(vector,(0,1,2))\n",
        "cmd=finalize_ack rc=0\n",
        "2 \xc6\x92"
        "2\n"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        ck_assert_msg(strstr(f->out.data, lines[i]), "%s: %s", lines[i], f->out.data);
}
END_TEST

START_TEST(an_abort_ends_the_job)
{
    fixture_start(f);
    fixture_run_job(f, 1, 2, "",
                    CLIENT "[ $PMI_RANK = 0 ] && exec sleep 1000;"
                           "echo 'cmd=abort exitcode=7 error_msg=out of beans' >&$PMI_FD;"
                           "exec sleep 1000");
    ck_assert_int_eq(fixture_finish(f, 1), SIGTERM);
    ck_assert_str_eq(fixture_exception(f, 1, "type"), "exec");
    ck_assert_str_eq(fixture_exception(f, 1, "note"),
                     "PMI_Abort: rank 1: out of beans (exit code 7)");
    ck_assert_uint_eq(fixture_count(f, 1, "exception"), 1);
}
END_TEST

START_TEST(it_can_be_turned_off)
{
    fixture_start(f);
    fixture_run_job(f, 1, 1, "\"shell\":{\"options\":{\"pmi\":\"off\"}},",
                    "echo ${PMI_FD-none}");
    fixture_finish(f, 1);
    fixture_output(f, 1, true);
    ck_assert_str_eq(f->out.data, "none\n");
}
END_TEST

START_TEST(rubbish_on_it_disturbs_nobody)
{
    fixture_start(f);
    fixture_run_job(
        f, 1, 2, "",
        "[ $PMI_RANK = 0 ] && { head -c 100000 /dev/zero >&$PMI_FD; exit 0; };" CLIENT
        "ask cmd=get kvsname=$kvs key=none");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    fixture_output(f, 1, true);
    ck_assert(strstr(f->out.data, "cmd=get_result rc=-1"));
}
END_TEST

#define EXCHANGE                                                                         \
    CLIENT "ask cmd=put kvsname=$kvs key=k$PMI_RANK value=v$PMI_RANK; ask "              \
           "cmd=barrier_in;"                                                             \
           "for i in 0 1 2 3; do ask cmd=get kvsname=$kvs key=k$i; done;"                \
           "ask cmd=barrier_in; ask cmd=finalize"

START_TEST(a_node_sends_one_message_a_barrier_to_the_leader)
{
    flux_msg_t *msg;
    f->rank = 5;
    strcpy(f->ranks, "3,5");
    fixture_start(f);
    fixture_run_job(f, 1, 4, "", EXCHANGE);
    msg = fixture_until_asked(f, "pmi-barrier", 3);
    ck_assert(payload_is(msg, "{\"id\":1,\"node\":1,\"seq\":0,\"puts\":"
                              "[\"k2\",\"v2\",\"k3\",\"v3\"]}") ||
              payload_is(msg, "{\"id\":1,\"node\":1,\"seq\":0,\"puts\":"
                              "[\"k3\",\"v3\",\"k2\",\"v2\"]}"));
    /* The leader has not got that far; then it cannot be reached; then it can. */
    fixture_answer(f, msg, ENOENT, NULL);
    flux_msg_destroy(msg);
    msg = fixture_until_asked(f, "pmi-barrier", 3);
    fixture_answer(f, msg, EHOSTUNREACH, NULL);
    flux_msg_destroy(msg);
    msg = fixture_until_asked(f, "pmi-barrier", 3);
    fixture_answer(
        f, msg, 0,
        "{\"puts\":[\"k0\",\"v\\u0022\",\"k1\",\"v1\",\"k2\",\"v2\",\"k3\",\"v3\"]}");
    flux_msg_destroy(msg);
    msg = fixture_until_asked(f, "pmi-barrier", 3);
    ck_assert(payload_is(msg, "{\"id\":1,\"node\":1,\"seq\":1,\"puts\":[]}"));
    fixture_answer(f, msg, 0, "{\"puts\":[]}");
    flux_msg_destroy(msg);
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    ck_assert_msg(strstr(f->put[0].data, "value=v\"\n"), "%s", f->put[0].data);
    ck_assert(strstr(f->put[0].data, "value=v1\n"));
    ck_assert(strstr(f->put[0].data, "value=v2\n"));
    ck_assert(!strstr(f->put[0].data, "rc=-1"));
}
END_TEST

START_TEST(a_barrier_outlives_the_connection)
{
    flux_msg_t *msg;
    f->rank = 5;
    strcpy(f->ranks, "3,5");
    fixture_start(f);
    fixture_run_job(f, 1, 2, "", CLIENT "ask cmd=barrier_in; ask cmd=finalize");
    msg = fixture_until_asked(f, "pmi-barrier", 3);
    flux_msg_destroy(msg);
    fixture_cut(f);
    fixture_until(f, f->hellos == 2);
    msg = fixture_until_asked(f, "pmi-barrier", 3);
    ck_assert(payload_is(msg, "{\"id\":1,\"node\":1,\"seq\":0,\"puts\":[]}"));
    fixture_answer(f, msg, 0, "{\"puts\":[]}");
    flux_msg_destroy(msg);
    ck_assert_int_eq(fixture_finish(f, 1), 0);
}
END_TEST

static unsigned enter(int node, int seq, const char *puts)
{
    return fixture_send(f, "pmi-barrier", 0,
                        "{\"id\":1,\"node\":%d,\"seq\":%d,\"puts\":[%s]}", node, seq,
                        puts);
}

START_TEST(the_leader_collects_and_answers)
{
    strcpy(f->ranks, "0,4-5");
    fixture_start(f);
    ck_assert_int_eq(
        fixture_call(f, "pmi-barrier", "{\"id\":1,\"node\":1,\"seq\":0,\"puts\":[]}"),
        ENOENT); /* too early */
    fixture_run_job(f, 1, 6, "",
                    CLIENT "ask cmd=put kvsname=$kvs key=k$PMI_RANK value=v$PMI_RANK;"
                           "ask cmd=barrier_in; ask cmd=get kvsname=$kvs key=k2;"
                           "ask cmd=get kvsname=$kvs key=k5;"
                           "ask cmd=get kvsname=$kvs key=PMI_process_mapping;");
    ck_assert_int_eq(
        fixture_call(f, "pmi-barrier", "{\"id\":1,\"node\":3,\"seq\":0,\"puts\":[]}"),
        EPROTO); /* there is no such node */
    enter(1, 0, "\"k2\",\"v2\"");
    enter(1, 0, "\"k2\",\"v2\""); /* again */
    unsigned last = enter(2, 0, "\"k5\",\"v5\"");
    fixture_until(f, f->answered == (int)last);
    ck_assert_int_eq(f->answer, 0);
    ck_assert(strstr(f->last_payload, "\"k2\",\"v2\"") &&
              strstr(f->last_payload, "\"k5\",\"v5\"") &&
              strstr(f->last_payload, "\"k0\",\"v0\"") &&
              strstr(f->last_payload, "\"k1\",\"v1\""));
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    fixture_call(f, "output-end", "{\"ids\":[1]}");
    fixture_output(f, 1, true);
    ck_assert(strstr(f->out.data, "value=v2\n") && strstr(f->out.data, "value=v5\n"));
    ck_assert(strstr(f->out.data, "value=(vector,(0,3,2))\n"));
    ck_assert(!strstr(f->out.data, "rc=-1"));
    /* An answer that was lost is given again, also when our own tasks have ended. */
    ck_assert_int_eq(
        fixture_call(f, "pmi-barrier", "{\"id\":1,\"node\":1,\"seq\":0,\"puts\":[]}"), 0);
    ck_assert(strstr(f->last_payload, "\"k5\",\"v5\""));
}
END_TEST

START_TEST(tasks_of_other_nodes_have_their_own_ranks)
{
    f->rank = 5;
    strcpy(f->ranks, "3,5");
    fixture_start(f);
    fixture_run_job(f, 1, 4, "",
                    "echo $PMI_RANK/$PMI_SIZE $FLUX_TASK_RANK/$FLUX_JOB_SIZE "
                    "$FLUX_TASK_LOCAL_ID $FLUX_JOB_NNODES");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    ck_assert_msg(strstr(f->put[0].data, "2/4 2/4 0 2\n") &&
                      strstr(f->put[0].data, "3/4 3/4 1 2\n"),
                  "%s", f->put[0].data);
}
END_TEST

START_TEST(a_node_without_tasks_is_done_at_once)
{
    f->rank = 5;
    strcpy(f->ranks, "3,5");
    fixture_start(f);
    fixture_run_job(f, 1, 1, "", "exit 1");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    ck_assert_uint_eq(fixture_count(f, 1, "start"), 1);
}
END_TEST

START_TEST(the_first_exit_on_a_node_is_told_once)
{
    double left;
    f->rank = 5;
    strcpy(f->ranks, "3,5");
    fixture_start(f);
    fixture_run_job(f, 1, 4, "\"shell\":{\"options\":{\"exit-timeout\":\"0.1s\"}},",
                    "[ $FLUX_TASK_RANK = 2 ] && exit 1;"
                    "while [ ! -f go ]; do sleep 0.01; done");
    fixture_until(f, fixture_result(f, 1, "exited"));
    ck_assert_int_eq(
        json_real(json_get(fixture_result(f, 1, "exited"), "exit-timeout"), &left), 0);
    ck_assert_double_le(left, 0.1);
    fixture_cut(f);
    fixture_until(f, f->hellos == 2);
    const cJSON *o = json_get(f->hello, "jobs")->child;
    ck_assert_int_eq(json_real(json_get(o, "exit-timeout"), &left), 0);
    ck_assert_double_lt(left, 0.1);
    char path[128];
    snprintf(path, sizeof(path), "%s/go", f->dir);
    ck_assert_int_eq(file_replace(f->env, path, "x", 1, 0600), 0);
    ck_assert_int_eq(fixture_finish(f, 1), 1 << 8); /* not this shell's to enforce */
    ck_assert_uint_eq(fixture_count(f, 1, "exited"), 1);
    ck_assert_uint_eq(fixture_count(f, 1, "exception"), 0);
}
END_TEST

START_TEST(a_failing_task_may_end_the_job_on_all_nodes)
{
    f->rank = 5;
    strcpy(f->ranks, "3,5");
    fixture_start(f);
    fixture_run_job(f, 1, 2, "\"shell\":{\"options\":{\"exit-on-error\":1}},", "exit 4");
    ck_assert_int_eq(fixture_finish(f, 1), 4 << 8);
    ck_assert_str_eq(fixture_exception(f, 1, "note"),
                     "task failed with code 4 (exit-on-error)");
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        tasks_of_one_node_exchange_keys,
        an_abort_ends_the_job,
        it_can_be_turned_off,
        rubbish_on_it_disturbs_nobody,
        a_node_sends_one_message_a_barrier_to_the_leader,
        a_barrier_outlives_the_connection,
        the_leader_collects_and_answers,
        tasks_of_other_nodes_have_their_own_ranks,
        a_node_without_tasks_is_done_at_once,
        the_first_exit_on_a_node_is_told_once,
        a_failing_task_may_end_the_job_on_all_nodes,
    };
    Suite *suite = suite_create("shell_pmi");
    TCase *tc = tcase_create("shell_pmi");
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
