/* Matchtags of a connection, and who waits for the response to each: the smallest
 * free number from 1, found by a bitmap, so that the table of owners stays dense
 * and a response finds its RPC by an index.
 */
#ifndef FLUX_FLUX_TAGS_H
#define FLUX_FLUX_TAGS_H

#include <stddef.h>
#include <stdint.h>

#define TAGS_MAX (1u << 24)

struct tags {
    uint64_t *used; /* bit n: tag n + 1 is in use */
    void **owner;   /* by tag - 1; NULL: allocated by hand */
    size_t words;
    size_t hint; /* no free tag in the words before this one */
    uint32_t count;
};

/* The tag, or 0 when there are no more (or no memory). */
uint32_t tags_alloc(struct tags *t, void *owner);
void tags_free(struct tags *t, uint32_t tag);         /* harmless when it is not in use */
void *tags_owner(const struct tags *t, uint32_t tag); /* NULL: none */
void tags_set_owner(struct tags *t, uint32_t tag, void *owner);
void tags_fini(struct tags *t);

#endif
