/* Availability over time; see profile.h. plan.c keeps one for each countable kind of
 * resource, link.c one for each link.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "sched/engine/profile.h"

#define STEPS 128 /* in a block: 2 KiB */

struct profile_block {
    uint32_t n;
    int64_t lazy;     /* to be added to every v */
    int64_t min, max; /* with lazy */
    int64_t t[STEPS];
    int64_t v[STEPS];
};

static void block_measure(struct profile_block *b)
{
    int64_t lo = b->v[0], hi = b->v[0];

    for (uint32_t i = 1; i < b->n; i++) {
        lo = b->v[i] < lo ? b->v[i] : lo;
        hi = b->v[i] > hi ? b->v[i] : hi;
    }
    b->min = lo + b->lazy;
    b->max = hi + b->lazy;
}

int profile_init(struct profile *p, int64_t start, int64_t value)
{
    *p = (struct profile){.room = 8};
    p->block = calloc(p->room, sizeof(*p->block));
    struct profile_block *b = malloc(sizeof(*b));
    if (!p->block || !b) {
        free(b);
        free(p->block);
        *p = (struct profile){0};
        return -ENOMEM;
    }
    b->n = 1;
    b->lazy = 0;
    b->t[0] = start;
    b->v[0] = value;
    block_measure(b);
    p->block[0] = b;
    p->nblocks = 1;
    return 0;
}

void profile_finish(struct profile *p)
{
    for (uint32_t i = 0; i < p->nblocks; i++)
        free(p->block[i]);
    free(p->block);
    free(p->spare);
    *p = (struct profile){0};
}

/* The last block that starts at or before t (the first if none does). */
static uint32_t find_block(const struct profile *p, int64_t t)
{
    uint32_t lo = 0, n = p->nblocks;

    while (n > 1) {
        uint32_t half = n / 2;
        if (p->block[lo + half]->t[0] <= t)
            lo += half;
        n -= half;
    }
    return lo;
}

/* The last step in a block at or before t (0 if none is). */
static uint32_t find_step(const struct profile_block *b, int64_t t)
{
    uint32_t lo = 0, n = b->n;

    while (n > 1) {
        uint32_t half = n / 2;
        if (b->t[lo + half] <= t)
            lo += half;
        n -= half;
    }
    return lo;
}

static int block_split(struct profile *p, uint32_t bi)
{
    if (p->nblocks == p->room) {
        uint32_t room = p->room * 2;
        void *mem = realloc(p->block, room * sizeof(*p->block));
        if (!mem)
            return -ENOMEM;
        p->block = mem;
        p->room = room;
    }
    struct profile_block *b = p->block[bi], *c = p->spare;
    p->spare = NULL;
    if (!c && !(c = malloc(sizeof(*c))))
        return -ENOMEM;
    uint32_t keep = b->n / 2;
    c->n = b->n - keep;
    c->lazy = b->lazy;
    memcpy(c->t, b->t + keep, c->n * sizeof(c->t[0]));
    memcpy(c->v, b->v + keep, c->n * sizeof(c->v[0]));
    b->n = keep;
    block_measure(b);
    block_measure(c);
    memmove(&p->block[bi + 2], &p->block[bi + 1],
            (p->nblocks - bi - 1) * sizeof(*p->block));
    p->block[bi + 1] = c;
    p->nblocks++;
    return 0;
}

static void block_drop(struct profile *p, uint32_t bi)
{
    if (p->spare)
        free(p->spare);
    p->spare = p->block[bi];
    memmove(&p->block[bi], &p->block[bi + 1], (p->nblocks - bi - 1) * sizeof(*p->block));
    p->nblocks--;
}

/* Make a step begin at t. */
static int step_at(struct profile *p, int64_t t)
{
    uint32_t bi = find_block(p, t);
    struct profile_block *b = p->block[bi];
    uint32_t i = find_step(b, t);

    if (b->t[i] >= t)
        return 0;
    if (b->n == STEPS) {
        int rc = block_split(p, bi);
        if (rc < 0)
            return rc;
        bi = find_block(p, t);
        b = p->block[bi];
        i = find_step(b, t);
    }
    uint32_t after = b->n - i - 1;
    memmove(&b->t[i + 2], &b->t[i + 1], after * sizeof(b->t[0]));
    memmove(&b->v[i + 2], &b->v[i + 1], after * sizeof(b->v[0]));
    b->t[i + 1] = t;
    b->v[i + 1] = b->v[i];
    b->n++;
    return 0;
}

/* Remove the step at t if it makes no difference. */
static void step_tidy(struct profile *p, int64_t t)
{
    uint32_t bi = find_block(p, t);
    struct profile_block *b = p->block[bi];
    uint32_t i = find_step(b, t);

    if (b->t[i] != t || (bi == 0 && i == 0))
        return;
    const struct profile_block *c = i ? b : p->block[bi - 1];
    int64_t before = (i ? b->v[i - 1] : c->v[c->n - 1]) + c->lazy;
    if (before != b->v[i] + b->lazy)
        return;
    uint32_t after = b->n - i - 1;
    memmove(&b->t[i], &b->t[i + 1], after * sizeof(b->t[0]));
    memmove(&b->v[i], &b->v[i + 1], after * sizeof(b->v[0]));
    if (--b->n == 0)
        block_drop(p, bi);
    else
        block_measure(b);
}

static void block_add(struct profile_block *b, uint32_t i, uint32_t end, int64_t v)
{
    for (; i < end; i++)
        b->v[i] += v;
    block_measure(b);
}

int profile_add(struct profile *p, int64_t t0, int64_t t1, int64_t v)
{
    int64_t start = p->block[0]->t[0];
    int rc;

    t0 = t0 < start ? start : t0;
    if (t1 <= t0 || v == 0)
        return 0;
    if ((rc = step_at(p, t0)) < 0)
        return rc;
    if (t1 != PROFILE_NEVER && (rc = step_at(p, t1)) < 0) {
        step_tidy(p, t0);
        return rc;
    }
    for (uint32_t bi = find_block(p, t0); bi < p->nblocks; bi++) {
        struct profile_block *b = p->block[bi];
        if (b->t[0] >= t1)
            break;
        uint32_t i = b->t[0] >= t0 ? 0 : find_step(b, t0);
        bool whole =
            bi + 1 == p->nblocks ? t1 == PROFILE_NEVER : p->block[bi + 1]->t[0] <= t1;
        if (whole && i == 0) {
            b->lazy += v;
            b->min += v;
            b->max += v;
        } else {
            block_add(b, i, whole ? b->n : find_step(b, t1), v);
        }
    }
    if (t1 != PROFILE_NEVER)
        step_tidy(p, t1);
    step_tidy(p, t0);
    return 0;
}

int64_t profile_at(const struct profile *p, int64_t t)
{
    const struct profile_block *b = p->block[find_block(p, t)];

    return b->v[find_step(b, t)] + b->lazy;
}

/* A place in the function. */
struct spot {
    uint32_t bi, i;
};

static struct spot spot_of(const struct profile *p, int64_t t)
{
    uint32_t bi = find_block(p, t);

    return (struct spot){bi, find_step(p->block[bi], t)};
}

/* Move to the first step from here on with v >= need; false if there is none. */
static bool seek_enough(const struct profile *p, struct spot *s, int64_t need)
{
    for (; s->bi < p->nblocks; s->bi++, s->i = 0) {
        const struct profile_block *b = p->block[s->bi];
        if (b->max < need)
            continue;
        for (int64_t want = need - b->lazy; s->i < b->n; s->i++)
            if (b->v[s->i] >= want)
                return true;
    }
    return false;
}

/* Move to the first step from here on with v < need; false if there is none. */
static bool seek_deficit(const struct profile *p, struct spot *s, int64_t need)
{
    for (; s->bi < p->nblocks; s->bi++, s->i = 0) {
        const struct profile_block *b = p->block[s->bi];
        if (b->min >= need)
            continue;
        for (int64_t want = need - b->lazy; s->i < b->n; s->i++)
            if (b->v[s->i] < want)
                return true;
    }
    return false;
}

static int64_t spot_time(const struct profile *p, struct spot s)
{
    return p->block[s.bi]->t[s.i];
}

int64_t profile_earliest(const struct profile *p, int64_t from, int64_t duration,
                         int64_t need)
{
    struct spot s = spot_of(p, from);

    while (seek_enough(p, &s, need)) {
        int64_t start = spot_time(p, s);
        start = start < from ? from : start;
        if (!seek_deficit(p, &s, need))
            return start;
        if (spot_time(p, s) >= span_end(start, duration))
            return start;
    }
    return PROFILE_NEVER;
}

int64_t profile_deficit(const struct profile *p, int64_t from, int64_t need)
{
    struct spot s = spot_of(p, from);

    if (!seek_deficit(p, &s, need))
        return PROFILE_NEVER;
    int64_t t = spot_time(p, s);
    return t < from ? from : t;
}

int64_t profile_min(const struct profile *p, int64_t t0, int64_t t1)
{
    struct spot s = spot_of(p, t0);
    int64_t least = INT64_MAX;

    for (; s.bi < p->nblocks; s.bi++, s.i = 0) {
        const struct profile_block *b = p->block[s.bi];
        if (b->t[s.i] >= t1 && !(s.bi == 0 && s.i == 0))
            break;
        for (; s.i < b->n && (b->t[s.i] < t1 || s.i == 0); s.i++)
            if (b->v[s.i] + b->lazy < least)
                least = b->v[s.i] + b->lazy;
    }
    return least;
}

void profile_advance(struct profile *p, int64_t t)
{
    uint32_t bi = find_block(p, t);

    for (uint32_t i = 0; i < bi; i++)
        free(p->block[i]);
    if (bi) {
        memmove(p->block, p->block + bi, (p->nblocks - bi) * sizeof(*p->block));
        p->nblocks -= bi;
    }
    struct profile_block *b = p->block[0];
    uint32_t i = find_step(b, t);
    if (i) {
        b->n -= i;
        memmove(b->t, b->t + i, b->n * sizeof(b->t[0]));
        memmove(b->v, b->v + i, b->n * sizeof(b->v[0]));
        block_measure(b);
    }
}
