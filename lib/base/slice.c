/* JSON text read in place, see slice.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/slice.h"

static const char *skip_space(const char *p, const char *end)
{
    while (p < end && (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r'))
        p++;
    return p;
}

/* p is behind the opening quote: the place behind the closing one, or NULL. */
static const char *skip_string(const char *p, const char *end)
{
    const char *q, *b;
    size_t slashes;

    while ((q = memchr(p, '"', (size_t)(end - p)))) {
        for (slashes = 0, b = q; b > p && b[-1] == '\\'; b--)
            slashes++;
        if (slashes % 2 == 0)
            return q + 1;
        /* Behind an escaped quote; what is in front of it cannot count again. */
        p = q + 1;
    }
    return NULL;
}

/* p is on the opening bracket: the place behind the closing one, or NULL. */
static const char *skip_container(const char *p, const char *end)
{
    unsigned depth = 0;

    while (p < end) {
        switch (*p++) {
        case '"':
            if (!(p = skip_string(p, end)))
                return NULL;
            break;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (--depth == 0)
                return p;
            break;
        }
    }
    return NULL;
}

static const char *skip_scalar(const char *p, const char *end)
{
    while (p < end && *p != ',' && *p != '}' && *p != ']' && (unsigned char)*p > ' ')
        p++;
    return p;
}

static const char *skip_value(const char *p, const char *end, struct slice *ret)
{
    const char *start = p;

    if (p == end)
        return NULL;
    if (*p == '"')
        p = skip_string(p + 1, end);
    else if (*p == '{' || *p == '[')
        p = skip_container(p, end);
    else
        p = skip_scalar(p, end);
    if (!p || p == start)
        return NULL;
    *ret = (struct slice){start, (size_t)(p - start)};
    return p;
}

int slice_value(const char *p, size_t len, struct slice *ret)
{
    const char *end = p + len;

    return skip_value(skip_space(p, end), end, ret) ? 0 : -EPROTO;
}

/* To the next item of a container: 1 and *p on it, 0 at the closing bracket. */
static int next_item(struct slice s, char open, char close, size_t *pos, const char **p)
{
    const char *end = s.p + s.len;
    const char *q = s.p + *pos;

    if (*pos == 0) {
        if (s.len < 2 || *q != open || end[-1] != close)
            return -EPROTO;
        q = skip_space(q + 1, end);
        if (*q == close)
            return 0;
    } else {
        q = skip_space(q, end);
        if (q < end && *q == close)
            return 0;
        if (q >= end || *q != ',')
            return -EPROTO;
        q = skip_space(q + 1, end);
    }
    *p = q;
    return 1;
}

int slice_member(struct slice obj, size_t *pos, struct slice *key, struct slice *val)
{
    const char *end = obj.p + obj.len, *p, *q;
    int rc;

    if ((rc = next_item(obj, '{', '}', pos, &p)) <= 0)
        return rc;
    if (p == end || *p != '"' || !(q = skip_string(p + 1, end)))
        return -EPROTO;
    *key = (struct slice){p + 1, (size_t)(q - p) - 2};
    q = skip_space(q, end);
    if (q == end || *q != ':')
        return -EPROTO;
    if (!(q = skip_value(skip_space(q + 1, end), end, val)))
        return -EPROTO;
    *pos = (size_t)(q - obj.p);
    return 1;
}

int slice_element(struct slice arr, size_t *pos, struct slice *val)
{
    const char *p, *q;
    int rc;

    if ((rc = next_item(arr, '[', ']', pos, &p)) <= 0)
        return rc;
    if (!(q = skip_value(p, arr.p + arr.len, val)))
        return -EPROTO;
    *pos = (size_t)(q - arr.p);
    return 1;
}

int slice_get(struct slice obj, const char *key, struct slice *val)
{
    struct slice k, v;
    size_t pos = 0;
    int rc;

    while ((rc = slice_member(obj, &pos, &k, &v)) > 0) {
        if (slice_is(k, key)) {
            *val = v;
            return 0;
        }
    }
    return rc < 0 ? rc : -ENOENT;
}

bool slice_is(struct slice s, const char *text)
{
    size_t len = strlen(text);

    return s.p && s.len == len && memcmp(s.p, text, len) == 0;
}

int slice_int(struct slice v, int64_t *ret)
{
    const char *p = v.p, *end = v.p + v.len;
    bool negative = v.len > 0 && *p == '-';
    uint64_t n = 0;

    if (negative)
        p++;
    if (p >= end || end - p > 19)
        return -EPROTO;
    for (; p < end; p++) {
        if (*p < '0' || *p > '9')
            return -EPROTO;
        n = n * 10 + (uint64_t)(*p - '0');
    }
    if (n > INT64_MAX)
        return -EPROTO;
    *ret = negative ? -(int64_t)n : (int64_t)n;
    return 0;
}

int slice_real(struct slice v, double *ret)
{
    char buf[40], *end;
    int64_t i;

    if (slice_int(v, &i) == 0) {
        *ret = (double)i;
        return 0;
    }
    if (v.len == 0 || v.len >= sizeof(buf) || !memchr("-0123456789", *v.p, 11))
        return -EPROTO;
    memcpy(buf, v.p, v.len);
    buf[v.len] = '\0';
    *ret = strtod(buf, &end);
    return *end == '\0' ? 0 : -EPROTO;
}

int slice_bool(struct slice v, bool *ret)
{
    if (!slice_is(v, "true") && !slice_is(v, "false"))
        return -EPROTO;
    *ret = *v.p == 't';
    return 0;
}

int slice_str(struct slice v, struct slice *ret)
{
    if (v.len < 2 || *v.p != '"')
        return -EPROTO;
    if (memchr(v.p, '\\', v.len))
        return -EILSEQ;
    *ret = (struct slice){v.p + 1, v.len - 2};
    return 0;
}

char *slice_strdup(struct slice v)
{
    struct slice s;
    cJSON *o = NULL;
    char *copy = NULL;
    int rc;

    if ((rc = slice_str(v, &s)) == 0)
        return strndup(s.p, s.len);
    if (rc == -EILSEQ && json_parse(v.p, v.len, NULL, &o, NULL) == 0 && json_str(o))
        copy = strdup(json_str(o));
    json_free(o);
    return copy;
}

int slice_string(struct slice v, char **copy, struct slice *ret)
{
    char *s;
    int rc = slice_str(v, ret);

    if (rc != -EILSEQ)
        return rc;
    if (!(s = slice_strdup(v)))
        return -EPROTO;
    *copy = s;
    *ret = slice_of(s);
    return 0;
}

char *slice_text(struct slice v)
{
    return v.p ? strndup(v.p, v.len) : NULL;
}
