/* Work for worker threads. */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

struct job {
    struct loop *l;
    pthread_t worker;
    sigset_t mask;
    atomic_int worked;
    int done;
};

static void work(void *arg)
{
    struct job *j = arg;
    atomic_fetch_add(&j->worked, 1);
}

static void work_and_look_around(void *arg)
{
    struct job *j = arg;
    j->worker = pthread_self();
    pthread_sigmask(SIG_BLOCK, NULL, &j->mask);
    work(j);
}

static void done(void *arg)
{
    struct job *j = arg;
    ck_assert_int_ge(atomic_load(&j->worked), 1);
    j->done++;
}

START_TEST(work_keeps_the_run_going_until_done)
{
    struct job j = {.l = world_loop(_i)};
    ck_assert_int_eq(loop_work(j.l, work, done, &j), 0);
    ck_assert_int_eq(j.done, 0);
    ck_assert_int_eq(loop_run(j.l, 0), 0);
    ck_assert_int_eq(j.worked, 1);
    ck_assert_int_eq(j.done, 1);
    loop_unref(j.l);
}
END_TEST

START_TEST(done_is_optional)
{
    struct job j = {.l = world_loop(_i)};
    ck_assert_int_eq(loop_work(j.l, work, NULL, &j), 0);
    ck_assert_int_eq(loop_run(j.l, 0), 0);
    ck_assert_int_eq(j.worked, 1);
    loop_unref(j.l);
}
END_TEST

START_TEST(a_loop_that_goes_away_waits_for_its_work)
{
    struct job j = {.l = world_loop(_i)};
    for (int i = 0; i < 10; i++)
        ck_assert_int_eq(loop_work(j.l, work, done, &j), 0);
    loop_unref(j.l);
    ck_assert_int_eq(j.worked, 10);
    ck_assert_int_eq(j.done, 10);
}
END_TEST

START_TEST(work_runs_on_another_thread_with_signals_blocked)
{
    struct job j = {.l = world_loop(REAL)};
    loop_work(j.l, work_and_look_around, done, &j);
    loop_run(j.l, 0);
    ck_assert(!pthread_equal(j.worker, pthread_self()));
    ck_assert(sigismember(&j.mask, SIGTERM));
    ck_assert(sigismember(&j.mask, SIGCHLD));
    loop_unref(j.l);
}
END_TEST

START_TEST(much_work_is_all_done)
{
    struct job j = {.l = world_loop(_i)};
    for (int i = 0; i < 5000; i++)
        ck_assert_int_eq(loop_work(j.l, work, done, &j), 0);
    ck_assert_int_eq(loop_run(j.l, 0), 0);
    ck_assert_int_eq(j.done, 5000);
    loop_unref(j.l);
}
END_TEST

/* Each half waits for the other: it takes two workers. */
struct meeting {
    pthread_barrier_t barrier;
    atomic_int met;
};

static void meet(void *arg)
{
    struct meeting *m = arg;
    pthread_barrier_wait(&m->barrier);
    atomic_fetch_add(&m->met, 1);
}

START_TEST(two_pieces_of_work_run_at_once)
{
    struct loop *l = world_loop(REAL);
    struct meeting m = {.met = 0};
    pthread_barrier_init(&m.barrier, NULL, 2);
    loop_work(l, meet, NULL, &m);
    loop_work(l, meet, NULL, &m);
    loop_run(l, 0);
    ck_assert_int_eq(m.met, 2);
    pthread_barrier_destroy(&m.barrier);
    loop_unref(l);
}
END_TEST

START_TEST(loops_on_two_threads_share_the_workers)
{
    struct env *env = world_new(REAL);
    struct loop *l[2];
    struct job j[2];
    memset(j, 0, sizeof(j));
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(loop_new(env, &l[i]), 0);
        for (int k = 0; k < 100; k++)
            loop_work(l[i], work, done, &j[i]);
    }
    for (int i = 0; i < 2; i++) {
        loop_run(l[i], 0);
        ck_assert_int_eq(j[i].done, 100);
        loop_unref(l[i]);
    }
    env_unref(env);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/work");
    TCase *tc = tcase_create("work");
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, work_keeps_the_run_going_until_done, 0, WORLDS);
    tcase_add_loop_test(tc, done_is_optional, 0, WORLDS);
    tcase_add_loop_test(tc, a_loop_that_goes_away_waits_for_its_work, 0, WORLDS);
    tcase_add_loop_test(tc, much_work_is_all_done, 0, WORLDS);
    tcase_add_test(tc, work_runs_on_another_thread_with_signals_blocked);
    tcase_add_test(tc, two_pieces_of_work_run_at_once);
    tcase_add_test(tc, loops_on_two_threads_share_the_workers);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
