/* What the files of base/idset share; for them alone. */
#ifndef FLUX_BASE_IDSET_IMPL_H
#define FLUX_BASE_IDSET_IMPL_H

#include <stdint.h>

#include <flux/idset.h>

#define IDSET_WORD 64u
/* Size of a set made with size 0. */
#define IDSET_DEFAULT_SIZE 1024
/* Ids read from text are below this; so are ids in general: 128 KiB of bits at most
 * come from a text, 128 MiB from a program's call. */
#define IDSET_TEXT_MAX ((size_t)1 << 20)
#define IDSET_MAX ((size_t)1 << 30)

/* Bits at and above `size` are zero, always. */
struct idset {
    uint64_t *words;
    size_t size;  /* universe: ids 0 to size - 1 */
    size_t count; /* members; cheap enough to keep even with COUNT_LAZY */
    int flags;
    unsigned next_rr; /* where a round-robin alloc looks next */
};

static inline size_t idset_words(size_t size)
{
    return (size + IDSET_WORD - 1) / IDSET_WORD;
}

/* Make ids below `size` fit: 0, or -1 with errno EINVAL without AUTOGROW. */
int idset_grow(struct idset *idset, size_t size);
/* The first id >= `id` that is (not) a member; the universe size if there is none. */
size_t idset_scan(const struct idset *idset, size_t id, bool member);
/* After changing words directly. */
void idset_recount(struct idset *idset);

#endif
