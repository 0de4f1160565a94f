/* Matchtags and their owners: see tags.h. */
#include "flux/tags.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool grow(struct tags *t)
{
    size_t words = t->words ? t->words * 2 : 1;
    uint64_t *used;
    void **owner;

    if (words * 64 > TAGS_MAX)
        return false;
    if (!(used = realloc(t->used, words * sizeof(*used))))
        return false;
    t->used = used;
    if (!(owner = realloc(t->owner, words * 64 * sizeof(*owner))))
        return false;
    t->owner = owner;
    memset(used + t->words, 0, (words - t->words) * sizeof(*used));
    memset(owner + t->words * 64, 0, (words - t->words) * 64 * sizeof(*owner));
    t->words = words;
    return true;
}

uint32_t tags_alloc(struct tags *t, void *owner)
{
    size_t i = t->hint;
    uint32_t bit;

    while (i < t->words && t->used[i] == UINT64_MAX)
        i++;
    if (i == t->words && !grow(t))
        return 0;
    bit = __builtin_ctzll(~t->used[i]);
    t->used[i] |= UINT64_C(1) << bit;
    t->hint = i;
    t->owner[i * 64 + bit] = owner;
    t->count++;
    return i * 64 + bit + 1;
}

static bool in_use(const struct tags *t, uint32_t tag)
{
    return tag > 0 && (tag - 1) / 64 < t->words &&
           (t->used[(tag - 1) / 64] >> ((tag - 1) % 64) & 1);
}

void tags_free(struct tags *t, uint32_t tag)
{
    size_t i = (tag - 1) / 64;

    if (!in_use(t, tag))
        return;
    t->used[i] &= ~(UINT64_C(1) << ((tag - 1) % 64));
    t->owner[tag - 1] = NULL;
    t->count--;
    if (i < t->hint)
        t->hint = i;
}

void *tags_owner(const struct tags *t, uint32_t tag)
{
    return in_use(t, tag) ? t->owner[tag - 1] : NULL;
}

void tags_set_owner(struct tags *t, uint32_t tag, void *owner)
{
    if (in_use(t, tag))
        t->owner[tag - 1] = owner;
}

void tags_fini(struct tags *t)
{
    free(t->used);
    free(t->owner);
    memset(t, 0, sizeof(*t));
}
