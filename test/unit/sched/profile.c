#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "replay.h"
#include "sched/engine/profile.h"

enum { END = 3000 };

/* Amounts at each time 0 .. END - 1, and from END on. */
struct model {
    int64_t v[END + 1];
};

static int64_t model_at(const struct model *m, int64_t t)
{
    return m->v[t < END ? t : END];
}

static void model_add(struct model *m, int64_t t0, int64_t t1, int64_t v)
{
    for (int64_t t = t0; t <= END && (t < t1 || t1 == PROFILE_NEVER); t++)
        m->v[t] += v;
}

static int64_t model_earliest(const struct model *m, int64_t from, int64_t duration,
                              int64_t need)
{
    int64_t since = from;

    for (int64_t t = from;; t++) {
        if (model_at(m, t) < need)
            since = t + 1;
        else if (t + 1 - since >= duration)
            return since;
        if (t > END && model_at(m, t) < need)
            return PROFILE_NEVER;
    }
}

static int64_t model_deficit(const struct model *m, int64_t from, int64_t need)
{
    for (int64_t t = from; t <= END || t == from; t++)
        if (model_at(m, t) < need)
            return t;
    return PROFILE_NEVER;
}

START_TEST(answers_are_those_of_a_table_of_all_times)
{
    struct model *m = calloc(1, sizeof(*m));
    struct profile p;
    uint64_t seed = 11;

    ck_assert_int_eq(profile_init(&p, 0, 100), 0);
    model_add(m, 0, PROFILE_NEVER, 100);
    for (int step = 0; step < 4000; step++) {
        int64_t t0 = draw(&seed, END - 1),
                t1 = t0 + 1 + draw(&seed, END - 1 - (uint32_t)t0);
        int64_t v = (int64_t)draw(&seed, 21) - 10;
        if (draw(&seed, 20) == 0)
            t1 = PROFILE_NEVER;
        ck_assert_int_eq(profile_add(&p, t0, t1, v), 0);
        model_add(m, t0, t1, v);
        int64_t from = draw(&seed, END + 10), need = (int64_t)draw(&seed, 300) - 100;
        int64_t duration = 1 + draw(&seed, 400);
        ck_assert_int_eq(profile_at(&p, from), model_at(m, from));
        ck_assert_int_eq(profile_earliest(&p, from, duration, need),
                         model_earliest(m, from, duration, need));
        ck_assert_int_eq(profile_deficit(&p, from, need), model_deficit(m, from, need));
        int64_t least = INT64_MAX;
        for (int64_t t = from; t < from + duration; t++)
            least = model_at(m, t) < least ? model_at(m, t) : least;
        ck_assert_int_eq(profile_min(&p, from, from + duration), least);
    }
    profile_finish(&p);
    free(m);
}
END_TEST

START_TEST(undone_additions_leave_nothing_behind)
{
    struct profile p;
    uint64_t seed = 5;
    int64_t span[1000][3];

    ck_assert_int_eq(profile_init(&p, 0, 64), 0);
    for (int i = 0; i < 1000; i++) {
        span[i][0] = draw(&seed, 100000);
        span[i][1] = span[i][0] + 1 + draw(&seed, 1000);
        span[i][2] = 1 + draw(&seed, 5);
        profile_add(&p, span[i][0], span[i][1], -span[i][2]);
    }
    ck_assert_uint_gt(p.nblocks, 4);
    for (int i = 0; i < 1000; i++)
        profile_add(&p, span[i][0], span[i][1], span[i][2]);
    ck_assert_uint_eq(p.nblocks, 1);
    ck_assert_int_eq(profile_min(&p, 0, PROFILE_NEVER), 64);
    ck_assert_int_eq(profile_earliest(&p, 0, 1000000, 64), 0);
    profile_finish(&p);
}
END_TEST

START_TEST(the_past_can_be_forgotten)
{
    struct profile p;

    ck_assert_int_eq(profile_init(&p, 0, 10), 0);
    for (int64_t t = 0; t < 1000; t++)
        profile_add(&p, t, t + 1, -(t % 7));
    profile_advance(&p, 500);
    ck_assert_uint_le(p.nblocks, 8);
    ck_assert_int_eq(profile_at(&p, 500), 10 - 500 % 7);
    ck_assert_int_eq(profile_earliest(&p, 500, 1, 10), 504);
    ck_assert_int_eq(profile_add(&p, 0, 501, -1), 0); /* the past counts as the start */
    ck_assert_int_eq(profile_at(&p, 500), 10 - 500 % 7 - 1);
    profile_finish(&p);
}
END_TEST

/* What has no limit ends after everything that began without one. */
START_TEST(without_a_limit_nobody_is_overtaken)
{
    struct profile p;

    ck_assert_int_eq(profile_init(&p, 0, 4), 0);
    profile_add(&p, 0, FLUX_SCHED_HORIZON, -2); /* runs without a limit */
    profile_add(&p, FLUX_SCHED_HORIZON, FLUX_SCHED_HORIZON + 100, -4); /* waits for it */
    ck_assert_int_eq(profile_earliest(&p, 0, 1000, 2), 0);
    ck_assert_int_eq(profile_earliest(&p, 0, FLUX_SCHED_NEVER, 2),
                     FLUX_SCHED_HORIZON + 100);
    profile_finish(&p);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("profile");
    TCase *t = tcase_create("profile");

    tcase_set_timeout(t, 60);
    tcase_add_test(t, answers_are_those_of_a_table_of_all_times);
    tcase_add_test(t, undone_additions_leave_nothing_behind);
    tcase_add_test(t, the_past_can_be_forgotten);
    tcase_add_test(t, without_a_limit_nobody_is_overtaken);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
