#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/json.h"
#include "suite.h"

static int parse(const char *text, cJSON **ret)
{
    flux_error_t err;

    return json_parse(text, strlen(text), NULL, ret, &err);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Parsing and printing gives these texts back, byte for byte. */
START_TEST(compact_texts_come_back)
{
    static const char *const texts[] = {
        "null",
        "true",
        "false",
        "0",
        "-1",
        "\"\"",
        "[]",
        "{}",
        "[[],{}]",
        "{\"a\":1,\"b\":[true,null,\"x\"],\"c\":{\"d\":{}}}",
        /* numbers that a double or cJSON's printer would change */
        "9007199254740992",
        "9007199254740993",
        "-9007199254740993",
        "9223372036854775807",
        "-9223372036854775808",
        "18446744073709551615",
        "123456789012345678901234567890",
        "5.0",
        "-0",
        "-0.0",
        "0.1",
        "1e2",
        "1E+2",
        "1.50",
        "1e400",
        "1700000000.123456",
        "[9007199254740993,1,5.0,\"1.0\",2e1]",
        "{\"1.0\":1.0,\"-\":[-1.0,\"\\\"7.0\",7.00]}",
        /* strings */
        "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\"",
        "\"\xc6\x92 \xf0\x9f\x98\x80 \x7f\"",
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        cJSON *o;
        char *s;

        ck_assert_msg(parse(texts[i], &o) == 0, "%s", texts[i]);
        s = json_print(o);
        ck_assert_str_eq(s, texts[i]);
        free(s);
        json_free(o);
    }
}
END_TEST

START_TEST(escapes_and_space_are_read)
{
    cJSON *o;
    char *s;

    ck_assert_int_eq(
        parse(" {\r\n\t\"a\" : [ 1 , 2 ] , \"b\\/\" : \"\\u0192\\ud83d\\ude00\" } ", &o),
        0);
    s = json_print(o);
    ck_assert_str_eq(s, "{\"a\":[1,2],\"b/\":\"\xc6\x92\xf0\x9f\x98\x80\"}");
    free(s);
    json_free(o);
}
END_TEST

START_TEST(text_need_not_end_in_nul)
{
    char *text = malloc(5);
    cJSON *o;

    memcpy(text, "[120]", 5);
    ck_assert_int_eq(json_parse(text, 5, NULL, &o, NULL), 0);
    json_free(o);
    ck_assert_int_eq(json_parse(text + 1, 2, NULL, &o, NULL), 0);
    ck_assert_double_eq(o->valuedouble, 12);
    json_free(o);
    free(text);
}
END_TEST

START_TEST(malformed_texts_are_refused)
{
    static const char *const bad[] = {
        "",
        " ",
        "nul",
        "nullx",
        "True",
        "tru",
        "01",
        "-",
        "-01",
        "+1",
        ".5",
        "5.",
        "1e",
        "1e+",
        "0x10",
        "NaN",
        "Infinity",
        "1 2",
        "[1,]",
        "[,1]",
        "[1",
        "[1}",
        "{\"a\":1,}",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{1:1}",
        "{\"a\":1",
        "{\"a\":1]",
        "{,}",
        "]",
        "}",
        "\"",
        "\"\\\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\\ud800x\"",
        "\"a\nb\"",
        "\"\x01\"",
        "\"\xff\"",
        "\"\xc0\x80\"",
        "\"\xed\xa0\x80\"",
        "\xef\xbb\xbf[]",
        "[1]x",
        "[1] ]",
        "'a'",
        "/**/1",
        "{\"a\":1,\"a\":2}",
        "[{\"k\":0,\"\\u006b\":0}]",
        "\"\\u0000\"",
        "{\"\\u0000\":1}",
        "\f1",
        "[1\v]",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        cJSON *o = NULL;
        flux_error_t err = {""};

        ck_assert_msg(json_parse(bad[i], strlen(bad[i]), NULL, &o, &err) == -EPROTO, "%s",
                      bad[i]);
        ck_assert_ptr_null(o);
        ck_assert_str_ne(err.text, "");
    }
    ck_assert_int_eq(json_parse("[\0]", 3, NULL, &(cJSON *){0}, NULL), -EPROTO);
}
END_TEST

START_TEST(messages_name_the_trouble)
{
    flux_error_t err;
    cJSON *o;

    json_parse("[1,2 3]", 7, NULL, &o, &err);
    ck_assert_str_eq(err.text, "invalid JSON at byte 5: expected ',' or ']'");
    json_parse("{\"id\":1,\"id\":2}", 15, NULL, &o, &err);
    ck_assert_str_eq(err.text, "invalid JSON: duplicate key 'id'");
    json_parse("\"a\\u0000\"", 9, NULL, &o, &err);
    ck_assert_ptr_nonnull(strstr(err.text, "NUL characters in strings"));
}
END_TEST

START_TEST(limits_hold_exactly)
{
    struct json_limits l = {.bytes = 20, .depth = 3, .nodes = 5};
    cJSON *o;

    ck_assert_int_eq(json_parse("[[[1]]]", 7, &l, &o, NULL), 0);
    json_free(o);
    ck_assert_int_eq(json_parse("[[[[1]]]]", 9, &l, &o, NULL), -EFBIG);
    ck_assert_int_eq(json_parse("[1,2,3,4]", 9, &l, &o, NULL), 0);
    json_free(o);
    ck_assert_int_eq(json_parse("[1,2,3,4,5]", 11, &l, &o, NULL), -EFBIG);
    ck_assert_int_eq(json_parse("\"3456789012345678901\"", 21, &l, &o, NULL), -EFBIG);
    ck_assert_int_eq(json_parse("\"345678901234567890\"", 20, &l, &o, NULL), 0);
    json_free(o);
}
END_TEST

START_TEST(depth_bombs_fail_at_once)
{
    const struct json_limits loose = {
        .bytes = 1 << 30, .depth = 1 << 30, .nodes = 1 << 30};
    size_t n = 1000000;
    char *text = malloc(n);
    double start = now();
    cJSON *o;

    memset(text, '[', n);
    ck_assert_int_eq(json_parse(text, n, NULL, &o, NULL), -EFBIG);
    ck_assert_int_eq(json_parse(text, n, &loose, &o, NULL), -EFBIG);
    for (size_t i = 0; i + 5 <= n; i += 5)
        memcpy(text + i, "{\"a\":", 5);
    ck_assert_int_eq(json_parse(text, n, NULL, &o, NULL), -EFBIG);
    ck_assert_double_lt(now() - start, 0.5);
    free(text);
}
END_TEST

/* A nest as deep as we ever allow is read, copied, printed and freed. */
START_TEST(the_deepest_nest_is_fine)
{
    const struct json_limits loose = {.bytes = 1 << 20, .depth = 1000, .nodes = 1 << 20};
    char text[2001];
    cJSON *o, *copy;
    char *s;

    memset(text, '[', 1000);
    memset(text + 1000, ']', 1000);
    text[2000] = '\0';
    ck_assert_int_eq(json_parse(text, 2000, &loose, &o, NULL), 0);
    copy = json_copy(o);
    ck_assert(json_equal(o, copy));
    s = json_print(copy);
    ck_assert_str_eq(s, text);
    free(s);
    json_free(o);
    json_free(copy);
}
END_TEST

START_TEST(too_many_values_fail_fast_and_without_memory)
{
    const struct json_limits l = {.bytes = 16 << 20, .depth = 64, .nodes = 200000};
    size_t n = 10 << 20;
    char *text = malloc(n);
    double start;
    cJSON *o;

    for (size_t i = 0; i < n; i++)
        text[i] = i % 2 ? ',' : '0';
    text[0] = '[';
    text[1] = '0';
    text[2] = ',';
    for (size_t i = 3; i < n; i++)
        text[i] = i % 2 ? '0' : ',';
    text[n - 1] = ']';
    start = now();
    ck_assert_int_eq(json_parse(text, n, NULL, &o, NULL), -EFBIG); /* by length */
    ck_assert_int_eq(json_parse(text, n, &l, &o, NULL), -EFBIG);   /* by count */
    ck_assert_double_lt(now() - start, 0.25);
    free(text);
}
END_TEST

START_TEST(many_keys_are_checked_in_linear_time)
{
    struct buf b = {0};
    double start;
    cJSON *o;

    buf_addc(&b, '{');
    for (int i = 0; i < 150000; i++)
        buf_addf(&b, "\"key%d\":0,", i);
    buf_adds(&b, "\"key75000\":0}");
    start = now();
    ck_assert_int_eq(json_parse(b.data, b.len, NULL, &o, NULL), -EPROTO);
    ck_assert_double_lt(now() - start, 5);
    b.len -= strlen("\"key75000\":0}") + 1;
    buf_addc(&b, '}');
    ck_assert_int_eq(json_parse(b.data, b.len, NULL, &o, NULL), 0);
    json_free(o);
    buf_free(&b);
}
END_TEST

START_TEST(duplicates_are_found_in_objects_of_any_size)
{
    for (int n = 1; n < 200; n += 3) {
        struct buf b = {0};
        cJSON *o;

        buf_adds(&b, "[{\"dup\":0");
        for (int i = 0; i < n; i++)
            buf_addf(&b, ",\"k%d\":{}", i);
        buf_adds(&b, "}]");
        ck_assert_int_eq(json_parse(b.data, b.len, NULL, &o, NULL), 0);
        json_free(o);
        b.len -= 2;
        buf_adds(&b, ",\"dup\":0}]");
        ck_assert_int_eq(json_parse(b.data, b.len, NULL, &o, NULL), -EPROTO);
        buf_free(&b);
    }
}
END_TEST

START_TEST(very_long_numbers_are_refused)
{
    char text[100];
    cJSON *o;

    memset(text, '7', sizeof(text));
    ck_assert_int_eq(json_parse(text, 63, NULL, &o, NULL), 0);
    json_free(o);
    ck_assert_int_eq(json_parse(text, 64, NULL, &o, NULL), -EFBIG);
}
END_TEST

SUITE_MAIN("base/json_parse", compact_texts_come_back, escapes_and_space_are_read,
           text_need_not_end_in_nul, malformed_texts_are_refused,
           messages_name_the_trouble, limits_hold_exactly, depth_bombs_fail_at_once,
           the_deepest_nest_is_fine, too_many_values_fail_fast_and_without_memory,
           many_keys_are_checked_in_linear_time,
           duplicates_are_found_in_objects_of_any_size, very_long_numbers_are_refused)
