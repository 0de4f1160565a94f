/* The redo log, blobs, roots, pins: what kvs.h promises. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "store/kvs.h"
#include "suite.h"

static struct fixture f;

static int put_log(uint64_t seq, const char *rec)
{
    struct store_txn *t = store_txn_new(f.store);

    ck_assert_int_eq(store_txn_log(t, seq, rec, strlen(rec)), 0);
    return fixture_commit(&f, t);
}

static const void *hash(int i)
{
    static unsigned char h[8][STORE_HASH];

    memset(h[i], i, sizeof(h[i]));
    return h[i];
}

static void put_blob(int i, uint64_t gen, const char *data)
{
    struct store_txn *t = store_txn_new(f.store);

    ck_assert_int_eq(store_txn_blob(t, hash(i), gen, data, strlen(data)), 0);
    ck_assert_int_eq(fixture_commit(&f, t), 0);
}

/* ---- what is there, as text ---- */

static char seen[4096];

static int see_data(uint64_t seq, const void *data, size_t len, void *arg)
{
    sprintf(seen + strlen(seen), "%ju=%.*s;", (uintmax_t)seq, (int)len,
            (const char *)data);
    return 0;
}

static int see_log(struct store_reader *r, void *arg)
{
    return store_reader_log(r, *(uint64_t *)arg, see_data, NULL);
}

static const char *log_after(uint64_t after)
{
    *seen = '\0';
    ck_assert_int_eq(store_read_now(f.store, see_log, &after), 0);
    return seen;
}

static int see_blob(struct store_reader *r, void *arg)
{
    return store_reader_blob(r, hash(*(int *)arg), see_data, NULL);
}

static const char *blob(int i)
{
    int rc;

    *seen = '\0';
    rc = store_read_now(f.store, see_blob, &i);
    return rc == -ENOENT ? "none" : seen;
}

static int see_root(const struct store_root *root, void *arg)
{
    sprintf(seen + strlen(seen), "%s:%ju:%ju:%d:%u:%u;", root->ns, (uintmax_t)root->id,
            (uintmax_t)root->version, *(const char *)root->hash, root->owner,
            root->flags);
    return 0;
}

static int see_roots(struct store_reader *r, void *arg)
{
    return store_reader_roots(r, see_root, NULL);
}

static int see_pin(const struct store_pin *pin, void *arg)
{
    sprintf(seen + strlen(seen), "%d:%ju:%u:%g;", *(const char *)pin->hash,
            (uintmax_t)pin->id, pin->owner, pin->expires);
    return 0;
}

static int see_pins(struct store_reader *r, void *arg)
{
    return store_reader_pins(r, see_pin, NULL);
}

static int see_one_lost(const char *what, const char *why, double when, const void *data,
                        size_t len, void *arg)
{
    sprintf(seen + strlen(seen), "%s:%s:%g:%.*s;", what, why, when, (int)len,
            (const char *)data);
    return 0;
}

static int see_lost(struct store_reader *r, void *arg)
{
    return store_reader_lost(r, see_one_lost, NULL);
}

static const char *all(store_read_f fn)
{
    *seen = '\0';
    ck_assert_int_eq(store_read_now(f.store, fn, NULL), 0);
    return seen;
}

static int get_stats(struct store_reader *r, void *arg)
{
    return store_reader_kvs_stats(r, arg);
}

/* ---- */

START_TEST(records_follow_each_other)
{
    fixture_open(&f, _i);
    ck_assert_int_eq(put_log(5, "five"), 0);
    ck_assert_int_eq(put_log(6, "six"), 0);
    ck_assert_int_eq(put_log(8, "eight"), -ESTALE);
    ck_assert_int_eq(put_log(6, "again"), -ESTALE);
    ck_assert_int_eq(put_log(7, "seven"), 0);
    ck_assert_str_eq(log_after(0), "5=five;6=six;7=seven;");
    ck_assert_str_eq(log_after(6), "7=seven;");
    fixture_close(&f);
}
END_TEST

static void keep_error(int error, void *arg)
{
    *(int *)arg = error;
}

/* In one batch, so that it has to be done again one by one. */
START_TEST(a_gap_fails_what_is_behind_it_and_nothing_else)
{
    static const uint64_t seqs[] = {1, 2, 4, 5, 3, 4};
    static const int want[] = {0, 0, -ESTALE, -ESTALE, 0, 0};
    int errors[6];

    fixture_open(&f, _i);
    for (int i = 0; i < 6; i++) {
        struct store_txn *t = store_txn_new(f.store);

        store_txn_log(t, seqs[i], "x", 1);
        store_txn_blob(t, hash(i), 1, "b", 1);
        ck_assert_int_eq(store_commit(f.store, t, keep_error, &errors[i]), 0);
    }
    store_flush(f.store);
    for (int i = 0; i < 6; i++) {
        ck_assert_int_eq(errors[i], want[i]);
        ck_assert_str_eq(blob(i), want[i] ? "none" : "1=b;");
    }
    ck_assert_str_eq(log_after(0), "1=x;2=x;3=x;4=x;");
    fixture_close(&f);
}
END_TEST

START_TEST(the_log_is_trimmed_in_pieces)
{
    struct store_txn *t;

    fixture_open(&f, _i);
    for (int i = 1; i <= 6; i++)
        put_log(i, "r");
    t = store_txn_new(f.store);
    store_txn_log_trim(t, 5, 3);
    ck_assert_int_eq(fixture_commit(&f, t), 0);
    ck_assert_str_eq(log_after(0), "4=r;5=r;6=r;");
    t = store_txn_new(f.store);
    store_txn_log_trim(t, 5, 3);
    ck_assert_int_eq(fixture_commit(&f, t), 0);
    ck_assert_str_eq(log_after(0), "6=r;");
    ck_assert_int_eq(put_log(7, "s"), 0);
    fixture_close(&f);
}
END_TEST

START_TEST(an_empty_log_begins_anywhere)
{
    fixture_open(&f, FIXTURE_FILE);
    put_log(41, "a");
    fixture_reopen(&f);
    ck_assert_int_eq(put_log(42, "b"), 0);
    ck_assert_str_eq(log_after(0), "41=a;42=b;");
    fixture_close(&f);
}
END_TEST

START_TEST(blobs_are_stored_once_and_grow_younger)
{
    fixture_open(&f, _i);
    put_blob(1, 3, "one");
    put_blob(2, 3, "");
    put_blob(1, 2, "one");
    ck_assert_str_eq(blob(1), "3=one;");
    put_blob(1, 4, "one");
    ck_assert_str_eq(blob(1), "4=one;");
    ck_assert_str_eq(blob(2), "3=;");
    ck_assert_str_eq(blob(3), "none");
    fixture_close(&f);
}
END_TEST

struct old {
    int64_t rows[8];
    int n;
};

static int keep_row(int64_t row, const void *hash, size_t len, void *arg)
{
    struct old *o = arg;

    o->rows[o->n++] = row;
    return 0;
}

static int find_old(struct store_reader *r, void *arg)
{
    return store_reader_blob_old(r, 0, 2, 3, keep_row, arg);
}

START_TEST(old_blobs_are_swept_unless_marked_meanwhile)
{
    struct store_txn *t;
    struct old old = {.n = 0};

    fixture_open(&f, _i);
    for (int i = 1; i <= 5; i++)
        put_blob(i, i == 2 ? 2 : 1, "x");
    ck_assert_int_eq(store_read_now(f.store, find_old, &old), 0);
    ck_assert_int_eq(old.n, 3); /* 1, 3, 4 */
    t = store_txn_new(f.store);
    store_txn_blob_mark(t, hash(3), 2);
    store_txn_blob_mark(t, hash(7), 2);
    for (int i = 0; i < old.n; i++)
        store_txn_blob_sweep(t, old.rows[i], 2);
    ck_assert_int_eq(fixture_commit(&f, t), 0);
    ck_assert_str_eq(blob(1), "none");
    ck_assert_str_eq(blob(2), "2=x;");
    ck_assert_str_eq(blob(3), "2=x;");
    ck_assert_str_eq(blob(4), "none");
    ck_assert_str_eq(blob(5), "1=x;");
    ck_assert_str_eq(blob(7), "none");
    fixture_close(&f);
}
END_TEST

START_TEST(roots_are_replaced_and_removed)
{
    struct store_root a = {"primary", 1, 10, hash(1), 1000, 0};
    struct store_root b = {"job-1", 7, 3, hash(2), 1001, 5};
    struct store_txn *t;

    fixture_open(&f, _i);
    t = store_txn_new(f.store);
    store_txn_root(t, &a);
    store_txn_root(t, &b);
    ck_assert_int_eq(fixture_commit(&f, t), 0);
    ck_assert_str_eq(all(see_roots), "job-1:7:3:2:1001:5;primary:1:10:1:1000:0;");
    t = store_txn_new(f.store);
    a.version = 11;
    a.hash = hash(3);
    store_txn_root(t, &a);
    store_txn_root_delete(t, "job-1");
    ck_assert_int_eq(fixture_commit(&f, t), 0);
    ck_assert_str_eq(all(see_roots), "primary:1:11:3:1000:0;");
    fixture_close(&f);
}
END_TEST

START_TEST(pins_last_until_the_later_end)
{
    struct store_pin pins[] = {{NULL, 1, 5, 100}, {NULL, 1, 5, 50}, {NULL, 2, 5, 70}};
    struct store_txn *t;

    fixture_open(&f, _i);
    t = store_txn_new(f.store);
    for (int i = 0; i < 3; i++) {
        pins[i].hash = hash(i / 2 + 1);
        store_txn_pin(t, &pins[i]);
    }
    ck_assert_int_eq(fixture_commit(&f, t), 0);
    ck_assert_str_eq(all(see_pins), "1:1:5:100;2:2:5:70;");
    t = store_txn_new(f.store);
    store_txn_unpin(t, 70);
    ck_assert_int_eq(fixture_commit(&f, t), 0);
    ck_assert_str_eq(all(see_pins), "1:1:5:100;");
    fixture_close(&f);
}
END_TEST

START_TEST(what_is_lost_is_kept)
{
    struct store_kvs_stats stats;
    struct store_txn *t;

    fixture_open(&f, _i);
    t = store_txn_new(f.store);
    store_txn_lost(t, "log 7", "its checksum is wrong", 5, "bytes", 5);
    ck_assert_int_eq(fixture_commit(&f, t), 0);
    ck_assert_str_eq(all(see_lost), "log 7:its checksum is wrong:5:bytes;");
    put_log(3, "x");
    put_log(4, "x");
    put_blob(1, 1, "four");
    ck_assert_int_eq(store_read_now(f.store, get_stats, &stats), 0);
    ck_assert_uint_eq(stats.log_first, 3);
    ck_assert_uint_eq(stats.log_last, 4);
    ck_assert_uint_eq(stats.log_records, 2);
    ck_assert_uint_eq(stats.blobs, 1);
    ck_assert_uint_eq(stats.blob_bytes, 4);
    ck_assert_uint_eq(stats.lost, 1);
    ck_assert_uint_gt(stats.file_bytes, 4096);
    fixture_close(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("store/kvs");
    TCase *tc = tcase_create("store/kvs");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_set_timeout(tc, 50);
    tcase_add_loop_test(tc, records_follow_each_other, 0, FIXTURE_COUNT);
    tcase_add_loop_test(tc, a_gap_fails_what_is_behind_it_and_nothing_else, 0,
                        FIXTURE_COUNT);
    tcase_add_loop_test(tc, the_log_is_trimmed_in_pieces, 0, FIXTURE_COUNT);
    tcase_add_test(tc, an_empty_log_begins_anywhere);
    tcase_add_loop_test(tc, blobs_are_stored_once_and_grow_younger, 0, FIXTURE_COUNT);
    tcase_add_loop_test(tc, old_blobs_are_swept_unless_marked_meanwhile, 0,
                        FIXTURE_COUNT);
    tcase_add_loop_test(tc, roots_are_replaced_and_removed, 0, FIXTURE_COUNT);
    tcase_add_loop_test(tc, pins_last_until_the_later_end, 0, FIXTURE_COUNT);
    tcase_add_loop_test(tc, what_is_lost_is_kept, 0, FIXTURE_COUNT);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
