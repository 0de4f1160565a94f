/* Text to host lists. */
#include <errno.h>
#include <string.h>

#include "base/hostlist_impl.h"

/* May c stand in a name? Printing ASCII but space, comma, brackets. */
static bool name_char(char c)
{
    return c > ' ' && c < 0x7f && c != ',' && c != '[' && c != ']';
}

static size_t name_span(const char *s)
{
    size_t n = 0;

    while (name_char(s[n]))
        n++;
    return n;
}

/* One id of an id list; its width is its length when it begins with 0. */
static int read_id(const char **p, uint64_t *v, unsigned *width)
{
    const char *s = *p;
    size_t n = 0;

    *v = 0;
    for (; s[n] >= '0' && s[n] <= '9'; n++) {
        if (n == HOSTLIST_DIGITS_MAX)
            return -ERANGE;
        *v = *v * 10 + (uint64_t)(s[n] - '0');
    }
    if (n == 0)
        return -EINVAL;
    *width = s[0] == '0' ? (unsigned)n : 1;
    *p = s + n;
    return 0;
}

/* "lo" or "lo-hi"; `first` is the width of the list's first id, which holds for all. */
static int read_range(const char **p, struct range *r, unsigned *first)
{
    unsigned ignored;
    int rc;

    if ((rc = read_id(p, &r->lo, &r->width)) < 0)
        return rc;
    r->hi = r->lo;
    if (**p == '-') {
        (*p)++;
        if ((rc = read_id(p, &r->hi, &ignored)) < 0)
            return rc;
        if (r->hi < r->lo)
            return -EINVAL;
        if (r->hi - r->lo >= HOSTLIST_TEXT_MAX)
            return -ERANGE;
    }
    if (*first == 0)
        *first = r->width;
    if (r->width < *first)
        r->width = *first;
    return 0;
}

static int add_range(struct hostlist *hl, const struct range *r)
{
    if (hl->count + range_count(r) > HOSTLIST_TEXT_MAX)
        return -ERANGE;
    return hostlist_add_range(hl, r);
}

/* prefix[idlist]suffix, at the bracket; *p is after the suffix afterwards. */
static int read_bracket(struct hostlist *hl, struct range *r, const char **p)
{
    const char *list = *p + 1, *close = strchr(list, ']');
    char longest[HOSTLIST_BUF_SIZE];
    unsigned first = 0;
    int rc;

    if (!close)
        return -EINVAL;
    r->suffix = close + 1;
    r->suffix_len = name_span(r->suffix);
    if (r->prefix_len + r->suffix_len > HOSTLIST_NAME_MAX)
        return -EINVAL;
    for (;; list++) {
        if ((rc = read_range(&list, r, &first)) < 0)
            return rc;
        if (range_name(r, r->hi, longest) > HOSTLIST_NAME_MAX)
            return -EINVAL;
        if ((rc = add_range(hl, r)) < 0)
            return rc;
        if (list == close)
            break;
        if (*list != ',')
            return -EINVAL;
    }
    *p = r->suffix + r->suffix_len;
    return 0;
}

int hostlist_read(struct hostlist *hl, const char *s)
{
    int rc = 0;

    while (*s && rc == 0) {
        struct range r = {.prefix = s, .prefix_len = name_span(s)};

        s += r.prefix_len;
        if (*s == '[')
            rc = read_bracket(hl, &r, &s);
        else if (r.prefix_len > HOSTLIST_NAME_MAX)
            rc = -EINVAL;
        else if (r.prefix_len > 0 && hl->count >= HOSTLIST_TEXT_MAX)
            rc = -ERANGE;
        else if (r.prefix_len > 0)
            rc = hostlist_add_name(hl, r.prefix, r.prefix_len);
        if (rc == 0 && *s) {
            if (*s != ',')
                return -EINVAL;
            s++;
        }
    }
    return rc;
}

struct hostlist *hostlist_decode(const char *s)
{
    struct hostlist *hl;
    int rc;

    if (!s) {
        errno = EINVAL;
        return NULL;
    }
    if (!(hl = hostlist_create()))
        return NULL;
    if ((rc = hostlist_read(hl, s)) < 0) {
        hostlist_destroy(hl);
        errno = -rc;
        return NULL;
    }
    return hl;
}
