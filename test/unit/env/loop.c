/* Running a loop: when it ends, what keeps it going; and its descriptors. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "world.h"

static void count(struct watcher *w, int revents, void *arg)
{
    ++*(int *)arg;
}

static void stop_loop(struct watcher *w, int revents, void *arg)
{
    loop_stop(arg);
}

START_TEST(run_without_watchers_returns_zero)
{
    struct loop *l = world_loop(_i);
    ck_assert_int_eq(loop_run(l, 0), 0);
    ck_assert_int_eq(loop_run(l, LOOP_NOWAIT), 0);
    ck_assert_int_eq(loop_run(l, LOOP_ONCE), 0);
    loop_unref(l);
}
END_TEST

START_TEST(run_ends_with_the_last_active_watcher)
{
    struct loop *l = world_loop(_i);
    struct watcher *w;
    int n = 0;
    ck_assert_int_eq(watcher_new_timer(l, 0.001, 0, count, &n, &w), 0);
    watcher_start(w);
    ck_assert(watcher_is_active(w));
    ck_assert_int_eq(loop_run(l, 0), 0);
    ck_assert_int_eq(n, 1);
    ck_assert(!watcher_is_active(w));
    watcher_free(w);
    loop_unref(l);
}
END_TEST

START_TEST(stop_ends_the_run_and_tells_that_watchers_are_left)
{
    struct loop *l = world_loop(_i);
    struct watcher *repeated, *once;
    int n = 0;
    watcher_new_timer(l, 0.001, 0.001, count, &n, &repeated);
    watcher_new_timer(l, 0.0055, 0, stop_loop, l, &once);
    watcher_start(repeated);
    watcher_start(once);
    ck_assert_int_ge(loop_run(l, 0), 1);
    ck_assert_int_ge(n, 1);
    ck_assert(watcher_is_active(repeated));
    watcher_free(repeated);
    watcher_free(once);
    ck_assert_int_eq(loop_run(l, 0), 0);
    loop_unref(l);
}
END_TEST

START_TEST(unreferenced_watcher_does_not_keep_the_run_going)
{
    struct loop *l = world_loop(_i);
    struct watcher *w;
    int n = 0;
    watcher_new_timer(l, 1000, 0, count, &n, &w);
    watcher_unref(w);
    ck_assert(!watcher_is_referenced(w));
    watcher_start(w);
    ck_assert_int_eq(loop_run(l, 0), 0);
    watcher_ref(w);
    watcher_unref(w);
    watcher_unref(w); /* twice is once */
    ck_assert_int_eq(loop_run(l, 0), 0);
    watcher_stop(w);
    watcher_ref(w);
    ck_assert(watcher_is_referenced(w));
    watcher_start(w);
    ck_assert_int_eq(loop_run(l, LOOP_NOWAIT), 1);
    watcher_free(w);
    ck_assert_int_eq(loop_run(l, LOOP_NOWAIT), 0);
    loop_unref(l);
}
END_TEST

START_TEST(expired_unreferenced_timer_leaves_the_count_right)
{
    struct loop *l = world_loop(_i);
    struct watcher *once, *other;
    int n = 0;
    watcher_new_timer(l, 0.001, 0, count, &n, &once);
    watcher_unref(once);
    watcher_start(once);
    watcher_new_timer(l, 0.003, 0, count, &n, &other);
    watcher_start(other);
    ck_assert_int_eq(loop_run(l, 0), 0);
    ck_assert_int_eq(n, 2);
    /* Were the count one too low, this run would end at once. */
    watcher_timer_set(other, 0.001, 0);
    watcher_start(other);
    ck_assert_int_eq(loop_run(l, 0), 0);
    ck_assert_int_eq(n, 3);
    watcher_free(once);
    watcher_free(other);
    loop_unref(l);
}
END_TEST

START_TEST(once_handles_one_event)
{
    struct loop *l = world_loop(_i);
    struct watcher *w;
    int n = 0;
    watcher_new_timer(l, 0.001, 0.001, count, &n, &w);
    watcher_start(w);
    while (n == 0)
        ck_assert_int_ge(loop_run(l, LOOP_ONCE), 1);
    ck_assert_int_eq(n, 1);
    watcher_free(w);
    loop_unref(l);
}
END_TEST

START_TEST(nowait_does_not_wait)
{
    struct loop *l = world_loop(_i);
    struct watcher *w;
    int n = 0;
    double t = env_monotonic(loop_env(l));
    watcher_new_timer(l, 1000, 0, count, &n, &w);
    watcher_start(w);
    ck_assert_int_eq(loop_run(l, LOOP_NOWAIT), 1);
    ck_assert_int_eq(n, 0);
    ck_assert(env_monotonic(loop_env(l)) - t < 100);
    watcher_free(w);
    loop_unref(l);
}
END_TEST

struct nested {
    struct loop *l;
    int n;
};

static void run_nested(struct watcher *w, int revents, void *arg)
{
    struct nested *x = arg;
    struct watcher *inner;
    watcher_new_timer(x->l, 0.001, 0, stop_loop, x->l, &inner);
    watcher_start(inner);
    loop_run(x->l, 0);
    watcher_free(inner);
    x->n++;
}

START_TEST(stop_ends_only_the_innermost_run)
{
    struct nested x = {world_loop(_i), 0};
    struct watcher *w, *later;
    int n = 0;
    watcher_new_timer(x.l, 0.001, 0, run_nested, &x, &w);
    watcher_new_timer(x.l, 0.020, 0, count, &n, &later);
    watcher_start(w);
    watcher_start(later);
    ck_assert_int_eq(loop_run(x.l, 0), 0);
    ck_assert_int_eq(x.n, 1);
    ck_assert_int_eq(n, 1);
    watcher_free(w);
    watcher_free(later);
    loop_unref(x.l);
}
END_TEST

static void unref_loop(struct watcher *w, int revents, void *arg)
{
    watcher_free(w);
    loop_unref(arg);
}

START_TEST(loop_survives_its_last_reference_inside_a_run)
{
    struct loop *l = world_loop(_i);
    struct watcher *w;
    watcher_new_timer(l, 0, 0, unref_loop, l, &w);
    watcher_start(w);
    ck_assert_int_eq(loop_run(l, 0), 0);
}
END_TEST

START_TEST(now_follows_the_wall_clock)
{
    struct loop *l = world_loop(_i);
    struct env *env = loop_env(l);
    loop_now_update(l);
    double now = loop_now(l), t = env_time(env);
    ck_assert(now <= t + 1e-3 && now > t - 60);
    loop_unref(l);
}
END_TEST

/* ---- descriptors ---- */

struct pair {
    struct loop *l;
    int fd[2];
    int revents, n;
    struct watcher *w;
};

static void pair_init(struct pair *p)
{
    memset(p, 0, sizeof(*p));
    p->l = world_loop(REAL);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, p->fd), 0);
}

static void pair_fini(struct pair *p)
{
    watcher_free(p->w);
    close(p->fd[0]);
    close(p->fd[1]);
    loop_unref(p->l);
}

static void on_ready(struct watcher *w, int revents, void *arg)
{
    struct pair *p = arg;
    char c;
    p->revents = revents;
    p->n++;
    if (revents & LOOP_IN)
        ck_assert_int_ge(read(p->fd[0], &c, 1), 0);
}

START_TEST(fd_watcher_tells_what_is_ready)
{
    struct pair p;
    pair_init(&p);
    ck_assert_int_eq(watcher_new_fd(p.l, p.fd[0], LOOP_IN, on_ready, &p, &p.w), 0);
    watcher_start(p.w);
    loop_run(p.l, LOOP_NOWAIT);
    ck_assert_int_eq(p.n, 0);
    ck_assert_int_eq(write(p.fd[1], "x", 1), 1);
    loop_run(p.l, LOOP_ONCE);
    ck_assert_int_eq(p.n, 1);
    ck_assert_int_eq(p.revents, LOOP_IN);
    watcher_fd_set_events(p.w, LOOP_IN | LOOP_OUT);
    loop_run(p.l, LOOP_ONCE);
    ck_assert_int_eq(p.revents, LOOP_OUT);
    watcher_fd_set_events(p.w, LOOP_OUT);
    watcher_stop(p.w);
    p.n = 0;
    loop_run(p.l, LOOP_NOWAIT);
    ck_assert_int_eq(p.n, 0);
    pair_fini(&p);
}
END_TEST

START_TEST(fd_watcher_sees_the_end)
{
    struct pair p;
    pair_init(&p);
    watcher_new_fd(p.l, p.fd[0], LOOP_IN, on_ready, &p, &p.w);
    watcher_start(p.w);
    shutdown(p.fd[1], SHUT_RDWR);
    loop_run(p.l, LOOP_ONCE);
    ck_assert(p.revents & LOOP_IN);
    pair_fini(&p);
}
END_TEST

static void free_it(struct watcher *w, int revents, void *arg)
{
    struct pair *p = arg;
    p->n++;
    watcher_free(p->w);
    p->w = NULL;
}

START_TEST(fd_watcher_may_be_freed_in_its_callback)
{
    struct pair p;
    pair_init(&p);
    watcher_new_fd(p.l, p.fd[0], LOOP_OUT, free_it, &p, &p.w);
    watcher_start(p.w);
    ck_assert_int_eq(loop_run(p.l, 0), 0);
    ck_assert_int_eq(p.n, 1);
    pair_fini(&p);
}
END_TEST

START_TEST(watcher_of_a_closed_descriptor_is_refused)
{
    struct pair p;
    int fd;
    pair_init(&p);
    fd = dup(p.fd[0]);
    close(fd);
    ck_assert_int_eq(watcher_new_fd(p.l, fd, LOOP_IN, on_ready, &p, &p.w), -EBADF);
    pair_fini(&p);
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    struct loop *l = world_loop(_i);
    struct watcher *w = NULL;
    ck_assert_int_eq(watcher_new_fd(l, -1, LOOP_IN, count, NULL, &w), -EBADF);
    ck_assert_int_eq(watcher_new_timer(l, -1, 0, count, NULL, &w), -EINVAL);
    ck_assert_int_eq(watcher_new_timer(l, 0, -1, count, NULL, &w), -EINVAL);
    ck_assert_int_eq(watcher_new_periodic(l, -1, 0, NULL, count, NULL, &w), -EINVAL);
    ck_assert_int_eq(watcher_new_periodic(l, 0, -1, NULL, count, NULL, &w), -EINVAL);
    ck_assert_ptr_null(w);
    watcher_free(NULL);
    loop_unref(l);
    loop_unref(NULL);
}
END_TEST

START_TEST(simulated_loops_have_no_descriptors)
{
    struct loop *l = world_loop(SIM);
    struct watcher *w;
    ck_assert_int_eq(watcher_new_fd(l, 0, LOOP_IN, count, NULL, &w), -ENOTSUP);
    ck_assert_int_eq(watcher_new_signal(l, 10, count, NULL, &w), -ENOTSUP);
    ck_assert_int_eq(loop_pollfd(l), -ENOTSUP);
    loop_unref(l);
}
END_TEST

START_TEST(libev_keeps_its_names_to_itself)
{
    struct loop *l = world_loop(REAL);
    FILE *f = fopen("/proc/self/maps", "r");
    char line[512];
    bool there = false;
    while (fgets(line, sizeof(line), f))
        there = there || strstr(line, "libev.so.4");
    fclose(f);
    ck_assert(there);
    loop_unref(l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/loop");
    TCase *tc = tcase_create("both worlds");
    tcase_add_loop_test(tc, run_without_watchers_returns_zero, 0, WORLDS);
    tcase_add_loop_test(tc, run_ends_with_the_last_active_watcher, 0, WORLDS);
    tcase_add_loop_test(tc, stop_ends_the_run_and_tells_that_watchers_are_left, 0,
                        WORLDS);
    tcase_add_loop_test(tc, unreferenced_watcher_does_not_keep_the_run_going, 0, WORLDS);
    tcase_add_loop_test(tc, expired_unreferenced_timer_leaves_the_count_right, 0, WORLDS);
    tcase_add_loop_test(tc, once_handles_one_event, 0, WORLDS);
    tcase_add_loop_test(tc, nowait_does_not_wait, 0, WORLDS);
    tcase_add_loop_test(tc, stop_ends_only_the_innermost_run, 0, WORLDS);
    tcase_add_loop_test(tc, loop_survives_its_last_reference_inside_a_run, 0, WORLDS);
    tcase_add_loop_test(tc, now_follows_the_wall_clock, 0, WORLDS);
    tcase_add_loop_test(tc, bad_arguments_are_refused, 0, WORLDS);
    suite_add_tcase(s, tc);
    tc = tcase_create("descriptors");
    tcase_add_test(tc, fd_watcher_tells_what_is_ready);
    tcase_add_test(tc, fd_watcher_sees_the_end);
    tcase_add_test(tc, fd_watcher_may_be_freed_in_its_callback);
    tcase_add_test(tc, watcher_of_a_closed_descriptor_is_refused);
    tcase_add_test(tc, simulated_loops_have_no_descriptors);
    tcase_add_test(tc, libev_keeps_its_names_to_itself);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
