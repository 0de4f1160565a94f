/* What the files of base/hostlist share; for them alone. */
#ifndef FLUX_BASE_HOSTLIST_IMPL_H
#define FLUX_BASE_HOSTLIST_IMPL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <flux/hostlist.h>

/* Characters of a name. */
#define HOSTLIST_NAME_MAX 255
/* Digits of a number; longer runs are plain text. */
#define HOSTLIST_DIGITS_MAX 18
/* Hosts that one text may stand for. */
#define HOSTLIST_TEXT_MAX 65536
#define HOSTLIST_BUF_SIZE (HOSTLIST_NAME_MAX + HOSTLIST_DIGITS_MAX + 3)

/* prefix lo..hi suffix, the number with at least `width` digits; or prefix alone when
 * width is 0. */
struct range {
    const char *prefix, *suffix; /* not terminated; one allocation at prefix */
    size_t prefix_len, suffix_len;
    uint64_t lo, hi;
    unsigned width;
};

struct hostlist {
    struct range *ranges;
    size_t nranges, size;
    size_t count; /* hosts */
    size_t cursor;
    size_t at_range, at_base; /* a range, and the position of its first host */
    char text[HOSTLIST_BUF_SIZE];
};

static inline size_t range_count(const struct range *r)
{
    return (size_t)(r->hi - r->lo) + 1;
}
/* Do two ranges differ in nothing but the number? */
bool range_alike(const struct range *a, const struct range *b);
/* The name of number v; buf has HOSTLIST_BUF_SIZE bytes. Returns its length. */
size_t range_name(const struct range *r, uint64_t v, char *buf);

/* Append a copy of r, as part of the last range where that says the same. 0, -ENOMEM. */
int hostlist_add_range(struct hostlist *hl, const struct range *r);
/* Append a host. 0, -ENOMEM, -EINVAL (not a name). */
int hostlist_add_name(struct hostlist *hl, const char *name, size_t len);
/* Forget all hosts. */
void hostlist_reset(struct hostlist *hl);
/* Read text into an empty list. 0, -EINVAL, -ERANGE, -ENOMEM. */
int hostlist_read(struct hostlist *hl, const char *s);
/* Take the ranges of `from`, which is left empty. */
void hostlist_swap(struct hostlist *hl, struct hostlist *from);

#endif
