/* Host lists to text: neighbours of one pattern share a pair of brackets. */
#include <errno.h>

#include "base/buf.h"
#include "base/hostlist_impl.h"

/* How many ranges from i on go into one pair of brackets. The first id's zeros hold for
 * all of them, so their widths must agree. */
static size_t group_len(const struct hostlist *hl, size_t i)
{
    const struct range *r = &hl->ranges[i];
    size_t n = 1;

    if (r->width == 0)
        return 1;
    while (i + n < hl->nranges && hl->ranges[i + n].width == r->width &&
           range_alike(r, &hl->ranges[i + n]))
        n++;
    return n;
}

static void add_group(struct buf *b, const struct range *r, size_t n)
{
    buf_add(b, r->prefix, r->prefix_len);
    buf_addc(b, '[');
    for (size_t i = 0; i < n; i++) {
        buf_addf(b, "%s%0*llu", i > 0 ? "," : "", (int)r->width,
                 (unsigned long long)r[i].lo);
        if (r[i].hi > r[i].lo)
            buf_addf(b, "-%0*llu", (int)r->width, (unsigned long long)r[i].hi);
    }
    buf_addc(b, ']');
    buf_add(b, r->suffix, r->suffix_len);
}

char *hostlist_encode(struct hostlist *hl)
{
    struct buf b = {0};
    char name[HOSTLIST_BUF_SIZE];
    size_t n;

    if (!hl) {
        errno = EINVAL;
        return NULL;
    }
    for (size_t i = 0; i < hl->nranges; i += n) {
        const struct range *r = &hl->ranges[i];

        n = group_len(hl, i);
        if (i > 0)
            buf_addc(&b, ',');
        if (n == 1 && r->lo == r->hi)
            buf_add(&b, name, range_name(r, r->lo, name));
        else
            add_group(&b, r, n);
    }
    return buf_take(&b, NULL);
}
