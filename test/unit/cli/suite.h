/* What the unit tests of lib/cli share: one suite a program, and command lines as text. */
#ifndef TEST_CLI_SUITE_H
#define TEST_CLI_SUITE_H

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cli/cli.h"

#define SUITE_MAIN(name, ...)                                                            \
    int main(void)                                                                       \
    {                                                                                    \
        const TTest *tests[] = {__VA_ARGS__};                                            \
        Suite *suite = suite_create(name);                                               \
        TCase *tc = tcase_create(name);                                                  \
        SRunner *sr = srunner_create(suite);                                             \
        int failed;                                                                      \
        for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)                    \
            tcase_add_test(tc, tests[i]);                                                \
        suite_add_tcase(suite, tc);                                                      \
        srunner_run_all(sr, CK_ENV);                                                     \
        failed = srunner_ntests_failed(sr);                                              \
        srunner_free(sr);                                                                \
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                     \
    }

/* Run cmd with the words of line (split at spaces, so no word holds one). */
static inline int run_line(const struct cli_command *cmd, const char *line)
{
    char *text = strdup(line), *save = NULL, *argv[64] = {(char *)"test"};
    int argc = 1, rc;

    for (char *s = strtok_r(text, " ", &save); s && argc < 63;
         s = strtok_r(NULL, " ", &save))
        argv[argc++] = s;
    rc = cli_main(cmd, "test", argc, argv);
    free(text);
    return rc;
}

/* JSON with ' for ". */
static inline cJSON *quoted(const char *text)
{
    char *s = strdup(text);
    flux_error_t err;
    cJSON *o = NULL;
    int rc;

    for (char *p = s; *p; p++)
        *p = *p == '\'' ? '"' : *p;
    rc = json_parse(s, strlen(s), NULL, &o, &err);
    ck_assert_msg(rc == 0, "%s: %s", s, err.text);
    free(s);
    return o;
}

/* o (consumed) is what text (with ' for ") says. */
static inline void expect_json(const char *what, cJSON *o, const char *text)
{
    cJSON *want = quoted(text);
    char *have = o ? json_print(o) : strdup("nothing");

    ck_assert_msg(o && json_equal(o, want), "%s: %s, not %s", what, have, text);
    free(have);
    json_free(o);
    json_free(want);
}

#endif
