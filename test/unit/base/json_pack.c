#include <errno.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "suite.h"

/* Pack to a tree and to text; both must be `expected`, or both fail when it is NULL. */
#define check_pack(expected, ...)                                                        \
    do {                                                                                 \
        const char *e_ = (expected);                                                     \
        cJSON *o_ = json_pack(__VA_ARGS__);                                              \
        char *s_ = o_ ? json_print(o_) : NULL;                                           \
        struct buf b_ = {0};                                                             \
        int rc_;                                                                         \
                                                                                         \
        buf_adds(&b_, "before");                                                         \
        rc_ = json_pack_buf(&b_, __VA_ARGS__);                                           \
        if (e_) {                                                                        \
            ck_assert_ptr_nonnull(s_);                                                   \
            ck_assert_str_eq(s_, e_);                                                    \
            ck_assert_int_eq(rc_, 0);                                                    \
            ck_assert_str_eq(b_.data + 6, e_);                                           \
        } else {                                                                         \
            ck_assert_ptr_null(o_);                                                      \
            ck_assert_int_eq(errno, EINVAL);                                             \
            ck_assert_int_eq(rc_, -EINVAL);                                              \
            ck_assert_str_eq(b_.data, "before");                                         \
        }                                                                                \
        free(s_);                                                                        \
        json_free(o_);                                                                   \
        buf_free(&b_);                                                                   \
    } while (0)

static cJSON *read_json(const char *text)
{
    cJSON *o = NULL;

    ck_assert_int_eq(json_parse(text, strlen(text), NULL, &o, NULL), 0);
    return o;
}

START_TEST(packs_every_type)
{
    check_pack("null", "n");
    check_pack("[true,false]", "[bb]", 1, 0);
    check_pack("[-5,9007199254740993]", "[i,I]", -5, INT64_C(9007199254740993));
    check_pack("[5.0,0.1]", "[ff]", 5.0, 0.1);
    check_pack("\"a\\n\"", "s", "a\n");
    check_pack("{}", "{}");
    check_pack("[]", " [ ] ");
    check_pack("{\"a\":{\"b\":[1,{\"c\":null}]},\"d\":\"x\"}", "{s:{s:[i{s:n}]} s:s}",
               "a", "b", 1, "c", "d", "x");
}
END_TEST

START_TEST(packs_parts_of_strings)
{
    check_pack("[\"abc\",\"ab\"]", "[s#s%]", "abcdef", (size_t)3, "abc", (size_t)2);
    check_pack("\"abc\"", "s#", "abcdef", 3); /* an int, as Jansson has it */
    check_pack("\"abcdef\"", "s++", "ab", "cd", "ef");
    check_pack("\"abc\"", "s+#", "a", "bcd", (size_t)2);
    check_pack("{\"key1\":1}", "{s+:i}", "key", "1", 1);
    check_pack("{\"ke\":1}", "{s#:i}", "key", (size_t)2, 1);
}
END_TEST

START_TEST(packs_optional_values)
{
    check_pack("[null,\"x\"]", "[s?s?]", NULL, "x");
    check_pack("{\"b\":1}", "{s:s* s:i}", "a", NULL, "b", 1);
    check_pack("{\"a\":\"x\",\"b\":1}", "{s:s* s:i}", "a", "x", "b", 1);
    check_pack("{\"a\":null}", "{s:o? s:O* s:o*}", "a", NULL, "b", NULL, "c", NULL);
    check_pack("[1]", "[s*i]", NULL, 1);
}
END_TEST

START_TEST(packs_trees)
{
    cJSON *o = read_json("{\"x\":[1.0,2]}");

    check_pack("{\"o\":{\"x\":[1.0,2]}}", "{s:O}", "o", o);
    check_pack("{\"o\":{\"x\":[1.0,2]}}", "{s:o}", "o", json_copy(o));
    check_pack("[{\"x\":[1.0,2]},{\"x\":[1.0,2]}]", "[OO]", o, o);
    check_pack("{\"x\":[1.0,2]}", "o", json_copy(o));
    json_free(o);
}
END_TEST

/* Run under a leak checker this also tests that stolen values are freed. */
START_TEST(failures_leave_nothing)
{
    check_pack(NULL, "s", NULL);
    check_pack(NULL, "[s]", "\xff");
    check_pack(NULL, "{s:i}", "\xff", 1);
    check_pack(NULL, "{s:i}", NULL, 1);
    check_pack(NULL, "[f]", NAN);
    check_pack(NULL, "[o]", NULL);
    check_pack(NULL, "s*", NULL);
    check_pack(NULL, "[s#]", "a\0b", (size_t)3);
    check_pack(NULL, "");
    check_pack(NULL, "[i", 1);
    check_pack(NULL, "[i]]", 1);
    check_pack(NULL, "{i}", 1);
    check_pack(NULL, "z");
    check_pack(NULL, "{s:s s:o}", "a", NULL, "b", cJSON_CreateObject());
    check_pack(NULL, "[osOo]", cJSON_CreateArray(), NULL, NULL, cJSON_CreateNull());
}
END_TEST

START_TEST(unpacks_every_type)
{
    cJSON *o = read_json("{\"s\":\"text\",\"i\":-7,\"I\":9007199254740993,\"f\":1.5,"
                         "\"b\":true,\"n\":null,\"a\":[1,[2]],\"o\":{\"p\":3}}");
    const char *s;
    size_t len;
    int i, b, x, y, p;
    int64_t big;
    double f;
    cJSON *a, *copy;
    flux_error_t err;

    ck_assert_int_eq(json_unpack(o, &err,
                                 "{s:s% s:i s:I s:f s:b s:n s:[i[i!]!] s:{s:i !} !}", "s",
                                 &s, &len, "i", &i, "I", &big, "f", &f, "b", &b, "n", "a",
                                 &x, &y, "o", "p", &p),
                     0);
    ck_assert_str_eq(s, "text");
    ck_assert_uint_eq(len, 4);
    ck_assert_int_eq(i, -7);
    ck_assert_int_eq(big, 9007199254740993);
    ck_assert_double_eq(f, 1.5);
    ck_assert_int_eq(b, 1);
    ck_assert_int_eq(x * 100 + y * 10 + p, 123);
    ck_assert_int_eq(json_unpack(o, NULL, "{s:o s:O}", "a", &a, "o", &copy), 0);
    ck_assert_ptr_eq(a, json_get(o, "a"));
    ck_assert_ptr_ne(copy, json_get(o, "o"));
    ck_assert(json_equal(copy, json_get(o, "o")));
    json_free(copy);
    json_free(o);
}
END_TEST

START_TEST(numbers_cross_over)
{
    cJSON *o = read_json("[5,5.0,5.5,4294967296]");
    cJSON *v;
    int64_t big;
    double f;
    int i;

    ck_assert_int_eq(json_unpack(o, NULL, "[f,I]", &f, &big), 0);
    ck_assert_double_eq(f, 5);
    ck_assert_int_eq(big, 5);
    ck_assert_int_eq(json_unpack(o, NULL, "[F,i,F,I]", &f, &i, &f, &big), 0);
    ck_assert_int_eq(json_unpack(o, NULL, "[o,o,i]", &v, &v, &i), -EPROTO);
    ck_assert_int_eq(json_unpack(o, NULL, "[i,i,f,i]", &i, &i, &f, &i), -EPROTO);
    json_free(o);
}
END_TEST

START_TEST(optional_members_leave_arguments_alone)
{
    cJSON *o = read_json("{\"a\":1}");
    const char *s = "untouched";
    size_t len = 9;
    int a = 0, b = 2, c = 3;

    ck_assert_int_eq(json_unpack(o, NULL, "{s?s% s:i s?{s:i s:[i!]!} s?n !}", "none", &s,
                                 &len, "a", &a, "sub", "x", &b, "y", &c, "z"),
                     0);
    ck_assert_str_eq(s, "untouched");
    ck_assert_int_eq(a * 100 + b * 10 + c, 123);
    json_free(o);
}
END_TEST

START_TEST(messages_name_the_key)
{
    cJSON *o = read_json("{\"a\":{\"b\":[1,\"x\"]},\"c\":9000000000}");
    flux_error_t err;
    int i;
    cJSON *copy = NULL;

    ck_assert_int_eq(json_unpack(o, &err, "{s:i}", "urgency", &i), -EPROTO);
    ck_assert_str_eq(err.text, "missing key 'urgency'");
    ck_assert_int_eq(json_unpack(o, &err, "{s:{s:[ii]}}", "a", "b", &i, &i), -EPROTO);
    ck_assert_str_eq(err.text, "key 'a.b[1]': expected integer, got string");
    ck_assert_int_eq(json_unpack(o, &err, "{s:{s:i}}", "a", "z", &i), -EPROTO);
    ck_assert_str_eq(err.text, "missing key 'z' in 'a'");
    ck_assert_int_eq(json_unpack(o, &err, "{s:i}", "c", &i), -EPROTO);
    ck_assert_str_eq(err.text, "key 'c': expected integer of 32 bits, got integer");
    ck_assert_int_eq(json_unpack(o, &err, "{s:{} !}", "a"), -EPROTO);
    ck_assert_str_eq(err.text, "unexpected key 'c'");
    ck_assert_int_eq(json_unpack(o, &err, "{s:{s:[i!]}}", "a", "b", &i), -EPROTO);
    ck_assert_int_eq(json_unpack(o, &err, "[i]", &i), -EPROTO);
    ck_assert_str_eq(err.text, "expected array, got object");
    ck_assert_int_eq(json_unpack(NULL, &err, "{}"), -EINVAL);
    ck_assert_int_eq(json_unpack(o, &err, "{s:O s:i}", "a", &copy, "none", &i), -EPROTO);
    ck_assert_ptr_null(copy);
    json_free(o);
}
END_TEST

START_TEST(bad_formats_are_told_apart)
{
    static const char *const bad[] = {"", "{", "{s", "[", "{}x", "[!i]", "z", "{!s:i}"};
    cJSON *o = read_json("{\"a\":1}"), *a = read_json("[1]");
    int i;

    for (size_t n = 0; n < sizeof(bad) / sizeof(bad[0]); n++) {
        cJSON *v = bad[n][0] == '[' ? a : o;

        ck_assert_msg(json_unpack(v, NULL, bad[n], "a", &i, &i) == -EINVAL, "%s", bad[n]);
    }
    json_free(o);
    json_free(a);
}
END_TEST

SUITE_MAIN("base/json_pack", packs_every_type, packs_parts_of_strings,
           packs_optional_values, packs_trees, failures_leave_nothing, unpacks_every_type,
           numbers_cross_over, optional_members_leave_arguments_alone,
           messages_name_the_key, bad_formats_are_told_apart)
