/* Packing: one reader of the format language, two sinks: a tree, or text at once.
 *
 * Arguments of `o` belong to us from the call on, so after a failure the reader goes
 * on through the format, building nothing, to free those that are still to come.
 */
#include <errno.h>
#include <string.h>

#include "base/json_impl.h"
#include "base/utf8.h"

/* Nesting of a format; formats are written by programmers. */
#define PACK_DEPTH_MAX 32

struct key {
    const char *s; /* NULL: an array element or the top */
    size_t len;
};

/* A place that values go to. Calls return 0 or -errno. */
struct sink {
    int (*null)(struct sink *s, struct key k);
    int (*boolean)(struct sink *s, struct key k, bool v);
    int (*integer)(struct sink *s, struct key k, int64_t v);
    int (*real)(struct sink *s, struct key k, double v);
    int (*string)(struct sink *s, struct key k, const char *v, size_t len);
    /* steal: v is ours, also on failure */
    int (*value)(struct sink *s, struct key k, cJSON *v, bool steal);
    int (*begin)(struct sink *s, struct key k, bool object);
    int (*end)(struct sink *s, bool object);
};

struct packer {
    const char *p;
    va_list ap;
    struct sink *sink;
    int rc; /* first failure */
    unsigned depth;
};

/* A string argument, or several joined. */
struct text {
    const char *s;
    size_t len;
    struct buf joined;
};

/* --- reader --- */

static int fail(struct packer *k, int rc)
{
    if (k->rc == 0)
        k->rc = rc;
    return k->rc;
}

static void skip(struct packer *k)
{
    while (*k->p && strchr(" \t\n,:", *k->p))
        k->p++;
}

static bool take(struct packer *k, char c)
{
    if (*k->p != c)
        return false;
    k->p++;
    return true;
}

/* One argument of s, s#, s% or +. Callers of s# may pass an int, as Jansson has it:
 * in the 64-bit ABIs the low half of the slot is that int. */
static void read_part(struct packer *k, const char **s, size_t *len)
{
    *s = va_arg(k->ap, const char *);
    if (take(k, '#'))
        *len = va_arg(k->ap, size_t) & UINT32_MAX;
    else if (take(k, '%'))
        *len = va_arg(k->ap, size_t);
    else
        *len = *s ? strlen(*s) : 0;
}

static void read_text(struct packer *k, struct text *t)
{
    *t = (struct text){0};
    read_part(k, &t->s, &t->len);
    while (take(k, '+')) {
        const char *s;
        size_t len;

        if (!t->s)
            fail(k, -EINVAL);
        else if (!t->joined.data)
            buf_add(&t->joined, t->s, t->len);
        read_part(k, &s, &len);
        if (!s) {
            fail(k, -EINVAL);
            continue;
        }
        buf_add(&t->joined, s, len);
        t->s = t->joined.data;
        t->len = t->joined.len;
    }
    if (t->joined.failed)
        fail(k, -ENOMEM);
}

static void put_string(struct packer *k, struct key key)
{
    struct text t;
    char opt;

    read_text(k, &t);
    opt = *k->p == '?' || *k->p == '*' ? *k->p++ : 0;
    if (k->rc == 0) {
        if (t.s)
            fail(k, k->sink->string(k->sink, key, t.s, t.len));
        else if (opt == '?')
            fail(k, k->sink->null(k->sink, key));
        else if (!opt)
            fail(k, -EINVAL);
    }
    buf_free(&t.joined);
}

static void put_value(struct packer *k, struct key key, bool steal)
{
    cJSON *v = va_arg(k->ap, cJSON *);
    char opt = *k->p == '?' || *k->p == '*' ? *k->p++ : 0;

    if (k->rc < 0) {
        if (steal)
            cJSON_Delete(v);
    } else if (v) {
        fail(k, k->sink->value(k->sink, key, v, steal));
    } else if (opt == '?') {
        fail(k, k->sink->null(k->sink, key));
    } else if (!opt) {
        fail(k, -EINVAL);
    }
}

static void put_scalar(struct packer *k, struct key key, char type)
{
    struct sink *s = k->sink;
    int64_t i = 0;
    double d = 0;

    if (type == 'i' || type == 'b')
        i = va_arg(k->ap, int);
    else if (type == 'I')
        i = va_arg(k->ap, int64_t);
    else if (type == 'f')
        d = va_arg(k->ap, double);
    if (k->rc < 0)
        return;
    if (type == 'n')
        fail(k, s->null(s, key));
    else if (type == 'b')
        fail(k, s->boolean(s, key, i != 0));
    else if (type == 'f')
        fail(k, s->real(s, key, d));
    else
        fail(k, s->integer(s, key, i));
}

static bool pack_value(struct packer *k, struct key key);

/* After '{' or '['. False: the format is wrong. */
static bool pack_members(struct packer *k, bool object)
{
    for (;;) {
        struct text t = {0};
        bool ok;

        skip(k);
        if (take(k, object ? '}' : ']'))
            return true;
        if (object) {
            if (!take(k, 's'))
                return false;
            read_text(k, &t);
            if (!t.s)
                fail(k, -EINVAL);
            skip(k);
        }
        ok = pack_value(k, (struct key){t.s, t.len});
        buf_free(&t.joined);
        if (!ok)
            return false;
    }
}

static bool pack_container(struct packer *k, struct key key, bool object)
{
    bool ok;

    if (k->depth >= PACK_DEPTH_MAX)
        return false;
    k->depth++;
    if (k->rc == 0)
        fail(k, k->sink->begin(k->sink, key, object));
    ok = pack_members(k, object);
    if (ok && k->rc == 0)
        fail(k, k->sink->end(k->sink, object));
    k->depth--;
    return ok;
}

static bool pack_value(struct packer *k, struct key key)
{
    char type = *k->p;

    if (!type)
        return false;
    k->p++;
    switch (type) {
    case '{':
    case '[':
        return pack_container(k, key, type == '{');
    case 's':
        put_string(k, key);
        return true;
    case 'o':
    case 'O':
        put_value(k, key, type == 'o');
        return true;
    case 'n':
    case 'b':
    case 'i':
    case 'I':
    case 'f':
        put_scalar(k, key, type);
        return true;
    default:
        return false;
    }
}

static int pack(struct sink *sink, const char *fmt, va_list ap)
{
    struct packer k = {.p = fmt, .sink = sink};

    va_copy(k.ap, ap);
    skip(&k);
    if (!pack_value(&k, (struct key){0}))
        fail(&k, -EINVAL);
    skip(&k);
    if (*k.p)
        fail(&k, -EINVAL);
    va_end(k.ap);
    return k.rc;
}

/* --- sink: tree --- */

struct tree_sink {
    struct sink ops;
    cJSON *root;
    cJSON *stack[PACK_DEPTH_MAX]; /* open containers */
    unsigned depth;
};

static int tree_add(struct sink *s, struct key k, cJSON *v)
{
    struct tree_sink *t = (struct tree_sink *)s;

    if (!v)
        return -ENOMEM;
    if (t->depth == 0) {
        t->root = v;
        return 0;
    }
    if (k.s) {
        if (memchr(k.s, '\0', k.len) || !utf8_valid(k.s, k.len)) {
            cJSON_Delete(v);
            return -EINVAL;
        }
        if (v->string && !(v->type & cJSON_StringIsConst))
            cJSON_free(v->string);
        v->type &= ~cJSON_StringIsConst;
        if (!(v->string = json_strndup(k.s, k.len))) {
            cJSON_Delete(v);
            return -ENOMEM;
        }
    }
    json_link(t->stack[t->depth - 1], v);
    return 0;
}

static int tree_null(struct sink *s, struct key k)
{
    return tree_add(s, k, cJSON_CreateNull());
}

static int tree_boolean(struct sink *s, struct key k, bool v)
{
    return tree_add(s, k, cJSON_CreateBool(v));
}

static int tree_integer(struct sink *s, struct key k, int64_t v)
{
    return tree_add(s, k, json_new_int(v));
}

static int tree_real(struct sink *s, struct key k, double v)
{
    errno = ENOMEM;
    cJSON *o = json_new_real(v);

    return o ? tree_add(s, k, o) : -errno;
}

static int tree_string(struct sink *s, struct key k, const char *v, size_t len)
{
    errno = ENOMEM;
    cJSON *o = json_new_strn(v, len);

    return o ? tree_add(s, k, o) : -errno;
}

static int tree_value(struct sink *s, struct key k, cJSON *v, bool steal)
{
    return tree_add(s, k, steal ? v : json_copy(v));
}

static int tree_begin(struct sink *s, struct key k, bool object)
{
    struct tree_sink *t = (struct tree_sink *)s;
    cJSON *o = object ? cJSON_CreateObject() : cJSON_CreateArray();
    int rc = tree_add(s, k, o);

    if (rc == 0)
        t->stack[t->depth++] = o;
    return rc;
}

static int tree_end(struct sink *s, bool object)
{
    ((struct tree_sink *)s)->depth--;
    return 0;
}

static const struct sink tree_ops = {tree_null,   tree_boolean, tree_integer, tree_real,
                                     tree_string, tree_value,   tree_begin,   tree_end};

cJSON *json_vpack(const char *fmt, va_list ap)
{
    struct tree_sink t = {.ops = tree_ops};
    int rc = pack(&t.ops, fmt, ap);

    if (rc == 0 && !t.root) /* "s*" with NULL */
        rc = -EINVAL;
    if (rc < 0) {
        cJSON_Delete(t.root);
        errno = -rc;
        return NULL;
    }
    return t.root;
}

cJSON *json_pack(const char *fmt, ...)
{
    va_list ap;
    cJSON *o;

    va_start(ap, fmt);
    o = json_vpack(fmt, ap);
    va_end(ap);
    return o;
}

/* --- sink: text --- */

struct text_sink {
    struct sink ops;
    struct buf *out;
    bool comma; /* before the next value */
};

/* The comma and the key before a value. */
static int text_lead(struct sink *s, struct key k)
{
    struct text_sink *t = (struct text_sink *)s;
    int rc;

    if (t->comma)
        buf_addc(t->out, ',');
    t->comma = true;
    if (k.s) {
        if ((rc = json_buf_str(t->out, k.s, k.len)) < 0)
            return rc;
        buf_addc(t->out, ':');
    }
    return 0;
}

static struct buf *text_out(struct sink *s)
{
    return ((struct text_sink *)s)->out;
}

static int text_null(struct sink *s, struct key k)
{
    int rc = text_lead(s, k);

    return rc < 0 ? rc : buf_add(text_out(s), "null", 4);
}

static int text_boolean(struct sink *s, struct key k, bool v)
{
    int rc = text_lead(s, k);

    return rc < 0 ? rc : buf_add(text_out(s), v ? "true" : "false", v ? 4 : 5);
}

static int text_integer(struct sink *s, struct key k, int64_t v)
{
    int rc = text_lead(s, k);

    return rc < 0 ? rc : json_buf_int(text_out(s), v);
}

static int text_real(struct sink *s, struct key k, double v)
{
    int rc = text_lead(s, k);

    return rc < 0 ? rc : json_buf_real(text_out(s), v);
}

static int text_string(struct sink *s, struct key k, const char *v, size_t len)
{
    int rc = text_lead(s, k);

    return rc < 0 ? rc : json_buf_str(text_out(s), v, len);
}

static int text_value(struct sink *s, struct key k, cJSON *v, bool steal)
{
    int rc = text_lead(s, k);

    if (rc == 0)
        rc = json_print_buf(v, text_out(s));
    if (steal)
        cJSON_Delete(v);
    return rc;
}

static int text_begin(struct sink *s, struct key k, bool object)
{
    int rc = text_lead(s, k);

    ((struct text_sink *)s)->comma = false;
    return rc < 0 ? rc : buf_addc(text_out(s), object ? '{' : '[');
}

static int text_end(struct sink *s, bool object)
{
    ((struct text_sink *)s)->comma = true;
    return buf_addc(text_out(s), object ? '}' : ']');
}

static const struct sink text_ops = {text_null,   text_boolean, text_integer, text_real,
                                     text_string, text_value,   text_begin,   text_end};

int json_vpack_buf(struct buf *out, const char *fmt, va_list ap)
{
    struct text_sink t = {.ops = text_ops, .out = out};
    size_t start = out->len;
    int rc = pack(&t.ops, fmt, ap);

    if (rc == 0 && out->failed)
        rc = -ENOMEM;
    if (rc == 0 && out->len == start)
        rc = -EINVAL;
    if (rc < 0 && out->data) {
        out->len = start;
        out->data[start] = '\0';
    }
    return rc;
}

int json_pack_buf(struct buf *out, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = json_vpack_buf(out, fmt, ap);
    va_end(ap);
    return rc;
}
