#include <errno.h>

#include "cli/words.h"
#include "suite.h"

/* The words of a line, each in brackets. */
static const char *words(const char *line)
{
    static char out[256];
    size_t n;
    char **w = words_split(line, strlen(line), &n);

    if (!w)
        return errno == EINVAL ? "EINVAL" : "?";
    out[0] = '\0';
    for (size_t i = 0; i < n; i++) {
        strcat(out, "[");
        strcat(out, w[i]);
        strcat(out, "]");
    }
    ck_assert_ptr_null(w[n]);
    free(w);
    return out;
}

START_TEST(blanks_divide)
{
    ck_assert_str_eq(words(""), "");
    ck_assert_str_eq(words(" \t "), "");
    ck_assert_str_eq(words("a"), "[a]");
    ck_assert_str_eq(words("  -n1\ttar -cf x \r"), "[-n1][tar][-cf][x]");
}
END_TEST

START_TEST(quotes_keep)
{
    ck_assert_str_eq(words("sh -c 'echo \"$X\" \\ y'"), "[sh][-c][echo \"$X\" \\ y]");
    ck_assert_str_eq(words("\"a 'b' \\\" \\x\""), "[a 'b' \" \\x]");
    ck_assert_str_eq(words("a'b c'\"d e\"f"), "[ab cd ef]");
    ck_assert_str_eq(words("'' \"\""), "[][]");
    ck_assert_str_eq(words("a\\ b \\'c"), "[a b]['c]");
}
END_TEST

START_TEST(a_hash_ends_the_line)
{
    ck_assert_str_eq(words("# all"), "");
    ck_assert_str_eq(words("a # b 'c"), "[a]");
    ck_assert_str_eq(words("a#b '#' \\#"), "[a#b][#][#]");
}
END_TEST

START_TEST(what_is_open_is_refused)
{
    ck_assert_str_eq(words("a 'b"), "EINVAL");
    ck_assert_str_eq(words("a \"b"), "EINVAL");
    ck_assert_str_eq(words("a \"b\\\""), "EINVAL");
    ck_assert_str_eq(words("a \\"), "EINVAL");
}
END_TEST

SUITE_MAIN("words", blanks_divide, quotes_keep, a_hash_ends_the_line, what_is_open_is_refused)
