/* Stores as older versions left them: each opens, is brought to the format of today, and
 * has all that was in it. test/golden/store-N.sqlite is of format N. */
#include <check.h>
#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "store/kvs.h"
#include "suite.h"

#define LATEST 3

static struct fixture f;

static void copy(const char *from, const char *to)
{
    FILE *in = fopen(from, "r"), *out = fopen(to, "w");
    char data[65536];
    size_t n;

    ck_assert_msg(in != NULL, "%s", from);
    ck_assert_ptr_nonnull(out);
    while ((n = fread(data, 1, sizeof(data), in)) > 0)
        ck_assert_uint_eq(fwrite(data, 1, n, out), n);
    fclose(in);
    ck_assert_int_eq(fclose(out), 0);
}

static int format_of(const char *path)
{
    sqlite3_stmt *st;
    sqlite3 *db;
    int format;

    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &st, NULL);
    ck_assert_int_eq(sqlite3_step(st), SQLITE_ROW);
    format = sqlite3_column_int(st, 0);
    sqlite3_finalize(st);
    sqlite3_close(db);
    return format;
}

static void open_golden(int format)
{
    char from[256];

    fixture_open(&f, FIXTURE_FILE);
    store_close(f.store);
    f.store = NULL;
    snprintf(from, sizeof(from), "%s/store-%d.sqlite", GOLDEN, format);
    copy(from, f.path);
    ck_assert_int_eq(format_of(f.path), format);
    fixture_reopen(&f);
    ck_assert_int_eq(format_of(f.path), LATEST);
}

static int count_results(struct store_reader *r, void *arg)
{
    return store_reader_results(r, arg);
}

static int get_stats(struct store_reader *r, void *arg)
{
    return store_reader_kvs_stats(r, arg);
}

/* Seven jobs: five succeeded, one failed, one waits. */
static void check_jobs(void)
{
    uint64_t results[STORE_NRESULTS];

    ck_assert_int_eq(store_read_now(f.store, count_results, results), 0);
    ck_assert_uint_eq(results[1], 5);
    ck_assert_uint_eq(results[2], 1);
    ck_assert_ptr_nonnull(strstr(fixture_data(&f, 7, "eventlog"), "\"priority\""));
    ck_assert_str_eq(fixture_data(&f, 5, "env"), "{\"A\":\"1\",\"FLUX_JOB_CC\":\"5\"}");
    ck_assert_ptr_nonnull(strstr(fixture_data(&f, 6, "jobspec"), "[\"false\"]"));
}

START_TEST(format_1_gets_the_tables_of_the_kvs)
{
    struct store_kvs_stats stats;
    struct store_txn *t;

    open_golden(1);
    check_jobs();
    ck_assert_int_eq(store_read_now(f.store, get_stats, &stats), 0);
    ck_assert_uint_eq(stats.log_records + stats.blobs + stats.lost, 0);
    t = store_txn_new(f.store);
    store_txn_log(t, 1, "x", 1);
    ck_assert_int_eq(fixture_commit(&f, t), 0);
    fixture_reopen(&f);
    check_jobs();
    ck_assert_int_eq(store_read_now(f.store, get_stats, &stats), 0);
    ck_assert_uint_eq(stats.log_records, 1);
    fixture_close(&f);
}
END_TEST

static void put_ended(uint64_t id)
{
    struct store_job job = fixture_job(id, 64);

    ck_assert_int_eq(fixture_put_job(&f, &job), 0);
}

START_TEST(format_2_gets_a_tally)
{
    struct store_kvs_stats stats;
    uint64_t results[STORE_NRESULTS];

    open_golden(2);
    check_jobs();
    ck_assert_int_eq(store_read_now(f.store, get_stats, &stats), 0);
    ck_assert_uint_eq(stats.blobs, 2);
    put_ended(8);
    fixture_reopen(&f);
    ck_assert_int_eq(store_read_now(f.store, count_results, results), 0);
    ck_assert_uint_eq(results[1], 6);
    fixture_close(&f);
}
END_TEST

SUITE_MAIN("store/golden", format_1_gets_the_tables_of_the_kvs, format_2_gets_a_tally)
