/* Sets to text. */
#include <errno.h>

#include "base/buf.h"
#include "base/idset_impl.h"

static void add_number(struct buf *b, size_t v)
{
    char text[24], *end = text + sizeof(text), *p = end;

    do
        *--p = (char)('0' + v % 10);
    while (v /= 10);
    buf_add(b, p, (size_t)(end - p));
}

static void add_range(struct buf *b, size_t lo, size_t hi)
{
    if (b->len > 1 || (b->len == 1 && b->data[0] != '['))
        buf_addc(b, ',');
    add_number(b, lo);
    if (hi > lo) {
        buf_addc(b, '-');
        add_number(b, hi);
    }
}

char *idset_encode(const struct idset *idset, int flags)
{
    struct buf b = {0};
    size_t lo, end;
    bool brackets;

    if (!idset || (flags & ~(IDSET_FLAG_BRACKETS | IDSET_FLAG_RANGE))) {
        errno = EINVAL;
        return NULL;
    }
    brackets = (flags & IDSET_FLAG_BRACKETS) && idset->count != 1;
    if (brackets)
        buf_addc(&b, '[');
    for (lo = idset_scan(idset, 0, true); lo < idset->size;
         lo = idset_scan(idset, end, true)) {
        end = idset_scan(idset, lo, false);
        if (flags & IDSET_FLAG_RANGE) {
            add_range(&b, lo, end - 1);
            continue;
        }
        for (; lo < end; lo++)
            add_range(&b, lo, lo);
    }
    if (brackets)
        buf_addc(&b, ']');
    return buf_take(&b, NULL);
}
