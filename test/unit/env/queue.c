/* Posts and async watchers: how other threads reach a loop. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

struct log {
    struct loop *l;
    char text[64];
    int n;
    struct watcher *w;
};

static void add_a(void *arg)
{
    struct log *log = arg;
    log->text[log->n++] = 'a';
}
static void add_b(void *arg)
{
    struct log *log = arg;
    log->text[log->n++] = 'b';
}

START_TEST(posts_run_in_order_even_without_watchers)
{
    struct log log = {.l = world_loop(_i)};
    ck_assert_int_eq(loop_post(log.l, add_a, &log), 0);
    ck_assert_int_eq(loop_post(log.l, add_b, &log), 0);
    ck_assert_int_eq(loop_post(log.l, add_a, &log), 0);
    ck_assert_int_eq(loop_run(log.l, 0), 0);
    ck_assert_str_eq(log.text, "aba");
    loop_unref(log.l);
}
END_TEST

static void post_again(void *arg)
{
    struct log *log = arg;
    add_a(log);
    if (log->n < 5)
        loop_post(log->l, post_again, log);
}

START_TEST(posts_may_post)
{
    struct log log = {.l = world_loop(_i)};
    loop_post(log.l, post_again, &log);
    ck_assert_int_eq(loop_run(log.l, 0), 0);
    ck_assert_str_eq(log.text, "aaaaa");
    loop_unref(log.l);
}
END_TEST

static void on_timer(struct watcher *w, int revents, void *arg)
{
    struct log *log = arg;
    log->text[log->n++] = 't';
    watcher_stop(w);
}

static void post_forever(void *arg)
{
    struct log *log = arg;
    if (watcher_is_active(log->w))
        loop_post(log->l, post_forever, log);
}

START_TEST(endless_posts_do_not_starve_timers)
{
    struct log log = {.l = world_loop(_i)};
    watcher_new_timer(log.l, 0.005, 0.005, on_timer, &log, &log.w);
    watcher_start(log.w);
    loop_post(log.l, post_forever, &log);
    ck_assert_int_eq(loop_run(log.l, 0), 0);
    ck_assert_str_eq(log.text, "t");
    watcher_free(log.w);
    loop_unref(log.l);
}
END_TEST

static void post_once(struct watcher *w, int revents, void *arg)
{
    struct log *log = arg;
    if (log->n == 0 && log->w) {
        log->w = NULL;
        loop_post(log->l, add_a, log);
    } else if (log->n == 1) {
        loop_stop(log->l);
    }
}

START_TEST(posts_run_though_a_descriptor_is_always_ready)
{
    struct log log = {.l = world_loop(REAL)};
    struct watcher *w;
    int fd[2];
    ck_assert_int_eq(pipe(fd), 0);
    watcher_new_fd(log.l, fd[1], LOOP_OUT, post_once, &log, &w);
    watcher_start(w);
    log.w = w;
    for (int i = 0; i < 1000 && log.n == 0; i++)
        loop_run(log.l, LOOP_ONCE);
    ck_assert_str_eq(log.text, "a");
    watcher_free(w);
    close(fd[0]);
    close(fd[1]);
    loop_unref(log.l);
}
END_TEST

START_TEST(what_is_posted_runs_at_the_latest_when_the_loop_goes)
{
    struct log log = {.l = world_loop(_i)};
    loop_post(log.l, add_a, &log);
    loop_unref(log.l);
    ck_assert_str_eq(log.text, "a");
}
END_TEST

static void on_kick(struct watcher *w, int revents, void *arg)
{
    struct log *log = arg;
    log->text[log->n++] = 'k';
}

START_TEST(kicks_before_a_turn_are_one)
{
    struct log log = {.l = world_loop(_i)};
    ck_assert_int_eq(watcher_new_async(log.l, on_kick, &log, &log.w), 0);
    watcher_start(log.w);
    watcher_kick(log.w);
    watcher_kick(log.w);
    loop_run(log.l, LOOP_ONCE);
    ck_assert_str_eq(log.text, "k");
    loop_run(log.l, LOOP_NOWAIT);
    ck_assert_str_eq(log.text, "k");
    watcher_kick(log.w);
    loop_run(log.l, LOOP_ONCE);
    ck_assert_str_eq(log.text, "kk");
    watcher_free(log.w);
    loop_unref(log.l);
}
END_TEST

START_TEST(stopped_async_watcher_hears_nothing)
{
    struct log log = {.l = world_loop(_i)};
    watcher_new_async(log.l, on_kick, &log, &log.w);
    watcher_kick(log.w);
    loop_run(log.l, LOOP_NOWAIT);
    watcher_start(log.w);
    watcher_kick(log.w);
    watcher_stop(log.w);
    watcher_start(log.w);
    loop_run(log.l, LOOP_NOWAIT);
    ck_assert_str_eq(log.text, "");
    watcher_kick(log.w);
    watcher_free(log.w);
    loop_run(log.l, LOOP_NOWAIT);
    ck_assert_str_eq(log.text, "");
    loop_unref(log.l);
}
END_TEST

static void kick_self_thrice(struct watcher *w, int revents, void *arg)
{
    struct log *log = arg;
    on_kick(w, 0, arg);
    if (log->n < 3)
        watcher_kick(w);
    else
        watcher_free(w);
}

START_TEST(async_watcher_may_kick_and_free_itself)
{
    struct log log = {.l = world_loop(_i)};
    watcher_new_async(log.l, kick_self_thrice, &log, &log.w);
    watcher_start(log.w);
    watcher_kick(log.w);
    ck_assert_int_eq(loop_run(log.l, 0), 0);
    ck_assert_str_eq(log.text, "kkk");
    loop_unref(log.l);
}
END_TEST

/* ---- threads ---- */

enum { THREADS = 4, EACH = 20000 };

struct shared {
    struct loop *l;
    struct watcher *w;
    int posted; /* by the loop's thread only */
    atomic_int produced;
    int seen; /* of produced, by the async watcher */
};

static void count_post(void *arg)
{
    struct shared *s = arg;
    if (++s->posted == THREADS * EACH)
        loop_stop(s->l);
}

static void *post_many(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < EACH; i++)
        loop_post(s->l, count_post, s);
    return NULL;
}

static void never(struct watcher *w, int revents, void *arg)
{
    ck_abort_msg("a watchdog expired");
}

static struct watcher *watchdog(struct loop *l)
{
    struct watcher *w;
    ck_assert_int_eq(watcher_new_timer(l, 60, 0, never, NULL, &w), 0);
    watcher_start(w);
    return w;
}

static void run_with_threads(struct shared *s, void *(*fn)(void *))
{
    pthread_t t[THREADS];
    struct watcher *dog = watchdog(s->l);
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, fn, s), 0);
    loop_run(s->l, 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(t[i], NULL);
    watcher_free(dog);
}

START_TEST(no_post_from_another_thread_is_lost)
{
    struct shared s = {.l = world_loop(REAL)};
    run_with_threads(&s, post_many);
    ck_assert_int_eq(s.posted, THREADS * EACH);
    loop_unref(s.l);
}
END_TEST

static void *produce_many(void *arg)
{
    struct shared *s = arg;
    for (int i = 0; i < EACH; i++) {
        atomic_fetch_add(&s->produced, 1);
        watcher_kick(s->w);
    }
    return NULL;
}

static void look(struct watcher *w, int revents, void *arg)
{
    struct shared *s = arg;
    s->seen = atomic_load(&s->produced);
    if (s->seen == THREADS * EACH)
        loop_stop(s->l);
}

START_TEST(a_kick_from_another_thread_always_leads_to_a_look)
{
    struct shared s = {.l = world_loop(REAL)};
    watcher_new_async(s.l, look, &s, &s.w);
    watcher_start(s.w);
    run_with_threads(&s, produce_many);
    ck_assert_int_eq(s.seen, THREADS * EACH);
    watcher_free(s.w);
    loop_unref(s.l);
}
END_TEST

static void *kick_until_told(void *arg)
{
    struct shared *s = arg;
    while (atomic_load(&s->produced) == 0)
        watcher_kick(s->w);
    return NULL;
}

static void restart(struct watcher *w, int revents, void *arg)
{
    struct shared *s = arg;
    watcher_stop(s->w);
    watcher_start(s->w);
    if (++s->seen == 200) {
        atomic_store(&s->produced, 1);
        loop_stop(s->l);
    }
}

START_TEST(stopping_and_starting_under_kicks_is_safe)
{
    struct shared s = {.l = world_loop(REAL)};
    struct watcher *t;
    watcher_new_async(s.l, never, NULL, &s.w);
    watcher_free(s.w);
    watcher_new_async(s.l, restart, &s, &s.w);
    watcher_start(s.w);
    watcher_new_timer(s.l, 0, 0.0001, restart, &s, &t);
    watcher_start(t);
    run_with_threads(&s, kick_until_told);
    watcher_free(s.w);
    watcher_free(t);
    loop_unref(s.l);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/queue");
    TCase *tc = tcase_create("one thread");
    tcase_add_loop_test(tc, posts_run_in_order_even_without_watchers, 0, WORLDS);
    tcase_add_loop_test(tc, posts_may_post, 0, WORLDS);
    tcase_add_loop_test(tc, endless_posts_do_not_starve_timers, 0, WORLDS);
    tcase_add_test(tc, posts_run_though_a_descriptor_is_always_ready);
    tcase_add_loop_test(tc, what_is_posted_runs_at_the_latest_when_the_loop_goes, 0,
                        WORLDS);
    tcase_add_loop_test(tc, kicks_before_a_turn_are_one, 0, WORLDS);
    tcase_add_loop_test(tc, stopped_async_watcher_hears_nothing, 0, WORLDS);
    tcase_add_loop_test(tc, async_watcher_may_kick_and_free_itself, 0, WORLDS);
    suite_add_tcase(s, tc);
    tc = tcase_create("threads");
    tcase_add_test(tc, no_post_from_another_thread_is_lost);
    tcase_add_test(tc, a_kick_from_another_thread_always_leads_to_a_look);
    tcase_add_test(tc, stopping_and_starting_under_kicks_is_safe);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
