/* What the unit tests of the shell share: one suite a program, and a folder to write in. */
#ifndef TEST_SHELL_SUITE_H
#define TEST_SHELL_SUITE_H

#include <stdio.h>
#include <stdlib.h>
#include <check.h>

#include "env/file.h"

#define SUITE_MAIN(name, ...)                                                            \
    int main(void)                                                                       \
    {                                                                                    \
        const TTest *tests[] = {__VA_ARGS__};                                            \
        Suite *suite = suite_create(name);                                               \
        TCase *tc = tcase_create(name);                                                  \
        SRunner *sr = srunner_create(suite);                                             \
        tcase_set_timeout(tc, 50);                                                       \
        for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)                    \
            tcase_add_test(tc, tests[i]);                                                \
        suite_add_tcase(suite, tc);                                                      \
        srunner_run_all(sr, CK_ENV);                                                     \
        int failed = srunner_ntests_failed(sr);                                          \
        srunner_free(sr);                                                                \
        return failed ? EXIT_FAILURE : EXIT_SUCCESS;                                     \
    }

/* A world and a folder in it; gone with dir_drop(). */
struct place {
    struct env *env;
    char dir[64];
};

static inline void place_make(struct place *p)
{
    ck_assert_int_eq(env_new_real(&p->env), 0);
    snprintf(p->dir, sizeof(p->dir), "/tmp/flux-test-XXXXXX");
    ck_assert_int_eq(dir_make_temp(p->env, p->dir), 0);
}

static inline void place_drop(struct place *p)
{
    dir_remove(p->env, p->dir);
    env_unref(p->env);
}

#endif
