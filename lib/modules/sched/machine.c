/* Translation between resource sets and the engine's nodes; see machine.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "modules/sched/machine.h"

DEFINE_CLEANUP(struct idset *, idset_destroy)

void machine_finish(struct machine *m)
{
    rset_free(m->rs);
    *m = (struct machine){0};
}

/* -- into the engine -- */

static uint32_t words_for(const struct idset *ids)
{
    return ids && !idset_empty(ids) ? idset_last(ids) / 64 + 1 : 0;
}

static void set_words(uint64_t *words, uint32_t n, const struct idset *ids)
{
    if (!ids)
        return;
    for (unsigned i = idset_first(ids); i != IDSET_INVALID_ID; i = idset_next(ids, i))
        if (i / 64 < n)
            words[i / 64] |= 1ull << i % 64;
}

static size_t total_words(const struct rset *rs)
{
    size_t n = 0;

    for (size_t i = 0; i < rset_nnodes(rs); i++) {
        const struct rset_node *node = rset_node(rs, i);
        n += words_for(node->cores) + words_for(node->gpus);
    }
    return n;
}

static int set_nodes(struct flux_sched *s, const struct rset *rs)
{
    size_t n = rset_nnodes(rs);
    AUTOFREE struct rpool_desc *desc = calloc(n + 1, sizeof(*desc));
    AUTOFREE uint64_t *mem = calloc(total_words(rs) + 1, sizeof(*mem));
    uint64_t *next = mem;

    if (!desc || !mem)
        return -ENOMEM;
    for (size_t i = 0; i < n; i++) {
        const struct rset_node *node = rset_node(rs, i);
        uint32_t cw = words_for(node->cores), gw = words_for(node->gpus);
        set_words(next, cw, node->cores);
        set_words(next + cw, gw, node->gpus);
        desc[i] = (struct rpool_desc){node->rank, next, next + cw, cw, gw};
        next += cw + gw;
    }
    return engine_set_nodes(s, desc, (uint32_t)n);
}

/* Property "name" is the attribute name = 1; "name=5" is name = 5. */
static int set_attr(struct flux_sched *s, const char *property, const struct idset *ranks)
{
    AUTOFREE char *name = strdup(property);
    char *eq = name ? strchr(name, '=') : NULL, *end;
    int64_t value = 1;

    if (!name)
        return -ENOMEM;
    if (eq) {
        value = strtoll(eq + 1, &end, 10);
        if (end == eq + 1 || *end)
            return 0;
        *eq = '\0';
    }
    for (unsigned r = idset_first(ranks); r != IDSET_INVALID_ID;
         r = idset_next(ranks, r)) {
        int64_t node = engine_node_of(s, r);
        int rc = node < 0 ? 0 : engine_set_attr(s, name, (uint32_t)node, value);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int set_attrs(struct flux_sched *s, const struct rset *rs)
{
    const cJSON *p;

    cJSON_ArrayForEach(p, rset_properties(rs))
    {
        CLEANUP(idset_destroy_p) struct idset *ranks = idset_decode(json_str(p));
        int rc = ranks ? set_attr(s, p->string, ranks) : -ENOMEM;
        if (rc < 0)
            return rc;
    }
    return 0;
}

int machine_load(struct machine *m, struct flux_sched *s, struct rset *rs)
{
    struct rset *old = m->rs;
    int rc;

    m->rs = rs; /* constraints are looked up in it */
    if ((rc = set_nodes(s, rs)) < 0) {
        m->rs = old;
        rset_free(rs);
        return rc;
    }
    rset_free(old);
    m->expiration = rset_expiration(rs);
    return set_attrs(s, rs);
}

void machine_set_up(struct flux_sched *s, const struct idset *ranks, bool up)
{
    for (unsigned r = idset_first(ranks); r != IDSET_INVALID_ID;
         r = idset_next(ranks, r)) {
        int64_t node = engine_node_of(s, r);
        if (node >= 0)
            engine_set_up(s, (uint32_t)node, up);
    }
}

static uint32_t limit_words(uint64_t *words, const uint64_t *all, uint32_t n)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < n; i++) {
        words[i] &= all[i];
        count += (uint32_t)__builtin_popcountll(words[i]);
    }
    return count;
}

int machine_grant(const struct machine *m, const struct flux_sched *s,
                  const struct rset *R, struct grant **ret)
{
    const struct rpool *p = engine_pool(s);
    struct grant *g = grant_new((uint32_t)rset_nnodes(R), p->cw, p->gw);

    if (!g)
        return -ENOMEM;
    for (size_t i = 0; i < rset_nnodes(R); i++) {
        const struct rset_node *rn = rset_node(R, i);
        int64_t node = engine_node_of(s, rn->rank);
        if (node < 0)
            continue;
        uint32_t k = grant_add(g, (uint32_t)node, 0, 0);
        memset(grant_cores(g, k), 0, (p->cw + p->gw) * sizeof(uint64_t));
        set_words(grant_cores(g, k), p->cw, rn->cores);
        set_words(grant_gpus(g, k), p->gw, rn->gpus);
        uint32_t nc =
            limit_words(grant_cores(g, k), p->core_all + (size_t)node * p->cw, p->cw);
        uint32_t ng =
            limit_words(grant_gpus(g, k), p->gpu_all + (size_t)node * p->gw, p->gw);
        g->nnodes--;
        if (nc || ng)
            grant_add(g, (uint32_t)node, nc, ng);
    }
    if (g->nnodes == 0) {
        free(g);
        return -ENOENT;
    }
    *ret = g;
    return 0;
}

/* -- out of the engine -- */

static struct idset *set_from_words(const uint64_t *words, uint32_t n)
{
    struct idset *ids = idset_create(n * 64, IDSET_FLAG_AUTOGROW);

    for (uint32_t w = 0; ids && w < n; w++)
        for (uint64_t m = words[w]; m; m &= m - 1)
            idset_set(ids, w * 64 + (unsigned)__builtin_ctzll(m));
    return ids;
}

static int compare_ranks(const void *a, const void *b)
{
    const struct rset_node *x = a, *y = b;

    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static void free_nodes(struct rset_node *nodes, size_t n)
{
    for (size_t i = 0; nodes && i < n; i++) {
        idset_destroy((struct idset *)nodes[i].cores);
        idset_destroy((struct idset *)nodes[i].gpus);
    }
    free(nodes);
}

/* The nodes of a grant as R wants them; yours. */
static struct rset_node *grant_nodes(const struct machine *m, const struct flux_sched *s,
                                     const struct grant *g)
{
    struct rset_node *nodes = calloc(g->nnodes + 1, sizeof(*nodes));

    for (uint32_t i = 0; nodes && i < g->nnodes; i++) {
        uint32_t node = grant_node(g, i);
        nodes[i].rank = engine_pool(s)->node[node].rank;
        nodes[i].host = rset_node(m->rs, node)->host;
        nodes[i].cores = set_from_words(grant_cores(g, i), g->cw);
        if (grant_ngpus(g, i))
            nodes[i].gpus = set_from_words(grant_gpus(g, i), g->gw);
        if (!nodes[i].cores || (grant_ngpus(g, i) && !nodes[i].gpus)) {
            free_nodes(nodes, g->nnodes);
            return NULL;
        }
    }
    if (nodes)
        qsort(nodes, g->nnodes, sizeof(*nodes), compare_ranks);
    return nodes;
}

int machine_write_R(struct machine *m, const struct flux_sched *s, const struct entry *e,
                    struct buf *out)
{
    struct rset_node *nodes = grant_nodes(m, s, e->grant);
    struct rset_head head = {
        .starttime = to_sec(e->start),
        .expiration = e->end < FLUX_SCHED_HORIZON ? to_sec(e->end) : m->expiration,
        .nslots = engine_request(s, e)->nslots,
    };

    if (!nodes)
        return -ENOMEM;
    int rc = rset_write(out, &head, nodes, e->grant->nnodes);
    free_nodes(nodes, e->grant->nnodes);
    return rc;
}

static int add_used(const struct machine *m, const struct rpool *p, uint32_t i,
                    struct rset *rs)
{
    const struct rset_node *n = rset_node(m->rs, i);
    AUTOFREE uint64_t *used = malloc((p->cw + p->gw + 1) * sizeof(*used));

    if (!used)
        return -ENOMEM;
    for (uint32_t w = 0; w < p->cw; w++)
        used[w] =
            p->core_all[(size_t)i * p->cw + w] & ~p->core_free[(size_t)i * p->cw + w];
    for (uint32_t w = 0; w < p->gw; w++)
        used[p->cw + w] =
            p->gpu_all[(size_t)i * p->gw + w] & ~p->gpu_free[(size_t)i * p->gw + w];
    CLEANUP(idset_destroy_p) struct idset *cores = set_from_words(used, p->cw);
    CLEANUP(idset_destroy_p) struct idset *gpus = set_from_words(used + p->cw, p->gw);
    if (!cores || !gpus)
        return -ENOMEM;
    return rset_add(rs, n->rank, n->host, cores, idset_empty(gpus) ? NULL : gpus);
}

int machine_allocated(const struct machine *m, const struct flux_sched *s,
                      struct rset **ret)
{
    const struct rpool *p = engine_pool(s);
    struct rset *rs;
    int rc = rset_new(&rs);

    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < p->nnodes && rc == 0; i++)
        if (p->node[i].cfree < p->node[i].ncores || p->node[i].gfree < p->node[i].ngpus)
            rc = add_used(m, p, i, rs);
    if (rc < 0)
        rset_free(rs);
    else
        *ret = rs;
    return rc;
}

int machine_down(const struct machine *m, const struct flux_sched *s, struct rset **ret)
{
    const struct rpool *p = engine_pool(s);
    CLEANUP(idset_destroy_p) struct idset *down = idset_create(0, IDSET_FLAG_AUTOGROW);

    for (uint32_t i = 0; down && i < p->nnodes; i++)
        if (!p->node[i].up && idset_set(down, p->node[i].rank) < 0)
            return -ENOMEM;
    return down ? rset_select(m->rs, down, ret) : -ENOMEM;
}
