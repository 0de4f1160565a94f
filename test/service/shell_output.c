/* Output of jobs on other ranks than 0: passed on by the shell there, kept by that of rank
 * 0, and files that several nodes share. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "shell/block.h"
#include "shell/segment.h"
#include "shell_fixture.h"

static struct fixture fx, *f = &fx;

static void setup(void)
{
    fixture_init(f);
}

static void teardown(void)
{
    fixture_fini(f);
}

/* A shell of rank 5 for jobs on ranks 3 and 5, or on 5 alone. */
static void start_on_5(const char *ranks)
{
    f->rank = 5;
    snprintf(f->ranks, sizeof(f->ranks), "%s", ranks);
    fixture_start(f);
}

static bool exists(const char *name)
{
    char path[160];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    return file_stat(f->env, path, &st) == 0;
}

static off_t size_of(const char *name)
{
    char path[160];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", f->dir, name);
    return file_stat(f->env, path, &st) == 0 ? st.st_size : 0;
}

/* -- passing on -- */

START_TEST(a_job_has_finished_when_its_output_was_taken)
{
    start_on_5("5");
    f->hold_puts = true;
    fixture_run_job(f, 1, 1, "", "echo out; echo err >&2; exit 3");
    flux_msg_t *msg = fixture_until_asked(f, "output-put", 0);
    /* Until its end is in the journal. */
    for (bool ended = false; !ended;) {
        flux_reactor_run(f->r, FLUX_REACTOR_NOWAIT);
        char *text = fixture_read(f, "shell/journal");
        ended = strstr(text, "\ne 1 768 ") != NULL;
        free(text);
    }
    ck_assert(!fixture_result(f, 1, "finish"));
    ck_assert_int_eq(fixture_call(f, "ack", "{\"ids\":[1]}"),
                     0); /* too early: no effect */
    fixture_take_put(f, msg);
    flux_msg_destroy(msg);
    f->hold_puts = false;
    ck_assert_int_eq(fixture_finish(f, 1), 3 << 8);
    ck_assert_str_eq(f->put[0].data, "out\n");
    ck_assert_str_eq(f->put[1].data, "err\n");
    ck_assert(!exists("output/1.0"));
    int64_t ntasks;
    ck_assert_int_eq(
        json_int64(json_get(fixture_result(f, 1, "start"), "ntasks"), &ntasks), 0);
    ck_assert_int_eq(ntasks, 1);
}
END_TEST

START_TEST(a_job_that_writes_nothing_waits_for_nobody)
{
    start_on_5("5");
    fixture_run_command(f, 1, 1, "", "[\"true\"]", 0);
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    ck_assert_uint_eq(f->puts, 0);
}
END_TEST

START_TEST(jobs_of_a_turn_share_a_message)
{
    start_on_5("5");
    f->hold_puts = true;
    fixture_run_job(f, 1, 1, "", "echo x");
    flux_msg_t *msg = fixture_until_asked(f, "output-put", 0);
    for (uint64_t id = 2; id <= 40; id++)
        fixture_run_job(f, id, 1, "", "echo x");
    for (uint64_t id = 2; id <= 40; id++) {
        char name[32];
        snprintf(name, sizeof(name), "output/%d.0", (int)id);
        while (!exists(name))
            flux_reactor_run(f->r, FLUX_REACTOR_NOWAIT);
    }
    fixture_answer(f, msg, 0, NULL);
    flux_msg_destroy(msg);
    msg = fixture_until_asked(f, "output-put", 0);
    fixture_answer(f, msg, 0, NULL);
    flux_msg_destroy(msg);
    for (uint64_t id = 1; id <= 40; id++)
        ck_assert_int_eq(fixture_finish(f, id), 0);
    ck_assert_ptr_null(fixture_asked(f, "", 0));
}
END_TEST

START_TEST(what_was_not_taken_is_sent_again)
{
    static const int errors[] = {EHOSTUNREACH, ENOSYS, ECONNRESET};
    flux_msg_t *msg;
    start_on_5("5");
    f->hold_puts = true;
    fixture_run_job(f, 1, 1, "",
                    "echo one; while [ ! -f go ]; do sleep 0.01; done; echo two");
    for (int i = 0; i < 3; i++) {
        msg = fixture_until_asked(f, "output-put", 0);
        fixture_answer(f, msg, errors[i], NULL);
        flux_msg_destroy(msg);
    }
    /* Its answer is lost with the connection. */
    msg = fixture_until_asked(f, "output-put", 0);
    fixture_take_put(f, msg);
    flux_msg_destroy(msg);
    fixture_cut(f);
    fixture_until(f, f->hellos == 2);
    f->hold_puts = false;
    char path[128];
    snprintf(path, sizeof(path), "%s/go", f->dir);
    ck_assert_int_eq(file_replace(f->env, path, "x", 1, 0600), 0);
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    ck_assert_str_eq(f->put[0].data, "one\ntwo\n");
}
END_TEST

#define MUCH (40 << 20)

START_TEST(a_task_that_writes_much_waits_while_nobody_takes_it)
{
    start_on_5("5");
    f->hold_puts = true;
    fixture_run_job(f, 1, 1, "", "head -c 41943040 /dev/zero; touch written");
    flux_msg_t *msg = fixture_until_asked(f, "output-put", 0);
    while (size_of("output/1.0") < 8 << 20)
        flux_reactor_run(f->r, FLUX_REACTOR_NOWAIT);
    /* A pipe, four reads, and the tools' buffers more. */
    double end = env_monotonic(f->env) + 0.3;
    while (env_monotonic(f->env) < end)
        flux_reactor_run(f->r, FLUX_REACTOR_NOWAIT);
    ck_assert_int_lt(size_of("output/1.0"), 9 << 20);
    ck_assert(!exists("written"));
    f->hold_puts = false;
    fixture_take_put(f, msg);
    flux_msg_destroy(msg);
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    ck_assert_uint_eq(f->put[0].len, MUCH);
    ck_assert(exists("written"));
}
END_TEST

/* -- the death of a shell -- */

/* A shell of rank 5 whose output nobody takes. */
static void write_and_end(struct fixture *c)
{
    c->rank = 5;
    c->hold_puts = true;
    fixture_start(c);
    fixture_run_job(c, 1, 1, "", "echo kept; exit 3");
    fixture_run_job(c, 2, 1, "", "echo so far; exec sleep 1000");
    for (bool ended = false; !ended;) {
        flux_reactor_run(c->r, FLUX_REACTOR_NOWAIT);
        char *text = fixture_read(c, "shell/journal");
        ended = strstr(text, "\ne 1 768 ") != NULL;
        free(text);
    }
    char path[160];
    struct stat st;
    snprintf(path, sizeof(path), "%s/output/2.0", c->dir);
    while (file_stat(c->env, path, &st) < 0)
        flux_reactor_run(c->r, FLUX_REACTOR_NOWAIT);
}

START_TEST(output_survives_the_shell)
{
    char *dir = fixture_run_and_kill(write_and_end), path[160];
    fixture_init_at(f, dir);
    snprintf(path, sizeof(path), "%s/output/77.0", dir); /* of a job that is long over */
    ck_assert_int_eq(file_replace(f->env, path, "x", 1, 0600), 0);
    f->rank = 5;
    f->hold_puts = true;
    fixture_start(f);
    ck_assert(!exists("output/77.0"));
    const cJSON *o = json_get(f->hello, "jobs")->child;
    ck_assert_str_eq(json_str(json_get(o, "state")), "running");
    flux_msg_t *msg = fixture_until_asked(f, "output-put", 0);
    f->hold_puts = false;
    fixture_answer(f, msg, EHOSTUNREACH, NULL);
    flux_msg_destroy(msg);
    ck_assert_int_eq(fixture_finish(f, 1), 3 << 8);
    ck_assert_int_eq(fixture_finish(f, 2), SIGKILL);
    ck_assert_str_eq(fixture_exception(f, 2, "type"), "lost-shell");
    ck_assert_str_eq(f->put[0].data, "kept\n");
    fixture_fini(f);
}
END_TEST

/* -- keeping -- */

static void add_record(struct buf *out, unsigned rank, int stream, const char *text)
{
    struct segment_record r = {.kind = SEGMENT_DATA,
                               .stream = (uint8_t)stream,
                               .rank = rank,
                               .data = text,
                               .len = (uint32_t)strlen(text)};
    ck_assert_int_eq(segment_add(out, &r), 0);
}

/* texts: of task `rank`, from record seq on. Returns the answer's errnum. */
static int put(enum block_kind kind, unsigned node, uint64_t seq, unsigned rank,
               uint64_t limit, const char *const *texts)
{
    struct buf records = {0}, msg = {0};
    for (; *texts; texts++)
        add_record(&records, rank, 0, *texts);
    struct block b = {.id = 1,
                      .kind = kind,
                      .node = node,
                      .ntasks = 4,
                      .limit = limit,
                      .seq = seq,
                      .records = records.data,
                      .len = records.len};
    ck_assert_int_eq(block_add(&msg, &b), 0);
    unsigned tag = fixture_send_raw(f, "output-put", 0, msg.data, msg.len);
    buf_free(&records);
    buf_free(&msg);
    fixture_until(f, f->answered == (int)tag);
    return f->answer;
}

#define TEXTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static int put_stream(unsigned node, uint64_t seq, const char *const *texts)
{
    return put(BLOCK_STREAM, node, seq, node, 1000, texts);
}

START_TEST(output_of_others_is_kept_once_and_in_order)
{
    fixture_start(f);
    ck_assert_int_eq(put_stream(1, 0, TEXTS("a", "b")), 0);
    ck_assert_int_eq(put_stream(2, 0, TEXTS("X")), 0);
    ck_assert_int_eq(put_stream(1, 1, TEXTS("b", "c")), 0); /* b again */
    fixture_stop(f);
    fixture_start(f); /* what it has is in the file */
    ck_assert_int_eq(put_stream(1, 2, TEXTS("c", "d")), 0);
    ck_assert_int_eq(put_stream(2, 1, TEXTS("Y")), 0);
    ck_assert_int_eq(fixture_call(f, "exit", "{}"), EBUSY); /* more may come */
    ck_assert_int_eq(fixture_call(f, "output-end", "{\"ids\":[1,2]}"), 0);
    fixture_output(f, 1, true);
    ck_assert_str_eq(f->out.data, "abXcdY");
    ck_assert_uint_eq(f->eofs, 8);
    ck_assert_int_eq(fixture_call(f, "exit", "{}"), 0);
}
END_TEST

START_TEST(a_reader_waits_for_output_of_others)
{
    fixture_start(f);
    buf_adds(&f->out, "");
    fixture_send(f, "output", FLUX_MSGFLAG_STREAMING,
                 "{\"id\":1,\"follow\":true,\"live\":true,\"ntasks\":4}");
    ck_assert_int_eq(put_stream(1, 0, TEXTS("a")), 0);
    fixture_until(f, f->out.len > 0);
    ck_assert_str_eq(f->out.data, "a");
    ck_assert(!f->out_over);
    ck_assert_int_eq(put_stream(1, 1, TEXTS("b")), 0);
    ck_assert_int_eq(fixture_call(f, "output-end", "{\"ids\":[1]}"), 0);
    fixture_until(f, f->out_over);
    ck_assert_str_eq(f->out.data, "ab");
    ck_assert_uint_eq(f->entries, 1 + 2 + 8); /* header, data, EOFs */
}
END_TEST

START_TEST(the_limit_is_that_of_the_job)
{
    fixture_start(f);
    ck_assert_int_eq(put(BLOCK_STREAM, 1, 0, 1, 10, TEXTS("12345", "6789")), 0);
    ck_assert_int_eq(put(BLOCK_STREAM, 2, 0, 2, 10, TEXTS("abc", "de")), 0);
    ck_assert_int_eq(put(BLOCK_STREAM, 1, 2, 1, 10, TEXTS("lost")), 0);
    fixture_stop(f);
    fixture_start(f);
    ck_assert_int_eq(put(BLOCK_STREAM, 2, 0, 2, 10, TEXTS("abc", "de")), 0); /* again */
    ck_assert_int_eq(put(BLOCK_STREAM, 1, 2, 1, 10, TEXTS("lost")), 0);
    fixture_call(f, "output-end", "{\"ids\":[1]}");
    fixture_output(f, 1, true);
    ck_assert_str_eq(f->out.data, "123456789a");
}
END_TEST

START_TEST(rubbish_is_refused)
{
    fixture_start(f);
    unsigned tag = fixture_send_raw(f, "output-put", 0, "nonsense", 8);
    fixture_until(f, f->answered == (int)tag);
    ck_assert_int_eq(f->answer, EPROTO);
    ck_assert_int_eq(put(99, 1, 0, 1, 10, TEXTS("a")), EPROTO);
}
END_TEST

START_TEST(a_job_on_several_nodes_has_one_stream)
{
    strcpy(f->ranks, "0,5");
    fixture_start(f);
    fixture_run_job(f, 1, 2, "", "echo mine");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    ck_assert_int_eq(put_stream(1, 0, TEXTS("theirs\n")), 0);
    fixture_call(f, "ack", "{\"ids\":[1]}");
    fixture_call(f, "output-end", "{\"ids\":[1]}");
    fixture_output(f, 1, true);
    ck_assert_str_eq(f->out.data, "mine\ntheirs\n");
    ck_assert_uint_eq(f->eofs, 4); /* by the first that knew: two tasks */
}
END_TEST

/* -- files of several nodes -- */

#define TO_FILE                                                                          \
    "\"shell\":{\"options\":{\"output\":{\"stdout\":{\"type\":\"file\",\"path\":"        \
    "\"all\",\"label\":true}}}},"

START_TEST(what_goes_to_a_shared_file_goes_to_the_leader)
{
    start_on_5("3,5");
    fixture_run_job(f, 1, 2, TO_FILE, "echo out; echo err >&2");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    ck_assert(!strcmp(f->put[2].data, "out\nerr\n") || /* stderr goes there, too */
              !strcmp(f->put[2].data, "err\nout\n"));
    ck_assert_uint_eq(f->put[0].len, 0);
    ck_assert_uint_eq(f->put_rank[1], 3);
    ck_assert(!exists("all"));
}
END_TEST

START_TEST(a_file_of_its_own_each_node_writes_itself)
{
    start_on_5("3,5");
    fixture_run_job(f, 1, 2,
                    "\"shell\":{\"options\":{\"output\":{\"stdout\":{\"type\":\"file\","
                    "\"path\":\"o.{{node.id}}\"}}}},",
                    "echo out");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    ck_assert_uint_eq(f->puts, 0);
    char *text = fixture_read(f, "o.1");
    ck_assert_str_eq(text, "out\n");
    free(text);
}
END_TEST

START_TEST(the_leader_writes_for_all)
{
    strcpy(f->ranks, "0,5");
    fixture_start(f);
    ck_assert_int_eq(put(BLOCK_FILES, 1, 0, 1, 0, TEXTS("early\n")), EAGAIN);
    fixture_run_job(f, 1, 2, TO_FILE, "echo mine");
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    /* Its own tasks are over, the job is not. */
    ck_assert_int_eq(put(BLOCK_FILES, 1, 0, 1, 0, TEXTS("a\n", "b\n")), 0);
    ck_assert_int_eq(put(BLOCK_FILES, 1, 1, 1, 0, TEXTS("b\n", "c\n")), 0);
    ck_assert_int_eq(put(BLOCK_FILES, 7, 0, 1, 0, TEXTS("x\n")), EPROTO);
    char *text = fixture_read(f, "all");
    ck_assert_str_eq(text, "0: mine\n1: a\n1: b\n1: c\n");
    free(text);
    ck_assert_int_eq(fixture_call(f, "ack", "{\"ids\":[1]}"), 0);
}
END_TEST

START_TEST(a_job_that_has_to_end_does_not_wait_for_its_leader)
{
    start_on_5("3,5");
    f->hold_puts = true;
    fixture_run_job(f, 1, 2, TO_FILE, "echo out");
    flux_msg_t *msg = fixture_until_asked(f, "output-put", 3);
    fixture_answer(f, msg, EHOSTUNREACH, NULL);
    flux_msg_destroy(msg);
    msg = fixture_until_asked(f, "output-put", 3); /* it goes on trying */
    ck_assert(!fixture_result(f, 1, "finish"));
    ck_assert_int_eq(fixture_call(f, "cancel", "{\"ids\":[1]}"), 0);
    ck_assert_int_eq(fixture_finish(f, 1), 0);
    fixture_answer(f, msg, EHOSTUNREACH, NULL);
    flux_msg_destroy(msg);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_job_has_finished_when_its_output_was_taken,
        a_job_that_writes_nothing_waits_for_nobody,
        jobs_of_a_turn_share_a_message,
        what_was_not_taken_is_sent_again,
        a_task_that_writes_much_waits_while_nobody_takes_it,
        output_of_others_is_kept_once_and_in_order,
        a_reader_waits_for_output_of_others,
        the_limit_is_that_of_the_job,
        rubbish_is_refused,
        a_job_on_several_nodes_has_one_stream,
        what_goes_to_a_shared_file_goes_to_the_leader,
        a_file_of_its_own_each_node_writes_itself,
        the_leader_writes_for_all,
        a_job_that_has_to_end_does_not_wait_for_its_leader,
    };
    Suite *suite = suite_create("shell_output");
    TCase *tc = tcase_create("output"), *death = tcase_create("death");
    SRunner *sr = srunner_create(suite);
    tcase_set_timeout(tc, 50);
    tcase_add_checked_fixture(tc, setup, teardown);
    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_test(tc, tests[i]);
    tcase_set_timeout(death, 50);
    tcase_add_test(death, output_survives_the_shell);
    suite_add_tcase(suite, tc);
    suite_add_tcase(suite, death);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
