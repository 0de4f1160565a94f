/* Differences: what is found to be in common, what is stored, what is read from it. */
#include "store/delta.h"

#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BASE "0123456789012345678901234567890123456789"

static bool find(const char *base, const char *data, struct delta *d)
{
    return delta_find(base, strlen(base), data, strlen(data), d);
}

static void there_and_back(const char *base, const char *data, size_t stored_len)
{
    struct buf stored = {0}, out = {0};
    struct delta d;

    ck_assert(find(base, data, &d));
    ck_assert_int_eq(delta_print(&d, data, strlen(data), &stored), 0);
    ck_assert_uint_eq(stored.len, stored_len);
    ck_assert_int_eq(delta_apply(base, strlen(base), stored.data, stored.len, &out), 0);
    ck_assert_uint_eq(out.len, strlen(data));
    ck_assert_mem_eq(out.data, data, out.len);
    buf_free(&stored);
    buf_free(&out);
}

START_TEST(head_and_tail_do_not_overlap)
{
    struct delta d;

    ck_assert(find(BASE, BASE, &d));
    ck_assert_uint_eq(d.head, 40);
    ck_assert_uint_eq(d.tail, 0);
    ck_assert(find(BASE BASE, BASE, &d));
    ck_assert_uint_eq(d.head + d.tail, 40);
    ck_assert(find(BASE, BASE BASE BASE BASE, &d) == false);
}
END_TEST

/* Eight bytes of numbers, and what is between. */
START_TEST(what_is_stored_gives_the_bytes_back)
{
    there_and_back(BASE, BASE, 8);
    there_and_back(BASE, BASE "x", 9);
    there_and_back(BASE, "x" BASE, 9);
    there_and_back(BASE BASE, BASE "x" BASE, 9);
    there_and_back(BASE BASE, BASE, 8);
    there_and_back(BASE "1" BASE, BASE "22" BASE, 10);
}
END_TEST

START_TEST(a_difference_that_saves_little_is_none)
{
    struct delta d;

    ck_assert(!find(BASE, "abc", &d));
    ck_assert(!find(BASE, "", &d));
    ck_assert(!find("", BASE, &d));
    ck_assert(!find(BASE, "0123456789" BASE BASE "x", &d));
}
END_TEST

START_TEST(stored_bytes_that_do_not_fit_are_refused)
{
    static const char too_long[] = "\x20\0\0\0\x09\0\0\0x";
    static const char huge[] = "\xff\xff\xff\xff\xff\xff\xff\xff";
    struct buf out = {0};

    ck_assert_int_eq(delta_apply(BASE, 40, too_long, 9, &out), -EIO);
    ck_assert_int_eq(delta_apply(BASE, 41, too_long, 9, &out), 0);
    ck_assert_int_eq(delta_apply(BASE, 40, huge, 8, &out), -EIO);
    ck_assert_int_eq(delta_apply(BASE, 40, huge, 7, &out), -EIO);
    buf_free(&out);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("store/delta");
    TCase *tc = tcase_create("delta");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, head_and_tail_do_not_overlap);
    tcase_add_test(tc, what_is_stored_gives_the_bytes_back);
    tcase_add_test(tc, a_difference_that_saves_little_is_none);
    tcase_add_test(tc, stored_bytes_that_do_not_fit_are_refused);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
