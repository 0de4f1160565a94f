#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "suite.h"

START_TEST(appends_join_and_stay_terminated)
{
    struct buf b = {0};

    ck_assert_int_eq(buf_adds(&b, "ab"), 0);
    ck_assert_int_eq(buf_addc(&b, 'c'), 0);
    ck_assert_int_eq(buf_add(&b, "d\0e", 3), 0);
    ck_assert_int_eq(buf_addf(&b, "%d", 42), 0);
    ck_assert_uint_eq(b.len, 8);
    ck_assert_mem_eq(b.data, "abcd\0e42", 9);
    buf_free(&b);
    ck_assert_ptr_null(b.data);
}
END_TEST

START_TEST(a_long_format_grows_the_buffer)
{
    struct buf b = {0};

    ck_assert_int_eq(buf_addf(&b, "%*d", 5000, 7), 0);
    ck_assert_uint_eq(b.len, 5000);
    ck_assert_int_eq(b.data[4999], '7');
    ck_assert_int_eq(b.data[5000], '\0');
    buf_free(&b);
}
END_TEST

START_TEST(consume_drops_from_the_front)
{
    struct buf b = {0};

    buf_adds(&b, "hello");
    buf_consume(&b, 2);
    ck_assert_str_eq(b.data, "llo");
    buf_consume(&b, 99);
    ck_assert_uint_eq(b.len, 0);
    ck_assert_str_eq(b.data, "");
    buf_free(&b);
}
END_TEST

START_TEST(take_hands_over_and_empties)
{
    struct buf b = {0};
    size_t len;
    char *s;

    buf_adds(&b, "mine");
    s = buf_take(&b, &len);
    ck_assert_str_eq(s, "mine");
    ck_assert_uint_eq(len, 4);
    ck_assert_ptr_null(b.data);
    free(s);
    s = buf_take(&b, &len);
    ck_assert_str_eq(s, "");
    ck_assert_uint_eq(len, 0);
    free(s);
}
END_TEST

START_TEST(an_impossible_size_fails_and_stays_failed)
{
    struct buf b = {0};

    buf_adds(&b, "x");
    ck_assert_int_eq(buf_reserve(&b, SIZE_MAX), -ENOMEM);
    ck_assert(b.failed);
    ck_assert_int_eq(buf_addc(&b, 'y'), -ENOMEM);
    ck_assert_ptr_null(buf_take(&b, NULL));
    ck_assert(!b.failed);
}
END_TEST

SUITE_MAIN("base/buf", appends_join_and_stay_terminated, a_long_format_grows_the_buffer,
           consume_drops_from_the_front, take_hands_over_and_empties,
           an_impossible_size_fails_and_stays_failed)
