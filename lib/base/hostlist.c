/* Host lists: the ranges, the cursor, searching and removing. Text is in
 * hostlist_decode.c and hostlist_encode.c, order in hostlist_sort.c.
 *
 * A list is an array of ranges, so that 16,000 nodes with one name pattern take a
 * hundred bytes, and finding one is arithmetic.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hostlist_impl.h"

struct hostlist_hostname {
    size_t len;
    char name[];
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static unsigned count_digits(uint64_t v)
{
    unsigned n = 1;

    while (v /= 10)
        n++;
    return n;
}

static unsigned max(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

/* --- ranges --- */

bool range_alike(const struct range *a, const struct range *b)
{
    return !a->width == !b->width && a->prefix_len == b->prefix_len &&
           a->suffix_len == b->suffix_len &&
           memcmp(a->prefix, b->prefix, a->prefix_len) == 0 &&
           memcmp(a->suffix, b->suffix, a->suffix_len) == 0;
}

size_t range_name(const struct range *r, uint64_t v, char *buf)
{
    char *p = buf;

    memcpy(p, r->prefix, r->prefix_len);
    p += r->prefix_len;
    if (r->width > 0) {
        unsigned n = max(r->width, count_digits(v));

        for (unsigned i = n; i > 0; v /= 10)
            p[--i] = (char)('0' + v % 10);
        p += n;
    }
    memcpy(p, r->suffix, r->suffix_len);
    p += r->suffix_len;
    *p = '\0';
    return (size_t)(p - buf);
}

/* The number at s, with n digits. */
static uint64_t number(const char *s, size_t n)
{
    uint64_t v = 0;

    for (size_t i = 0; i < n; i++)
        v = v * 10 + (uint64_t)(s[i] - '0');
    return v;
}

/* Is name the prefix, some digits, the suffix? */
static bool range_fits(const struct range *r, const char *name, size_t len,
                       size_t *ndigits)
{
    size_t n = len - r->prefix_len - r->suffix_len;

    if (r->width == 0 || len <= r->prefix_len + r->suffix_len ||
        n > HOSTLIST_DIGITS_MAX || memcmp(name, r->prefix, r->prefix_len) != 0 ||
        memcmp(name + len - r->suffix_len, r->suffix, r->suffix_len) != 0)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!is_digit(name[r->prefix_len + i]))
            return false;
    }
    *ndigits = n;
    return true;
}

/* Is name in the range, and at which place? */
static bool range_find(const struct range *r, const char *name, size_t len, size_t *place)
{
    size_t n;
    uint64_t v;

    if (r->width == 0) {
        *place = 0;
        return len == r->prefix_len && memcmp(name, r->prefix, len) == 0;
    }
    if (!range_fits(r, name, len, &n))
        return false;
    v = number(name + r->prefix_len, n);
    if (v < r->lo || v > r->hi || n != max(r->width, count_digits(v)))
        return false;
    *place = (size_t)(v - r->lo);
    return true;
}

/* The parts of name around the digits at [at, at + n); the texts stay name's. */
static struct range range_split(const char *name, size_t len, size_t at, size_t n)
{
    struct range r = {.prefix = name, .prefix_len = at};

    r.suffix = name + at + n;
    r.suffix_len = len - at - n;
    if (n > 0) {
        r.lo = r.hi = number(name + at, n);
        r.width = name[at] == '0' ? (unsigned)n : 1;
    }
    return r;
}

/* Take a name apart at the number at its end, if there is one. */
static struct range range_of(const char *name, size_t len)
{
    size_t n = 0;

    while (n < len && is_digit(name[len - 1 - n]))
        n++;
    if (n > HOSTLIST_DIGITS_MAX)
        n = 0;
    return range_split(name, len, len - n, n);
}

/* Two names that differ in one number, wherever it stands: take both apart there. */
static bool split_both(const char *a, size_t a_len, const char *b, size_t b_len,
                       struct range *ret_a, struct range *ret_b)
{
    size_t at = 0, n = 0, m = 0;

    while (at < a_len && at < b_len && a[at] == b[at])
        at++;
    while (at > 0 && is_digit(a[at - 1]))
        at--;
    while (at + n < a_len && is_digit(a[at + n]))
        n++;
    while (at + m < b_len && is_digit(b[at + m]))
        m++;
    if (n == 0 || m == 0 || n > HOSTLIST_DIGITS_MAX || m > HOSTLIST_DIGITS_MAX)
        return false;
    *ret_a = range_split(a, a_len, at, n);
    *ret_b = range_split(b, b_len, at, m);
    return range_alike(ret_a, ret_b);
}

/* Give r texts of its own. */
static int range_own(struct range *r)
{
    char *text = malloc(r->prefix_len + r->suffix_len + 1);

    if (!text)
        return -ENOMEM;
    memcpy(text, r->prefix, r->prefix_len);
    memcpy(text + r->prefix_len, r->suffix, r->suffix_len);
    r->prefix = text;
    r->suffix = text + r->prefix_len;
    return 0;
}

static void range_finish(struct range *r)
{
    free((char *)r->prefix);
}

/* --- the array --- */

static int make_room(struct hostlist *hl)
{
    size_t size = hl->size ? hl->size * 2 : 4;
    struct range *ranges;

    if (hl->nranges < hl->size)
        return 0;
    if (!(ranges = realloc(hl->ranges, size * sizeof(*ranges))))
        return -ENOMEM;
    hl->ranges = ranges;
    hl->size = size;
    return 0;
}

/* Put a copy of r at place i. */
static int insert(struct hostlist *hl, size_t i, const struct range *r)
{
    struct range copy = *r;

    if (make_room(hl) < 0 || range_own(&copy) < 0)
        return -ENOMEM;
    memmove(&hl->ranges[i + 1], &hl->ranges[i], (hl->nranges - i) * sizeof(*r));
    hl->ranges[i] = copy;
    hl->nranges++;
    return 0;
}

int hostlist_add_range(struct hostlist *hl, const struct range *r)
{
    struct range *last = hl->nranges > 0 ? &hl->ranges[hl->nranges - 1] : NULL;
    struct range new = *r;

    if (last && new.width > 0 && range_alike(last, &new)) {
        /* A width that shows nowhere is taken from the neighbour: 09 and 10. */
        if (count_digits(new.lo) >= max(last->width, new.width))
            new.width = last->width;
        if (new.width == last->width &&new.lo == last->hi + 1) {
            last->hi = new.hi;
            hl->count += range_count(&new);
            return 0;
        }
    }
    if (insert(hl, hl->nranges, &new) < 0)
        return -ENOMEM;
    hl->count += range_count(&new);
    return 0;
}

/* Would the last range, if it is one name, better be split where `name` differs from it? */
static bool split_last(struct hostlist *hl, const char *name, size_t len,
                       struct range *ret)
{
    struct range *last = &hl->ranges[hl->nranges - 1], again;
    char text[HOSTLIST_BUF_SIZE];
    size_t text_len;

    if (last->lo != last->hi || (hl->nranges > 1 && range_alike(last, last - 1)))
        return false;
    text_len = range_name(last, last->lo, text);
    if (!split_both(text, text_len, name, len, &again, ret))
        return false;
    if (range_own(&again) < 0)
        return false;
    range_finish(last);
    *last = again;
    return true;
}

int hostlist_add_name(struct hostlist *hl, const char *name, size_t len)
{
    struct range *last = hl->nranges > 0 ? &hl->ranges[hl->nranges - 1] : NULL;
    struct range r;
    size_t n;

    if (len == 0 || len > HOSTLIST_NAME_MAX)
        return -EINVAL;
    if (last && range_fits(last, name, len, &n))
        r = range_split(name, len, last->prefix_len, n);
    else if (!last || !split_last(hl, name, len, &r))
        r = range_of(name, len);
    return hostlist_add_range(hl, &r);
}

void hostlist_reset(struct hostlist *hl)
{
    for (size_t i = 0; i < hl->nranges; i++)
        range_finish(&hl->ranges[i]);
    hl->nranges = hl->count = 0;
    hl->cursor = hl->at_range = hl->at_base = 0;
}

void hostlist_swap(struct hostlist *hl, struct hostlist *from)
{
    struct hostlist old = *hl;

    *hl = *from;
    *from = old;
    hostlist_reset(from);
    hl->cursor = hl->at_range = hl->at_base = 0;
}

/* The range that holds position n; at_range and at_base point to it afterwards. */
static const struct range *seek(struct hostlist *hl, size_t n)
{
    if (n >= hl->count)
        return NULL;
    if (n < hl->at_base || hl->at_range >= hl->nranges)
        hl->at_range = hl->at_base = 0;
    while (n >= hl->at_base + range_count(&hl->ranges[hl->at_range]))
        hl->at_base += range_count(&hl->ranges[hl->at_range++]);
    return &hl->ranges[hl->at_range];
}

/* Remove the host at position n, which is inside. */
static int remove_at(struct hostlist *hl, size_t n)
{
    size_t place, i;
    struct range *r, tail;

    seek(hl, n);
    i = hl->at_range;
    r = &hl->ranges[i];
    place = n - hl->at_base;
    if (r->lo == r->hi) {
        range_finish(r);
        memmove(r, r + 1, (hl->nranges - i - 1) * sizeof(*r));
        hl->nranges--;
    } else if (place == 0) {
        r->lo++;
    } else if (place + 1 == range_count(r)) {
        r->hi--;
    } else {
        tail = *r;
        tail.lo += place + 1;
        if (insert(hl, i + 1, &tail) < 0)
            return -ENOMEM;
        hl->ranges[i].hi = tail.lo - 2;
    }
    hl->count--;
    if (hl->cursor > n)
        hl->cursor--;
    return 0;
}

static int result(int rc)
{
    if (rc >= 0)
        return rc;
    errno = -rc;
    return -1;
}

/* --- life, appending --- */

struct hostlist *hostlist_create(void)
{
    return calloc(1, sizeof(struct hostlist));
}

void hostlist_destroy(struct hostlist *hl)
{
    int saved = errno;

    if (hl) {
        hostlist_reset(hl);
        free(hl->ranges);
        free(hl);
    }
    errno = saved;
}

/* A single name goes in as text, so that it may suit the pattern of the one before. */
static int add_all(struct hostlist *hl, const struct hostlist *from)
{
    char text[HOSTLIST_BUF_SIZE];
    size_t before = hl->count;
    int rc = 0;

    for (size_t i = 0; i < from->nranges && rc == 0; i++) {
        const struct range *r = &from->ranges[i];

        if (r->lo == r->hi)
            rc = hostlist_add_name(hl, text, range_name(r, r->lo, text));
        else
            rc = hostlist_add_range(hl, r);
    }
    while (rc < 0 && hl->count > before)
        remove_at(hl, hl->count - 1);
    return rc;
}

struct hostlist *hostlist_copy(const struct hostlist *hl)
{
    struct hostlist *copy;
    int rc = 0;

    if (!hl) {
        errno = EINVAL;
        return NULL;
    }
    if (!(copy = hostlist_create()))
        return NULL;
    for (size_t i = 0; i < hl->nranges && rc == 0; i++)
        rc = hostlist_add_range(copy, &hl->ranges[i]);
    if (rc < 0) {
        hostlist_destroy(copy);
        errno = -rc;
        return NULL;
    }
    copy->cursor = hl->cursor;
    return copy;
}

int hostlist_append_list(struct hostlist *hl1, struct hostlist *hl2)
{
    struct hostlist *copy = NULL;
    int n, rc;

    if (!hl1 || !hl2)
        return result(-EINVAL);
    if (hl1 == hl2 && !(hl2 = copy = hostlist_copy(hl1)))
        return -1;
    n = (int)hl2->count;
    rc = add_all(hl1, hl2);
    hostlist_destroy(copy);
    return result(rc < 0 ? rc : n);
}

int hostlist_append(struct hostlist *hl, const char *hosts)
{
    struct hostlist more = {0};
    int rc;

    if (!hl || !hosts)
        return result(-EINVAL);
    if ((rc = hostlist_read(&more, hosts)) == 0 && (rc = add_all(hl, &more)) == 0)
        rc = (int)more.count;
    hostlist_reset(&more);
    free(more.ranges);
    return result(rc);
}

/* --- the cursor --- */

static const char *name_at(struct hostlist *hl, size_t n)
{
    const struct range *r = seek(hl, n);

    if (!r)
        return NULL;
    range_name(r, r->lo + (n - hl->at_base), hl->text);
    return hl->text;
}

int hostlist_count(struct hostlist *hl)
{
    return hl ? (int)hl->count : 0;
}

const char *hostlist_nth(struct hostlist *hl, int n)
{
    if (!hl || n < 0 || (size_t)n >= hl->count) {
        errno = hl ? ENOENT : EINVAL;
        return NULL;
    }
    hl->cursor = (size_t)n;
    return name_at(hl, hl->cursor);
}

const char *hostlist_first(struct hostlist *hl)
{
    if (!hl)
        return NULL;
    hl->cursor = 0;
    return name_at(hl, 0);
}

const char *hostlist_last(struct hostlist *hl)
{
    if (!hl || hl->count == 0)
        return NULL;
    hl->cursor = hl->count - 1;
    return name_at(hl, hl->cursor);
}

const char *hostlist_next(struct hostlist *hl)
{
    if (!hl)
        return NULL;
    if (hl->cursor < hl->count)
        hl->cursor++;
    return name_at(hl, hl->cursor);
}

const char *hostlist_current(struct hostlist *hl)
{
    return hl ? name_at(hl, hl->cursor) : NULL;
}

/* --- searching, removing --- */

static int find(struct hostlist *hl, const char *name, size_t len)
{
    size_t base = 0, place;

    for (size_t i = 0; i < hl->nranges; i++) {
        if (range_find(&hl->ranges[i], name, len, &place)) {
            hl->at_range = i;
            hl->at_base = base;
            return (int)(base + place);
        }
        base += range_count(&hl->ranges[i]);
    }
    return -ENOENT;
}

int hostlist_find(struct hostlist *hl, const char *hostname)
{
    int n;

    if (!hl || !hostname)
        return result(-EINVAL);
    if ((n = find(hl, hostname, strlen(hostname))) >= 0)
        hl->cursor = (size_t)n;
    return result(n);
}

struct hostlist_hostname *hostlist_hostname_create(const char *hostname)
{
    struct hostlist_hostname *hn;
    size_t len;

    if (!hostname || !(len = strlen(hostname))) {
        errno = EINVAL;
        return NULL;
    }
    if (!(hn = malloc(sizeof(*hn) + len + 1)))
        return NULL;
    hn->len = len;
    memcpy(hn->name, hostname, len + 1);
    return hn;
}

void hostlist_hostname_destroy(struct hostlist_hostname *hn)
{
    int saved = errno;

    free(hn);
    errno = saved;
}

int hostlist_find_hostname(struct hostlist *hl, struct hostlist_hostname *hn)
{
    int n;

    if (!hl || !hn)
        return result(-EINVAL);
    if ((n = find(hl, hn->name, hn->len)) >= 0)
        hl->cursor = (size_t)n;
    return result(n);
}

int hostlist_remove_current(struct hostlist *hl)
{
    int rc;

    if (!hl)
        return result(-EINVAL);
    if (hl->cursor >= hl->count)
        return 0;
    rc = remove_at(hl, hl->cursor);
    return result(rc < 0 ? rc : 1);
}

int hostlist_delete(struct hostlist *hl, const char *hosts)
{
    struct hostlist *gone;
    const char *name;
    int removed = 0, n, rc = 0;

    if (!hl || !hosts)
        return result(-EINVAL);
    if (!(gone = hostlist_decode(hosts)))
        return -1;
    for (name = hostlist_first(gone); name && rc == 0; name = hostlist_next(gone)) {
        if ((n = find(hl, name, strlen(name))) < 0)
            continue;
        rc = remove_at(hl, (size_t)n);
        removed += rc == 0;
    }
    hostlist_destroy(gone);
    return result(rc < 0 ? rc : removed);
}
