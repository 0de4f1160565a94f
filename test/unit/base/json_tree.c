#include <errno.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "suite.h"

static cJSON *read_json(const char *text)
{
    cJSON *o = NULL;

    ck_assert_int_eq(json_parse(text, strlen(text), NULL, &o, NULL), 0);
    return o;
}

static void check_text(const cJSON *o, const char *expected)
{
    char *s = json_print(o);

    ck_assert_str_eq(s, expected);
    free(s);
}

START_TEST(integers_are_exact_to_64_bits)
{
    static const struct {
        const char *text;
        int rc;
        int64_t value;
    } cases[] = {
        {"0", 0, 0},
        {"-0", 0, 0},
        {"9007199254740993", 0, 9007199254740993},
        {"9223372036854775807", 0, INT64_MAX},
        {"-9223372036854775808", 0, INT64_MIN},
        {"9223372036854775808", -ERANGE, 0},
        {"-9223372036854775809", -ERANGE, 0},
        {"18446744073709551615", -ERANGE, 0},
        {"5.0", 0, 5},
        {"1.5e1", 0, 15},
        {"5.5", -EPROTO, 0},
        {"1e300", -ERANGE, 0},
        {"\"5\"", -EPROTO, 0},
        {"null", -EPROTO, 0},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cJSON *o = read_json(cases[i].text);
        int64_t v = 0;

        ck_assert_msg(json_int64(o, &v) == cases[i].rc, "%s", cases[i].text);
        ck_assert_int_eq(v, cases[i].value);
        json_free(o);
    }
}
END_TEST

START_TEST(kinds_of_numbers)
{
    cJSON *i = read_json("5"), *r = read_json("5.0"),
          *big = read_json("9007199254740993"), *s = read_json("\"5\"");
    double d;

    ck_assert(json_is_number(i) && json_is_integer(i));
    ck_assert(json_is_number(r) && !json_is_integer(r));
    ck_assert(json_is_number(big) && json_is_integer(big));
    ck_assert(!json_is_number(s) && !json_is_number(NULL));
    ck_assert_int_eq(json_real(r, &d), 0);
    ck_assert_double_eq(d, 5);
    ck_assert_int_eq(json_real(i, &d), 0);
    ck_assert_int_eq(json_real(s, &d), -EPROTO);
    json_free(s);
    s = read_json("1e999");
    ck_assert_int_eq(json_real(s, &d), -ERANGE);
    json_free(i);
    json_free(r);
    json_free(big);
    json_free(s);
}
END_TEST

START_TEST(new_integers_print_exactly)
{
    static const int64_t values[] = {
        0, -1, 7, INT64_C(1) << 53, (INT64_C(1) << 53) + 1, INT64_MAX, INT64_MIN};
    static const char *const texts[] = {"0",
                                        "-1",
                                        "7",
                                        "9007199254740992",
                                        "9007199254740993",
                                        "9223372036854775807",
                                        "-9223372036854775808"};

    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        cJSON *o = json_new_int(values[i]);
        int64_t back;

        check_text(o, texts[i]);
        ck_assert_int_eq(json_int64(o, &back), 0);
        ck_assert_int_eq(back, values[i]);
        json_free(o);
    }
}
END_TEST

START_TEST(reals_print_short_and_stay_reals)
{
    static const struct {
        double d;
        const char *text;
    } cases[] = {
        {5, "5.0"},
        {0.1, "0.1"},
        {-1.5, "-1.5"},
        {1e20, "1e+20"},
        {1e-7, "1e-07"},
        {0, "0.0"},
        {1.0 / 3, "0.3333333333333333"},
        {123456.789, "123456.789"},
        {1e14, "100000000000000.0"},
        {1700000000.123456, "1700000000.123456"},
        {0.000001, "0.000001"},
    };
    struct buf b = {0};

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cJSON *o = json_new_real(cases[i].d);

        check_text(o, cases[i].text);
        json_free(o);
    }
    ck_assert_int_eq(json_buf_real(&b, NAN), -EINVAL);
    ck_assert_int_eq(json_buf_real(&b, INFINITY), -EINVAL);
    ck_assert_ptr_null(json_new_real(NAN));
    buf_free(&b);
}
END_TEST

START_TEST(reals_read_back_as_they_were)
{
    unsigned seed = 99;

    for (int i = 0; i < 20000; i++) {
        struct buf b = {0};
        uint64_t bits = (uint64_t)rand_r(&seed) << 42 ^ (uint64_t)rand_r(&seed) << 21 ^
                        (uint64_t)rand_r(&seed);
        double d;

        if (i % 2)
            memcpy(&d, &bits, sizeof(d));
        else
            d = (double)(int64_t)bits / 1e9;
        if (!isfinite(d))
            continue;
        ck_assert_int_eq(json_buf_real(&b, d), 0);
        if (strtod(b.data, NULL) != d || !strpbrk(b.data, ".e"))
            ck_abort_msg("%.17g printed as %s", d, b.data);
        buf_free(&b);
    }
}
END_TEST

START_TEST(the_locale_does_not_show)
{
    struct buf b = {0};
    cJSON *o;

    /* Not every system has it; then this tests the C locale. */
    setlocale(LC_ALL, "de_DE.UTF-8");
    json_buf_real(&b, 1e-9 / 3);
    ck_assert_ptr_null(strchr(b.data, ','));
    o = read_json("2.5");
    ck_assert_double_eq(o->valuedouble, 2.5);
    json_free(o);
    buf_free(&b);
}
END_TEST

START_TEST(times_have_microseconds)
{
    struct buf b = {0};

    json_buf_time(&b, 1700000000.123456);
    buf_addc(&b, ' ');
    json_buf_time(&b, 0);
    buf_addc(&b, ' ');
    json_buf_time(&b, -1.5);
    buf_addc(&b, ' ');
    json_buf_time(&b, 0.9999999);
    ck_assert_str_eq(b.data, "1700000000.123456 0.000000 -1.500000 1.000000");
    buf_free(&b);
}
END_TEST

START_TEST(strings_are_checked)
{
    struct buf b = {0};
    cJSON *o = json_new_strn("abcdef", 3);

    ck_assert_str_eq(json_str(o), "abc");
    json_free(o);
    errno = 0;
    ck_assert_ptr_null(json_new_str("\xff"));
    ck_assert_int_eq(errno, EINVAL);
    ck_assert_ptr_null(json_new_strn("a\0b", 3));
    buf_adds(&b, "kept");
    ck_assert_int_eq(json_buf_str(&b, "x\xffy", 3), -EINVAL);
    ck_assert_int_eq(json_buf_str(&b, "x\0y", 3), -EINVAL);
    ck_assert_str_eq(b.data, "kept");
    o = cJSON_CreateString("\xff");
    ck_assert_int_eq(json_print_buf(o, &b), -EINVAL);
    ck_assert_str_eq(b.data, "kept");
    json_free(o);
    buf_free(&b);
}
END_TEST

START_TEST(paths_get_set_and_delete)
{
    cJSON *o = read_json("{\"a\":{\"b\":{\"c\":1}},\"x\":5}");

    ck_assert_double_eq(json_get_path(o, "a.b.c")->valuedouble, 1);
    ck_assert_ptr_null(json_get_path(o, "a.b.d"));
    ck_assert_ptr_null(json_get_path(o, "x.y"));
    ck_assert_ptr_null(json_get_path(o, ""));
    ck_assert_ptr_null(json_get_path(o, "a..b"));
    ck_assert_ptr_null(json_get(o, "a.b"));
    ck_assert_ptr_null(json_get(NULL, "a"));
    ck_assert_int_eq(json_set_path(o, "a.n.m", json_new_int(2)), 0);
    ck_assert_int_eq(json_set_path(o, "a.b.c", json_new_str("new")), 0);
    ck_assert_int_eq(json_set_path(o, "x.y", json_new_int(3)), -EINVAL);
    ck_assert_int_eq(json_set_path(o, "a.", json_new_int(3)), -EINVAL);
    ck_assert_int_eq(json_set_path(o, "z", NULL), -ENOMEM);
    ck_assert_int_eq(json_del_path(o, "x"), 0);
    ck_assert_int_eq(json_del_path(o, "x"), -ENOENT);
    check_text(o, "{\"a\":{\"b\":{\"c\":\"new\"},\"n\":{\"m\":2}}}");
    json_free(o);
}
END_TEST

START_TEST(equality_ignores_key_order_only)
{
    static const struct {
        const char *a, *b;
        bool equal;
    } cases[] = {
        {"{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}", true},
        {"{\"a\":1,\"b\":2,\"c\":3}", "{\"a\":1,\"c\":3,\"b\":2}", true},
        {"{\"a\":1}", "{\"a\":1,\"b\":2}", false},
        {"{\"a\":1,\"b\":1}", "{\"a\":1,\"c\":1}", false},
        {"[1,2]", "[2,1]", false},
        {"[1,2]", "[1,2,3]", false},
        {"5", "5.0", false},
        {"5.0", "5.00", true},
        {"9007199254740993", "9007199254740992", false},
        {"9007199254740993", "9007199254740993", true},
        {"\"a\"", "\"a\"", true},
        {"null", "false", false},
        {"true", "true", true},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cJSON *a = read_json(cases[i].a), *b = read_json(cases[i].b);

        ck_assert_msg(json_equal(a, b) == cases[i].equal, "case %zu", i);
        ck_assert_msg(json_equal(b, a) == cases[i].equal, "case %zu", i);
        json_free(a);
        json_free(b);
    }
    ck_assert(json_equal(NULL, NULL));
}
END_TEST

START_TEST(copies_keep_the_text_of_numbers)
{
    cJSON *o = read_json("{\"a\":[1.50,9007199254740993]}"), *copy = json_copy(o);
    double d;

    json_free(o);
    check_text(copy, "{\"a\":[1.50,9007199254740993]}");
    ck_assert_int_eq(json_real(json_get(copy, "a")->child, &d), 0);
    ck_assert_double_eq(d, 1.5);
    json_free(copy);
}
END_TEST

START_TEST(seconds_are_text_or_a_number)
{
    static const struct {
        const char *text;
        int rc;
        double value;
    } t[] = {
        {"\"90\"", 0, 90},
        {"\"1.5m\"", 0, 90},
        {"\"250ms\"", 0, 0.25},
        {"\"inf\"", 0, INFINITY},
        {"7", 0, 7},
        {"0.5", 0, 0.5},
        {"-1", 0, -1},
        {"\"-1\"", -EINVAL, 0},
        {"\"soon\"", -EINVAL, 0},
        {"\"\"", -EINVAL, 0},
        {"true", -EPROTO, 0},
        {"null", -EPROTO, 0},
        {"[1]", -EPROTO, 0},
    };

    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        cJSON *o = read_json(t[i].text);
        double d = -2;

        ck_assert_msg(json_seconds(o, &d) == t[i].rc, "%s", t[i].text);
        if (t[i].rc == 0)
            ck_assert_msg(d == t[i].value, "%s: %g", t[i].text, d);
        json_free(o);
    }
    ck_assert_int_eq(json_seconds(NULL, &(double){0}), -EPROTO);
}
END_TEST

SUITE_MAIN("base/json_tree", integers_are_exact_to_64_bits, kinds_of_numbers,
           seconds_are_text_or_a_number, new_integers_print_exactly,
           reals_print_short_and_stay_reals, reals_read_back_as_they_were,
           the_locale_does_not_show, times_have_microseconds, strings_are_checked,
           paths_get_set_and_delete, equality_ignores_key_order_only,
           copies_keep_the_text_of_numbers)
