/* Unpacking: the reader of the format language walks the tree along. */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/error.h"
#include "base/json_impl.h"

/* Members named in one object of a format, for '!'. */
#define NAMED_MAX 64
/* `O`s in one format. */
#define COPIES_MAX 16
#define UNPACK_DEPTH_MAX 32

/* Where we are in the tree, for messages. */
struct where {
    const struct where *up;
    const char *key; /* NULL: index counts */
    size_t index;
};

struct unpacker {
    const char *fmt, *p;
    va_list ap;
    flux_error_t *err;
    cJSON **copies[COPIES_MAX]; /* undone on failure */
    unsigned ncopies, depth;
};

static void where_print(const struct where *w, struct buf *b)
{
    if (w->up)
        where_print(w->up, b);
    if (w->key)
        buf_addf(b, b->len > 0 ? ".%s" : "%s", w->key);
    else if (w->up)
        buf_addf(b, "[%zu]", w->index);
}

static int mismatch(struct unpacker *u, const struct where *w, const char *expected,
                    const cJSON *o)
{
    struct buf b = {0};

    where_print(w, &b);
    if (b.len > 0 && !b.failed)
        error_set(u->err, EPROTO, "key '%s': expected %s, got %s", b.data, expected,
                  json_type_name(o));
    else
        error_set(u->err, EPROTO, "expected %s, got %s", expected, json_type_name(o));
    buf_free(&b);
    return -EPROTO;
}

static int trouble(struct unpacker *u, const struct where *w, const char *what,
                   const char *key)
{
    struct buf b = {0};

    where_print(w, &b);
    if (b.len > 0 && !b.failed)
        error_set(u->err, EPROTO, "%s '%s' in '%s'", what, key, b.data);
    else
        error_set(u->err, EPROTO, "%s '%s'", what, key);
    buf_free(&b);
    return -EPROTO;
}

static int bad_format(struct unpacker *u)
{
    return error_set(u->err, EINVAL, "bad unpack format '%s' at position %zu", u->fmt,
                     (size_t)(u->p - u->fmt));
}

static void skip(struct unpacker *u)
{
    while (*u->p && strchr(" \t\n,:", *u->p))
        u->p++;
}

static bool take(struct unpacker *u, char c)
{
    if (*u->p != c)
        return false;
    u->p++;
    return true;
}

/* The getters: `absent` means an optional member that is not there, whose
 * arguments are read and left alone. */

static int get_string(struct unpacker *u, const cJSON *o, const struct where *w,
                      bool absent)
{
    const char **s = va_arg(u->ap, const char **);
    size_t *len = take(u, '%') ? va_arg(u->ap, size_t *) : NULL;

    if (absent)
        return 0;
    if (!cJSON_IsString(o))
        return mismatch(u, w, "string", o);
    if (s)
        *s = o->valuestring;
    if (len)
        *len = strlen(o->valuestring);
    return 0;
}

static int get_int(struct unpacker *u, const cJSON *o, const struct where *w, bool absent)
{
    int *i = va_arg(u->ap, int *);
    int64_t v;
    int rc;

    if (absent)
        return 0;
    if ((rc = json_int64(o, &v)) == -EPROTO)
        return mismatch(u, w, "integer", o);
    if (rc < 0 || v < INT_MIN || v > INT_MAX)
        return mismatch(u, w, "integer of 32 bits", o);
    if (i)
        *i = (int)v;
    return 0;
}

static int get_int64(struct unpacker *u, const cJSON *o, const struct where *w,
                     bool absent)
{
    int64_t *i = va_arg(u->ap, int64_t *), v;
    int rc;

    if (absent)
        return 0;
    if ((rc = json_int64(o, &v)) < 0)
        return mismatch(u, w, rc == -ERANGE ? "integer of 64 bits" : "integer", o);
    if (i)
        *i = v;
    return 0;
}

static int get_real(struct unpacker *u, const cJSON *o, const struct where *w,
                    bool absent)
{
    double *d = va_arg(u->ap, double *), v;

    if (absent)
        return 0;
    if (json_real(o, &v) < 0)
        return mismatch(u, w, "number", o);
    if (d)
        *d = v;
    return 0;
}

static int get_boolean(struct unpacker *u, const cJSON *o, const struct where *w,
                       bool absent)
{
    int *b = va_arg(u->ap, int *);

    if (absent)
        return 0;
    if (!cJSON_IsBool(o))
        return mismatch(u, w, "boolean", o);
    if (b)
        *b = cJSON_IsTrue(o);
    return 0;
}

static int get_value(struct unpacker *u, cJSON *o, bool copy, bool absent)
{
    cJSON **v = va_arg(u->ap, cJSON **);

    if (absent || !v)
        return 0;
    if (!copy) {
        *v = o;
        return 0;
    }
    if (u->ncopies == COPIES_MAX)
        return bad_format(u);
    if (!(*v = json_copy(o)))
        return error_set(u->err, ENOMEM, "out of memory");
    u->copies[u->ncopies++] = v;
    return 0;
}

static int unpack_value(struct unpacker *u, cJSON *o, const struct where *w, bool absent);

static int check_all_named(struct unpacker *u, const cJSON *o, cJSON *const *named,
                           unsigned n, const struct where *w)
{
    for (const cJSON *c = o->child; c; c = c->next) {
        unsigned i = 0;

        while (i < n && named[i] != c)
            i++;
        if (i == n)
            return trouble(u, w, "unexpected key", c->string);
    }
    return 0;
}

/* At the end of a container? '!' or '*' may stand before it. */
static bool at_end(struct unpacker *u, char close, bool *strict)
{
    const char *p;

    *strict = false;
    skip(u);
    p = u->p;
    if (*p == '!' || *p == '*') {
        u->p++;
        skip(u);
        if (*u->p == close)
            *strict = *p == '!';
        else
            u->p = p; /* which is then no value */
    }
    return *u->p == close;
}

static int unpack_object(struct unpacker *u, cJSON *o, const struct where *up,
                         bool absent)
{
    cJSON *named[NAMED_MAX];
    unsigned n = 0;
    bool strict;
    int rc;

    if (!absent && !cJSON_IsObject(o))
        return mismatch(u, up, "object", o);
    while (!at_end(u, '}', &strict)) {
        struct where w = {.up = up};
        cJSON *item;
        bool optional;

        if (!take(u, 's') || !(w.key = va_arg(u->ap, const char *)))
            return bad_format(u);
        optional = take(u, '?');
        skip(u);
        item = absent ? NULL : json_get(o, w.key);
        if (!absent && !item && !optional)
            return trouble(u, up, "missing key", w.key);
        if (item && n < NAMED_MAX)
            named[n++] = item;
        if ((rc = unpack_value(u, item, &w, !item)) < 0)
            return rc;
    }
    if (!take(u, '}') || (strict && n == NAMED_MAX))
        return bad_format(u);
    return strict && !absent ? check_all_named(u, o, named, n, up) : 0;
}

static int unpack_array(struct unpacker *u, cJSON *o, const struct where *up, bool absent)
{
    cJSON *item = absent || !o ? NULL : o->child;
    struct where w = {.up = up};
    bool strict;
    int rc;

    if (!absent && !cJSON_IsArray(o))
        return mismatch(u, up, "array", o);
    for (; !at_end(u, ']', &strict); w.index++) {
        if (!absent && !item)
            return mismatch(u, up, "array with more elements", o);
        if ((rc = unpack_value(u, item, &w, absent)) < 0)
            return rc;
        item = item ? item->next : NULL;
    }
    if (!take(u, ']'))
        return bad_format(u);
    return strict && item ? mismatch(u, up, "array with fewer elements", o) : 0;
}

static int unpack_container(struct unpacker *u, cJSON *o, const struct where *w,
                            bool absent, bool object)
{
    int rc;

    if (u->depth >= UNPACK_DEPTH_MAX)
        return bad_format(u);
    u->depth++;
    rc = object ? unpack_object(u, o, w, absent) : unpack_array(u, o, w, absent);
    u->depth--;
    return rc;
}

static int unpack_value(struct unpacker *u, cJSON *o, const struct where *w, bool absent)
{
    char type = *u->p;

    if (!type)
        return bad_format(u);
    u->p++;
    switch (type) {
    case '{':
    case '[':
        return unpack_container(u, o, w, absent, type == '{');
    case 's':
        return get_string(u, o, w, absent);
    case 'i':
        return get_int(u, o, w, absent);
    case 'I':
        return get_int64(u, o, w, absent);
    case 'f':
    case 'F':
        return get_real(u, o, w, absent);
    case 'b':
        return get_boolean(u, o, w, absent);
    case 'o':
    case 'O':
        return get_value(u, o, type == 'O', absent);
    case 'n':
        return absent || cJSON_IsNull(o) ? 0 : mismatch(u, w, "null", o);
    default:
        u->p--;
        return bad_format(u);
    }
}

int json_vunpack(const cJSON *o, flux_error_t *err, const char *fmt, va_list ap)
{
    struct unpacker u = {.fmt = fmt, .p = fmt, .err = err};
    struct where top = {0};
    int rc;

    if (!o)
        return error_set(err, EINVAL, "nothing to unpack");
    va_copy(u.ap, ap);
    skip(&u);
    rc = unpack_value(&u, (cJSON *)o, &top, false);
    va_end(u.ap);
    skip(&u);
    if (rc == 0 && *u.p)
        rc = bad_format(&u);
    if (rc < 0) {
        while (u.ncopies > 0) {
            cJSON **copy = u.copies[--u.ncopies];

            cJSON_Delete(*copy);
            *copy = NULL;
        }
    }
    return rc;
}

int json_unpack(const cJSON *o, flux_error_t *err, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = json_vunpack(o, err, fmt, ap);
    va_end(ap);
    return rc;
}
