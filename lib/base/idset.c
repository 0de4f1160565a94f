/* Sets of ids: one bit an id, with a running count. Members, ranges and walks; text is
 * in idset_decode.c and idset_encode.c, algebra in idset_op.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/idset_impl.h"

#define CREATE_FLAGS                                                                     \
    (IDSET_FLAG_AUTOGROW | IDSET_FLAG_INITFULL | IDSET_FLAG_COUNT_LAZY |                 \
     IDSET_FLAG_ALLOC_RR)

static uint64_t mask_from(size_t bit)
{
    return ~(uint64_t)0 << (bit % IDSET_WORD);
}

/* Bits 0 to bit, inclusive. */
static uint64_t mask_to(size_t bit)
{
    return ~(uint64_t)0 >> (IDSET_WORD - 1 - bit % IDSET_WORD);
}

void idset_recount(struct idset *idset)
{
    size_t n = 0;

    for (size_t i = 0; i < idset_words(idset->size); i++)
        n += (size_t)__builtin_popcountll(idset->words[i]);
    idset->count = n;
}

/* Set or clear lo to hi, which are inside. */
static void fill(struct idset *idset, size_t lo, size_t hi, bool value)
{
    for (size_t i = lo / IDSET_WORD; i <= hi / IDSET_WORD; i++) {
        uint64_t mask = ~(uint64_t)0, old = idset->words[i];

        if (i == lo / IDSET_WORD)
            mask &= mask_from(lo);
        if (i == hi / IDSET_WORD)
            mask &= mask_to(hi);
        idset->words[i] = value ? old | mask : old & ~mask;
        idset->count += (size_t)__builtin_popcountll(idset->words[i]);
        idset->count -= (size_t)__builtin_popcountll(old);
    }
}

struct idset *idset_create(size_t size, int flags)
{
    struct idset *idset;

    if ((flags & ~CREATE_FLAGS) || size > IDSET_MAX) {
        errno = EINVAL;
        return NULL;
    }
    if (size == 0)
        size = IDSET_DEFAULT_SIZE;
    if (!(idset = calloc(1, sizeof(*idset))))
        return NULL;
    if (!(idset->words = calloc(idset_words(size), sizeof(*idset->words)))) {
        idset_destroy(idset);
        return NULL;
    }
    idset->size = size;
    idset->flags = flags;
    if (flags & IDSET_FLAG_INITFULL)
        fill(idset, 0, size - 1, true);
    return idset;
}

void idset_destroy(struct idset *idset)
{
    int saved = errno;

    if (idset) {
        free(idset->words);
        free(idset);
    }
    errno = saved;
}

size_t idset_universe_size(const struct idset *idset)
{
    return idset ? idset->size : 0;
}

struct idset *idset_copy(const struct idset *idset)
{
    struct idset *copy;

    if (!idset) {
        errno = EINVAL;
        return NULL;
    }
    if (!(copy = idset_create(idset->size, 0)))
        return NULL;
    memcpy(copy->words, idset->words, idset_words(idset->size) * sizeof(*copy->words));
    copy->count = idset->count;
    copy->flags = idset->flags;
    copy->next_rr = idset->next_rr;
    return copy;
}

int idset_grow(struct idset *idset, size_t size)
{
    size_t new_size = idset->size, old = idset->size;
    uint64_t *words;

    if (size <= old)
        return 0;
    if (!(idset->flags & IDSET_FLAG_AUTOGROW) || size > IDSET_MAX) {
        errno = EINVAL;
        return -1;
    }
    while (new_size < size)
        new_size *= 2;
    if (new_size > IDSET_MAX)
        new_size = IDSET_MAX;
    if (!(words = realloc(idset->words, idset_words(new_size) * sizeof(*words))))
        return -1;
    memset(words + idset_words(old), 0,
           (idset_words(new_size) - idset_words(old)) * sizeof(*words));
    idset->words = words;
    idset->size = new_size;
    if (idset->flags & IDSET_FLAG_INITFULL)
        fill(idset, old, new_size - 1, true);
    return 0;
}

static bool valid(const struct idset *idset, unsigned id)
{
    if (!idset || id >= IDSET_MAX) {
        errno = EINVAL;
        return false;
    }
    return true;
}

int idset_range_set(struct idset *idset, unsigned int lo, unsigned int hi)
{
    if (lo > hi)
        return idset_range_set(idset, hi, lo);
    if (!valid(idset, hi) || idset_grow(idset, (size_t)hi + 1) < 0)
        return -1;
    fill(idset, lo, hi, true);
    return 0;
}

int idset_set(struct idset *idset, unsigned int id)
{
    return idset_range_set(idset, id, id);
}

int idset_range_clear(struct idset *idset, unsigned int lo, unsigned int hi)
{
    if (lo > hi)
        return idset_range_clear(idset, hi, lo);
    if (!valid(idset, lo))
        return -1;
    /* What lies outside is no member, unless growth would make it one. */
    if ((idset->flags & IDSET_FLAG_INITFULL) && (idset->flags & IDSET_FLAG_AUTOGROW) &&
        (!valid(idset, hi) || idset_grow(idset, (size_t)hi + 1) < 0))
        return -1;
    if (lo < idset->size)
        fill(idset, lo, hi < idset->size ? hi : idset->size - 1, false);
    return 0;
}

int idset_clear(struct idset *idset, unsigned int id)
{
    return idset_range_clear(idset, id, id);
}

bool idset_test(const struct idset *idset, unsigned int id)
{
    if (!idset || id >= idset->size)
        return false;
    return idset->words[id / IDSET_WORD] >> (id % IDSET_WORD) & 1;
}

size_t idset_scan(const struct idset *idset, size_t id, bool member)
{
    uint64_t flip = member ? 0 : ~(uint64_t)0, w;
    size_t i = id / IDSET_WORD, n = idset_words(idset->size);

    if (id >= idset->size)
        return idset->size;
    w = (idset->words[i] ^ flip) & mask_from(id);
    while (w == 0) {
        if (++i == n)
            return idset->size;
        w = idset->words[i] ^ flip;
    }
    id = i * IDSET_WORD + (size_t)__builtin_ctzll(w);
    return id < idset->size ? id : idset->size;
}

static unsigned scan_up(const struct idset *idset, size_t id)
{
    id = idset_scan(idset, id, true);
    return id < idset->size ? (unsigned)id : IDSET_INVALID_ID;
}

/* The last member <= id, which is inside. */
static unsigned scan_down(const struct idset *idset, size_t id)
{
    size_t i = id / IDSET_WORD;
    uint64_t w = idset->words[i] & mask_to(id);

    while (w == 0) {
        if (i-- == 0)
            return IDSET_INVALID_ID;
        w = idset->words[i];
    }
    return (unsigned)(i * IDSET_WORD + IDSET_WORD - 1 - (size_t)__builtin_clzll(w));
}

unsigned int idset_first(const struct idset *idset)
{
    return idset ? scan_up(idset, 0) : IDSET_INVALID_ID;
}

unsigned int idset_next(const struct idset *idset, unsigned int id)
{
    return idset ? scan_up(idset, (size_t)id + 1) : IDSET_INVALID_ID;
}

unsigned int idset_last(const struct idset *idset)
{
    return idset ? scan_down(idset, idset->size - 1) : IDSET_INVALID_ID;
}

unsigned int idset_prev(const struct idset *idset, unsigned int id)
{
    if (!idset || id == 0)
        return IDSET_INVALID_ID;
    return scan_down(idset, id <= idset->size ? id - 1 : idset->size - 1);
}

size_t idset_count(const struct idset *idset)
{
    return idset ? idset->count : 0;
}

bool idset_empty(const struct idset *idset)
{
    return idset_count(idset) == 0;
}

int idset_alloc(struct idset *idset, unsigned int *val)
{
    unsigned id = IDSET_INVALID_ID;

    if (!idset || !val || !(idset->flags & IDSET_FLAG_INITFULL)) {
        errno = EINVAL;
        return -1;
    }
    if (idset->flags & IDSET_FLAG_ALLOC_RR)
        id = scan_up(idset, idset->next_rr);
    if (id == IDSET_INVALID_ID)
        id = scan_up(idset, 0);
    if (id == IDSET_INVALID_ID) {
        id = (unsigned)idset->size;
        if (idset_grow(idset, idset->size + 1) < 0) {
            if (errno == EINVAL)
                errno = ENOSPC;
            return -1;
        }
    }
    fill(idset, id, id, false);
    idset->next_rr = id + 1;
    *val = id;
    return 0;
}

void idset_free(struct idset *idset, unsigned int val)
{
    int saved = errno;

    if (idset && (idset->flags & IDSET_FLAG_INITFULL) && val < idset->size)
        fill(idset, val, val, true);
    errno = saved;
}

int idset_free_check(struct idset *idset, unsigned int val)
{
    if (!idset || !(idset->flags & IDSET_FLAG_INITFULL) || val >= idset->size) {
        errno = EINVAL;
        return -1;
    }
    if (idset_test(idset, val)) {
        errno = EEXIST;
        return -1;
    }
    fill(idset, val, val, true);
    return 0;
}
