/* The machine as a whole: see many.h. */
#include <malloc.h>
#include <dirent.h>

#include "many.h"

#define STEP 0.02        /* seconds between two looks at the nodes */
#define BOOT_LIMIT 60.   /* seconds, virtual */
#define QUIET_LIMIT 900. /* after the healing, until everything is done */
#define REST_LIMIT 300.  /* after the clients have gone */

int64_t pick(struct sim *s, int64_t lo, int64_t hi)
{
    return sim_choose(&s->choices, lo, hi);
}

double pick_time(struct sim *s, double lo, double hi)
{
    return lo + (hi - lo) * (double)pick(s, 0, 1000000) * 1e-6;
}

bool pick_chance(struct sim *s, int percent)
{
    return pick(s, 0, 99) < percent;
}

double sim_now(const struct sim *s)
{
    return env_monotonic(s->env);
}

void say(struct sim *s, const struct node *n, const char *fmt, ...)
{
    va_list ap;

    if (!s->trace)
        return;
    fprintf(s->trace, "%12.6f %-8s ", sim_now(s), n ? n->name : "");
    va_start(ap, fmt);
    vfprintf(s->trace, fmt, ap);
    va_end(ap);
    fputc('\n', s->trace);
}

void fail(struct sim *s, const char *fmt, ...)
{
    char text[sizeof(s->why)];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    say(s, NULL, "WRONG: %s", text);
    if (!s->failed)
        memcpy(s->why, text, sizeof(text));
    s->failed = true;
}

void sim_pass(struct sim *s, double seconds)
{
    double end = sim_now(s) + seconds;

    while (sim_now(s) < end - 1e-8 && !s->failed) {
        double next = sim_now(s) + STEP;

        env_sim_run(s->env, next < end ? next : end);
        for (int i = 0; i < s->size; i++)
            node_tend(&s->nodes[i]);
        clients_tend(s);
        if (s->chaos)
            chaos_act(s);
    }
}

static bool all_up(const struct sim *s)
{
    for (int i = 0; i < s->size; i++)
        if (!s->nodes[i].up || s->nodes[i].fix_at > 0)
            return false;
    return true;
}

static void nothing(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
}

static void wait_until(struct sim *s, bool (*cond)(const struct sim *s), double limit,
                       const char *what)
{
    double end = sim_now(s) + limit;

    while (!s->failed && !cond(s)) {
        if (sim_now(s) > end) {
            tell_stuck(s);
            fail(s, "%s: not within %g s", what, limit);
        } else
            sim_pass(s, 0.1);
    }
}

static void choose(struct sim *s)
{
    static const char *const shapes[] = {"kary:1", "kary:2", "kary:3", "kary:32",
                                         "binomial"};

    s->size = (int)pick(s, 3, 16);
    if (pick_chance(s, 50)) /* more of the small ones: they are fast */
        s->size = (int)pick(s, 3, 6);
    snprintf(s->topo, sizeof(s->topo), "%s", shapes[pick(s, 0, 4)]);
    s->chaos_time = pick_time(s, 5, 40);
    for (size_t i = 0; i < sizeof(s->key); i++)
        s->key[i] = (unsigned char)pick(s, 0, 255);
}

static void note_pending(struct sim *s)
{
    for (int i = 0; i < s->size; i++)
        s->nodes[i].pending = router_pending(s->nodes[i].b->router);
}

static void begin(struct sim *s)
{
    choose(s);
    say(s, NULL, "seed %" PRIu64 ": %d brokers, %s, chaos for %.1f s", s->seed, s->size,
        s->topo, s->chaos_time);
    for (int i = 0; i < s->size; i++)
        node_init(s, i);
    load_init(s);
    clients_init(s);
    chaos_init(s);
    for (int i = 0; i < s->size; i++)
        node_start(&s->nodes[i]);
    wait_until(s, all_up, BOOT_LIMIT, "the brokers come up");
    sim_pass(s, 1);
    load_warm(s);
    note_pending(s);
}

static bool is_over(const struct sim *s)
{
    return all_up(s) && load_is_done(s);
}

static bool nothing_pending(const struct sim *s)
{
    return clients_pending(s) == 0;
}

/* Requests in the brokers' tables. The resident shells leave when they are idle, and take
 * theirs along. */
static bool at_rest(const struct sim *s)
{
    for (int i = 0; i < s->size; i++)
        if (!s->nodes[i].up ||
            router_pending(s->nodes[i].b->router) != s->nodes[i].pending)
            return false;
    return true;
}

static bool all_down(const struct sim *s)
{
    for (int i = 0; i < s->size; i++)
        if (s->nodes[i].b)
            return false;
    return true;
}

/* Some end in good order, some are just dropped. */
static void end(struct sim *s)
{
    bool orderly = !s->failed && pick_chance(s, 30);

    clients_fini(s);
    if (!s->failed)
        wait_until(s, at_rest, REST_LIMIT, "nothing is pending in the brokers");
    if (orderly) {
        say(s, NULL, "orderly shutdown");
        for (int i = 0; i < s->size; i++)
            s->nodes[i].leaving = true;
        broker_stop(s->nodes[0].b);
        wait_until(s, all_down, 120, "the orderly end");
    }
    for (int i = s->size - 1; i >= 0; i--)
        node_fini(&s->nodes[i]);
    load_fini(s);
}

static void live(struct sim *s)
{
    begin(s);
    if (s->failed)
        return;
    say(s, NULL, "chaos begins");
    s->working = s->chaos = true;
    sim_pass(s, s->chaos_time);
    s->chaos = false;
    say(s, NULL, "everything is healed");
    chaos_heal(s);
    wait_until(s, is_over, QUIET_LIMIT, "everything is done");
    s->working = false;
    wait_until(s, nothing_pending, 60, "every request is answered");
    if (!s->failed)
        check_all(s);
}

bool sim_run_seed(uint64_t seed, FILE *trace, struct stats *stats, char *why, size_t size)
{
    struct sim *s = calloc(1, sizeof(*s));
    bool ok;

    s->seed = seed;
    s->choices = seed * 0x9e3779b97f4a7c15u;
    s->trace = trace;
    if (env_new_sim(seed, &s->env) < 0)
        abort();
    /* Something that always happens: time goes on even when all else waits. */
    flux_reactor_t *r = flux_reactor_create_env(s->env);
    flux_watcher_t *tick = flux_timer_watcher_create(r, 1, 1, nothing, NULL);
    flux_watcher_start(tick);
    live(s);
    end(s);
    for (int i = 0; i < SIM_FAULTS; i++)
        s->stats.below[i] = sim_fault_count(s->env, i);
    s->stats.virtual_time = sim_now(s);
    s->stats.hash = env_sim_hash(s->env);
    flux_watcher_destroy(tick);
    flux_reactor_destroy(r);
    env_unref(s->env);
    *stats = s->stats;
    snprintf(why, size, "%s", s->why);
    ok = !s->failed;
    free(s);
    return ok;
}
