/* Timers and periodics. */
#include <math.h>
#include <string.h>

#include "world.h"

struct log {
    struct loop *l;
    char text[64];
    double at[16];
    int n;
    struct watcher *other;
};

static void note(struct log *log, char c)
{
    log->at[log->n] = env_monotonic(loop_env(log->l));
    log->text[log->n++] = c;
}

static void note_a(struct watcher *w, int revents, void *arg)
{
    note(arg, 'a');
}
static void note_b(struct watcher *w, int revents, void *arg)
{
    note(arg, 'b');
}
static void note_c(struct watcher *w, int revents, void *arg)
{
    note(arg, 'c');
}

START_TEST(timers_expire_in_order_of_time)
{
    struct log log = {.l = world_loop(_i)};
    struct watcher *a, *b, *c;
    watcher_new_timer(log.l, 0.030, 0, note_a, &log, &a);
    watcher_new_timer(log.l, 0.010, 0, note_b, &log, &b);
    watcher_new_timer(log.l, 0.020, 0, note_c, &log, &c);
    watcher_start(a);
    watcher_start(b);
    watcher_start(c);
    double t = env_monotonic(loop_env(log.l));
    loop_run(log.l, 0);
    ck_assert_str_eq(log.text, "bca");
    ck_assert(log.at[0] - t >= 0.0099);
    ck_assert(log.at[1] - t >= 0.0199);
    ck_assert(log.at[2] - t >= 0.0299);
    watcher_free(a);
    watcher_free(b);
    watcher_free(c);
    loop_unref(log.l);
}
END_TEST

static void note_until_three(struct watcher *w, int revents, void *arg)
{
    struct log *log = arg;
    note(log, 'r');
    ck_assert(watcher_is_active(w));
    if (log->n == 3)
        watcher_stop(w);
}

START_TEST(repeating_timer_goes_on_until_stopped)
{
    struct log log = {.l = world_loop(_i)};
    struct watcher *w;
    watcher_new_timer(log.l, 0.001, 0.002, note_until_three, &log, &w);
    watcher_start(w);
    watcher_start(w); /* no effect */
    loop_run(log.l, 0);
    ck_assert_str_eq(log.text, "rrr");
    watcher_free(w);
    loop_unref(log.l);
}
END_TEST

static void free_self(struct watcher *w, int revents, void *arg)
{
    note(arg, 'f');
    watcher_free(w);
}

static void free_other(struct watcher *w, int revents, void *arg)
{
    struct log *log = arg;
    note(log, 'o');
    watcher_free(log->other);
    log->other = NULL;
}

START_TEST(timer_may_be_freed_in_its_callback_or_anothers)
{
    struct log log = {.l = world_loop(_i)};
    struct watcher *w, *killer;
    watcher_new_timer(log.l, 0, 0.001, free_self, &log, &w);
    watcher_start(w);
    loop_run(log.l, 0);
    ck_assert_str_eq(log.text, "f");
    /* Both expire in one turn; whichever is first, the other is gone or was called. */
    watcher_new_timer(log.l, 0.001, 0, free_other, &log, &killer);
    watcher_new_timer(log.l, 0.0011, 0, note_a, &log, &log.other);
    watcher_start(killer);
    watcher_start(log.other);
    loop_run(log.l, 0);
    ck_assert_ptr_null(log.other);
    ck_assert_ptr_nonnull(strchr(log.text, 'o'));
    watcher_free(killer);
    loop_unref(log.l);
}
END_TEST

static void start_self(struct watcher *w, int revents, void *arg)
{
    struct log *log = arg;
    note(log, 's');
    ck_assert(!watcher_is_active(w));
    if (log->n < 3)
        watcher_start(w);
}

START_TEST(expired_timer_may_be_started_in_its_callback)
{
    struct log log = {.l = world_loop(_i)};
    struct watcher *w;
    watcher_new_timer(log.l, 0.001, 0, start_self, &log, &w);
    watcher_start(w);
    loop_run(log.l, 0);
    ck_assert_str_eq(log.text, "sss");
    watcher_free(w);
    loop_unref(log.l);
}
END_TEST

START_TEST(again_starts_with_the_period_or_stops)
{
    struct log log = {.l = world_loop(_i)};
    struct watcher *w, *once;
    watcher_new_timer(log.l, 1000, 0.001, note_until_three, &log, &w);
    watcher_timer_again(w);
    loop_run(log.l, 0);
    ck_assert_str_eq(log.text, "rrr");
    watcher_new_timer(log.l, 1000, 0, note_a, &log, &once);
    watcher_start(once);
    watcher_timer_again(once);
    ck_assert(!watcher_is_active(once));
    watcher_free(w);
    watcher_free(once);
    loop_unref(log.l);
}
END_TEST

START_TEST(setting_an_active_timer_takes_effect)
{
    struct log log = {.l = world_loop(_i)};
    struct watcher *w;
    watcher_new_timer(log.l, 1000, 0, note_a, &log, &w);
    watcher_start(w);
    watcher_timer_set(w, 0.001, 0);
    loop_run(log.l, 0);
    ck_assert_str_eq(log.text, "a");
    watcher_free(w);
    loop_unref(log.l);
}
END_TEST

START_TEST(next_wakeup_is_wall_clock)
{
    struct log log = {.l = world_loop(_i)};
    struct watcher *w;
    watcher_new_timer(log.l, 100, 0, note_a, &log, &w);
    ck_assert(watcher_next_wakeup(w) == -1);
    watcher_start(w);
    double left = watcher_next_wakeup(w) - env_time(loop_env(log.l));
    ck_assert(fabs(left - 100) < 10);
    watcher_free(w);
    loop_unref(log.l);
}
END_TEST

/* ---- periodics ---- */

START_TEST(periodic_expires_at_multiples_of_its_interval)
{
    struct log log = {.l = world_loop(_i)};
    struct watcher *w;
    double offset = 0.003, interval = 0.01;
    watcher_new_periodic(log.l, offset, interval, NULL, note_until_three, &log, &w);
    watcher_start(w);
    double k = (watcher_next_wakeup(w) - offset) / interval;
    ck_assert(fabs(k - round(k)) < 1e-2);
    loop_run(log.l, 0);
    ck_assert_int_eq(log.n, 3);
    watcher_free(w);
    loop_unref(log.l);
}
END_TEST

START_TEST(periodic_without_interval_expires_once_at_its_offset)
{
    struct log log = {.l = world_loop(_i)};
    struct watcher *w;
    double at = env_time(loop_env(log.l)) + 0.005;
    watcher_new_periodic(log.l, at, 0, NULL, note_a, &log, &w);
    watcher_start(w);
    ck_assert(fabs(watcher_next_wakeup(w) - at) < 1e-6);
    loop_run(log.l, 0);
    ck_assert_str_eq(log.text, "a");
    ck_assert(!watcher_is_active(w));
    watcher_free(w);
    loop_unref(log.l);
}
END_TEST

static double in_two_ms(struct watcher *w, double now, void *arg)
{
    return now + 0.002;
}

START_TEST(periodic_may_say_when_next)
{
    struct log log = {.l = world_loop(_i)};
    struct watcher *w;
    watcher_new_periodic(log.l, 0, 0, in_two_ms, note_until_three, &log, &w);
    watcher_start(w);
    loop_run(log.l, 0);
    ck_assert_int_eq(log.n, 3);
    watcher_periodic_set(w, 0, 1000, NULL);
    watcher_start(w);
    double left = watcher_next_wakeup(w) - env_time(loop_env(log.l));
    ck_assert(left > 0 && left <= 1000);
    watcher_timer_again(w);
    ck_assert(watcher_is_active(w));
    watcher_free(w);
    loop_unref(log.l);
}
END_TEST

START_TEST(virtual_time_is_exact_and_costs_no_real_time)
{
    struct log log = {.l = world_loop(SIM)};
    struct watcher *w;
    watcher_new_timer(log.l, 1e6, 0, note_a, &log, &w);
    watcher_start(w);
    double wall = env_time(loop_env(log.l));
    loop_run(log.l, 0);
    /* A turn comes at most 10 us after its cause. */
    ck_assert(log.at[0] >= 1e6 && log.at[0] < 1e6 + 1e-4);
    ck_assert(fabs(env_time(loop_env(log.l)) - wall - 1e6) < 1e-3);
    watcher_free(w);
    loop_unref(log.l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/timer");
    TCase *tc = tcase_create("timer");
    tcase_add_loop_test(tc, timers_expire_in_order_of_time, 0, WORLDS);
    tcase_add_loop_test(tc, repeating_timer_goes_on_until_stopped, 0, WORLDS);
    tcase_add_loop_test(tc, timer_may_be_freed_in_its_callback_or_anothers, 0, WORLDS);
    tcase_add_loop_test(tc, expired_timer_may_be_started_in_its_callback, 0, WORLDS);
    tcase_add_loop_test(tc, again_starts_with_the_period_or_stops, 0, WORLDS);
    tcase_add_loop_test(tc, setting_an_active_timer_takes_effect, 0, WORLDS);
    tcase_add_loop_test(tc, next_wakeup_is_wall_clock, 0, WORLDS);
    tcase_add_loop_test(tc, periodic_expires_at_multiples_of_its_interval, 0, WORLDS);
    tcase_add_loop_test(tc, periodic_without_interval_expires_once_at_its_offset, 0,
                        WORLDS);
    tcase_add_loop_test(tc, periodic_may_say_when_next, 0, WORLDS);
    tcase_add_test(tc, virtual_time_is_exact_and_costs_no_real_time);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
