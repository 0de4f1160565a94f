/* What the tests of env share: loop tests that run in both worlds, by _i. */
#ifndef TEST_ENV_WORLD_H
#define TEST_ENV_WORLD_H

#include <check.h>
#include <stdlib.h>

#include "env/env.h"
#include "env/loop.h"

enum { REAL, SIM, WORLDS };

static inline struct env *world_new(int which)
{
    struct env *env = NULL;
    int rc = which == SIM ? env_new_sim(1, &env) : env_new_real(&env);
    ck_assert_int_eq(rc, 0);
    return env;
}

/* A loop that owns its world. */
static inline struct loop *world_loop(int which)
{
    struct env *env = world_new(which);
    struct loop *loop = NULL;
    ck_assert_int_eq(loop_new(env, &loop), 0);
    env_unref(env);
    return loop;
}

static inline int run_suite(Suite *s)
{
    SRunner *sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    int failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
