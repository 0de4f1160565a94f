/* The resource pool; see rpool.h. place.c is its main reader. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sched/engine/rpool.h"

static int buckets_init(struct rpool_buckets *b, uint32_t max, uint32_t nnodes)
{
    int rc;

    b->max = max;
    b->set = calloc(max + 1, sizeof(*b->set));
    b->count = calloc(max + 1, sizeof(*b->count));
    if (!b->set || !b->count)
        return -ENOMEM;
    if ((rc = hbitmap_init(&b->filled, max + 1)) < 0)
        return rc;
    for (uint32_t k = 0; k <= max; k++)
        if ((rc = hbitmap_init(&b->set[k], nnodes)) < 0)
            return rc;
    return 0;
}

static void buckets_finish(struct rpool_buckets *b)
{
    for (uint32_t k = 0; b->set && k <= b->max; k++)
        hbitmap_finish(&b->set[k]);
    hbitmap_finish(&b->filled);
    free(b->set);
    free(b->count);
}

static inline void bucket_add(struct rpool_buckets *b, uint32_t k, uint32_t node)
{
    hbitmap_set(&b->set[k], node);
    if (b->count[k]++ == 0)
        hbitmap_set(&b->filled, k);
}

static inline void bucket_del(struct rpool_buckets *b, uint32_t k, uint32_t node)
{
    hbitmap_clear(&b->set[k], node);
    if (--b->count[k] == 0)
        hbitmap_clear(&b->filled, k);
}

static uint32_t count_bits(const uint64_t *w, uint32_t n)
{
    uint32_t c = 0;

    for (uint32_t i = 0; i < n; i++)
        c += (uint32_t)__builtin_popcountll(w[i]);
    return c;
}

static uint32_t used_words(const uint64_t *w, uint32_t n)
{
    while (n > 0 && w[n - 1] == 0)
        n--;
    return n;
}

static int pool_measure(struct rpool *p, const struct rpool_desc *desc, uint32_t n)
{
    p->nnodes = n;
    p->cw = 1;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t cw = used_words(desc[i].cores, desc[i].core_words);
        uint32_t gw = desc[i].gpus ? used_words(desc[i].gpus, desc[i].gpu_words) : 0;
        if (cw > 1023 || gw > 1023)
            return -EINVAL;
        p->cw = cw > p->cw ? cw : p->cw;
        p->gw = gw > p->gw ? gw : p->gw;
    }
    return 0;
}

static void copy_words(uint64_t *dst, const uint64_t *src, uint32_t n, uint32_t room)
{
    if (src)
        memcpy(dst, src, (n < room ? n : room) * sizeof(*dst));
}

static void pool_fill(struct rpool *p, const struct rpool_desc *desc, uint32_t *max_cores,
                      uint32_t *max_gpus)
{
    p->uniform = true;
    for (uint32_t i = 0; i < p->nnodes; i++) {
        struct rpool_node *n = &p->node[i];
        uint64_t *cores = p->core_all + (size_t)i * p->cw;
        uint64_t *gpus = p->gpu_all + (size_t)i * p->gw;
        copy_words(cores, desc[i].cores, desc[i].core_words, p->cw);
        copy_words(gpus, desc[i].gpus, desc[i].gpu_words, p->gw);
        n->rank = desc[i].rank;
        n->ncores = n->cfree = (uint16_t)count_bits(cores, p->cw);
        n->ngpus = n->gfree = (uint16_t)count_bits(gpus, p->gw);
        p->all_cores += n->ncores;
        p->all_gpus += n->ngpus;
        *max_cores = n->ncores > *max_cores ? n->ncores : *max_cores;
        *max_gpus = n->ngpus > *max_gpus ? n->ngpus : *max_gpus;
        if (n->ncores != p->node[0].ncores || n->ngpus != p->node[0].ngpus)
            p->uniform = false;
    }
    memcpy(p->core_free, p->core_all, (size_t)p->nnodes * p->cw * sizeof(uint64_t));
    memcpy(p->gpu_free, p->gpu_all, (size_t)p->nnodes * p->gw * sizeof(uint64_t));
}

int rpool_init(struct rpool *p, const struct rpool_desc *desc, uint32_t n)
{
    uint32_t max_cores = 0, max_gpus = 0;
    int rc;

    *p = (struct rpool){0};
    if ((rc = pool_measure(p, desc, n)) < 0)
        return rc;
    size_t cbytes = (size_t)n * p->cw * sizeof(uint64_t);
    size_t gbytes = (size_t)n * p->gw * sizeof(uint64_t);
    p->node = calloc(n + 1, sizeof(*p->node));
    p->core_free = calloc(1, cbytes + 8);
    p->core_all = calloc(1, cbytes + 8);
    p->gpu_free = calloc(1, gbytes + 8);
    p->gpu_all = calloc(1, gbytes + 8);
    if (!p->node || !p->core_free || !p->core_all || !p->gpu_free || !p->gpu_all) {
        rpool_finish(p);
        return -ENOMEM;
    }
    pool_fill(p, desc, &max_cores, &max_gpus);
    if ((rc = buckets_init(&p->by_cores, max_cores, n)) < 0 ||
        (rc = buckets_init(&p->by_gpus, max_gpus, n)) < 0 ||
        (rc = hbitmap_init(&p->idle, n)) < 0)
        rpool_finish(p);
    return rc;
}

void rpool_finish(struct rpool *p)
{
    buckets_finish(&p->by_cores);
    buckets_finish(&p->by_gpus);
    hbitmap_finish(&p->idle);
    free(p->node);
    free(p->core_free);
    free(p->core_all);
    free(p->gpu_free);
    free(p->gpu_all);
    *p = (struct rpool){0};
}

/* Put a usable node where its free counts say. */
static void node_enter(struct rpool *p, uint32_t i)
{
    struct rpool_node *n = &p->node[i];

    bucket_add(&p->by_cores, n->cfree, i);
    if (p->gw)
        bucket_add(&p->by_gpus, n->gfree, i);
    if (rpool_is_idle(n)) {
        hbitmap_set(&p->idle, i);
        p->nidle++;
    }
    p->free_cores += n->cfree;
    p->free_gpus += n->gfree;
}

static void node_leave(struct rpool *p, uint32_t i)
{
    struct rpool_node *n = &p->node[i];

    bucket_del(&p->by_cores, n->cfree, i);
    if (p->gw)
        bucket_del(&p->by_gpus, n->gfree, i);
    if (rpool_is_idle(n)) {
        hbitmap_clear(&p->idle, i);
        p->nidle--;
    }
    p->free_cores -= n->cfree;
    p->free_gpus -= n->gfree;
}

static void node_recount(struct rpool *p, uint32_t i, int dc, int dg)
{
    struct rpool_node *n = &p->node[i];

    if (n->up)
        node_leave(p, i);
    n->cfree = (uint16_t)(n->cfree + dc);
    n->gfree = (uint16_t)(n->gfree + dg);
    assert(n->cfree <= n->ncores && n->gfree <= n->ngpus);
    if (n->up)
        node_enter(p, i);
}

/* Move the k lowest bits of `from` to `to`. */
static void take_bits(uint64_t *from, uint32_t nwords, uint32_t k, uint64_t *to)
{
    for (uint32_t w = 0; w < nwords; w++) {
        uint64_t m = from[w], rest = m;
        uint32_t have = (uint32_t)__builtin_popcountll(m);
        if (have <= k) {
            rest = 0;
            k -= have;
        } else {
            for (; k > 0; k--)
                rest &= rest - 1;
        }
        to[w] = m & ~rest;
        from[w] = rest;
    }
    assert(k == 0);
}

void rpool_take(struct rpool *p, uint32_t node, uint32_t nc, uint32_t ng, uint64_t *cores,
                uint64_t *gpus)
{
    assert(node < p->nnodes && nc <= p->node[node].cfree && ng <= p->node[node].gfree);
    take_bits(p->core_free + (size_t)node * p->cw, p->cw, nc, cores);
    if (p->gw)
        take_bits(p->gpu_free + (size_t)node * p->gw, p->gw, ng, gpus);
    node_recount(p, node, -(int)nc, -(int)ng);
}

static bool has_bits(const uint64_t *have, const uint64_t *want, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (want[i] & ~have[i])
            return false;
    return true;
}

int rpool_take_ids(struct rpool *p, uint32_t node, const uint64_t *cores,
                   const uint64_t *gpus)
{
    uint64_t *cf = p->core_free + (size_t)node * p->cw;
    uint64_t *gf = p->gpu_free + (size_t)node * p->gw;

    if (!has_bits(cf, cores, p->cw) || !has_bits(gf, gpus, p->gw))
        return -EBUSY;
    for (uint32_t i = 0; i < p->cw; i++)
        cf[i] &= ~cores[i];
    for (uint32_t i = 0; i < p->gw; i++)
        gf[i] &= ~gpus[i];
    node_recount(p, node, -(int)count_bits(cores, p->cw), -(int)count_bits(gpus, p->gw));
    return 0;
}

void rpool_give(struct rpool *p, uint32_t node, const uint64_t *cores,
                const uint64_t *gpus)
{
    uint64_t *cf = p->core_free + (size_t)node * p->cw;
    uint64_t *gf = p->gpu_free + (size_t)node * p->gw;

    for (uint32_t i = 0; i < p->cw; i++) {
        assert(!(cf[i] & cores[i]));
        cf[i] |= cores[i];
    }
    for (uint32_t i = 0; i < p->gw; i++) {
        assert(!(gf[i] & gpus[i]));
        gf[i] |= gpus[i];
    }
    node_recount(p, node, (int)count_bits(cores, p->cw), (int)count_bits(gpus, p->gw));
}

void rpool_set_up(struct rpool *p, uint32_t node, bool up)
{
    struct rpool_node *n = &p->node[node];

    if (n->up == up)
        return;
    n->up = up;
    if (up) {
        node_enter(p, node);
        p->nup++;
        p->up_cores += n->ncores;
        p->up_gpus += n->ngpus;
    } else {
        node_leave(p, node);
        p->nup--;
        p->up_cores -= n->ncores;
        p->up_gpus -= n->ngpus;
    }
}
