/* What policies may know of nodes: attributes, and sets of nodes that live for one
 * pass.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sched/engine/state.h"

static struct attribute *find_attr(const struct flux_sched *s, const char *name)
{
    for (uint32_t i = 0; i < s->nattrs; i++)
        if (strcmp(s->attr[i].name, name) == 0)
            return &s->attr[i];
    return NULL;
}

static struct attribute *add_attr(struct flux_sched *s, const char *name)
{
    void *mem = realloc(s->attr, (s->nattrs + 1) * sizeof(*s->attr));
    if (!mem)
        return NULL;
    s->attr = mem;
    struct attribute *a = &s->attr[s->nattrs];
    a->name = strdup(name);
    a->value = calloc(s->pool.nnodes + 1, sizeof(*a->value));
    a->has = calloc(s->pool.nnodes / 64 + 1, sizeof(*a->has));
    if (!a->name || !a->value || !a->has) {
        free(a->name);
        free(a->value);
        free(a->has);
        return NULL;
    }
    s->nattrs++;
    return a;
}

int engine_set_attr(struct flux_sched *s, const char *name, uint32_t node, int64_t value)
{
    struct attribute *a = find_attr(s, name);

    if (node >= s->pool.nnodes)
        return -EINVAL;
    if (!a && !(a = add_attr(s, name)))
        return -ENOMEM;
    a->value[node] = value;
    a->has[node >> 6] |= 1ull << (node & 63);
    return 0;
}

static bool has_attr(const struct attribute *a, uint32_t node)
{
    return a && a->has[node >> 6] >> (node & 63) & 1;
}

int64_t node_attribute(const struct flux_sched *s, uint32_t node, const char *name,
                       int64_t dflt)
{
    const struct attribute *a = find_attr(s, name);

    return node < s->pool.nnodes && has_attr(a, node) ? a->value[node] : dflt;
}

void nodesets_clear(struct flux_sched *s)
{
    for (uint32_t i = 0; i < s->nsets; i++)
        free(s->set[i].words);
    s->nsets = 0;
}

void nodesets_finish(struct flux_sched *s)
{
    nodesets_clear(s);
    free(s->set);
    s->set = NULL;
    s->set_room = 0;
    for (uint32_t i = 0; i < s->nattrs; i++) {
        free(s->attr[i].name);
        free(s->attr[i].value);
        free(s->attr[i].has);
    }
    free(s->attr);
    s->attr = NULL;
    s->nattrs = 0;
}

/* A new empty set; its handle, or 0. */
static uint32_t new_set(struct flux_sched *s)
{
    s->set_words = (s->pool.nnodes + 63) / 64;
    if (s->nsets == s->set_room) {
        uint32_t room = s->set_room ? s->set_room * 2 : 16;
        void *mem = realloc(s->set, room * sizeof(*s->set));
        if (!mem)
            return 0;
        s->set = mem;
        s->set_room = room;
    }
    uint64_t *words = calloc(s->set_words + 1, sizeof(*words));
    if (!words)
        return 0;
    s->set[s->nsets++] = (struct nodeset){words};
    return s->nsets;
}

const uint64_t *nodeset_words(const struct flux_sched *s, uint32_t set)
{
    return set > 0 && set <= s->nsets ? s->set[set - 1].words : NULL;
}

uint32_t nodeset_free(struct flux_sched *s, uint32_t job)
{
    const struct entry *e = entry_check(&s->jobs, job);
    uint32_t set = e ? new_set(s) : 0;

    if (!set)
        return 0;
    const struct shape *sh = shape_get(&s->shapes, e->shape);
    for (uint32_t i = 0; i < s->pool.nnodes; i++) {
        const struct rpool_node *n = &s->pool.node[i];
        if (n->up && shape_eligible(sh, i) &&
            place_holds(sh, n, n->cfree, n->gfree, rpool_is_idle(n)))
            s->set[set - 1].words[i >> 6] |= 1ull << (i & 63);
    }
    return set;
}

uint32_t nodeset_where(struct flux_sched *s, const char *name, int64_t lo, int64_t hi)
{
    const struct attribute *a = find_attr(s, name);
    uint32_t set = new_set(s);

    for (uint32_t i = 0; set && i < s->pool.nnodes; i++)
        if (has_attr(a, i) && a->value[i] >= lo && a->value[i] <= hi)
            s->set[set - 1].words[i >> 6] |= 1ull << (i & 63);
    return set;
}

uint32_t nodeset_op(struct flux_sched *s, int op, uint32_t a, uint32_t b)
{
    if (!nodeset_words(s, a) || !nodeset_words(s, b) || op < FLUX_SCHED_AND ||
        op > FLUX_SCHED_ANDNOT)
        return 0;
    uint32_t set = new_set(s);
    if (!set)
        return 0;
    uint64_t *out = s->set[set - 1].words;
    const uint64_t *x = s->set[a - 1].words, *y = s->set[b - 1].words;
    for (uint32_t i = 0; i < s->set_words; i++) {
        if (op == FLUX_SCHED_AND)
            out[i] = x[i] & y[i];
        else if (op == FLUX_SCHED_OR)
            out[i] = x[i] | y[i];
        else
            out[i] = x[i] & ~y[i];
    }
    return set;
}
