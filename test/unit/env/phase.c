/* Prepare, check and idle watchers: the phases of a turn. */
#include <string.h>

#include "world.h"

struct log {
    struct loop *l;
    char text[256];
    int n;
    struct watcher *idle, *check;
};

static void note(void *arg, char c)
{
    struct log *log = arg;
    if (log->n < 255)
        log->text[log->n++] = c;
}

static void on_prepare(struct watcher *w, int revents, void *arg)
{
    note(arg, 'p');
}
static void on_check(struct watcher *w, int revents, void *arg)
{
    note(arg, 'c');
}
static void on_timer(struct watcher *w, int revents, void *arg)
{
    note(arg, 't');
}

START_TEST(prepare_comes_before_the_wait_and_check_before_the_events)
{
    struct log log = {.l = world_loop(_i)};
    struct watcher *p, *c, *t;
    watcher_new_prepare(log.l, on_prepare, &log, &p);
    watcher_new_check(log.l, on_check, &log, &c);
    watcher_new_timer(log.l, 0.005, 0, on_timer, &log, &t);
    watcher_unref(p);
    watcher_unref(c);
    watcher_start(p);
    watcher_start(c);
    watcher_start(t);
    loop_run(log.l, 0);
    ck_assert_int_eq(log.text[0], 'p');
    ck_assert_ptr_nonnull(strstr(log.text, "pct"));
    watcher_free(p);
    watcher_free(c);
    watcher_free(t);
    loop_unref(log.l);
}
END_TEST

static void on_idle(struct watcher *w, int revents, void *arg)
{
    struct log *log = arg;
    note(log, 'i');
    if (log->n >= 5)
        watcher_stop(w);
}

START_TEST(idle_watcher_runs_when_nothing_else_does)
{
    struct log log = {.l = world_loop(_i)};
    struct watcher *w;
    watcher_new_idle(log.l, on_idle, &log, &w);
    watcher_start(w);
    ck_assert_int_eq(loop_run(log.l, 0), 0);
    ck_assert_str_eq(log.text, "iiiii");
    watcher_free(w);
    loop_unref(log.l);
}
END_TEST

static void nothing(struct watcher *w, int revents, void *arg)
{
}

START_TEST(idle_watcher_does_not_hold_back_time)
{
    struct log log = {.l = world_loop(_i)};
    struct watcher *idle, *t;
    watcher_new_idle(log.l, nothing, NULL, &idle);
    watcher_unref(idle);
    watcher_start(idle);
    watcher_new_timer(log.l, 0.005, 0, on_timer, &log, &t);
    watcher_start(t);
    loop_run(log.l, 0);
    ck_assert_str_eq(log.text, "t");
    watcher_free(idle);
    watcher_free(t);
    loop_unref(log.l);
}
END_TEST

/* The way a message queue is watched: prepare sees that something is there and keeps
 * the loop from waiting, check handles it. */
static void queue_prepare(struct watcher *w, int revents, void *arg)
{
    struct log *log = arg;
    if (log->n < 3)
        watcher_start(log->idle);
}

static void queue_check(struct watcher *w, int revents, void *arg)
{
    struct log *log = arg;
    watcher_stop(log->idle);
    if (log->n < 3)
        note(log, 'm');
    if (log->n == 3)
        loop_stop(log->l);
}

START_TEST(prepare_check_idle_make_a_source_of_events)
{
    struct log log = {.l = world_loop(_i)};
    struct watcher *p, *c;
    watcher_new_prepare(log.l, queue_prepare, &log, &p);
    watcher_new_check(log.l, queue_check, &log, &c);
    watcher_new_idle(log.l, nothing, NULL, &log.idle);
    watcher_start(p);
    watcher_start(c);
    loop_run(log.l, 0);
    ck_assert_str_eq(log.text, "mmm");
    watcher_free(p);
    watcher_free(c);
    watcher_free(log.idle);
    loop_unref(log.l);
}
END_TEST

static void high(struct watcher *w, int revents, void *arg)
{
    note(arg, 'h');
}
static void low(struct watcher *w, int revents, void *arg)
{
    note(arg, 'l');
}

START_TEST(check_watchers_run_by_priority)
{
    struct log log = {.l = world_loop(_i)};
    struct watcher *a, *b, *c, *t;
    watcher_new_check(log.l, low, &log, &a);
    watcher_new_check(log.l, on_check, &log, &b);
    watcher_new_check(log.l, high, &log, &c);
    watcher_set_priority(a, -1);
    watcher_start(a);
    watcher_start(b);
    watcher_start(c);
    watcher_set_priority(c, 2); /* while active */
    watcher_new_timer(log.l, 0.001, 0, on_timer, &log, &t);
    watcher_start(t);
    while (!strchr(log.text, 't'))
        loop_run(log.l, LOOP_ONCE);
    ck_assert_ptr_nonnull(strstr(log.text, "hctl"));
    watcher_free(a);
    watcher_free(b);
    watcher_free(c);
    watcher_free(t);
    loop_unref(log.l);
}
END_TEST

static void free_both(struct watcher *w, int revents, void *arg)
{
    struct log *log = arg;
    note(log, 'f');
    watcher_free(log->check);
    watcher_free(log->idle);
    log->check = log->idle = NULL;
}

START_TEST(watchers_of_a_phase_may_free_each_other)
{
    struct log log = {.l = world_loop(_i)};
    watcher_new_check(log.l, free_both, &log, &log.check);
    watcher_new_check(log.l, free_both, &log, &log.idle);
    watcher_start(log.check);
    watcher_start(log.idle);
    loop_run(log.l, LOOP_NOWAIT);
    ck_assert_str_eq(log.text, "f");
    ck_assert_int_eq(loop_run(log.l, 0), 0);
    loop_unref(log.l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/phase");
    TCase *tc = tcase_create("phase");
    tcase_add_loop_test(tc, prepare_comes_before_the_wait_and_check_before_the_events, 0,
                        WORLDS);
    tcase_add_loop_test(tc, idle_watcher_runs_when_nothing_else_does, 0, WORLDS);
    tcase_add_loop_test(tc, idle_watcher_does_not_hold_back_time, 0, WORLDS);
    tcase_add_loop_test(tc, prepare_check_idle_make_a_source_of_events, 0, WORLDS);
    tcase_add_loop_test(tc, check_watchers_run_by_priority, 0, WORLDS);
    tcase_add_loop_test(tc, watchers_of_a_phase_may_free_each_other, 0, WORLDS);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
