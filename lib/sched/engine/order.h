/* The order of waiting jobs: rank (higher first), then submit time, then id. Every
 * pending entry is in two treaps that share the entries' links: one of all jobs, one
 * of the jobs of its shape, which also knows the shortest duration below each node, so
 * that "the next one that takes at most d" is found without walking.
 */
#ifndef FLUX_SCHED_ENGINE_ORDER_H
#define FLUX_SCHED_ENGINE_ORDER_H

#include "sched/engine/entry.h"

enum {
    ORDER_ALL = 0,
    ORDER_SHAPE = 1,
};

/* *root is the handle at the top, 0 for an empty order. */
void order_insert(struct entries *t, int which, uint32_t *root, uint32_t handle);
void order_remove(struct entries *t, int which, uint32_t *root, uint32_t handle);
/* -1, 0, 1: a goes before b, is b, goes after it. */
int order_compare(const struct entry *a, const struct entry *b);
/* The one after `after`, which need not be in the order any more (0: the first). */
uint32_t order_next(const struct entries *t, int which, uint32_t root, uint32_t after);
/* The same among those with duration <= limit. ORDER_SHAPE only. */
uint32_t order_next_short(const struct entries *t, uint32_t root, uint32_t after,
                          int64_t limit);

#endif
