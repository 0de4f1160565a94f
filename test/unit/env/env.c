/* Clocks, randomness, UUIDs, threads. */
#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "world.h"

START_TEST(monotonic_clock_does_not_go_back)
{
    struct env *env = world_new(_i);
    double a = env_monotonic(env), b = env_monotonic(env);
    ck_assert(b >= a);
    env_unref(env);
}
END_TEST

START_TEST(wall_clock_of_the_real_world_is_the_systems)
{
    struct env *env = world_new(REAL);
    double t = env_time(env);
    ck_assert(t >= (double)time(NULL) - 2 && t <= (double)time(NULL) + 2);
    ck_assert(!env_is_sim(env));
    ck_assert_int_eq(env_sim_run(env, 1), -ENOTSUP);
    env_unref(env);
    env_unref(NULL);
}
END_TEST

START_TEST(uuids_are_version_4_and_differ)
{
    struct env *env = world_new(_i);
    char a[37], b[37];
    env_uuid(env, a);
    env_uuid(env, b);
    ck_assert_int_eq(strlen(a), 36);
    for (int i = 0; i < 36; i++) {
        if (i == 8 || i == 13 || i == 18 || i == 23)
            ck_assert_int_eq(a[i], '-');
        else
            ck_assert(isxdigit((unsigned char)a[i]) && !isupper((unsigned char)a[i]));
    }
    ck_assert_int_eq(a[14], '4');
    ck_assert_ptr_nonnull(strchr("89ab", a[19]));
    ck_assert_str_ne(a, b);
    env_unref(env);
}
END_TEST

START_TEST(random_fills_all_of_any_length)
{
    struct env *env = world_new(_i);
    unsigned char buf[301];
    unsigned seen[301] = {0};
    for (int round = 0; round < 64; round++) {
        memset(buf, 0, sizeof(buf));
        env_random(env, buf, 300);
        for (int i = 0; i < 300; i++)
            seen[i] |= buf[i];
        ck_assert_int_eq(buf[300], 0);
    }
    for (int i = 0; i < 300; i++) /* 64 zero bits in a row: 2^-64 each */
        ck_assert_int_eq(seen[i], 0xff);
    env_unref(env);
}
END_TEST

static void record(void *arg)
{
    pthread_sigmask(SIG_BLOCK, NULL, arg);
}

START_TEST(threads_have_signals_blocked)
{
    struct env *env = world_new(REAL);
    struct env_thread *t;
    sigset_t mask;
    sigemptyset(&mask);
    ck_assert_int_eq(env_thread_start(env, "a-rather-long-name", record, &mask, &t), 0);
    env_thread_join(t);
    ck_assert(sigismember(&mask, SIGINT));
    ck_assert(sigismember(&mask, SIGPIPE));
    env_unref(env);
}
END_TEST

START_TEST(the_simulated_world_has_no_threads)
{
    struct env *env = world_new(SIM);
    struct env_thread *t;
    ck_assert(env_is_sim(env));
    ck_assert_int_eq(env_thread_start(env, "x", record, NULL, &t), -ENOTSUP);
    env_unref(env);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/env");
    TCase *tc = tcase_create("env");
    tcase_add_loop_test(tc, monotonic_clock_does_not_go_back, 0, WORLDS);
    tcase_add_loop_test(tc, uuids_are_version_4_and_differ, 0, WORLDS);
    tcase_add_loop_test(tc, random_fills_all_of_any_length, 0, WORLDS);
    tcase_add_test(tc, wall_clock_of_the_real_world_is_the_systems);
    tcase_add_test(tc, threads_have_signals_blocked);
    tcase_add_test(tc, the_simulated_world_has_no_threads);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
