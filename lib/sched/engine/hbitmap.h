/* A set of small integers with summaries: a bit of level k+1 says that a word of
 * level k is not zero. set, clear and "first one from i on" touch at most one word a
 * level (64-ary: 16 million members in four levels).
 */
#ifndef FLUX_SCHED_ENGINE_HBITMAP_H
#define FLUX_SCHED_ENGINE_HBITMAP_H

#include <stdbool.h>
#include <stdint.h>

#define HBITMAP_LEVELS 4
#define HBITMAP_NONE UINT32_MAX

struct hbitmap {
    uint32_t nlevels, size;
    uint64_t *level[HBITMAP_LEVELS]; /* level[0] owns the storage of all */
};

int hbitmap_init(struct hbitmap *h, uint32_t size); /* -ENOMEM */
void hbitmap_finish(struct hbitmap *h);

static inline bool hbitmap_test(const struct hbitmap *h, uint32_t i)
{
    return h->level[0][i >> 6] >> (i & 63) & 1;
}

static inline void hbitmap_set(struct hbitmap *h, uint32_t i)
{
    for (uint32_t k = 0; k < h->nlevels; k++) {
        uint64_t old = h->level[k][i >> 6];
        h->level[k][i >> 6] = old | 1ull << (i & 63);
        if (old)
            return;
        i >>= 6;
    }
}

static inline void hbitmap_clear(struct hbitmap *h, uint32_t i)
{
    for (uint32_t k = 0; k < h->nlevels; k++) {
        if (h->level[k][i >> 6] &= ~(1ull << (i & 63)))
            return;
        i >>= 6;
    }
}

/* The first member >= i, or HBITMAP_NONE. */
static inline uint32_t hbitmap_next(const struct hbitmap *h, uint32_t i)
{
    uint32_t k = 0;

    if (i >= h->size)
        return HBITMAP_NONE;
    for (;;) {
        uint64_t w = h->level[k][i >> 6] & ~0ull << (i & 63);
        if (w) {
            i = (i & ~63u) | (uint32_t)__builtin_ctzll(w);
            break;
        }
        i = (i >> 6) + 1;
        k++;
        if (k == h->nlevels || i >= ((h->size - 1) >> (6 * k)) + 1)
            return HBITMAP_NONE;
    }
    while (k--)
        i = i << 6 | (uint32_t)__builtin_ctzll(h->level[k][i]);
    return i;
}

#endif
