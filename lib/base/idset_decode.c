/* Text to sets. Every reader first checks the whole text, taking no memory, then
 * applies its ranges.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/idset_impl.h"

struct text {
    const char *p, *end;
    idset_error_t *error;
    size_t next;  /* ids must be at least this: they ascend */
    size_t count; /* ids read */
};

static int fail(idset_error_t *error, int code, const char *why)
{
    if (error)
        snprintf(error->text, sizeof(error->text), "%s", why);
    errno = code;
    return -1;
}

static bool is_digit(const struct text *t)
{
    return t->p < t->end && *t->p >= '0' && *t->p <= '9';
}

static int read_id(struct text *t, size_t *id)
{
    size_t v = 0;
    bool zero = is_digit(t) && *t->p == '0';
    const char *start = t->p;

    if (!is_digit(t))
        return fail(t->error, EINVAL, "idset: expected an id");
    for (; is_digit(t); t->p++) {
        v = v * 10 + (size_t)(*t->p - '0');
        if (v >= IDSET_TEXT_MAX)
            return fail(t->error, ERANGE, "idset: id is out of range (limit 1048575)");
    }
    if (zero && t->p - start > 1)
        return fail(t->error, EINVAL, "idset: id has leading zeros");
    *id = v;
    return 0;
}

/* One "id" or "lo-hi", and the comma after it. */
static int read_range(struct text *t, size_t *lo, size_t *hi)
{
    if (read_id(t, lo) < 0)
        return -1;
    *hi = *lo;
    if (t->p < t->end && *t->p == '-') {
        t->p++;
        if (read_id(t, hi) < 0)
            return -1;
        if (*hi < *lo)
            return fail(t->error, EINVAL, "idset: range runs backwards");
    }
    if (*lo < t->next)
        return fail(t->error, EINVAL, "idset: ids are out of order or repeat");
    t->next = *hi + 1;
    t->count += *hi - *lo + 1;
    if (t->p == t->end)
        return 0;
    if (*t->p != ',')
        return fail(t->error, EINVAL, "idset: unexpected character");
    t->p++;
    if (t->p == t->end)
        return fail(t->error, EINVAL, "idset: trailing comma");
    return 0;
}

/* The text without its brackets. */
static int text_begin(struct text *t, const char *s, ssize_t len, idset_error_t *error)
{
    if (!s)
        return fail(error, EINVAL, "idset: no text");
    *t = (struct text){
        .p = s, .end = s + (len < 0 ? strlen(s) : (size_t)len), .error = error};
    if (t->p < t->end && *t->p == '[') {
        if (t->end - t->p < 2 || t->end[-1] != ']')
            return fail(error, EINVAL, "idset: unmatched bracket");
        t->p++;
        t->end--;
    }
    return 0;
}

/* Read it all; *t has count and next (largest id + 1) afterwards. */
static int check(struct text *t, const char *s, ssize_t len, idset_error_t *error)
{
    size_t lo, hi;

    if (text_begin(t, s, len, error) < 0)
        return -1;
    while (t->p < t->end) {
        if (read_range(t, &lo, &hi) < 0)
            return -1;
    }
    return 0;
}

/* Apply a checked text, for which the set is large enough. */
static int apply(struct idset *idset, const char *s, ssize_t len,
                 int (*change)(struct idset *idset, unsigned lo, unsigned hi))
{
    struct text t;
    size_t lo, hi;

    text_begin(&t, s, len, NULL);
    while (t.p < t.end) {
        if (read_range(&t, &lo, &hi) < 0 || change(idset, (unsigned)lo, (unsigned)hi) < 0)
            return -1;
    }
    return 0;
}

int idset_decode_info(const char *s, ssize_t len, size_t *count, unsigned int *maxid,
                      idset_error_t *error)
{
    struct text t;

    if (check(&t, s, len, error) < 0)
        return -1;
    if (count)
        *count = t.count;
    if (maxid)
        *maxid = t.count > 0 ? (unsigned)(t.next - 1) : IDSET_INVALID_ID;
    return 0;
}

bool idset_decode_empty(const char *s, ssize_t len)
{
    size_t count;

    return idset_decode_info(s, len, &count, NULL, NULL) == 0 && count == 0;
}

/* The size asked for becomes the size to create, 0 meaning the default. */
static int pick_size(const struct text *t, ssize_t *size, int flags, idset_error_t *error)
{
    if (*size < 0) {
        if (t->count == 0 && !(flags & IDSET_FLAG_AUTOGROW))
            return fail(error, EINVAL, "idset: a set of exact size cannot be empty");
        *size = t->count > 0 ? (ssize_t)t->next : 1;
    }
    if (flags & IDSET_FLAG_AUTOGROW)
        return 0;
    if (t->next > (*size > 0 ? (size_t)*size : IDSET_DEFAULT_SIZE))
        return fail(error, ERANGE, "idset: id is beyond the size of the set");
    return 0;
}

struct idset *idset_decode_ex(const char *s, ssize_t len, ssize_t size, int flags,
                              idset_error_t *error)
{
    struct idset *idset;
    struct text t;

    if (check(&t, s, len, error) < 0 || pick_size(&t, &size, flags, error) < 0)
        return NULL;
    if (!(idset = idset_create((size_t)size, flags))) {
        fail(error, errno, "idset: cannot make the set");
        return NULL;
    }
    if (idset_grow(idset, t.next) < 0 ||
        ((flags & IDSET_FLAG_INITFULL) && idset_clear_all(idset) < 0) ||
        apply(idset, s, len, idset_range_set) < 0) {
        fail(error, errno, "idset: out of memory");
        idset_destroy(idset);
        return NULL;
    }
    return idset;
}

struct idset *idset_decode(const char *s)
{
    return idset_decode_ex(s, -1, 0, IDSET_FLAG_AUTOGROW, NULL);
}

struct idset *idset_ndecode(const char *s, size_t len)
{
    return idset_decode_ex(s, (ssize_t)len, 0, IDSET_FLAG_AUTOGROW, NULL);
}

int idset_decode_add(struct idset *idset, const char *s, ssize_t len,
                     idset_error_t *error)
{
    struct text t;

    if (!idset)
        return fail(error, EINVAL, "idset: no set");
    if (check(&t, s, len, error) < 0)
        return -1;
    if (idset_grow(idset, t.next) < 0)
        return fail(error, errno, "idset: id is beyond the size of the set");
    return apply(idset, s, len, idset_range_set);
}

int idset_decode_subtract(struct idset *idset, const char *s, ssize_t len,
                          idset_error_t *error)
{
    struct text t;

    if (!idset)
        return fail(error, EINVAL, "idset: no set");
    if (check(&t, s, len, error) < 0)
        return -1;
    return apply(idset, s, len, idset_range_clear);
}
