/* JSON read in place: what is found, what is refused. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/slice.h"
#include "suite.h"

static const char text[] =
    " {\"a\":1, \"b\" : [1,\"x]\\\"\",{\"c\":null}] ,\"s\":\"plain\",\"e\":\"a\\nb\","
    "\"f\":-2.5,\"t\":true} ";

static struct slice whole(void)
{
    struct slice s;

    ck_assert_int_eq(slice_value(text, strlen(text), &s), 0);
    return s;
}

START_TEST(members_are_found_by_name)
{
    struct slice v, in;
    int64_t i;
    double d;
    bool b;

    ck_assert_int_eq(slice_get(whole(), "a", &v), 0);
    ck_assert_int_eq(slice_int(v, &i), 0);
    ck_assert_int_eq(i, 1);
    ck_assert_int_eq(slice_get(whole(), "f", &v), 0);
    ck_assert_int_eq(slice_real(v, &d), 0);
    ck_assert_double_eq(d, -2.5);
    ck_assert_int_eq(slice_int(v, &i), -EPROTO);
    ck_assert_int_eq(slice_get(whole(), "t", &v), 0);
    ck_assert_int_eq(slice_bool(v, &b), 0);
    ck_assert(b);
    ck_assert_int_eq(slice_get(whole(), "s", &v), 0);
    ck_assert_int_eq(slice_str(v, &in), 0);
    ck_assert(slice_is(in, "plain"));
    ck_assert_int_eq(slice_get(whole(), "c", &v), -ENOENT);
}
END_TEST

START_TEST(elements_come_in_order_whatever_they_hold)
{
    struct slice array, v;
    size_t pos = 0;

    ck_assert_int_eq(slice_get(whole(), "b", &array), 0);
    ck_assert_int_eq(slice_element(array, &pos, &v), 1);
    ck_assert(slice_is(v, "1"));
    ck_assert_int_eq(slice_element(array, &pos, &v), 1);
    ck_assert(slice_is(v, "\"x]\\\"\""));
    ck_assert_int_eq(slice_element(array, &pos, &v), 1);
    ck_assert(slice_is(v, "{\"c\":null}"));
    ck_assert_int_eq(slice_element(array, &pos, &v), 0);
}
END_TEST

START_TEST(escapes_are_undone_in_a_copy)
{
    struct slice v, in;
    char *s;

    ck_assert_int_eq(slice_get(whole(), "e", &v), 0);
    ck_assert_int_eq(slice_str(v, &in), -EILSEQ);
    s = slice_strdup(v);
    ck_assert_str_eq(s, "a\nb");
    free(s);
}
END_TEST

START_TEST(a_string_is_borrowed_unless_it_has_escapes)
{
    struct slice v, in = SLICE_NONE;
    char *copy = NULL;

    ck_assert_int_eq(slice_get(whole(), "s", &v), 0);
    ck_assert_int_eq(slice_string(v, &copy, &in), 0);
    ck_assert(slice_is(in, "plain"));
    ck_assert_ptr_eq(in.p, v.p + 1);
    ck_assert_ptr_null(copy);
    ck_assert_int_eq(slice_get(whole(), "e", &v), 0);
    ck_assert_int_eq(slice_string(v, &copy, &in), 0);
    ck_assert(slice_is(in, "a\nb"));
    ck_assert_ptr_eq(in.p, copy);
    free(copy);
}
END_TEST

START_TEST(what_is_no_string_gives_no_text)
{
    static const char *const bad[] = {"1", "null", "{}", "\"", "\"a\\x\""};
    struct slice in;
    char *copy = NULL;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        ck_assert_msg(slice_string(slice_of(bad[i]), &copy, &in) == -EPROTO, "%s",
                      bad[i]);
        ck_assert_ptr_null(copy);
    }
    ck_assert_int_eq(slice_string(SLICE_NONE, &copy, &in), -EPROTO);
}
END_TEST

START_TEST(what_is_no_json_is_refused)
{
    static const char *const bad[] = {"", "  ", "{", "[1", "\"open", "{\"a\":[}"};
    struct slice v;

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        ck_assert_msg(slice_value(bad[i], strlen(bad[i]), &v) == -EPROTO, "%s", bad[i]);
    ck_assert_int_eq(slice_get(slice_of("[1]"), "a", &v), -EPROTO);
    ck_assert_int_eq(slice_get(slice_of("{\"a\" 1}"), "a", &v), -EPROTO);
    ck_assert_int_eq(slice_get(slice_of("{\"a\":1 \"b\":2}"), "b", &v), -EPROTO);
}
END_TEST

SUITE_MAIN("base/slice", members_are_found_by_name,
           elements_come_in_order_whatever_they_hold, escapes_are_undone_in_a_copy,
           a_string_is_borrowed_unless_it_has_escapes, what_is_no_string_gives_no_text,
           what_is_no_json_is_refused)
