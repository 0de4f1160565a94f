/* What happens to hosts, links and disks while there is chaos. Each seed has some kinds of
 * faults, at rates of its own.
 */
#include <errno.h>
#include <math.h>

#include "many.h"

const char *const fault_names[F_KINDS] = {
    "broker kills",  "power losses", "deaths in a write", "orderly leaves", "shell kills",
    "stopped hosts", "cut paths",    "isolated hosts",    "one-way stalls", "slow paths",
    "resets",        "clock steps",  "full disks",        "disk errors",
};

static struct node *any(struct sim *s)
{
    return &s->nodes[pick(s, 0, s->size - 1)];
}

/* Rank 0 has more than its share: it has the state. */
static struct node *any_biased(struct sim *s)
{
    return pick_chance(s, 20) ? &s->nodes[0] : any(s);
}

static struct node *other(struct sim *s, const struct node *n)
{
    return &s->nodes[(n->rank + pick(s, 1, s->size - 1)) % s->size];
}

/* Mostly soon, sometimes after minutes. */
static double outage(struct sim *s)
{
    return pick_chance(s, 80) ? pick_time(s, 0.02, 3) : pick_time(s, 3, 50);
}

static void heal_later(struct sim *s, double seconds)
{
    if (s->heal_cuts == 0)
        s->heal_cuts = sim_now(s) + seconds;
}

static void cut(struct sim *s)
{
    struct node *a = any(s), *b = other(s, a);
    double seconds = outage(s);

    say(s, a, "CUT from %s, until %.3f at most", b->name, sim_now(s) + seconds);
    sim_net_cut(a->env, b->env);
    heal_later(s, seconds);
}

static void isolate(struct sim *s)
{
    struct node *n = any_biased(s);
    double seconds = outage(s);

    say(s, n, "ISOLATED, until %.3f at most", sim_now(s) + seconds);
    sim_net_cut(n->env, NULL);
    heal_later(s, seconds);
}

static void stall(struct sim *s)
{
    struct node *a = any(s), *b = other(s, a);
    bool all = pick_chance(s, 30);
    double seconds = pick_time(s, 0.1, 40);

    say(s, a, "STALL towards %s for %.3f s", all ? "all" : b->name, seconds);
    sim_net_stall(a->env, all ? NULL : b->env, seconds);
}

static void delay(struct sim *s)
{
    struct node *a = any(s);
    double max = pick_chance(s, 30) ? 0 : pick_time(s, 0.001, 1.5);

    say(s, a, max > 0 ? "SLOW, up to %.3f s a message" : "fast again", max);
    sim_net_delay(a->env, NULL, 0, max);
}

static void reset(struct sim *s)
{
    struct node *n = any(s);

    say(s, n, "RESET of its connections: %d", sim_net_reset(n->env, NULL));
}

static void clock_step(struct sim *s)
{
    struct node *n = any_biased(s);
    double by = pick_time(s, -3600, 3600);

    say(s, n, "CLOCK steps by %.3f s", by);
    sim_clock_step(n->env, by);
}

static void stop(struct sim *s)
{
    struct node *n = any_biased(s);
    double seconds = outage(s);

    say(s, n, "STOP for %.3f s", seconds);
    sim_host_stop(n->env, seconds);
}

static bool has_good_disk(struct node *n)
{
    return n->b && n->fix_at == 0 && !n->losing;
}

static void fill(struct sim *s)
{
    struct node *n = &s->nodes[0];

    if (!has_good_disk(n))
        return;
    say(s, n, "FULL disk");
    n->full = true;
    n->fix_at = sim_now(s) + outage(s);
    sim_disk_limit(n->env, sim_disk_used(n->env) + pick(s, 1, 20000));
}

static void disk_error(struct sim *s)
{
    struct node *n = &s->nodes[0];

    if (!has_good_disk(n))
        return;
    say(s, n, "EIO soon");
    n->full = false;
    n->fix_at = sim_now(s) + pick_time(s, 0.5, 5);
    sim_disk_fail(n->env, (long)pick(s, 0, 20), -EIO);
}

static void die(struct sim *s)
{
    struct node *n = &s->nodes[0];

    if (!n->b || n->losing)
        return;
    say(s, n, "to DIE in a write");
    sim_disk_cut(n->env, (long)pick(s, 0, 60));
}

static void happen(struct sim *s, enum fault f)
{
    struct node *n = any_biased(s);

    s->stats.faults[f]++;
    switch (f) {
    case F_KILL:
        node_kill(n, outage(s));
        break;
    case F_POWER:
        node_lose_power(n, outage(s));
        break;
    case F_DIE:
        die(s);
        break;
    case F_LEAVE:
        n = any(s);
        if (n->rank > 0)
            node_leave(n, outage(s));
        break;
    case F_SHELL:
        shell_kill(any(s));
        break;
    case F_STOP:
        stop(s);
        break;
    case F_CUT:
        cut(s);
        break;
    case F_ISOLATE:
        isolate(s);
        break;
    case F_STALL:
        stall(s);
        break;
    case F_DELAY:
        delay(s);
        break;
    case F_RESET:
        reset(s);
        break;
    case F_CLOCK:
        clock_step(s);
        break;
    case F_FULL:
        fill(s);
        break;
    case F_EIO:
        disk_error(s);
        break;
    case F_KINDS:
        break;
    }
}

static double next_time(struct sim *s, enum fault f)
{
    double u = (double)pick(s, 1, 1000000) * 1e-6;

    return sim_now(s) - log(u) / s->rate[f];
}

/* Of the kinds, some; one in twenty seeds has none. */
void chaos_init(struct sim *s)
{
    bool calm = pick_chance(s, 5);

    for (int f = 0; f < F_KINDS; f++) {
        s->rate[f] = !calm && pick_chance(s, 40) ? pick_time(s, 0.02, 0.4) : 0;
        if (s->rate[f] > 0)
            say(s, NULL, "fault: %s, %.3f/s", fault_names[f], s->rate[f]);
    }
}

static void heal_network(struct sim *s)
{
    s->heal_cuts = 0;
    for (int i = 0; i < s->size; i++) {
        sim_net_heal(s->nodes[i].env, NULL);
        sim_net_delay(s->nodes[i].env, NULL, 0, 0);
    }
}

void chaos_act(struct sim *s)
{
    if (s->heal_cuts > 0 && sim_now(s) >= s->heal_cuts) {
        say(s, NULL, "the network is healed");
        heal_network(s);
    }
    for (int f = 0; f < F_KINDS; f++) {
        if (s->rate[f] == 0)
            continue;
        if (s->due[f] == 0)
            s->due[f] = next_time(s, f);
        if (sim_now(s) < s->due[f])
            continue;
        s->due[f] = next_time(s, f);
        happen(s, f);
    }
}

void chaos_heal(struct sim *s)
{
    heal_network(s);
    for (int i = 0; i < s->size; i++) {
        struct node *n = &s->nodes[i];

        sim_host_stop(n->env, 0);
        if (!sim_disk_is_cut(n->env))
            sim_disk_cut(n->env, -1);
        if (n->fix_at > 0)
            n->fix_at = sim_now(s);
        if (n->restart_at > sim_now(s) + 5)
            n->restart_at = sim_now(s) + 5;
    }
}
