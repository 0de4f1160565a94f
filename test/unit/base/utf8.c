#include <string.h>

#include "base/utf8.h"
#include "suite.h"

START_TEST(valid_characters_have_their_length)
{
    ck_assert_uint_eq(utf8_char("a", 1), 1);
    ck_assert_uint_eq(utf8_char("", 1), 1); /* NUL is a character */
    ck_assert_uint_eq(utf8_char("\xc2\x80", 2), 2);
    ck_assert_uint_eq(utf8_char("\xe0\xa0\x80", 3), 3);
    ck_assert_uint_eq(utf8_char("\xef\xbf\xbf", 3), 3);
    ck_assert_uint_eq(utf8_char("\xf0\x90\x80\x80", 4), 4);
    ck_assert_uint_eq(utf8_char("\xf4\x8f\xbf\xbf", 4), 4);
}
END_TEST

START_TEST(malformed_ones_are_refused)
{
    static const char *const bad[] = {
        "\x80",             /* continuation alone */
        "\xc0\x80",         /* overlong NUL */
        "\xc1\xbf",         /* overlong DEL */
        "\xe0\x9f\xbf",     /* overlong */
        "\xed\xa0\x80",     /* surrogate */
        "\xf0\x8f\xbf\xbf", /* overlong */
        "\xf4\x90\x80\x80", /* above 10FFFF */
        "\xf5\x80\x80\x80",
        "\xff",
        "\xc2",
        "\xe2\x82",
        "\xf0\x9f\x98",
        "\xc2"
        "a",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(!utf8_valid(bad[i], strlen(bad[i])), "case %zu", i);
}
END_TEST

START_TEST(prefix_stops_before_a_cut_character)
{
    const char *s = "0123456789\xc6\x92";

    ck_assert_uint_eq(utf8_prefix(s, 12), 12);
    ck_assert_uint_eq(utf8_prefix(s, 11), 10);
    ck_assert(utf8_valid("", 0));
}
END_TEST

SUITE_MAIN("base/utf8", valid_characters_have_their_length, malformed_ones_are_refused,
           prefix_stops_before_a_cut_character)
