/* The simulated world: what makes a run repeatable, and several loops in one. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "env/file.h"
#include "world.h"

/* A program that leaves many choices open: loops with timers of the same time,
 * posts to each other, work. */
enum { LOOPS = 4 };

struct scene {
    struct env *env;
    struct loop *l[LOOPS];
    struct actor {
        struct scene *scene;
        int id, n;
    } actors[LOOPS];
    char text[512];
};

static void say(struct scene *s, char c)
{
    size_t n = strlen(s->text);
    if (n < sizeof(s->text) - 1)
        s->text[n] = c;
}

static void hear(void *arg)
{
    struct actor *a = arg;
    say(a->scene, (char)('A' + a->id));
}

static void compute(void *arg)
{
    struct actor *a = arg;
    say(a->scene, (char)('0' + a->id));
}

static void act(struct watcher *w, int revents, void *arg)
{
    struct actor *a = arg;
    struct scene *s = a->scene;
    say(s, (char)('a' + a->id));
    int other = (a->id + a->n) % LOOPS;
    loop_post(s->l[other], hear, &s->actors[other]);
    if (a->n % 3 == 0)
        loop_work(s->l[a->id], compute, hear, a);
    if (++a->n == 10)
        watcher_stop(w);
}

static uint64_t play(uint64_t seed, char *ret_text)
{
    struct scene s;
    struct watcher *w[LOOPS];
    memset(&s, 0, sizeof(s));
    ck_assert_int_eq(env_new_sim(seed, &s.env), 0);
    for (int i = 0; i < LOOPS; i++) {
        s.actors[i] = (struct actor){&s, i, 0};
        ck_assert_int_eq(loop_new(s.env, &s.l[i]), 0);
        watcher_new_timer(s.l[i], 0.001, 0.001, act, &s.actors[i], &w[i]);
        watcher_start(w[i]);
    }
    ck_assert_int_eq(env_sim_run(s.env, 100), 0);
    for (int i = 0; i < LOOPS; i++) {
        ck_assert_int_eq(s.actors[i].n, 10);
        watcher_free(w[i]);
        loop_unref(s.l[i]);
    }
    uint64_t hash = env_sim_hash(s.env);
    env_unref(s.env);
    strcpy(ret_text, s.text);
    return hash;
}

START_TEST(equal_seeds_give_equal_runs_and_others_do_not)
{
    char a[512], b[512];
    int texts = 0;
    for (uint64_t seed = 0; seed < 20; seed++) {
        uint64_t first = play(seed, a);
        ck_assert(play(seed, b) == first);
        ck_assert_str_eq(a, b);
        ck_assert(play(seed + 1, b) != first);
        texts += strcmp(a, b) != 0;
    }
    ck_assert_int_ge(texts, 15); /* not only times differ, but what happens first */
}
END_TEST

START_TEST(the_seed_decides_what_comes_first_of_one_moment)
{
    int a_first = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        struct scene s;
        struct watcher *w[2];
        memset(&s, 0, sizeof(s));
        env_new_sim(seed, &s.env);
        loop_new(s.env, &s.l[0]);
        for (int i = 0; i < 2; i++) {
            s.actors[i] = (struct actor){&s, i, 0};
            s.l[i] = s.l[0];
            watcher_new_timer(s.l[0], 1, 0, act, &s.actors[i], &w[i]);
            watcher_start(w[i]);
        }
        env_sim_run(s.env, 10);
        a_first += strchr(s.text, 'a') < strchr(s.text, 'b');
        watcher_free(w[0]);
        watcher_free(w[1]);
        s.l[1] = s.l[2] = s.l[3] = NULL;
        loop_unref(s.l[0]);
        env_unref(s.env);
    }
    ck_assert_int_gt(a_first, 20);
    ck_assert_int_lt(a_first, 80);
}
END_TEST

START_TEST(the_programs_own_events_count)
{
    struct env *a = world_new(SIM), *b = world_new(SIM), *real = world_new(REAL);
    ck_assert(env_sim_hash(a) == env_sim_hash(b));
    env_sim_trace(a, "commit", 1, 2);
    ck_assert(env_sim_hash(a) != env_sim_hash(b));
    env_sim_trace(b, "commit", 1, 2);
    ck_assert(env_sim_hash(a) == env_sim_hash(b));
    env_sim_trace(real, "commit", 1, 2);
    ck_assert(env_sim_hash(real) == 0);
    env_unref(a);
    env_unref(b);
    env_unref(real);
}
END_TEST

START_TEST(randomness_comes_from_the_seed_and_moves_no_event)
{
    struct env *a, *b, *c;
    char x[37], y[37], z[37];
    env_new_sim(7, &a);
    env_new_sim(7, &b);
    env_new_sim(8, &c);
    env_uuid(a, x);
    env_uuid(b, y);
    env_uuid(c, z);
    ck_assert_str_eq(x, y);
    ck_assert_str_ne(x, z);
    env_unref(c);
    /* a draws more numbers than b, and yet the same happens. */
    struct env *envs[] = {a, b};
    for (int i = 0; i < 2; i++) {
        struct loop *l;
        int n = 0;
        loop_new(envs[i], &l);
        for (int k = 0; k < 10; k++) {
            if (i == 0)
                env_random(a, &n, sizeof(n));
            loop_post(l, free, NULL);
            loop_run(l, 0);
        }
        loop_unref(l);
    }
    ck_assert(env_sim_hash(a) == env_sim_hash(b));
    env_unref(a);
    env_unref(b);
}
END_TEST

/* ---- several loops ---- */

static void count(struct watcher *w, int revents, void *arg)
{
    ++*(int *)arg;
}

START_TEST(whoever_runs_one_loop_runs_all)
{
    struct env *env = world_new(SIM);
    struct loop *a, *b;
    struct watcher *wa, *wb;
    int na = 0, nb = 0;
    loop_new(env, &a);
    loop_new(env, &b);
    watcher_new_timer(a, 1, 0, count, &na, &wa);
    watcher_new_timer(b, 0.1, 0.1, count, &nb, &wb);
    watcher_start(wa);
    watcher_start(wb);
    ck_assert_int_eq(loop_run(a, 0), 0); /* ends with a's last watcher */
    ck_assert_int_eq(na, 1);
    ck_assert_int_ge(nb, 9);
    ck_assert_int_le(nb, 10);
    watcher_free(wa);
    watcher_free(wb);
    loop_unref(a);
    loop_unref(b);
    env_unref(env);
}
END_TEST

/* A callback of loop a waits on loop b, to which a third party answers. */
struct blocking {
    struct loop *a, *b, *c;
    struct watcher *answer;
    int turns_of_a;
    char text[32];
};

static void stop_b(void *arg)
{
    struct blocking *x = arg;
    strcat(x->text, "answer ");
    loop_stop(x->b);
}

static void ask(void *arg)
{
    struct blocking *x = arg;
    strcat(x->text, "ask ");
    loop_post(x->b, stop_b, x);
}

static void must_not_nest(void *arg)
{
    struct blocking *x = arg;
    strcat(x->text, "later ");
}

static void block(struct watcher *w, int revents, void *arg)
{
    struct blocking *x = arg;
    loop_post(x->a, must_not_nest, x); /* a is busy: not before we return */
    loop_post(x->c, ask, x);
    watcher_start(x->answer);
    loop_run(x->b, 0);
    watcher_stop(x->answer);
    strcat(x->text, "back ");
}

START_TEST(a_loop_that_waits_on_another_is_not_entered_again)
{
    struct env *env = world_new(SIM);
    struct blocking x = {0};
    struct watcher *w;
    int never = 0;
    loop_new(env, &x.a);
    loop_new(env, &x.b);
    loop_new(env, &x.c);
    watcher_new_async(x.b, count, &never, &x.answer); /* something to wait for */
    watcher_new_timer(x.a, 0, 0, block, &x, &w);
    watcher_start(w);
    ck_assert_int_eq(loop_run(x.a, 0), 0);
    ck_assert_str_eq(x.text, "ask answer back later ");
    watcher_free(w);
    watcher_free(x.answer);
    loop_unref(x.a);
    loop_unref(x.b);
    loop_unref(x.c);
    env_unref(env);
}
END_TEST

START_TEST(waiting_for_what_cannot_happen_is_a_deadlock)
{
    struct loop *l = world_loop(SIM);
    struct watcher *w;
    int n = 0;
    watcher_new_async(l, count, &n, &w);
    watcher_start(w);
    ck_assert_int_eq(loop_run(l, 0), -EDEADLK);
    watcher_kick(w);
    ck_assert_int_eq(loop_run(l, LOOP_ONCE), 1);
    ck_assert_int_eq(n, 1);
    watcher_free(w);
    loop_unref(l);
}
END_TEST

START_TEST(sim_run_goes_up_to_a_time)
{
    struct env *env = world_new(SIM);
    struct loop *l;
    struct watcher *w;
    int n = 0;
    loop_new(env, &l);
    watcher_new_timer(l, 1, 1, count, &n, &w);
    watcher_start(w);
    double wall = env_time(env);
    ck_assert_int_eq(env_sim_run(env, 5.5), 1);
    ck_assert_int_eq(n, 5);
    ck_assert(fabs(env_monotonic(env) - 5.5) < 1e-9);
    ck_assert(fabs(env_time(env) - wall - 5.5) < 1e-6);
    watcher_stop(w);
    ck_assert_int_eq(env_sim_run(env, 100), 0);
    watcher_free(w);
    loop_unref(l);
    env_unref(env);
}
END_TEST

START_TEST(many_timers_started_and_stopped_at_random_keep_their_order)
{
    enum { N = 500 };
    struct env *env = world_new(SIM);
    struct loop *l;
    struct watcher *w[N];
    int n = 0, want = 0;
    loop_new(env, &l);
    for (int i = 0; i < N; i++) {
        unsigned short r;
        env_random(env, &r, sizeof(r));
        watcher_new_timer(l, r * 1e-3, 0, count, &n, &w[i]);
        watcher_start(w[i]);
    }
    for (int i = 0; i < N; i += 3)
        watcher_stop(w[i]);
    for (double t = 0; t < 66; t += 0.5) {
        env_sim_run(env, t);
        want = 0;
        for (int i = 0; i < N; i++)
            want += i % 3 != 0 && !watcher_is_active(w[i]);
        ck_assert_int_eq(n, want);
        for (int i = 0; i < N; i++) {
            if (watcher_is_active(w[i])) /* none is overdue, but for its turn's delay */
                ck_assert(watcher_next_wakeup(w[i]) > env_time(env) - 1e-4);
        }
    }
    ck_assert_int_eq(n, N - (N + 2) / 3);
    for (int i = 0; i < N; i++)
        watcher_free(w[i]);
    loop_unref(l);
    env_unref(env);
}
END_TEST

START_TEST(worlds_share_nothing)
{
    struct env *a = world_new(SIM), *b = world_new(SIM);
    struct stat st;
    ck_assert_int_eq(file_replace(a, "/tmp/x", "x", 1, 0600), 0);
    ck_assert_int_eq(file_stat(a, "/tmp/x", &st), 0);
    ck_assert_int_eq(file_stat(b, "/tmp/x", &st), -ENOENT);
    env_unref(a);
    env_unref(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/sim");
    TCase *tc = tcase_create("sim");
    tcase_add_test(tc, equal_seeds_give_equal_runs_and_others_do_not);
    tcase_add_test(tc, the_seed_decides_what_comes_first_of_one_moment);
    tcase_add_test(tc, the_programs_own_events_count);
    tcase_add_test(tc, randomness_comes_from_the_seed_and_moves_no_event);
    tcase_add_test(tc, whoever_runs_one_loop_runs_all);
    tcase_add_test(tc, a_loop_that_waits_on_another_is_not_entered_again);
    tcase_add_test(tc, waiting_for_what_cannot_happen_is_a_deadlock);
    tcase_add_test(tc, sim_run_goes_up_to_a_time);
    tcase_add_test(tc, many_timers_started_and_stopped_at_random_keep_their_order);
    tcase_add_test(tc, worlds_share_nothing);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
