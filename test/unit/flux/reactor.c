/* The reactor: running, stopping, references; and its watchers. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <flux/core.h>

#include "suite.h"

static void count_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    ++*(int *)arg;
}

static void stop_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    ++*(int *)arg;
    flux_reactor_stop(r);
}

static void stop_error_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    errno = ENOTTY;
    flux_reactor_stop_error(r);
}

START_TEST(without_watchers_run_returns)
{
    flux_reactor_t *r = flux_reactor_create(0);

    ck_assert_int_eq(flux_reactor_run(r, 0), 0);
    FAILS(flux_reactor_run(r, 1234), EINVAL);
    FAILS_NULL(flux_reactor_create(0xff0), EINVAL);
    flux_reactor_destroy(r);
}
END_TEST

START_TEST(a_timer_fires_once)
{
    flux_reactor_t *r = flux_reactor_create(0);
    int n = 0;
    flux_watcher_t *w = flux_timer_watcher_create(r, 0.001, 0, count_cb, &n);

    ck_assert(!flux_watcher_is_active(w));
    flux_watcher_start(w);
    ck_assert(flux_watcher_is_active(w));
    ck_assert_double_ge(flux_watcher_next_wakeup(w), flux_reactor_now(r));
    ck_assert_int_eq(flux_reactor_run(r, 0), 0);
    ck_assert_int_eq(n, 1);
    ck_assert(!flux_watcher_is_active(w));
    FAILS_NULL(flux_timer_watcher_create(r, -1, 0, count_cb, &n), EINVAL);
    flux_watcher_destroy(w);
    flux_reactor_destroy(r);
}
END_TEST

START_TEST(stop_ends_the_run_and_tells_that_watchers_remain)
{
    flux_reactor_t *r = flux_reactor_create(0);
    int n = 0;
    flux_watcher_t *w = flux_timer_watcher_create(r, 0, 0.001, stop_cb, &n);

    flux_watcher_start(w);
    ck_assert_int_gt(flux_reactor_run(r, 0), 0);
    ck_assert_int_gt(flux_reactor_run(r, 0), 0);
    ck_assert_int_eq(n, 2);
    flux_watcher_destroy(w);
    flux_reactor_destroy(r);
}
END_TEST

START_TEST(stop_error_makes_run_fail_with_that_errno)
{
    flux_reactor_t *r = flux_reactor_create(0);
    flux_watcher_t *w = flux_idle_watcher_create(r, stop_error_cb, NULL);

    flux_watcher_start(w);
    FAILS(flux_reactor_run(r, 0), ENOTTY);
    flux_watcher_destroy(w);
    ck_assert_int_eq(flux_reactor_run(r, 0), 0);
    flux_reactor_destroy(r);
}
END_TEST

START_TEST(an_unreferenced_watcher_does_not_keep_it_running)
{
    flux_reactor_t *r = flux_reactor_create(0);
    int n = 0;
    flux_watcher_t *w = flux_timer_watcher_create(r, 1000, 0, count_cb, &n);

    flux_watcher_unref(w);
    ck_assert(!flux_watcher_is_referenced(w));
    flux_watcher_start(w);
    ck_assert_int_eq(flux_reactor_run(r, 0), 0);
    flux_watcher_ref(w);
    ck_assert(flux_watcher_is_referenced(w));
    ck_assert_int_gt(flux_reactor_run(r, FLUX_REACTOR_NOWAIT), 0);
    flux_watcher_destroy(w);
    flux_reactor_destroy(r);
}
END_TEST

START_TEST(active_references_keep_it_running)
{
    flux_reactor_t *r = flux_reactor_create(0);

    flux_reactor_active_incref(r);
    ck_assert_int_gt(flux_reactor_run(r, FLUX_REACTOR_NOWAIT), 0);
    flux_reactor_active_decref(r);
    ck_assert_int_eq(flux_reactor_run(r, 0), 0);
    flux_reactor_destroy(r);
}
END_TEST

START_TEST(a_descriptor_is_watched)
{
    flux_reactor_t *r = flux_reactor_create(0);
    int fd[2], n = 0;
    flux_watcher_t *w;

    OK(pipe(fd));
    w = flux_fd_watcher_create(r, fd[0], FLUX_POLLIN, stop_cb, &n);
    ck_assert_int_eq(flux_fd_watcher_get_fd(w), fd[0]);
    flux_watcher_start(w);
    flux_reactor_run(r, FLUX_REACTOR_NOWAIT);
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(write(fd[1], "x", 1), 1);
    flux_reactor_run(r, 0);
    ck_assert_int_eq(n, 1);
    FAILS_NULL(flux_fd_watcher_create(r, -1, FLUX_POLLIN, stop_cb, &n), EBADF);
    flux_watcher_destroy(w);
    close(fd[0]);
    close(fd[1]);
    flux_reactor_destroy(r);
}
END_TEST

static char order[8];

static void order_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    strcat(order, arg);
    if (strlen(order) >= 3)
        flux_reactor_stop(r);
}

START_TEST(prepare_comes_before_the_wait_and_check_after)
{
    flux_reactor_t *r = flux_reactor_create(0);
    flux_watcher_t *w[3] = {flux_prepare_watcher_create(r, order_cb, "p"),
                            flux_check_watcher_create(r, order_cb, "c"),
                            flux_idle_watcher_create(r, order_cb, "i")};

    flux_watcher_set_priority(w[1], 2);
    for (int i = 0; i < 3; i++)
        flux_watcher_start(w[i]);
    flux_reactor_run(r, FLUX_REACTOR_ONCE);
    ck_assert_int_eq(order[0], 'p');
    ck_assert_ptr_nonnull(strchr(order, 'c'));
    for (int i = 0; i < 3; i++)
        flux_watcher_destroy(w[i]);
    flux_reactor_destroy(r);
}
END_TEST

START_TEST(a_signal_is_watched)
{
    flux_reactor_t *r = flux_reactor_create(0);
    int n = 0;
    flux_watcher_t *w = flux_signal_watcher_create(r, SIGUSR1, stop_cb, &n);

    ck_assert_int_eq(flux_signal_watcher_get_signum(w), SIGUSR1);
    flux_watcher_start(w);
    raise(SIGUSR1);
    flux_reactor_run(r, 0);
    ck_assert_int_eq(n, 1);
    FAILS(flux_fd_watcher_get_fd(w), EINVAL);
    flux_watcher_destroy(w);
    flux_reactor_destroy(r);
}
END_TEST

static double never_again(flux_watcher_t *w, double now, void *arg)
{
    return now + 0.001;
}

START_TEST(a_periodic_reschedules_itself)
{
    flux_reactor_t *r = flux_reactor_create(0);
    int n = 0;
    flux_watcher_t *w = flux_periodic_watcher_create(r, 0, 0, never_again, stop_cb, &n);

    flux_watcher_start(w);
    flux_reactor_run(r, 0);
    flux_reactor_run(r, 0);
    ck_assert_int_eq(n, 2);
    flux_watcher_destroy(w);
    flux_reactor_destroy(r);
}
END_TEST

static void destroy_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    flux_watcher_destroy(w);
    ++*(int *)arg;
}

START_TEST(a_watcher_may_destroy_itself_and_outlive_the_reactor)
{
    flux_reactor_t *r = flux_reactor_create(0);
    int n = 0;
    flux_watcher_t *w = flux_timer_watcher_create(r, 1, 0, count_cb, &n);

    flux_watcher_start(flux_idle_watcher_create(r, destroy_cb, &n));
    flux_reactor_run(r, 0);
    ck_assert_int_eq(n, 1);
    flux_reactor_destroy(r);
    flux_watcher_destroy(w);
}
END_TEST

START_TEST(time_is_the_wall_clock)
{
    flux_reactor_t *r = flux_reactor_create(0);
    double t = flux_reactor_time();

    ck_assert_double_gt(t, 1.6e9);
    flux_reactor_now_update(r);
    ck_assert_double_le(t, flux_reactor_now(r) + 0.001);
    flux_reactor_destroy(r);
}
END_TEST

SUITE_MAIN("flux/reactor", without_watchers_run_returns, a_timer_fires_once,
           stop_ends_the_run_and_tells_that_watchers_remain,
           stop_error_makes_run_fail_with_that_errno,
           an_unreferenced_watcher_does_not_keep_it_running,
           active_references_keep_it_running, a_descriptor_is_watched,
           prepare_comes_before_the_wait_and_check_after, a_signal_is_watched,
           a_periodic_reschedules_itself,
           a_watcher_may_destroy_itself_and_outlive_the_reactor, time_is_the_wall_clock)
