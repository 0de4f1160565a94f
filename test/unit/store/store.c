/* The same table of tests for the file and for its memory twin, with threads and in the
 * simulated world. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

static struct fixture f;

static void setup_loop(int kind)
{
    fixture_open(&f, kind);
}

struct seen {
    char text[1024];
    int count;
    int stop_after;
};

static int see_job(const struct store_job *job, void *arg)
{
    struct seen *seen = arg;
    size_t len = strlen(seen->text);

    snprintf(seen->text + len, sizeof(seen->text) - len, "%s%ju", len ? " " : "",
             (uintmax_t)job->id);
    return ++seen->count == seen->stop_after ? 7 : 0;
}

static int read_active(struct store_reader *r, void *arg)
{
    return store_reader_active(r, see_job, arg);
}

static const char *active(void)
{
    static struct seen seen;

    seen = (struct seen){0};
    ck_assert_int_eq(store_read_now(f.store, read_active, &seen), 0);
    return seen.text;
}

struct query {
    struct store_job_query q;
    struct seen seen;
    int rc;
};

static int read_inactive(struct store_reader *r, void *arg)
{
    struct query *q = arg;

    return store_reader_inactive(r, &q->q, see_job, &q->seen);
}

static const char *inactive(struct store_job_query q)
{
    static struct query query;

    query = (struct query){.q = q};
    ck_assert_int_eq(store_read_now(f.store, read_inactive, &query), 0);
    return query.seen.text;
}

static int check_job(const struct store_job *got, void *arg)
{
    const struct store_job *want = arg;

    ck_assert_uint_eq(got->id, want->id);
    ck_assert_int_eq(got->state, want->state);
    ck_assert_int_eq(got->result, want->result);
    ck_assert_uint_eq(got->userid, want->userid);
    ck_assert_double_eq(got->t_submit, want->t_submit);
    ck_assert_double_eq(got->t_inactive, want->t_inactive);
    ck_assert_pstr_eq(got->name, want->name);
    ck_assert_pstr_eq(got->queue, want->queue);
    ck_assert_pstr_eq(got->nonce, want->nonce);
    ck_assert_uint_eq(got->rec_len, want->rec_len);
    ck_assert_mem_eq(got->rec, want->rec, want->rec_len);
    return 0;
}

static int read_job(struct store_reader *r, void *arg)
{
    const struct store_job *job = arg;

    return store_reader_job(r, job->id, check_job, arg);
}

START_TEST(a_job_reads_back_as_written)
{
    struct store_job job = fixture_job(42, 8);

    setup_loop(_i);
    job.name = "my job";
    job.queue = "batch";
    job.nonce = "abc";
    job.userid = 4294967294u;
    ck_assert_int_eq(fixture_put_job(&f, &job), 0);
    ck_assert_int_eq(store_read_now(f.store, read_job, &job), 0);
    job = fixture_job(42, 64);
    ck_assert_int_eq(fixture_put_job(&f, &job), 0);
    ck_assert_int_eq(store_read_now(f.store, read_job, &job), 0);
    job.id = 43;
    ck_assert_int_eq(store_read_now(f.store, read_job, &job), -ENOENT);
    fixture_close(&f);
}
END_TEST

START_TEST(active_and_inactive_jobs_are_apart)
{
    static const int states[] = {8, 64, 16, 64, 64, 1};
    struct store_job_query all = {.userid = UINT32_MAX};

    setup_loop(_i);
    for (int i = 0; i < 6; i++) {
        struct store_job job = fixture_job(i + 1, states[i]);

        job.name = i == 3 ? "four" : NULL;
        job.queue = i == 4 ? "debug" : NULL;
        job.result = i == 1 ? 2 : job.result;
        job.userid = i == 4 ? 7 : 1000;
        ck_assert_int_eq(fixture_put_job(&f, &job), 0);
    }
    ck_assert_str_eq(active(), "1 3 6");
    ck_assert_str_eq(inactive(all), "5 4 2");
    ck_assert_str_eq(inactive((struct store_job_query){.userid = 1000}), "4 2");
    all.results = 2;
    ck_assert_str_eq(inactive(all), "2");
    all.results = 0;
    all.name = "four";
    ck_assert_str_eq(inactive(all), "4");
    all.name = NULL;
    all.queue = "debug";
    ck_assert_str_eq(inactive(all), "5");
    all.queue = NULL;
    all.since = 202;
    ck_assert_str_eq(inactive(all), "5 4");
    all.before = 205;
    ck_assert_str_eq(inactive(all), "4");
    fixture_close(&f);
}
END_TEST

static int stop_early(struct store_reader *r, void *arg)
{
    struct seen seen = {.stop_after = 2};
    int rc = store_reader_active(r, see_job, &seen);

    ck_assert_int_eq(seen.count, 2);
    return rc;
}

START_TEST(a_callback_can_stop_the_walk)
{
    setup_loop(_i);
    for (int i = 1; i < 5; i++) {
        struct store_job job = fixture_job(i, 8);

        fixture_put_job(&f, &job);
    }
    ck_assert_int_eq(store_read_now(f.store, stop_early, NULL), 7);
    ck_assert_str_eq(active(), "1 2 3 4");
    fixture_close(&f);
}
END_TEST

static int read_nonce(struct store_reader *r, void *arg)
{
    uint64_t id = 0;

    ck_assert_int_eq(store_reader_job_by_nonce(r, 1000, "n1", &id), 0);
    ck_assert_uint_eq(id, 1);
    ck_assert_int_eq(store_reader_job_by_nonce(r, 1001, "n1", &id), 0);
    ck_assert_uint_eq(id, 2);
    return store_reader_job_by_nonce(r, 1000, "n2", &id);
}

START_TEST(a_nonce_is_unique_for_a_user)
{
    struct store_job job = fixture_job(1, 8);

    setup_loop(_i);
    job.nonce = "n1";
    ck_assert_int_eq(fixture_put_job(&f, &job), 0);
    ck_assert_int_eq(fixture_put_job(&f, &job), 0);
    job.id = 2;
    ck_assert_int_eq(fixture_put_job(&f, &job), -EEXIST);
    job.userid = 1001;
    ck_assert_int_eq(fixture_put_job(&f, &job), 0);
    ck_assert_int_eq(store_read_now(f.store, read_nonce, NULL), -ENOENT);
    fixture_close(&f);
}
END_TEST

static void count_error(int error, void *arg)
{
    int *errors = arg;

    errors[error == 0 ? 0 : error == -EEXIST ? 1 : 2]++;
}

START_TEST(one_bad_member_of_a_batch_fails_alone)
{
    int errors[3] = {0};

    setup_loop(_i);
    for (int i = 1; i <= 100; i++) {
        struct store_job job = fixture_job(i, 8);
        struct store_txn *t = store_txn_new(f.store);

        job.nonce = i == 50 ? "dup" : i == 20 ? "dup" : NULL;
        store_txn_jobdata_shared(t, i, "env", "{}", 2);
        store_txn_jobdata(t, i, "eventlog", 0, "x\n", 2);
        store_txn_job(t, &job);
        ck_assert_int_eq(store_commit(f.store, t, count_error, errors), 0);
    }
    store_flush(f.store);
    ck_assert_int_eq(errors[0], 99);
    ck_assert_int_eq(errors[1], 1);
    ck_assert_int_eq(errors[2], 0);
    ck_assert_str_eq(fixture_data(&f, 49, "env"), "{}");
    ck_assert_str_eq(fixture_data(&f, 50, "env"), "");
    ck_assert_str_eq(fixture_data(&f, 50, "eventlog"), "");
    ck_assert_str_eq(fixture_data(&f, 100, "eventlog"), "x\n");
    fixture_close(&f);
}
END_TEST

START_TEST(pieces_come_in_sequence_and_are_replaced)
{
    struct store_txn *t;

    setup_loop(_i);
    t = store_txn_new(f.store);
    store_txn_jobdata(t, 1, "eventlog", 2, "c", 1);
    store_txn_jobdata(t, 1, "eventlog", 0, "a", 1);
    store_txn_jobdata(t, 1, "eventlog", 1, "b", 1);
    store_txn_jobdata(t, 1, "jobspec", 0, "{}", 2);
    store_txn_jobdata(t, 1, "my key", 0, "mine", 4);
    store_txn_jobdata(t, 2, "R", 0, "", 0);
    ck_assert_int_eq(fixture_commit(&f, t), 0);
    ck_assert_str_eq(fixture_data(&f, 1, "eventlog"), "abc");
    ck_assert_str_eq(fixture_data(&f, 1, "jobspec"), "{}");
    ck_assert_str_eq(fixture_data(&f, 1, "my key"), "mine");
    ck_assert_str_eq(fixture_data(&f, 2, "R"), "");
    t = store_txn_new(f.store);
    store_txn_jobdata(t, 1, "eventlog", 1, "B", 1);
    ck_assert_int_eq(fixture_commit(&f, t), 0);
    ck_assert_str_eq(fixture_data(&f, 1, "eventlog"), "aBc");
    fixture_close(&f);
}
END_TEST

static void put_shared(uint64_t id, const char *text)
{
    struct store_txn *t = store_txn_new(f.store);

    store_txn_jobdata_shared(t, id, "env", text, strlen(text));
    ck_assert_int_eq(fixture_commit(&f, t), 0);
}

static void delete_job(uint64_t id)
{
    struct store_txn *t = store_txn_new(f.store);

    store_txn_job_delete(t, id);
    ck_assert_int_eq(fixture_commit(&f, t), 0);
}

START_TEST(shared_bytes_live_until_their_last_user)
{
    struct store_job job = fixture_job(1, 64);

    setup_loop(_i);
    fixture_put_job(&f, &job);
    put_shared(1, "env A");
    put_shared(2, "env A");
    put_shared(3, "env B");
    delete_job(1);
    ck_assert_str_eq(fixture_data(&f, 1, "env"), "");
    ck_assert_str_eq(fixture_data(&f, 2, "env"), "env A");
    put_shared(2, "env B");
    ck_assert_str_eq(fixture_data(&f, 2, "env"), "env B");
    delete_job(3);
    ck_assert_str_eq(fixture_data(&f, 2, "env"), "env B");
    put_shared(4, "env A");
    ck_assert_str_eq(fixture_data(&f, 4, "env"), "env A");
    delete_job(2);
    delete_job(4);
    put_shared(5, "env B");
    ck_assert_str_eq(fixture_data(&f, 5, "env"), "env B");
    ck_assert_str_eq(inactive((struct store_job_query){.userid = UINT32_MAX}), "");
    fixture_close(&f);
}
END_TEST

/* An environment in which one value is the job's own. */
static const char *long_env(unsigned i)
{
    static char text[900];

    memset(text, 'x', sizeof(text));
    text[snprintf(text + 400, 100, "\"CC\":\"%u\"", i) + 400] = ',';
    text[sizeof(text) - 1] = '\0';
    return text;
}

START_TEST(bytes_that_differ_a_little_come_back_whole)
{
    setup_loop(_i);
    for (unsigned i = 1; i <= 30; i++)
        put_shared(i, long_env(i * i));
    put_shared(31, "x");
    put_shared(32, "");
    delete_job(1); /* the others are told by its bytes */
    for (unsigned i = 2; i <= 30; i++)
        ck_assert_str_eq(fixture_data(&f, i, "env"), long_env(i * i));
    ck_assert_str_eq(fixture_data(&f, 31, "env"), "x");
    ck_assert_str_eq(fixture_data(&f, 32, "env"), "");
    put_shared(2, long_env(77)); /* instead of what it had */
    ck_assert_str_eq(fixture_data(&f, 2, "env"), long_env(77));
    for (unsigned i = 2; i <= 30; i++)
        delete_job(i);
    put_shared(40, long_env(1));
    put_shared(41, long_env(2));
    ck_assert_str_eq(fixture_data(&f, 40, "env"), long_env(1));
    ck_assert_str_eq(fixture_data(&f, 41, "env"), long_env(2));
    fixture_close(&f);
}
END_TEST

static int read_meta(struct store_reader *r, void *arg)
{
    return store_reader_meta(r, "k", arg);
}

static int read_uuid(struct store_reader *r, void *arg)
{
    return store_reader_meta(r, "uuid", arg);
}

START_TEST(meta_is_set_and_deleted)
{
    struct store_txn *t;
    char *s = NULL;

    setup_loop(_i);
    ck_assert_int_eq(store_read_now(f.store, read_uuid, &s), 0);
    ck_assert_str_eq(s, "6f9619ff-8b86-4011-b42d-00c04fc964ff");
    free(s);
    ck_assert_int_eq(store_read_now(f.store, read_meta, &s), -ENOENT);
    t = store_txn_new(f.store);
    store_txn_meta(t, "k", "old");
    store_txn_meta(t, "k", "new");
    ck_assert_int_eq(fixture_commit(&f, t), 0);
    ck_assert_int_eq(store_read_now(f.store, read_meta, &s), 0);
    ck_assert_str_eq(s, "new");
    free(s);
    t = store_txn_new(f.store);
    store_txn_meta(t, "k", NULL);
    ck_assert_int_eq(fixture_commit(&f, t), 0);
    ck_assert_int_eq(store_read_now(f.store, read_meta, &s), -ENOENT);
    fixture_close(&f);
}
END_TEST

static int read_stats(struct store_reader *r, void *arg)
{
    uint64_t *n = arg;

    return store_reader_stats(r, &n[0], &n[1], &n[2]);
}

START_TEST(stats_count)
{
    uint64_t n[3];

    setup_loop(_i);
    ck_assert_int_eq(store_read_now(f.store, read_stats, n), 0);
    ck_assert_uint_eq(n[0] + n[1] + n[2], 0);
    for (int i = 1; i <= 9; i++) {
        struct store_job job = fixture_job(i * 10, i % 3 ? 64 : 8);

        fixture_put_job(&f, &job);
    }
    ck_assert_int_eq(store_read_now(f.store, read_stats, n), 0);
    ck_assert_uint_eq(n[0], 3);
    ck_assert_uint_eq(n[1], 6);
    ck_assert_uint_eq(n[2], 90);
    fixture_close(&f);
}
END_TEST

struct order {
    int next;
    int done;
};

static void in_order(int error, void *arg)
{
    struct order *o = arg;

    ck_assert_int_eq(error, 0);
    o->next++;
}

static void last(int error, void *arg)
{
    struct order *o = arg;

    ck_assert_int_eq(error, 0);
    o->done = o->next;
}

START_TEST(callbacks_come_in_order_from_the_loop)
{
    struct order o = {0};

    setup_loop(_i);
    for (int i = 0; i < 1000; i++) {
        struct store_txn *t = store_txn_new(f.store);

        store_txn_jobdata(t, i, "eventlog", 0, "x", 1);
        store_commit(f.store, t, in_order, &o);
    }
    ck_assert_int_eq(o.next, 0);
    ck_assert_int_eq(store_barrier(f.store, last, &o), 0);
    ck_assert_int_ge(loop_run(f.loop, 0), 0);
    ck_assert_int_eq(o.next, 1000);
    ck_assert_int_eq(o.done, 1000);
    ck_assert_str_eq(fixture_data(&f, 999, "eventlog"), "x");
    fixture_close(&f);
}
END_TEST

struct chain {
    int depth;
};

static void commit_again(int error, void *arg)
{
    struct chain *c = arg;

    ck_assert_int_eq(error, 0);
    if (++c->depth < 10) {
        struct store_txn *t = store_txn_new(f.store);

        store_txn_meta(t, "k", "v");
        ck_assert_int_eq(store_commit(f.store, t, commit_again, c), 0);
    } else
        loop_stop(f.loop);
}

START_TEST(a_callback_may_commit_and_flush)
{
    struct chain c = {0};

    setup_loop(_i);
    commit_again(0, &c);
    ck_assert_int_ge(loop_run(f.loop, 0), 0);
    ck_assert_int_eq(c.depth, 10);
    fixture_close(&f);
}
END_TEST

static void read_done(int rc, void *arg)
{
    struct query *q = arg;

    q->rc = rc;
}

START_TEST(a_read_sees_all_that_was_acknowledged)
{
    struct store_job job = fixture_job(1, 64);
    struct query q = {.q = {.userid = UINT32_MAX}, .rc = 1};

    setup_loop(_i);
    fixture_put_job(&f, &job);
    ck_assert_int_eq(store_read(f.store, read_inactive, read_done, &q), 0);
    ck_assert_int_eq(q.rc, 1);
    ck_assert_int_ge(loop_run(f.loop, 0), 0);
    ck_assert_int_eq(q.rc, 0);
    ck_assert_str_eq(q.seen.text, "1");
    fixture_close(&f);
}
END_TEST

START_TEST(close_answers_reads_and_commits)
{
    struct query q[8];
    int errors[3] = {0};

    setup_loop(_i);
    for (int i = 0; i < 8; i++) {
        struct store_txn *t = store_txn_new(f.store);

        q[i] = (struct query){.q = {.userid = UINT32_MAX}, .rc = 1};
        store_read(f.store, read_inactive, read_done, &q[i]);
        store_txn_meta(t, "k", "v");
        store_commit(f.store, t, count_error, errors);
    }
    store_close(f.store);
    f.store = NULL;
    for (int i = 0; i < 8; i++)
        ck_assert(q[i].rc == 0 || q[i].rc == -ECANCELED);
    ck_assert_int_eq(errors[0], 8);
    loop_run(f.loop, 0);
    fixture_close(&f);
}
END_TEST

static int nested_data(uint64_t seq, const void *data, size_t len, void *arg)
{
    ++*(int *)arg;
    return 0;
}

static int job_with_data(const struct store_job *job, void *arg)
{
    struct store_reader *r = *(struct store_reader **)arg;
    int pieces = 0;

    ck_assert_int_eq(store_reader_jobdata(r, job->id, "eventlog", nested_data, &pieces),
                     0);
    ck_assert_int_eq(pieces, 2);
    return 0;
}

static int read_nested(struct store_reader *r, void *arg)
{
    return store_reader_active(r, job_with_data, &r);
}

START_TEST(walks_can_be_nested)
{
    setup_loop(_i);
    for (int i = 1; i <= 3; i++) {
        struct store_job job = fixture_job(i, 8);
        struct store_txn *t = store_txn_new(f.store);

        store_txn_job(t, &job);
        store_txn_jobdata(t, i, "eventlog", 0, "a", 1);
        store_txn_jobdata(t, i, "eventlog", 1, "b", 1);
        ck_assert_int_eq(fixture_commit(&f, t), 0);
    }
    ck_assert_int_eq(store_read_now(f.store, read_nested, NULL), 0);
    fixture_close(&f);
}
END_TEST

int main(void)
{
    const TTest *tests[] = {
        a_job_reads_back_as_written,
        active_and_inactive_jobs_are_apart,
        a_callback_can_stop_the_walk,
        a_nonce_is_unique_for_a_user,
        one_bad_member_of_a_batch_fails_alone,
        pieces_come_in_sequence_and_are_replaced,
        shared_bytes_live_until_their_last_user,
        bytes_that_differ_a_little_come_back_whole,
        meta_is_set_and_deleted,
        stats_count,
        callbacks_come_in_order_from_the_loop,
        a_callback_may_commit_and_flush,
        a_read_sees_all_that_was_acknowledged,
        close_answers_reads_and_commits,
        walks_can_be_nested,
    };
    Suite *s = suite_create("store");
    TCase *tc = tcase_create("twins");
    SRunner *sr = srunner_create(s);
    int failed;

    for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
        tcase_add_loop_test(tc, tests[i], 0, FIXTURE_COUNT);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
