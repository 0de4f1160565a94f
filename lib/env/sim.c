/* The simulated world: virtual time, a seeded order of events, and a hash of all
 * that happened; and its hosts, each an env. Loops are in loop_sim.c, files in
 * file_sim.c over disk_sim.c, links between brokers in transport_sim.c over net_sim.c.
 *
 * Events are ordered by time; those of the same time by a number drawn when they
 * were scheduled, so that a seed explores one order and another seed another.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "env/loop_sim.h"

#define EPOCH 1700000000.0 /* wall clock when virtual time is zero */

/* splitmix64 */
static uint64_t mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t draw64(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    return mix(*state);
}

int64_t sim_choose(uint64_t *state, int64_t lo, int64_t hi)
{
    return lo + (int64_t)(draw64(state) % (uint64_t)(hi - lo + 1));
}

int64_t sim_ns(double seconds)
{
    const double most = 3.2e9;
    if (!(seconds > 0))
        return 0;
    return (int64_t)((seconds < most ? seconds : most) * 1e9);
}

int64_t sim_draw(struct sim_world *w, int64_t lo, int64_t hi)
{
    return sim_choose(&w->order, lo, hi);
}

static void hash_add(struct sim_world *w, uint64_t v)
{
    w->hash = mix(w->hash ^ v) + 0x9e3779b97f4a7c15u;
}

static void hash_text(struct sim_world *w, const char *text)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    hash_add(w, h);
}

/* ---- the heap ---- */

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    if (a->time != b->time)
        return a->time < b->time;
    if (a->draw != b->draw)
        return a->draw < b->draw;
    return a->seq < b->seq;
}

static void put(struct sim_world *w, size_t place, struct sim_event *ev)
{
    w->heap[place] = ev;
    ev->place = place;
}

static void sift_up(struct sim_world *w, size_t at, struct sim_event *ev)
{
    for (; at > 1 && before(ev, w->heap[at / 2]); at /= 2)
        put(w, at, w->heap[at / 2]);
    put(w, at, ev);
}

static void sift_down(struct sim_world *w, size_t at, struct sim_event *ev)
{
    for (;;) {
        size_t child = 2 * at;
        if (child > w->count)
            break;
        if (child < w->count && before(w->heap[child + 1], w->heap[child]))
            child++;
        if (!before(w->heap[child], ev))
            break;
        put(w, at, w->heap[child]);
        at = child;
    }
    put(w, at, ev);
}

void sim_cancel(struct sim_world *w, struct sim_event *ev)
{
    size_t at = ev->place;
    if (at == 0)
        return;
    ev->place = 0;
    struct sim_event *last = w->heap[w->count--];
    if (last == ev)
        return;
    if (at > 1 && before(last, w->heap[at / 2]))
        sift_up(w, at, last);
    else
        sift_down(w, at, last);
}

static void grow(struct sim_world *w)
{
    if (w->count + 2 <= w->size)
        return;
    w->size = w->size ? w->size * 2 : 64;
    w->heap = reallocarray(w->heap, w->size, sizeof(*w->heap));
    assert(w->heap);
}

void sim_schedule(struct sim_world *w, struct sim_event *ev, int64_t time)
{
    sim_cancel(w, ev);
    grow(w);
    ev->time = time > w->now ? time : w->now;
    ev->draw = draw64(&w->order);
    ev->seq = ++w->seq;
    sift_up(w, ++w->count, ev);
}

bool sim_step(struct sim_world *w)
{
    if (w->count == 0)
        return false;
    struct sim_event *ev = w->heap[1];
    sim_cancel(w, ev);
    w->now = ev->time;
    hash_text(w, ev->what);
    hash_add(w, (uint64_t)ev->time);
    hash_add(w, ev->id);
    ev->fire(ev);
    return true;
}

/* ---- a host ---- */

double sim_wall(const struct sim_env *s)
{
    return EPOCH + (double)(s->w->now + s->clock) * 1e-9;
}

static double sim_time(struct env *env)
{
    return sim_wall(sim_env(env));
}

static double sim_monotonic(struct env *env)
{
    return (double)sim_world(env)->now * 1e-9;
}

static void sim_random(struct env *env, void *buf, size_t len)
{
    char *p = buf;
    while (len > 0) {
        uint64_t v = draw64(&sim_env(env)->bytes);
        size_t n = len < sizeof(v) ? len : sizeof(v);
        memcpy(p, &v, n);
        p += n;
        len -= n;
    }
}

static int sim_thread_start(struct env *env, const char *name, void (*fn)(void *arg),
                            void *arg, struct env_thread **ret)
{
    return -ENOTSUP;
}

static void world_unref(struct sim_world *w)
{
    if (--w->refs > 0)
        return;
    map_free(w->listeners);
    map_free(w->addresses);
    free(w->table);
    free(w->heap);
    free(w);
}

static void sim_destroy(struct env *env)
{
    struct sim_env *s = sim_env(env);
    disk_fini(s);
    s->w->table[s->number] = NULL;
    free(s->paths);
    free(s->name);
    world_unref(s->w);
    free(s);
}

static const struct env_ops sim_ops = {
    .destroy = sim_destroy,
    .time = sim_time,
    .monotonic = sim_monotonic,
    .random = sim_random,
    .thread_start = sim_thread_start,
    .loop_new = sim_loop_new,
    .file = &sim_file_ops,
    .sim = true,
};

/* Takes over a reference to the world, also on failure. */
static int host_new(struct sim_world *w, const char *name, struct env **ret)
{
    struct sim_env *s = calloc(1, sizeof(*s));
    struct sim_env **table = reallocarray(w->table, w->hosts + 1, sizeof(*table));
    if (table)
        w->table = table;
    if (!s || !table) {
        free(s);
        world_unref(w);
        return -ENOMEM;
    }
    s->base.ops = &sim_ops;
    s->base.transport = &sim_transport_ops;
    atomic_init(&s->base.refcount, 1);
    s->w = w;
    s->number = w->hosts++;
    w->table[s->number] = s;
    s->bytes = mix(~w->seed ^ mix(s->number));
    list_init(&s->loops);
    s->name = strdup(name);
    if (disk_init(s) < 0 || !s->name) {
        sim_destroy(&s->base);
        return -ENOMEM;
    }
    *ret = &s->base;
    return 0;
}

int sim_host_new(struct env *env, const char *name, struct env **ret)
{
    struct sim_world *w = sim_world(env);
    w->refs++;
    return host_new(w, name, ret);
}

const char *sim_host_name(const struct env *env)
{
    return CONTAINER_OF(env, const struct sim_env, base)->name;
}

void sim_host_stop(struct env *env, double seconds)
{
    struct sim_world *w = sim_world(env);
    sim_env(env)->stopped = w->now + sim_ns(seconds);
    w->counts[SIM_STOP] += seconds > 0;
    if (seconds <= 0)
        sim_loops_resume(sim_env(env));
}

void sim_clock_step(struct env *env, double seconds)
{
    struct sim_env *s = sim_env(env);
    s->clock += seconds < 0 ? -sim_ns(-seconds) : sim_ns(seconds);
    s->w->counts[SIM_CLOCK]++;
    list_each(l, &s->loops, struct sim_loop, host) sim_loop_clock(l);
}

static const char *const fault_names[] = {
    [SIM_STOP] = "stops",        [SIM_POWER] = "power losses",
    [SIM_CLOCK] = "clock steps", [SIM_DELAY] = "delays",
    [SIM_STALL] = "stalls",      [SIM_CUT] = "partitions",
    [SIM_RESET] = "resets",      [SIM_HALF_OPEN] = "half-open links",
    [SIM_ENOSPC] = "ENOSPC",     [SIM_EIO] = "EIO",
    [SIM_LOST] = "lost sectors",
};

const char *sim_fault_name(enum sim_fault fault)
{
    return fault_names[fault];
}

uint64_t sim_fault_count(const struct env *env, enum sim_fault fault)
{
    return CONTAINER_OF(env, const struct sim_env, base)->w->counts[fault];
}

/* ---- the world ---- */

int env_new_sim(uint64_t seed, struct env **ret)
{
    struct sim_world *w = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    w->refs = 1;
    w->seed = seed;
    w->order = mix(seed + 1);
    list_init(&w->links);
    w->listeners = map_new(NULL);
    w->addresses = map_new(NULL);
    if (!w->listeners || !w->addresses) {
        world_unref(w);
        return -ENOMEM;
    }
    return host_new(w, "host0", ret);
}

int env_sim_run(struct env *env, double until)
{
    if (!env_is_sim(env))
        return -ENOTSUP;
    struct sim_world *w = sim_world(env_ref(env));
    int64_t end = sim_ns(until);
    while (w->count > 0 && w->heap[1]->time <= end)
        sim_step(w);
    int more = w->count > 0;
    if (more && w->now < end)
        w->now = end;
    env_unref(env);
    return more;
}

uint64_t env_sim_hash(const struct env *env)
{
    return env_is_sim(env) ? CONTAINER_OF(env, const struct sim_env, base)->w->hash : 0;
}

void env_sim_trace(struct env *env, const char *what, uint64_t a, uint64_t b)
{
    if (!env_is_sim(env))
        return;
    hash_text(sim_world(env), what);
    hash_add(sim_world(env), a);
    hash_add(sim_world(env), b);
}
