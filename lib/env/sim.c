/* The simulated world: virtual time, a seeded order of events, and a hash of all
 * that happened. Loops are in loop_sim.c, files in file_sim.c, links between
 * brokers in transport_sim.c.
 *
 * Events are ordered by time; those of the same time by a number drawn when they
 * were scheduled, so that a seed explores one order and another seed another.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "env/sim.h"

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

int64_t sim_draw(struct sim_env *s, int64_t lo, int64_t hi)
{
    return lo + (int64_t)(draw64(&s->order) % (uint64_t)(hi - lo + 1));
}

int64_t sim_ns(double seconds)
{
    const double most = 3.2e9;
    if (!(seconds > 0))
        return 0;
    return (int64_t)((seconds < most ? seconds : most) * 1e9);
}

static void hash_add(struct sim_env *s, uint64_t v)
{
    s->hash = mix(s->hash ^ v) + 0x9e3779b97f4a7c15u;
}

static void hash_text(struct sim_env *s, const char *text)
{
    uint64_t h = 0xcbf29ce484222325u; /* FNV-1a */
    for (; *text; text++)
        h = (h ^ (unsigned char)*text) * 0x100000001b3u;
    hash_add(s, h);
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

static void put(struct sim_env *s, size_t place, struct sim_event *ev)
{
    s->heap[place] = ev;
    ev->place = place;
}

static void sift_up(struct sim_env *s, size_t at, struct sim_event *ev)
{
    for (; at > 1 && before(ev, s->heap[at / 2]); at /= 2)
        put(s, at, s->heap[at / 2]);
    put(s, at, ev);
}

static void sift_down(struct sim_env *s, size_t at, struct sim_event *ev)
{
    for (;;) {
        size_t child = 2 * at;
        if (child > s->count)
            break;
        if (child < s->count && before(s->heap[child + 1], s->heap[child]))
            child++;
        if (!before(s->heap[child], ev))
            break;
        put(s, at, s->heap[child]);
        at = child;
    }
    put(s, at, ev);
}

void sim_cancel(struct sim_env *s, struct sim_event *ev)
{
    size_t at = ev->place;
    if (at == 0)
        return;
    ev->place = 0;
    struct sim_event *last = s->heap[s->count--];
    if (last == ev)
        return;
    if (at > 1 && before(last, s->heap[at / 2]))
        sift_up(s, at, last);
    else
        sift_down(s, at, last);
}

static void grow(struct sim_env *s)
{
    if (s->count + 2 <= s->size)
        return;
    s->size = s->size ? s->size * 2 : 64;
    s->heap = reallocarray(s->heap, s->size, sizeof(*s->heap));
    assert(s->heap);
}

void sim_schedule(struct sim_env *s, struct sim_event *ev, int64_t time)
{
    sim_cancel(s, ev);
    grow(s);
    ev->time = time > s->now ? time : s->now;
    ev->draw = draw64(&s->order);
    ev->seq = ++s->seq;
    sift_up(s, ++s->count, ev);
}

bool sim_step(struct sim_env *s)
{
    if (s->count == 0)
        return false;
    struct sim_event *ev = s->heap[1];
    sim_cancel(s, ev);
    s->now = ev->time;
    hash_text(s, ev->what);
    hash_add(s, (uint64_t)ev->time);
    hash_add(s, ev->id);
    ev->fire(ev);
    return true;
}

/* ---- the world ---- */

double sim_wall(const struct sim_env *s)
{
    return EPOCH + (double)s->now * 1e-9;
}

static double sim_time(struct env *env)
{
    return sim_wall(sim_env(env));
}

static double sim_monotonic(struct env *env)
{
    return (double)sim_env(env)->now * 1e-9;
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

static void sim_destroy(struct env *env)
{
    struct sim_env *s = sim_env(env);
    sim_files_fini(s);
    map_free(s->listeners);
    free(s->heap);
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

int env_new_sim(uint64_t seed, struct env **ret)
{
    struct sim_env *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->base.ops = &sim_ops;
    s->base.transport = &sim_transport_ops;
    atomic_init(&s->base.refcount, 1);
    s->order = mix(seed + 1);
    s->bytes = mix(~seed);
    s->listeners = map_new(NULL);
    if (!s->listeners || sim_files_init(s) < 0) {
        sim_destroy(&s->base);
        return -ENOMEM;
    }
    *ret = &s->base;
    return 0;
}

int env_sim_run(struct env *env, double until)
{
    if (!env_is_sim(env))
        return -ENOTSUP;
    struct sim_env *s = sim_env(env_ref(env));
    int64_t end = sim_ns(until);
    while (s->count > 0 && s->heap[1]->time <= end)
        sim_step(s);
    int more = s->count > 0;
    if (more && s->now < end)
        s->now = end;
    env_unref(env);
    return more;
}

uint64_t env_sim_hash(const struct env *env)
{
    return env_is_sim(env) ? CONTAINER_OF(env, const struct sim_env, base)->hash : 0;
}

void env_sim_trace(struct env *env, const char *what, uint64_t a, uint64_t b)
{
    if (!env_is_sim(env))
        return;
    hash_text(sim_env(env), what);
    hash_add(sim_env(env), a);
    hash_add(sim_env(env), b);
}
