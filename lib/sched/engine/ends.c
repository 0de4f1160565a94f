/* The heap of time limits; see ends.h. */
#include <errno.h>
#include <stdlib.h>

#include "sched/engine/ends.h"

static inline int64_t end_of(const struct ends *h, const struct entries *t, uint32_t i)
{
    return entry_get(t, h->heap[i])->end;
}

static inline void put(struct ends *h, const struct entries *t, uint32_t i,
                       uint32_t handle)
{
    h->heap[i] = handle;
    entry_get(t, handle)->slot = i + 1;
}

static void rise(struct ends *h, const struct entries *t, uint32_t i)
{
    uint32_t handle = h->heap[i];
    int64_t end = entry_get(t, handle)->end;

    for (; i > 0 && end_of(h, t, (i - 1) / 2) > end; i = (i - 1) / 2)
        put(h, t, i, h->heap[(i - 1) / 2]);
    put(h, t, i, handle);
}

static void sink(struct ends *h, const struct entries *t, uint32_t i)
{
    uint32_t handle = h->heap[i];
    int64_t end = entry_get(t, handle)->end;

    for (;;) {
        uint32_t c = 2 * i + 1;
        if (c >= h->n)
            break;
        if (c + 1 < h->n && end_of(h, t, c + 1) < end_of(h, t, c))
            c++;
        if (end_of(h, t, c) >= end)
            break;
        put(h, t, i, h->heap[c]);
        i = c;
    }
    put(h, t, i, handle);
}

int ends_add(struct ends *h, const struct entries *t, uint32_t handle)
{
    if (h->n == h->room) {
        uint32_t room = h->room ? h->room * 2 : 64;
        void *mem = realloc(h->heap, room * sizeof(*h->heap));
        if (!mem)
            return -ENOMEM;
        h->heap = mem;
        h->room = room;
    }
    h->heap[h->n++] = handle;
    rise(h, t, h->n - 1);
    return 0;
}

void ends_remove(struct ends *h, const struct entries *t, uint32_t handle)
{
    uint32_t slot = entry_get(t, handle)->slot;

    if (slot == 0)
        return;
    entry_get(t, handle)->slot = 0;
    uint32_t last = h->heap[--h->n];
    if (last == handle)
        return;
    put(h, t, slot - 1, last);
    rise(h, t, slot - 1);
    sink(h, t, entry_get(t, last)->slot - 1);
}

void ends_sink_first(struct ends *h, const struct entries *t)
{
    sink(h, t, 0);
}

void ends_clear(struct ends *h, const struct entries *t)
{
    for (uint32_t i = 0; i < h->n; i++)
        entry_get(t, h->heap[i])->slot = 0;
    h->n = 0;
}

void ends_finish(struct ends *h)
{
    free(h->heap);
    *h = (struct ends){0};
}
