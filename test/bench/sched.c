/* Speed of the scheduling engine alone. One line a figure: name value unit.
 *   sched-pair       release of a random running job and start of the next, machine full
 *   sched-idle-pass  a pass when nothing can start
 *   sched-submit     one job into a long queue
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sched/engine/engine.h"
#include "sched/engine/rpool.h"
#include "sched/policy/policy.h"

static double clock_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
    return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static uint32_t draw(uint32_t below)
{
    static uint64_t x = 88172645463325252ull;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    return (uint32_t)(x % below);
}

struct bench {
    uint64_t *running;
    uint32_t n;
};

static void on_started(void *arg, const struct entry *e)
{
    struct bench *b = arg;

    b->running[b->n++] = e->id;
}

static const struct engine_ops ops = {.started = on_started};

static void fill_ids(uint64_t *words, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        words[i / 64] |= 1ull << i % 64;
}

static struct flux_sched *machine(struct bench *b, unsigned nnodes, unsigned ncores,
                                  const char *policy)
{
    uint64_t cores[16] = {0};
    struct rpool_desc *desc = calloc(nnodes, sizeof(*desc));
    struct flux_sched *s;

    fill_ids(cores, ncores);
    for (unsigned i = 0; i < nnodes; i++)
        desc[i] = (struct rpool_desc){i, cores, NULL, 16, 0};
    if (engine_new(&ops, b, &s) < 0 || engine_set_nodes(s, desc, nnodes) < 0 ||
        engine_set_policy(s, sched_policy_find(policy)) < 0)
        abort();
    for (unsigned i = 0; i < nnodes; i++)
        engine_set_up(s, i, true);
    free(desc);
    return s;
}

static void submit(struct flux_sched *s, uint64_t id, int64_t duration, unsigned shape)
{
    struct engine_job j = {.id = id,
                           .priority = 16,
                           .t_submit = (int64_t)id,
                           .duration = duration,
                           .req = {.nslots = shape, .cores = 1}};
    char why[160];

    if (engine_submit(s, &j, why, sizeof(why)) < 0)
        abort();
}

static double pool_pair(unsigned nnodes, unsigned ncores)
{
    uint64_t cores[16] = {0}, *mask;
    struct rpool_desc *desc = calloc(nnodes, sizeof(*desc));
    struct rpool p;
    uint32_t cap = nnodes * ncores, *node = calloc(cap, sizeof(*node));
    long steps = 3000000;

    fill_ids(cores, ncores);
    for (unsigned i = 0; i < nnodes; i++)
        desc[i] = (struct rpool_desc){i, cores, NULL, 16, 0};
    if (rpool_init(&p, desc, nnodes) < 0 || !(mask = calloc((size_t)cap * p.cw, 8)))
        abort();
    for (unsigned i = 0; i < nnodes; i++)
        rpool_set_up(&p, i, true);
    for (uint32_t j = 0; j < cap; j++) {
        node[j] = hbitmap_next(&p.by_cores.set[rpool_bucket(&p.by_cores, 1)], 0);
        rpool_take(&p, node[j], 1, 0, mask + (size_t)j * p.cw, NULL);
    }
    double t0 = clock_ns();
    for (long i = 0; i < steps; i++) {
        uint32_t j = draw(cap);
        rpool_give(&p, node[j], mask + (size_t)j * p.cw, NULL);
        node[j] = hbitmap_next(&p.by_cores.set[rpool_bucket(&p.by_cores, 1)], 0);
        rpool_take(&p, node[j], 1, 0, mask + (size_t)j * p.cw, NULL);
    }
    double ns = (clock_ns() - t0) / (double)steps;
    rpool_finish(&p);
    free(desc);
    free(node);
    free(mask);
    return ns;
}

/* Release one, start the next, with `queue` jobs waiting all the time. */
static double engine_pair(unsigned nnodes, unsigned ncores, const char *policy,
                          uint32_t queue, int64_t duration)
{
    struct bench b = {0};
    uint32_t cap = nnodes * ncores;
    long steps = 300000;
    uint64_t id = 1;

    b.running = calloc(cap + 1, sizeof(*b.running));
    struct flux_sched *s = machine(&b, nnodes, ncores, policy);
    for (; id <= cap + queue; id++)
        submit(s, id, duration, 1);
    engine_set_time(s, 1000000);
    engine_pass(s, 0);
    assert(b.n == cap);
    double t0 = clock_ns();
    for (long i = 0; i < steps; i++) {
        uint32_t j = draw(cap);
        engine_set_time(s, 1000001 + i);
        engine_release(s, b.running[j]);
        b.running[j] = b.running[--b.n];
        submit(s, id++, duration, 1);
        engine_pass(s, 0);
    }
    double ns = (clock_ns() - t0) / (double)steps;
    assert(b.n == cap);
    engine_free(s);
    free(b.running);
    return ns;
}

static double idle_pass(uint32_t queue, bool blocked_head)
{
    struct bench b = {0};
    long steps = 1000000;
    uint64_t id = 1;

    b.running = calloc(65, sizeof(*b.running));
    struct flux_sched *s = machine(&b, 1, 64, "hybrid");
    for (; id <= 64; id++)
        submit(s, id, 3600000000, 1);
    engine_set_time(s, 1);
    engine_pass(s, 0);
    for (uint32_t i = 0; i < queue; i++)
        submit(s, id++, 3600000000, 32);
    if (blocked_head) /* a few cores free, but nothing fits */
        for (int i = 0; i < 8; i++)
            engine_release(s, b.running[--b.n]);
    double t0 = clock_ns();
    for (long i = 0; i < steps; i++) {
        engine_set_time(s, 2 + i);
        engine_pass(s, FLUX_SCHED_TIMER);
    }
    double ns = (clock_ns() - t0) / (double)steps;
    assert(engine_npending(s) == queue);
    engine_free(s);
    free(b.running);
    return ns;
}

static double submit_cost(uint32_t queue)
{
    struct bench b = {0};
    uint64_t id = 1;

    b.running = calloc(65, sizeof(*b.running));
    struct flux_sched *s = machine(&b, 1, 64, "hybrid");
    double t0 = clock_ns();
    for (uint32_t i = 0; i < queue; i++)
        submit(s, id++, (int64_t)(1 + draw(1000)) * 1000000, 1 + draw(64));
    double ns = (clock_ns() - t0) / queue;
    engine_free(s);
    free(b.running);
    return ns;
}

int main(void)
{
    printf("sched-pool-pair %.1f ns 1x64\n", pool_pair(1, 64));
    printf("sched-pool-pair %.1f ns 16384x32\n", pool_pair(16384, 32));
    printf("sched-pair %.1f ns fcfs 1x64 queue 1000\n",
           engine_pair(1, 64, "fcfs", 1000, 0));
    printf("sched-pair %.1f ns hybrid 1x64 queue 1000\n",
           engine_pair(1, 64, "hybrid", 1000, 0));
    printf("sched-pair %.1f ns hybrid 1x64 queue 100000\n",
           engine_pair(1, 64, "hybrid", 100000, 3600000000));
    printf("sched-pair %.1f ns hybrid 1024x32 queue 100000\n",
           engine_pair(1024, 32, "hybrid", 100000, 3600000000));
    printf("sched-idle-pass %.1f ns full, queue 100000\n", idle_pass(100000, false));
    printf("sched-idle-pass %.1f ns nothing fits, queue 100000\n",
           idle_pass(100000, true));
    printf("sched-submit %.1f ns to 100000 of 64 shapes\n", submit_cost(100000));
    return 0;
}
