/* The main function of a unit test: one suite, one case, all the tests of a table. */
#ifndef TEST_UNIT_BASE_SUITE_H
#define TEST_UNIT_BASE_SUITE_H

#include <check.h>
#include <stdlib.h>

#define SUITE_MAIN(name, ...)                                                            \
    int main(void)                                                                       \
    {                                                                                    \
        const TTest *tests[] = {__VA_ARGS__};                                            \
        Suite *s = suite_create(name);                                                   \
        TCase *tc = tcase_create(name);                                                  \
        SRunner *sr = srunner_create(s);                                                 \
        int failed;                                                                      \
                                                                                         \
        tcase_set_timeout(tc, 50);                                                       \
        for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)                    \
            tcase_add_test(tc, tests[i]);                                                \
        suite_add_tcase(s, tc);                                                          \
        srunner_run_all(sr, CK_ENV);                                                     \
        failed = srunner_ntests_failed(sr);                                              \
        srunner_free(sr);                                                                \
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                     \
    }

#endif
