/* The ways between simulated hosts, and what can be in them: see sim_faults.h. */
#include <assert.h>
#include <stdlib.h>

#include "env/link_sim.h"

#define DELAY_MIN 20000 /* ns */
#define DELAY_MAX 500000

/* ---- paths ---- */

/* NULL: nothing is special about it. */
static struct sim_path *find_path(struct sim_world *w, unsigned from, unsigned to)
{
    struct sim_env *host = from < w->hosts ? w->table[from] : NULL;
    return host && to < host->npaths ? &host->paths[to] : NULL;
}

static struct sim_path *make_path(struct sim_env *from, unsigned to)
{
    while (to >= from->npaths) {
        from->paths = reallocarray(from->paths, from->npaths + 1, sizeof(*from->paths));
        assert(from->paths);
        from->paths[from->npaths++] = (struct sim_path){0};
    }
    return &from->paths[to];
}

int64_t sim_delay(struct sim_world *w, unsigned from, unsigned to)
{
    const struct sim_path *p = find_path(w, from, to);
    if (p && p->max > 0)
        return sim_draw(w, p->min, p->max);
    return sim_draw(w, DELAY_MIN, DELAY_MAX);
}

static bool is_silent(struct sim_world *w, unsigned host)
{
    return host < w->hosts && w->table[host] && w->table[host]->silent;
}

int64_t sim_passage(struct sim_world *w, unsigned from, unsigned to)
{
    const struct sim_path *p = find_path(w, from, to);
    if (is_silent(w, from) || is_silent(w, to))
        return INT64_MAX;
    return p && p->blocked > w->now ? p->blocked : w->now;
}

/* ---- faults ---- */

static bool is_host(struct env *env, const struct sim_env *host)
{
    return !env || sim_env(env) == host;
}

static struct sim_world *world_of(struct env *a, struct env *b)
{
    assert(a || b);
    return sim_world(a ? a : b);
}

/* Call fn for each way between two hosts that begins and ends so. */
static void each_path(struct sim_world *w, struct env *from, struct env *to,
                      void (*fn)(struct sim_world *w, struct sim_path *p, void *arg),
                      void *arg)
{
    for (unsigned i = 0; i < w->hosts; i++) {
        if (!w->table[i] || !is_host(from, w->table[i]))
            continue;
        for (unsigned k = 0; k < w->hosts; k++) {
            if (i != k && w->table[k] && is_host(to, w->table[k]))
                fn(w, make_path(w->table[i], k), arg);
        }
    }
}

static void retry_all(struct sim_world *w)
{
    list_each(l, &w->links, struct sim_link, all) link_retry(l);
}

static void set_delay(struct sim_world *w, struct sim_path *p, void *arg)
{
    const struct sim_path *how = arg;
    p->min = how->min;
    p->max = how->max;
}

void sim_net_delay(struct env *from, struct env *to, double min, double max)
{
    struct sim_world *w = world_of(from, to);
    struct sim_path how = {.min = sim_ns(min), .max = sim_ns(max)};
    each_path(w, from, to, set_delay, &how);
    w->counts[SIM_DELAY] += max > 0;
}

static void block(struct sim_world *w, struct sim_path *p, void *arg)
{
    int64_t until = *(const int64_t *)arg;
    if (p->blocked < until)
        p->blocked = until;
}

void sim_net_stall(struct env *from, struct env *to, double seconds)
{
    struct sim_world *w = world_of(from, to);
    int64_t until = w->now + sim_ns(seconds);
    each_path(w, from, to, block, &until);
    w->counts[SIM_STALL]++;
}

void sim_net_cut(struct env *a, struct env *b)
{
    struct sim_world *w = world_of(a, b);
    int64_t until = INT64_MAX;
    each_path(w, a, b, block, &until);
    each_path(w, b, a, block, &until);
    w->counts[SIM_CUT]++;
}

static void unblock(struct sim_world *w, struct sim_path *p, void *arg)
{
    p->blocked = 0;
}

void sim_net_heal(struct env *a, struct env *b)
{
    struct sim_world *w = world_of(a, b);
    each_path(w, a, b, unblock, NULL);
    each_path(w, b, a, unblock, NULL);
    retry_all(w);
}

/* Does it end at host a, and begin at host b, or the other way round? */
static bool joins(const struct sim_link *l, struct env *a, struct env *b)
{
    const struct sim_env *x = link_host(l), *y = link_host(l->peer);
    return (is_host(a, x) && is_host(b, y)) || (is_host(a, y) && is_host(b, x));
}

int sim_net_reset(struct env *a, struct env *b)
{
    struct sim_world *w = world_of(a, b);
    int n = 0;
    list_each(l, &w->links, struct sim_link, all)
    {
        if (!l->peer || !joins(l, a, b))
            continue;
        link_reset(l);
        n++;
    }
    w->counts[SIM_RESET] += (uint64_t)n;
    return n;
}

int sim_net_links(struct env *env)
{
    int n = 0;
    list_each(l, &sim_world(env)->links, struct sim_link, all)
    {
        n += link_host(l) == sim_env(env) && !l->listening;
    }
    return n;
}

/* ---- power ---- */

void sim_host_power_off(struct env *env)
{
    struct sim_env *host = sim_env(env);
    host->silent = host->disk.off = true;
    host->w->counts[SIM_POWER]++;
}

void sim_host_power_on(struct env *env)
{
    struct sim_env *host = sim_env(env);
    host->silent = false;
    sim_disk_restart(env, true);
    retry_all(host->w);
}
