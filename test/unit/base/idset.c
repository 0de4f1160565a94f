#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <flux/idset.h>
#include "suite.h"

#define RB (IDSET_FLAG_RANGE | IDSET_FLAG_BRACKETS)

static void check_text(const struct idset *s, int flags, const char *expected)
{
    char *text = idset_encode(s, flags);

    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(text_round_trips)
{
    static const char *const texts[] = {
        "", "0", "5", "0-3", "0-3,7", "1,3,5-64,128-1023", "63-64", "1048575"};

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct idset *s = idset_decode(texts[i]);

        ck_assert_ptr_nonnull(s);
        check_text(s, IDSET_FLAG_RANGE, texts[i]);
        idset_destroy(s);
    }
}
END_TEST

START_TEST(flags_shape_the_text)
{
    struct idset *s = idset_decode("[0-2,5]");

    check_text(s, 0, "0,1,2,5");
    check_text(s, IDSET_FLAG_BRACKETS, "[0,1,2,5]");
    check_text(s, RB, "[0-2,5]");
    idset_range_clear(s, 0, 2);
    check_text(s, RB, "5");
    idset_clear(s, 5);
    check_text(s, RB, "[]");
    check_text(s, IDSET_FLAG_RANGE, "");
    ck_assert_ptr_null(idset_encode(s, IDSET_FLAG_AUTOGROW));
    ck_assert_int_eq(errno, EINVAL);
    idset_destroy(s);
}
END_TEST

START_TEST(malformed_text_is_refused)
{
    static const char *const bad[] = {"x",   "1-",    "-1",   "1,",    ",1",  "[1",
                                      "1]",  "[",     "]",    "1--2",  "5-3", "3,2",
                                      "1,1", "1-3,3", "01",   "00",    "1 ",  " 1",
                                      "1;2", "[[1]]", "1,,2", "[1],2", "0-01"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        idset_error_t err = {""};

        errno = 0;
        ck_assert_msg(!idset_decode_ex(bad[i], -1, 0, IDSET_FLAG_AUTOGROW, &err), "%s",
                      bad[i]);
        ck_assert_int_eq(errno, EINVAL);
        ck_assert_str_ne(err.text, "");
    }
    ck_assert_ptr_null(idset_decode(NULL));
}
END_TEST

START_TEST(huge_ids_fail_at_once)
{
    static const char *const huge[] = {"[0-4294967295]", "1048576", "0-1048576",
                                       "99999999999999999999999999", "0,4294967294"};
    struct timespec a, b;
    idset_error_t err;

    clock_gettime(CLOCK_MONOTONIC, &a);
    for (size_t i = 0; i < sizeof(huge) / sizeof(huge[0]); i++) {
        ck_assert_ptr_null(idset_decode_ex(huge[i], -1, 0, IDSET_FLAG_AUTOGROW, &err));
        ck_assert_int_eq(errno, ERANGE);
        ck_assert_int_eq(idset_decode_info(huge[i], -1, NULL, NULL, &err), -1);
    }
    clock_gettime(CLOCK_MONOTONIC, &b);
    ck_assert_int_le(b.tv_sec - a.tv_sec, 1);
    ck_assert_str_eq(err.text, "idset: id is out of range (limit 1048575)");
}
END_TEST

START_TEST(decode_ex_makes_the_size_asked_for)
{
    struct idset *s = idset_decode_ex("0-9,xxx", 3, -1, 0, NULL);
    size_t count;
    unsigned max;

    ck_assert_uint_eq(idset_universe_size(s), 10);
    ck_assert_int_eq(idset_set(s, 10), -1);
    ck_assert_int_eq(errno, EINVAL);
    idset_destroy(s);
    ck_assert_ptr_null(idset_decode_ex("", -1, -1, 0, NULL));
    s = idset_decode_ex("", -1, -1, IDSET_FLAG_AUTOGROW, NULL);
    ck_assert_uint_eq(idset_universe_size(s), 1);
    idset_destroy(s);
    ck_assert_ptr_null(idset_decode_ex("8", -1, 8, 0, NULL));
    ck_assert_int_eq(errno, ERANGE);
    s = idset_decode_ex("1-2", -1, 8, IDSET_FLAG_INITFULL, NULL);
    check_text(s, RB, "[1-2]");
    idset_destroy(s);
    ck_assert_int_eq(idset_decode_info("[2-4,9]", -1, &count, &max, NULL), 0);
    ck_assert_uint_eq(count, 4);
    ck_assert_uint_eq(max, 9);
    ck_assert_int_eq(idset_decode_info("", -1, &count, &max, NULL), 0);
    ck_assert_uint_eq(max, IDSET_INVALID_ID);
    ck_assert(idset_decode_empty("[]", -1) && idset_decode_empty("", -1));
    ck_assert(!idset_decode_empty("0", -1) && !idset_decode_empty("[", -1));
}
END_TEST

START_TEST(decode_add_and_subtract_change_a_set)
{
    struct idset *s = idset_create(16, 0);

    ck_assert_int_eq(idset_decode_add(s, "[0-3,8]", -1, NULL), 0);
    ck_assert_int_eq(idset_decode_subtract(s, "1-2,900", -1, NULL), 0);
    check_text(s, RB, "[0,3,8]");
    ck_assert_int_eq(idset_decode_add(s, "4,16", -1, NULL), -1);
    ck_assert_int_eq(idset_decode_add(s, "4,x", -1, NULL), -1);
    check_text(s, RB, "[0,3,8]");
    idset_destroy(s);
}
END_TEST

START_TEST(walks_both_ways)
{
    struct idset *s = idset_decode("3,63-64,200");

    ck_assert_uint_eq(idset_first(s), 3);
    ck_assert_uint_eq(idset_next(s, 3), 63);
    ck_assert_uint_eq(idset_next(s, 64), 200);
    ck_assert_uint_eq(idset_next(s, 200), IDSET_INVALID_ID);
    ck_assert_uint_eq(idset_next(s, IDSET_INVALID_ID), IDSET_INVALID_ID);
    ck_assert_uint_eq(idset_last(s), 200);
    ck_assert_uint_eq(idset_prev(s, 200), 64);
    ck_assert_uint_eq(idset_prev(s, 3), IDSET_INVALID_ID);
    ck_assert_uint_eq(idset_prev(s, 0), IDSET_INVALID_ID);
    ck_assert_uint_eq(idset_prev(s, 1u << 31), 200);
    ck_assert_uint_eq(idset_first(NULL), IDSET_INVALID_ID);
    ck_assert(!idset_test(s, IDSET_INVALID_ID) && !idset_test(NULL, 0));
    idset_destroy(s);
}
END_TEST

START_TEST(growth_is_asked_for)
{
    struct idset *fixed = idset_create(10, 0),
                 *grows = idset_create(1, IDSET_FLAG_AUTOGROW);

    ck_assert_int_eq(idset_set(fixed, 10), -1);
    ck_assert_int_eq(idset_clear(fixed, 10), 0);
    ck_assert_int_eq(idset_set(grows, 100000), 0);
    ck_assert_int_eq(idset_set(grows, IDSET_INVALID_ID), -1);
    ck_assert_int_eq(idset_range_set(grows, 7, 5), 0);
    check_text(grows, RB, "[5-7,100000]");
    ck_assert_ptr_null(idset_create(10, IDSET_FLAG_RANGE));
    idset_destroy(fixed);
    idset_destroy(grows);
    idset_destroy(NULL);
}
END_TEST

START_TEST(algebra)
{
    struct idset *a = idset_decode("0-9"), *b = idset_decode("5-14,2000"), *r;

    r = idset_union(a, b);
    check_text(r, RB, "[0-14,2000]");
    idset_destroy(r);
    r = idset_difference(a, b);
    check_text(r, RB, "[0-4]");
    ck_assert(!idset_has_intersection(r, b) && idset_has_intersection(a, b));
    idset_destroy(r);
    r = idset_intersect(a, b);
    check_text(r, RB, "[5-9]");
    ck_assert_uint_eq(idset_count(r), 5);
    ck_assert_int_eq(idset_add(r, NULL), 0);
    ck_assert_int_eq(idset_clear_all(r), 0);
    ck_assert(idset_empty(r));
    idset_destroy(r);
    idset_subtract(b, b);
    r = idset_create(7, 0);
    ck_assert(idset_equal(b, r) && !idset_equal(a, b) && !idset_equal(a, NULL));
    ck_assert_int_eq(idset_add(r, a), -1);
    idset_destroy(r);
    idset_destroy(a);
    idset_destroy(b);
}
END_TEST

START_TEST(allocates_the_lowest)
{
    struct idset *s = idset_create(3, IDSET_FLAG_INITFULL);
    unsigned id;

    for (unsigned i = 0; i < 3; i++) {
        ck_assert_int_eq(idset_alloc(s, &id), 0);
        ck_assert_uint_eq(id, i);
    }
    ck_assert_int_eq(idset_alloc(s, &id), -1);
    ck_assert_int_eq(errno, ENOSPC);
    idset_free(s, 1);
    ck_assert_int_eq(idset_free_check(s, 1), -1);
    ck_assert_int_eq(errno, EEXIST);
    ck_assert_int_eq(idset_free_check(s, 0), 0);
    ck_assert_int_eq(idset_alloc(s, &id), 0);
    ck_assert_uint_eq(id, 0);
    idset_destroy(s);
    s = idset_create(3, 0);
    ck_assert_int_eq(idset_alloc(s, &id), -1);
    ck_assert_int_eq(errno, EINVAL);
    idset_destroy(s);
}
END_TEST

START_TEST(allocation_grows_and_goes_round)
{
    struct idset *s =
        idset_create(2, IDSET_FLAG_INITFULL | IDSET_FLAG_AUTOGROW | IDSET_FLAG_ALLOC_RR);
    unsigned id;

    idset_alloc(s, &id);
    idset_free(s, id);
    idset_alloc(s, &id);
    ck_assert_uint_eq(id, 1);
    idset_free(s, id);
    idset_alloc(s, &id);
    ck_assert_uint_eq(id, 0);
    idset_alloc(s, &id);
    idset_alloc(s, &id);
    ck_assert_uint_eq(id, 2);
    ck_assert_uint_gt(idset_universe_size(s), 2);
    idset_destroy(s);
}
END_TEST

#define MODEL 300

static void check_model(const struct idset *s, const bool *model)
{
    struct idset *copy = idset_copy(s), *back;
    char *text = idset_encode(s, RB);
    size_t n = 0;

    for (unsigned i = 0; i < MODEL; i++) {
        if (idset_test(s, i) != model[i])
            ck_abort_msg("id %u of %s", i, text);
        n += model[i];
    }
    ck_assert_uint_eq(idset_count(s), n);
    for (unsigned i = idset_first(s); i != IDSET_INVALID_ID; i = idset_next(s, i))
        n -= model[i];
    ck_assert_uint_eq(n, 0);
    back = idset_decode(text);
    ck_assert(idset_equal(s, back) && idset_equal(s, copy));
    idset_destroy(copy);
    idset_destroy(back);
    free(text);
}

START_TEST(random_changes_match_a_model)
{
    struct idset *s = idset_create(1, IDSET_FLAG_AUTOGROW);
    bool model[MODEL] = {false};
    unsigned seed = 4711;

    for (int i = 0; i < 3000; i++) {
        unsigned lo = (unsigned)rand_r(&seed) % MODEL,
                 hi = (unsigned)rand_r(&seed) % MODEL;
        bool on = rand_r(&seed) % 2;

        if (i % 3)
            hi = lo;
        if (lo > hi)
            lo = hi;
        ck_assert_int_eq(on ? idset_range_set(s, lo, hi) : idset_range_clear(s, lo, hi),
                         0);
        for (unsigned k = lo; k <= hi; k++)
            model[k] = on;
        if (i % 10 == 0)
            check_model(s, model);
    }
    idset_destroy(s);
}
END_TEST

SUITE_MAIN("base/idset", text_round_trips, flags_shape_the_text,
           malformed_text_is_refused, huge_ids_fail_at_once,
           decode_ex_makes_the_size_asked_for, decode_add_and_subtract_change_a_set,
           walks_both_ways, growth_is_asked_for, algebra, allocates_the_lowest,
           allocation_grows_and_goes_round, random_changes_match_a_model)
