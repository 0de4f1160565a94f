/* What the store knows of ended jobs without reading their rows: how many there are of each
 * result, and which ended first. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"

static struct fixture f;

static void setup_loop(int kind)
{
    fixture_open(&f, kind);
}

static int read_results(struct store_reader *r, void *arg)
{
    return store_reader_results(r, arg);
}

/* "completed failed" */
static const char *results(void)
{
    static char text[48];
    uint64_t n[STORE_NRESULTS];

    ck_assert_int_eq(store_read_now(f.store, read_results, n), 0);
    snprintf(text, sizeof(text), "%ju %ju", (uintmax_t)n[1], (uintmax_t)n[2]);
    return text;
}

static void put_ended(uint64_t id, int result)
{
    struct store_job job = fixture_job(id, 64);

    job.result = result;
    ck_assert_int_eq(fixture_put_job(&f, &job), 0);
}

START_TEST(the_tally_follows_every_change_of_a_job)
{
    struct store_job active = fixture_job(1, 16);
    struct store_txn *t;

    setup_loop(_i);
    ck_assert_int_eq(fixture_put_job(&f, &active), 0);
    ck_assert_str_eq(results(), "0 0");
    put_ended(1, 1);
    put_ended(2, 1);
    put_ended(3, 2);
    ck_assert_str_eq(results(), "2 1");
    put_ended(2, 1);
    ck_assert_str_eq(results(), "2 1");
    put_ended(2, 2);
    ck_assert_str_eq(results(), "1 2");
    ck_assert_int_eq(fixture_put_job(&f, &active), 0);
    ck_assert_str_eq(results(), "0 2");
    t = store_txn_new(f.store);
    store_txn_job_delete(t, 3);
    store_txn_job_delete(t, 4);
    ck_assert_int_eq(fixture_commit(&f, t), 0);
    ck_assert_str_eq(results(), "0 1");
    fixture_close(&f);
}
END_TEST

struct ended {
    double before;
    size_t max;
    uint64_t older;
    char text[64];
};

static int see_ended(uint64_t id, double t_inactive, void *arg)
{
    struct ended *e = arg;

    ck_assert_double_lt(t_inactive, e->before);
    snprintf(e->text + strlen(e->text), sizeof(e->text) - strlen(e->text), "%ju ",
             (uintmax_t)id);
    return 0;
}

static int read_ended(struct store_reader *r, void *arg)
{
    struct ended *e = arg;

    ck_assert_int_eq(store_reader_count_older(r, e->before, &e->older), 0);
    return store_reader_oldest(r, e->before, e->max, see_ended, e);
}

START_TEST(the_oldest_come_first_and_no_more_than_asked_for)
{
    static const double ends[] = {500., 300., 0., 100., 300.};
    struct ended e = {.before = 1e300, .max = 3};

    setup_loop(_i);
    for (int i = 0; i < 5; i++) {
        struct store_job job = fixture_job(i + 1, ends[i] > 0. ? 64 : 8);

        job.t_inactive = ends[i];
        ck_assert_int_eq(fixture_put_job(&f, &job), 0);
    }
    ck_assert_int_eq(store_read_now(f.store, read_ended, &e), 0);
    ck_assert_str_eq(e.text, "4 2 5 ");
    ck_assert_uint_eq(e.older, 4);
    e = (struct ended){.before = 300., .max = SIZE_MAX};
    ck_assert_int_eq(store_read_now(f.store, read_ended, &e), 0);
    ck_assert_str_eq(e.text, "4 ");
    ck_assert_uint_eq(e.older, 1);
    fixture_close(&f);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ended");
    TCase *tc = tcase_create("twins");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_add_loop_test(tc, the_tally_follows_every_change_of_a_job, 0, FIXTURE_COUNT);
    tcase_add_loop_test(tc, the_oldest_come_first_and_no_more_than_asked_for, 0,
                        FIXTURE_COUNT);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
