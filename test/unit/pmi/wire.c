/* Lines of the PMI-1 wire: taking them apart. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pmi/wire.h"

static char text[PMI_LINE_MAX];
static struct pmi_line line;

static int parse(const char *s)
{
    strcpy(text, s);
    return pmi_line_parse(text, strlen(text), &line);
}

START_TEST(words_are_keys_and_values)
{
    int v;

    ck_assert_int_eq(parse("cmd=init pmi_version=1 pmi_subversion=-7"), 0);
    ck_assert_str_eq(line.cmd, "init");
    ck_assert_int_eq(line.n, 3);
    ck_assert_str_eq(pmi_line_get(&line, "pmi_version"), "1");
    ck_assert_int_eq(pmi_line_int(&line, "pmi_subversion", &v), 0);
    ck_assert_int_eq(v, -7);
    ck_assert_ptr_null(pmi_line_get(&line, "version"));
    ck_assert_int_eq(pmi_line_int(&line, "version", &v), -ENOENT);
    ck_assert_int_eq(parse("  cmd=x   a=   b=1  "), 0);
    ck_assert_str_eq(pmi_line_get(&line, "a"), "");
    ck_assert_str_eq(pmi_line_get(&line, "b"), "1");
}
END_TEST

START_TEST(a_value_reaches_to_the_end_of_the_line)
{
    ck_assert_int_eq(parse("cmd=put kvsname=k key=a value=b c=d  e "), 0);
    ck_assert_str_eq(pmi_line_get(&line, "value"), "b c=d  e ");
    ck_assert_ptr_null(pmi_line_get(&line, "c"));
    ck_assert_int_eq(parse("cmd=abort exitcode=3 error_msg=no more tea"), 0);
    ck_assert_str_eq(pmi_line_get(&line, "error_msg"), "no more tea");
    ck_assert_int_eq(parse("cmd=get_result rc=0 msg=success value=x y"), 0);
    ck_assert_str_eq(pmi_line_get(&line, "msg"), "success");
    ck_assert_str_eq(pmi_line_get(&line, "value"), "x y");
}
END_TEST

START_TEST(other_lines_are_refused)
{
    static const char *const bad[] = {
        "",
        " ",
        "cmd",
        "init",
        "=init",
        "rc=0 cmd=init",
        "cmd=init version",
        "cmd=init =1",
        "cmd=init a=1 a=2",
        "cmd=init cmd=put",
        "cmd=a\tb",
        "cmd=put value=\x01",
        "cmd=x\x7f",
        "cmd=a b=1 c=1 d=1 e=1 f=1 g=1 h=1 i=1 j=1 k=1 l=1 m=1 n=1 o=1 p=1 q=1",
        "mcmd=spawn",
    };

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_msg(parse(bad[i]) == -EPROTO, "taken: '%s'", bad[i]);
    memcpy(text, "cmd=a\0b", 7);
    ck_assert_int_eq(pmi_line_parse(text, 7, &line), -EPROTO);
}
END_TEST

START_TEST(numbers_fit_or_are_refused)
{
    int v = 5;

    ck_assert_int_eq(
        parse("cmd=x a=2147483647 b=2147483648 c=1x d= e=99999999999999999999"), 0);
    ck_assert_int_eq(pmi_line_int(&line, "a", &v), 0);
    ck_assert_int_eq(v, 2147483647);
    for (const char *k = "bcde"; *k; k++)
        ck_assert_int_eq(pmi_line_int(&line, (char[]){*k, 0}, &v), -EPROTO);
    ck_assert_int_eq(v, 2147483647);
}
END_TEST

START_TEST(keys_and_values_have_limits)
{
    char longest[PMI_KEYLEN_MAX + 1];

    memset(longest, 'k', sizeof(longest));
    longest[PMI_KEYLEN_MAX - 1] = '\0';
    ck_assert(pmi_key_ok(longest, PMI_KEYLEN_MAX));
    longest[PMI_KEYLEN_MAX - 1] = 'k';
    longest[PMI_KEYLEN_MAX] = '\0';
    ck_assert(!pmi_key_ok(longest, PMI_KEYLEN_MAX));
    ck_assert(!pmi_key_ok("", 64));
    ck_assert(!pmi_key_ok("a b", 64));
    ck_assert(!pmi_key_ok("a=b", 64));
    ck_assert(!pmi_key_ok("a\n", 64));
    ck_assert(!pmi_key_ok("\xff", 64));
    ck_assert(pmi_value_ok("", 64));
    ck_assert(pmi_value_ok("a b=c", 64));
    ck_assert(!pmi_value_ok("abc", 3));
    ck_assert(!pmi_value_ok("\xc0\x80", 64));
    ck_assert(!pmi_value_ok("a\r", 64));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pmi/wire");
    TCase *tc = tcase_create("wire");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_add_test(tc, words_are_keys_and_values);
    tcase_add_test(tc, a_value_reaches_to_the_end_of_the_line);
    tcase_add_test(tc, other_lines_are_refused);
    tcase_add_test(tc, numbers_fit_or_are_refused);
    tcase_add_test(tc, keys_and_values_have_limits);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
