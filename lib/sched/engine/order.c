/* Treaps over the entries' links; see order.h. The heap key of a node is a hash of its
 * job id, so that the tree's form depends on its members only.
 */
#include <assert.h>

#include "sched/engine/order.h"

static inline uint64_t weight(const struct entry *e)
{
    uint64_t x = e->id * 0x9e3779b97f4a7c15ull;

    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9ull;
    return x ^ x >> 32;
}

int order_compare(const struct entry *a, const struct entry *b)
{
    if (a->rank != b->rank)
        return a->rank > b->rank ? -1 : 1;
    if (a->t_submit != b->t_submit)
        return a->t_submit < b->t_submit ? -1 : 1;
    if (a->id != b->id)
        return a->id < b->id ? -1 : 1;
    return 0;
}

/* Recompute what a node knows of its subtree. */
static inline void pull(const struct entries *t, int which, struct entry *e)
{
    if (which == ORDER_ALL)
        return;
    int64_t least = e->duration;
    for (int side = 0; side < 2; side++) {
        uint32_t c = e->link[which][side];
        if (c && entry_get(t, c)->min_duration < least)
            least = entry_get(t, c)->min_duration;
    }
    e->min_duration = least;
}

/* Cut the tree into what goes before `key` and what goes after. */
static void split(struct entries *t, int which, uint32_t root, const struct entry *key,
                  uint32_t *before, uint32_t *after)
{
    if (!root) {
        *before = *after = 0;
        return;
    }
    struct entry *e = entry_get(t, root);
    if (order_compare(e, key) < 0) {
        split(t, which, e->link[which][1], key, &e->link[which][1], after);
        *before = root;
    } else {
        split(t, which, e->link[which][0], key, before, &e->link[which][0]);
        *after = root;
    }
    pull(t, which, e);
}

static uint32_t merge(struct entries *t, int which, uint32_t a, uint32_t b)
{
    if (!a || !b)
        return a ? a : b;
    struct entry *ea = entry_get(t, a), *eb = entry_get(t, b);
    if (weight(ea) > weight(eb)) {
        ea->link[which][1] = merge(t, which, ea->link[which][1], b);
        pull(t, which, ea);
        return a;
    }
    eb->link[which][0] = merge(t, which, a, eb->link[which][0]);
    pull(t, which, eb);
    return b;
}

void order_insert(struct entries *t, int which, uint32_t *root, uint32_t handle)
{
    struct entry *e = entry_get(t, handle);
    uint64_t w = weight(e);

    while (*root) {
        struct entry *top = entry_get(t, *root);
        if (weight(top) < w)
            break;
        if (which == ORDER_SHAPE && e->duration < top->min_duration)
            top->min_duration = e->duration;
        root = &top->link[which][order_compare(top, e) < 0];
    }
    uint32_t before, after;
    split(t, which, *root, e, &before, &after);
    e->link[which][0] = before;
    e->link[which][1] = after;
    pull(t, which, e);
    *root = handle;
}

void order_remove(struct entries *t, int which, uint32_t *root, uint32_t handle)
{
    struct entry *e = entry_get(t, handle);

    if (*root == handle) {
        *root = merge(t, which, e->link[which][0], e->link[which][1]);
        return;
    }
    assert(*root);
    struct entry *top = entry_get(t, *root);
    order_remove(t, which, &top->link[which][order_compare(top, e) < 0], handle);
    pull(t, which, top);
}

uint32_t order_next(const struct entries *t, int which, uint32_t root, uint32_t after)
{
    const struct entry *key = after ? entry_get(t, after) : NULL;
    uint32_t best = 0;

    while (root) {
        const struct entry *e = entry_get(t, root);
        bool later = !key || order_compare(e, key) > 0;
        if (later)
            best = root;
        root = e->link[which][!later];
    }
    return best;
}

uint32_t order_next_short(const struct entries *t, uint32_t root, uint32_t after,
                          int64_t limit)
{
    while (root) {
        const struct entry *e = entry_get(t, root);
        if (e->min_duration > limit)
            return 0;
        if (!after || order_compare(e, entry_get(t, after)) > 0) {
            uint32_t left = e->link[ORDER_SHAPE][0];
            if (left && (left = order_next_short(t, left, after, limit)))
                return left;
            if (e->duration <= limit)
                return root;
            after = 0; /* all that follow are after it */
        }
        root = e->link[ORDER_SHAPE][1];
    }
    return 0;
}
