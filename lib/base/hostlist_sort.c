/* Host lists in order: names as people read them, numbers by value ("n2" before "n10"). */
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hostlist_impl.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Compare the numbers at *a and *b by value and step over them. */
static int compare_numbers(const char **a, const char **b)
{
    size_t n = 0, m = 0;
    int rc;

    while (**a == '0')
        (*a)++;
    while (**b == '0')
        (*b)++;
    while (is_digit((*a)[n]))
        n++;
    while (is_digit((*b)[m]))
        m++;
    rc = n != m ? (n < m ? -1 : 1) : memcmp(*a, *b, n);
    *a += n;
    *b += m;
    return rc;
}

static int compare_names(const void *x, const void *y)
{
    const char *a = *(const char *const *)x, *b = *(const char *const *)y;
    size_t a_len = strlen(a), b_len = strlen(b);
    const char *a_start = a;
    int rc;

    while (*a || *b) {
        if (is_digit(*a) && is_digit(*b)) {
            if ((rc = compare_numbers(&a, &b)) != 0)
                return rc;
        } else if (*a != *b) {
            return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
        } else {
            a++;
            b++;
        }
    }
    /* Equal but for zeros before numbers: fewer first, then any fixed order. */
    if (a_len != b_len)
        return a_len < b_len ? -1 : 1;
    return strcmp(a_start, *(const char *const *)y);
}

/* All names, each with its NUL, in one buffer; pointers to them in an array. */
static const char **expand(struct hostlist *hl, struct buf *b)
{
    char name[HOSTLIST_BUF_SIZE];
    const char **names = malloc((hl->count + 1) * sizeof(*names));
    size_t n = 0, at = 0;

    for (size_t i = 0; i < hl->nranges; i++) {
        const struct range *r = &hl->ranges[i];

        for (uint64_t v = r->lo; v <= r->hi; v++)
            buf_add(b, name, range_name(r, v, name) + 1);
    }
    if (!names || b->failed) {
        free(names);
        return NULL;
    }
    for (; n < hl->count; n++) {
        names[n] = b->data + at;
        at += strlen(names[n]) + 1;
    }
    return names;
}

static void sort(struct hostlist *hl, bool unique)
{
    struct hostlist sorted = {0};
    struct buf b = {0};
    const char **names;
    bool ok = true;

    if (!hl || hl->count == 0)
        return;
    if ((names = expand(hl, &b))) {
        qsort(names, hl->count, sizeof(*names), compare_names);
        for (size_t i = 0; i < hl->count && ok; i++) {
            if (unique && i > 0 && strcmp(names[i], names[i - 1]) == 0)
                continue;
            ok = hostlist_add_name(&sorted, names[i], strlen(names[i])) == 0;
        }
        if (ok)
            hostlist_swap(hl, &sorted);
    }
    free(names);
    buf_free(&b);
    hostlist_reset(&sorted);
    free(sorted.ranges);
}

void hostlist_sort(struct hostlist *hl)
{
    sort(hl, false);
}

void hostlist_uniq(struct hostlist *hl)
{
    sort(hl, true);
}
