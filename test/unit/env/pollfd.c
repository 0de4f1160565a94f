/* The exported descriptor: a foreign loop, here plain poll(), drives ours. */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "world.h"

static bool readable(struct loop *l, int timeout_ms)
{
    struct pollfd p = {.fd = loop_pollfd(l), .events = POLLIN};
    ck_assert_int_ge(p.fd, 0);
    return poll(&p, 1, timeout_ms) == 1;
}

/* One step of the foreign loop; must not need more than 30 s. */
static void step(struct loop *l)
{
    ck_assert_msg(readable(l, 30000), "missed an event");
    loop_run(l, LOOP_NOWAIT);
}

static void count(struct watcher *w, int revents, void *arg)
{
    ++*(int *)arg;
}

static void add(void *arg)
{
    ++*(int *)arg;
}

START_TEST(a_loop_with_nothing_to_do_is_quiet)
{
    struct loop *l = world_loop(REAL);
    ck_assert(!readable(l, 0));
    loop_run(l, LOOP_NOWAIT);
    ck_assert(!readable(l, 0));
    ck_assert_int_eq(loop_pollfd(l), loop_pollfd(l));
    loop_unref(l);
}
END_TEST

START_TEST(timers_are_seen)
{
    struct loop *l = world_loop(REAL);
    struct watcher *before, *after, *repeat;
    int n = 0, r = 0;
    watcher_new_timer(l, 0.010, 0, count, &n, &before);
    watcher_start(before);
    ck_assert(!readable(l, 0));
    watcher_new_timer(l, 0.005, 0, count, &n, &after);
    watcher_start(after);
    while (n < 2)
        step(l);
    ck_assert(!readable(l, 20));
    watcher_new_timer(l, 0.001, 0.002, count, &r, &repeat);
    watcher_start(repeat);
    while (r < 20)
        step(l);
    watcher_stop(repeat);
    watcher_free(before);
    watcher_free(after);
    watcher_free(repeat);
    loop_unref(l);
}
END_TEST

START_TEST(time_spent_outside_does_not_shorten_a_timer)
{
    struct loop *l = world_loop(REAL);
    struct watcher *w;
    int n = 0;
    loop_run(l, LOOP_NOWAIT);
    readable(l, 50); /* the host is busy with something else */
    watcher_new_timer(l, 0.030, 0, count, &n, &w);
    double t = env_monotonic(loop_env(l));
    watcher_start(w);
    while (n < 1)
        step(l);
    ck_assert(env_monotonic(loop_env(l)) - t >= 0.0299);
    watcher_free(w);
    loop_unref(l);
}
END_TEST

START_TEST(stopped_timers_cost_at_most_one_wake_up)
{
    struct loop *l = world_loop(REAL);
    struct watcher *w;
    int n = 0;
    loop_pollfd(l);
    watcher_new_timer(l, 0.001, 0, count, &n, &w);
    watcher_start(w);
    watcher_stop(w);
    if (readable(l, 20))
        loop_run(l, LOOP_NOWAIT);
    ck_assert(!readable(l, 20));
    ck_assert_int_eq(n, 0);
    watcher_free(w);
    loop_unref(l);
}
END_TEST

START_TEST(many_random_timers_all_come)
{
    enum { N = 200 };
    struct loop *l = world_loop(REAL);
    struct watcher *w[N];
    int n = 0;
    for (int i = 0; i < N; i++) {
        unsigned char r;
        env_random(loop_env(l), &r, 1);
        watcher_new_timer(l, r * 1e-4, 0, count, &n, &w[i]);
        watcher_start(w[i]);
        if (i == N / 2)
            loop_pollfd(l);
    }
    while (n < N)
        step(l);
    for (int i = 0; i < N; i++)
        watcher_free(w[i]);
    loop_unref(l);
}
END_TEST

START_TEST(periodics_are_seen)
{
    struct loop *l = world_loop(REAL);
    struct watcher *w;
    int n = 0;
    loop_pollfd(l);
    watcher_new_periodic(l, 0, 0.004, NULL, count, &n, &w);
    watcher_start(w);
    while (n < 3)
        step(l);
    watcher_free(w);
    loop_unref(l);
}
END_TEST

static void on_in(struct watcher *w, int revents, void *arg)
{
    char c;
    int *fd = arg;
    ck_assert_int_eq(read(fd[0], &c, 1), 1);
    fd[2]++;
}

START_TEST(descriptors_are_seen_with_the_union_of_their_watchers)
{
    struct loop *l = world_loop(REAL);
    struct watcher *in, *out;
    int fd[3] = {0}, n = 0;
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    watcher_new_fd(l, fd[0], LOOP_IN, on_in, fd, &in);
    watcher_start(in); /* before the descriptor is asked for */
    ck_assert(!readable(l, 0));
    ck_assert_int_eq(write(fd[1], "x", 1), 1);
    step(l);
    ck_assert_int_eq(fd[2], 1);
    ck_assert(!readable(l, 0));
    watcher_new_fd(l, fd[0], LOOP_OUT, count, &n, &out);
    watcher_start(out);
    step(l);
    ck_assert_int_eq(n, 1);
    watcher_stop(out);
    ck_assert(!readable(l, 0));
    ck_assert_int_eq(write(fd[1], "x", 1), 1);
    step(l);
    ck_assert_int_eq(fd[2], 2);
    watcher_stop(in);
    ck_assert_int_eq(write(fd[1], "x", 1), 1);
    ck_assert(!readable(l, 0));
    watcher_start(in);
    step(l);
    ck_assert_int_eq(fd[2], 3);
    watcher_free(in);
    watcher_free(out);
    close(fd[0]);
    close(fd[1]);
    loop_unref(l);
}
END_TEST

START_TEST(a_reused_descriptor_number_is_seen)
{
    struct loop *l = world_loop(REAL);
    int a[3] = {0}, b[3] = {0};
    struct watcher *w;
    loop_pollfd(l);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, a), 0);
    watcher_new_fd(l, a[0], LOOP_IN, on_in, a, &w);
    watcher_start(w);
    loop_run(l, LOOP_NOWAIT);
    close(a[0]); /* before the watcher is stopped, as careless programs do */
    watcher_free(w);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, b), 0);
    ck_assert_int_eq(b[0], a[0]);
    watcher_new_fd(l, b[0], LOOP_IN, on_in, b, &w);
    watcher_start(w);
    ck_assert_int_eq(write(b[1], "x", 1), 1);
    step(l);
    ck_assert_int_eq(b[2], 1);
    watcher_free(w);
    close(a[1]);
    close(b[0]);
    close(b[1]);
    loop_unref(l);
}
END_TEST

static void post_more(void *arg)
{
    struct loop **l = arg;
    loop_post(*l, add, l + 1);
}

START_TEST(posts_are_seen_wherever_they_come_from)
{
    struct {
        struct loop *l;
        int n;
    } x = {world_loop(REAL), 0};
    loop_pollfd(x.l);
    loop_post(x.l, add, &x.n); /* from outside a run */
    step(x.l);
    ck_assert_int_eq(x.n, 1);
    loop_post(x.l, post_more, &x); /* from inside: left over for the next run */
    while (x.n < 2)
        step(x.l);
    loop_run(x.l, LOOP_NOWAIT);
    ck_assert(!readable(x.l, 0));
    loop_unref(x.l);
}
END_TEST

START_TEST(a_post_from_before_is_seen)
{
    struct loop *l = world_loop(REAL);
    int n = 0;
    loop_post(l, add, &n);
    step(l);
    ck_assert_int_eq(n, 1);
    loop_unref(l);
}
END_TEST

START_TEST(idle_watchers_are_seen)
{
    struct loop *l = world_loop(REAL);
    struct watcher *w;
    int n = 0;
    loop_pollfd(l);
    watcher_new_idle(l, count, &n, &w);
    watcher_start(w);
    while (n < 5)
        step(l);
    watcher_stop(w);
    if (readable(l, 0))
        loop_run(l, LOOP_NOWAIT);
    ck_assert(!readable(l, 0));
    watcher_free(w);
    loop_unref(l);
}
END_TEST

enum { KICKS = 2000 };

struct shared {
    struct watcher *w;
    atomic_int produced;
    int seen;
};

static void *kick(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < KICKS; i++) {
        atomic_fetch_add(&s->produced, 1);
        watcher_kick(s->w);
    }
    return NULL;
}

static void look(struct watcher *w, int revents, void *arg)
{
    struct shared *s = arg;
    s->seen = atomic_load(&s->produced);
}

START_TEST(kicks_from_another_thread_are_seen)
{
    struct loop *l = world_loop(REAL);
    struct shared s = {0};
    pthread_t t;
    loop_pollfd(l);
    watcher_new_async(l, look, &s, &s.w);
    watcher_start(s.w);
    ck_assert_int_eq(pthread_create(&t, NULL, kick, &s), 0);
    while (s.seen < KICKS)
        step(l);
    pthread_join(t, NULL);
    watcher_free(s.w);
    loop_unref(l);
}
END_TEST

static void work(void *arg)
{
    ++*(int *)arg;
}

static void done(void *arg)
{
    ((int *)arg)[1]++;
}

START_TEST(finished_work_is_seen)
{
    struct loop *l = world_loop(REAL);
    int n[2] = {0};
    loop_pollfd(l);
    loop_work(l, work, done, n);
    while (n[1] < 1)
        step(l);
    ck_assert_int_eq(n[0], 1);
    loop_unref(l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/pollfd");
    TCase *tc = tcase_create("pollfd");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, a_loop_with_nothing_to_do_is_quiet);
    tcase_add_test(tc, timers_are_seen);
    tcase_add_test(tc, time_spent_outside_does_not_shorten_a_timer);
    tcase_add_test(tc, stopped_timers_cost_at_most_one_wake_up);
    tcase_add_test(tc, many_random_timers_all_come);
    tcase_add_test(tc, periodics_are_seen);
    tcase_add_test(tc, descriptors_are_seen_with_the_union_of_their_watchers);
    tcase_add_test(tc, a_reused_descriptor_number_is_seen);
    tcase_add_test(tc, posts_are_seen_wherever_they_come_from);
    tcase_add_test(tc, a_post_from_before_is_seen);
    tcase_add_test(tc, idle_watchers_are_seen);
    tcase_add_test(tc, kicks_from_another_thread_are_seen);
    tcase_add_test(tc, finished_work_is_seen);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
