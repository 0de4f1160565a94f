/* The main function of a unit test: one suite, one case, all the tests listed. */
#ifndef TEST_UNIT_FLUX_SUITE_H
#define TEST_UNIT_FLUX_SUITE_H

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

#define OK(expr) ck_assert_int_eq((expr), 0)
#define FAILS(expr, errnum)                                                              \
    do {                                                                                 \
        errno = 0;                                                                       \
        ck_assert_int_eq((expr), -1);                                                    \
        ck_assert_int_eq(errno, (errnum));                                               \
    } while (0)
#define FAILS_NULL(expr, errnum)                                                         \
    do {                                                                                 \
        errno = 0;                                                                       \
        ck_assert_ptr_null((expr));                                                      \
        ck_assert_int_eq(errno, (errnum));                                               \
    } while (0)

#endif
