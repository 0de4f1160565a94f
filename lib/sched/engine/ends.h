/* Running jobs with a time limit, the one that reaches it first on top (a binary heap
 * of handles; an entry's slot is its place + 1).
 */
#ifndef FLUX_SCHED_ENGINE_ENDS_H
#define FLUX_SCHED_ENGINE_ENDS_H

#include "sched/engine/entry.h"

struct ends {
    uint32_t *heap;
    uint32_t n, room;
};

int ends_add(struct ends *h, const struct entries *t, uint32_t handle); /* -ENOMEM */
/* Harmless if it is not in the heap. */
void ends_remove(struct ends *h, const struct entries *t, uint32_t handle);
/* The first one's end moved to a later time. */
void ends_sink_first(struct ends *h, const struct entries *t);
void ends_clear(struct ends *h, const struct entries *t);
void ends_finish(struct ends *h);

#endif
