/* Signal watchers. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include "world.h"

struct log {
    struct loop *l;
    int n;
    int signum;
};

static void on_signal(struct watcher *w, int revents, void *arg)
{
    struct log *log = arg;
    log->n++;
    log->signum = watcher_signal_get(w);
}

static bool blocked(int signum)
{
    sigset_t set;
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    return sigismember(&set, signum);
}

START_TEST(signal_is_delivered_to_the_loop)
{
    struct log log = {.l = world_loop(REAL)};
    struct watcher *w;
    ck_assert_int_eq(watcher_new_signal(log.l, SIGUSR1, on_signal, &log, &w), 0);
    ck_assert_int_eq(watcher_signal_get(w), SIGUSR1);
    watcher_start(w);
    raise(SIGUSR1);
    loop_run(log.l, LOOP_ONCE);
    ck_assert_int_eq(log.n, 1);
    ck_assert_int_eq(log.signum, SIGUSR1);
    watcher_free(w);
    loop_unref(log.l);
}
END_TEST

START_TEST(starting_blocks_the_signal_and_stopping_undoes_that)
{
    struct log log = {.l = world_loop(REAL)};
    struct watcher *a, *b;
    watcher_new_signal(log.l, SIGUSR1, on_signal, &log, &a);
    watcher_new_signal(log.l, SIGUSR1, on_signal, &log, &b);
    ck_assert(!blocked(SIGUSR1));
    watcher_start(a);
    watcher_start(b);
    ck_assert(blocked(SIGUSR1));
    watcher_stop(a);
    ck_assert(blocked(SIGUSR1));
    raise(SIGUSR1); /* undelivered: gone with the last watcher, or it would kill us */
    watcher_stop(b);
    ck_assert(!blocked(SIGUSR1));
    watcher_free(a);
    watcher_free(b);
    loop_unref(log.l);
}
END_TEST

START_TEST(all_watchers_of_a_loop_hear_a_signal)
{
    struct log log = {.l = world_loop(REAL)};
    struct watcher *a, *b, *other;
    watcher_new_signal(log.l, SIGUSR1, on_signal, &log, &a);
    watcher_new_signal(log.l, SIGUSR1, on_signal, &log, &b);
    watcher_new_signal(log.l, SIGUSR2, on_signal, &log, &other);
    watcher_start(a);
    watcher_start(b);
    watcher_start(other);
    raise(SIGUSR1);
    loop_run(log.l, LOOP_ONCE);
    ck_assert_int_eq(log.n, 2);
    watcher_free(a);
    watcher_free(b);
    watcher_free(other);
    loop_unref(log.l);
}
END_TEST

static void free_self(struct watcher *w, int revents, void *arg)
{
    ++*(int *)arg;
    watcher_free(w);
}

START_TEST(signal_watcher_may_be_freed_in_its_callback)
{
    struct loop *l = world_loop(REAL);
    struct watcher *w;
    int n = 0;
    watcher_new_signal(l, SIGUSR1, free_self, &n, &w);
    watcher_start(w);
    raise(SIGUSR1);
    ck_assert_int_eq(loop_run(l, 0), 0);
    ck_assert_int_eq(n, 1);
    loop_unref(l);
}
END_TEST

START_TEST(signals_that_cannot_be_caught_are_refused)
{
    struct loop *l = world_loop(REAL);
    struct watcher *w;
    ck_assert_int_eq(watcher_new_signal(l, SIGKILL, on_signal, NULL, &w), -EINVAL);
    ck_assert_int_eq(watcher_new_signal(l, 0, on_signal, NULL, &w), -EINVAL);
    ck_assert_int_eq(watcher_new_signal(l, 9999, on_signal, NULL, &w), -EINVAL);
    loop_unref(l);
}
END_TEST

START_TEST(unreferenced_signal_watcher_does_not_keep_the_run_going)
{
    struct loop *l = world_loop(REAL);
    struct watcher *w;
    watcher_new_signal(l, SIGUSR1, on_signal, NULL, &w);
    watcher_unref(w);
    watcher_start(w);
    ck_assert_int_eq(loop_run(l, 0), 0);
    watcher_free(w);
    loop_unref(l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/signal");
    TCase *tc = tcase_create("signal");
    tcase_add_test(tc, signal_is_delivered_to_the_loop);
    tcase_add_test(tc, starting_blocks_the_signal_and_stopping_undoes_that);
    tcase_add_test(tc, all_watchers_of_a_loop_hear_a_signal);
    tcase_add_test(tc, signal_watcher_may_be_freed_in_its_callback);
    tcase_add_test(tc, signals_that_cannot_be_caught_are_refused);
    tcase_add_test(tc, unreferenced_signal_watcher_does_not_keep_the_run_going);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
