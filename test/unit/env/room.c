/* Limits of the host are named. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "env/room.h"

static struct env *env;
static flux_error_t err;

static long number_in(const char *path)
{
    FILE *f = fopen(path, "r");
    long v = -1;

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fscanf(f, "%ld", &v), 1);
    fclose(f);
    return v;
}

START_TEST(a_few_have_room)
{
    ck_assert_int_eq(env_new_real(&env), 0);
    ck_assert_msg(room_check(env, 1, 1, &err) == 0, "%s", err.text);
    env_unref(env);
}
END_TEST

START_TEST(more_than_there_are_numbers_for_do_not)
{
    long pid_max = number_in("/proc/sys/kernel/pid_max");
    char want[64];

    ck_assert_int_eq(env_new_real(&env), 0);
    ck_assert_int_eq(room_check(env, pid_max, 1, &err), -EAGAIN);
    snprintf(want, sizeof(want), "kernel.pid_max is %ld, ", pid_max);
    ck_assert_ptr_nonnull(strstr(err.text, want));
    ck_assert_ptr_nonnull(strstr(err.text, "sysctl -w kernel.pid_max="));
    env_unref(env);
}
END_TEST

START_TEST(a_users_limit_is_named)
{
    struct rlimit before, lim;
    uid_t me = geteuid();

    ck_assert_int_eq(env_new_real(&env), 0);
    ck_assert_int_eq(getrlimit(RLIMIT_NPROC, &before), 0);
    lim = (struct rlimit){40, before.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &lim), 0);
    if (me == 0)
        ck_assert_int_eq(seteuid(65534), 0);
    ck_assert_int_eq(room_check(env, 41, 1, &err), -EAGAIN);
    ck_assert_str_eq(err.text,
                     "your limit of processes and threads is 40, and this needs "
                     "41: raise it with ulimit -u");
    ck_assert_int_eq(seteuid(me), 0); /* sanitizers have something to do at the end */
    ck_assert_int_eq(setrlimit(RLIMIT_NPROC, &before), 0);
    env_unref(env);
}
END_TEST

START_TEST(the_simulated_world_has_room)
{
    ck_assert_int_eq(env_new_sim(1, &env), 0);
    ck_assert_int_eq(room_check(env, 1L << 40, 1L << 40, &err), 0);
    env_unref(env);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/room");
    TCase *tc = tcase_create("room");
    SRunner *sr = srunner_create(s);
    int failed;

    tcase_add_test(tc, a_few_have_room);
    tcase_add_test(tc, more_than_there_are_numbers_for_do_not);
    tcase_add_test(tc, a_users_limit_is_named);
    tcase_add_test(tc, the_simulated_world_has_room);
    suite_add_tcase(s, tc);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
