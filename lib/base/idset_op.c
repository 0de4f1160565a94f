/* The algebra of sets, a word at a time. */
#include <errno.h>

#include "base/idset_impl.h"

/* Word i, also beyond the end. */
static uint64_t word(const struct idset *idset, size_t i)
{
    return i < idset_words(idset->size) ? idset->words[i] : 0;
}

static size_t words_max(const struct idset *a, const struct idset *b)
{
    return idset_words(a->size > b->size ? a->size : b->size);
}

static int invalid(void)
{
    errno = EINVAL;
    return -1;
}

bool idset_equal(const struct idset *a, const struct idset *b)
{
    if (!a || !b || a->count != b->count)
        return false;
    for (size_t i = 0; i < words_max(a, b); i++) {
        if (word(a, i) != word(b, i))
            return false;
    }
    return true;
}

bool idset_has_intersection(const struct idset *a, const struct idset *b)
{
    if (!a || !b)
        return false;
    for (size_t i = 0; i < idset_words(a->size); i++) {
        if (a->words[i] & word(b, i))
            return true;
    }
    return false;
}

int idset_add(struct idset *a, const struct idset *b)
{
    unsigned last = idset_last(b);

    if (!a)
        return invalid();
    if (last == IDSET_INVALID_ID)
        return 0;
    if (idset_grow(a, (size_t)last + 1) < 0)
        return -1;
    for (size_t i = 0; i <= last / IDSET_WORD; i++)
        a->words[i] |= word(b, i);
    idset_recount(a);
    return 0;
}

int idset_subtract(struct idset *a, const struct idset *b)
{
    unsigned last = idset_last(b);

    if (!a)
        return invalid();
    if (last == IDSET_INVALID_ID)
        return 0;
    /* Growth could bring ids of b in as members. */
    if (a->flags & IDSET_FLAG_INITFULL && a->flags & IDSET_FLAG_AUTOGROW &&
        idset_grow(a, (size_t)last + 1) < 0)
        return -1;
    for (size_t i = 0; i < idset_words(a->size); i++)
        a->words[i] &= ~word(b, i);
    idset_recount(a);
    return 0;
}

struct idset *idset_union(const struct idset *a, const struct idset *b)
{
    struct idset *result = idset_copy(a);

    if (!result)
        return NULL;
    /* A copy that may grow, but does not bring in new members by growing. */
    result->flags |= IDSET_FLAG_AUTOGROW;
    result->flags &= ~IDSET_FLAG_INITFULL;
    if (idset_add(result, b) < 0) {
        idset_destroy(result);
        return NULL;
    }
    return result;
}

struct idset *idset_difference(const struct idset *a, const struct idset *b)
{
    struct idset *result = idset_copy(a);

    if (result && idset_subtract(result, b) < 0) {
        idset_destroy(result);
        return NULL;
    }
    return result;
}

struct idset *idset_intersect(const struct idset *a, const struct idset *b)
{
    struct idset *result;

    if (!a || !b) {
        invalid();
        return NULL;
    }
    if (!(result = idset_copy(a)))
        return NULL;
    for (size_t i = 0; i < idset_words(result->size); i++)
        result->words[i] &= word(b, i);
    idset_recount(result);
    return result;
}
