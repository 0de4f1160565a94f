/* kvs.commit payloads read. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "base/varint.h"
#include "proto/key.h"
#include "proto/kvstxn.h"
#include "proto/treeobj.h"

#define FLAG_APPEND 32

/* One operation as its members lie in the text. */
struct raw_op {
    struct slice key, dirent, expect;
    int64_t flags;
};

struct reading {
    struct kvstxn *t;
    struct buf value; /* of the operation at hand */
    char *key;        /* in normal form; room for any */
    flux_error_t *err;
};

void kvstxn_free(struct kvstxn *t)
{
    buf_free(&t->ops);
    buf_free(&t->expects);
    free(t->versions);
    *t = (struct kvstxn){0};
}

static int bad(struct reading *r, const char *what)
{
    return error_set(r->err, EPROTO, "commit: %s", what);
}

/* The key of an operation in normal form; it may have escapes. */
static int read_key(struct reading *r, struct slice v, struct slice *ret)
{
    AUTOFREE char *copy = NULL;
    struct slice s;
    int rc = slice_string(v, &copy, &s);

    if (rc < 0)
        return bad(r, "a key is not a string");
    if (s.len > KEY_MAX ||
        (rc = key_normalize(s.p, s.len, r->key, NULL)) == -ENAMETOOLONG)
        return error_set(r->err, ENAMETOOLONG, "commit: key too long: %.60s...", s.p);
    if (rc < 0)
        return error_set(r->err, EINVAL, "commit: bad key '%.*s'",
                         (int)(s.len < 100 ? s.len : 100), s.p);
    *ret = (struct slice){r->key, (size_t)rc};
    return 0;
}

static int add_op(struct reading *r, enum redo_op op, struct slice key)
{
    struct slice value = {r->value.data, r->value.len};

    if (value.len > r->t->largest)
        r->t->largest = value.len;
    r->t->nops++;
    return redo_add(&r->t->ops, op, key, value);
}

/* The bytes of a base64 string, into r->value. */
static int read_base64(struct reading *r, struct slice v)
{
    AUTOFREE char *copy = NULL;
    struct slice s;
    int rc = slice_string(v, &copy, &s); /* "\/" is a way to write a slash */

    r->value.len = 0;
    if (rc < 0 || (rc = base64_decode_buf(&r->value, s.p, s.len)) == -EINVAL)
        return bad(r, "a value is not base64");
    return rc;
}

static int add_version(struct reading *r, const struct blobref *ref)
{
    struct kvstxn *t = r->t;
    struct kvstxn_version *more =
        realloc(t->versions, (t->nversions + 1) * sizeof(*more));

    if (!more)
        return -ENOMEM;
    t->versions = more;
    more[t->nversions++] = (struct kvstxn_version){t->nops, ref->id, ref->version};
    return 0;
}

/* References by hash; what stands behind them is not known here: 0. */
static int add_refs(struct reading *r, const cJSON *o, bool dir, struct slice key)
{
    static const unsigned char zeros[BLOBREF_HASH];
    int rc, n = treeobj_blobref_count(o);
    struct blobref ref;

    r->value.len = 0;
    for (int i = 0; i < n; i++) {
        const char *text = treeobj_blobref(o, i);

        if (blobref_parse(slice_of(text), &ref) < 0 || (ref.is_version && !dir))
            return error_set(r->err, EINVAL,
                             "commit: '%.90s' is no reference of this instance ('%s-...' "
                             "is)",
                             text, BLOBREF_NAME);
        if (ref.is_version && (rc = add_version(r, &ref)) < 0)
            return rc;
        redo_ref_add(&r->value, ref.is_version ? zeros : ref.hash, 0);
    }
    r->t->has_refs = true;
    return add_op(r, dir ? REDO_DIRREF : REDO_VALREF, key);
}

static int add_treeobj(struct reading *r, const cJSON *o, int64_t flags,
                       struct slice key);

/* A directory with entries: an empty one, and then they. */
static int add_dir(struct reading *r, const cJSON *o, struct slice key)
{
    AUTOFREE char *full = NULL;
    const cJSON *entry;
    int rc;

    r->value.len = 0;
    if ((rc = add_op(r, REDO_MKDIR, key)) < 0)
        return rc;
    cJSON_ArrayForEach(entry, json_get(o, "data"))
    {
        struct slice below = {NULL, key.len + 1 + strlen(entry->string)};

        if (below.len > KEY_MAX || strlen(entry->string) > KEY_NAME_MAX)
            return error_set(r->err, ENAMETOOLONG, "commit: key too long");
        free(full);
        if (asprintf(&full, "%.*s%s%s", (int)key.len, key.p, key.len ? "." : "",
                     entry->string) < 0) {
            full = NULL;
            return -ENOMEM;
        }
        below = slice_of(full);
        if ((rc = add_treeobj(r, entry, 0, below)) < 0)
            return rc;
    }
    return 0;
}

static int add_symlink(struct reading *r, const cJSON *o, struct slice key)
{
    const char *ns, *target;

    treeobj_symlink_get(o, &ns, &target);
    if (ns && (strlen(ns) > KVSTXN_NAMESPACE_MAX || !namespace_valid(ns)))
        return error_set(r->err, EINVAL, "commit: bad namespace '%.60s'", ns);
    if (strlen(target) > KEY_MAX)
        return error_set(r->err, ENAMETOOLONG, "commit: link target too long");
    r->value.len = 0;
    if (redo_link_add(&r->value, slice_of(ns), slice_of(target)) < 0)
        return -ENOMEM;
    r->t->has_links = true;
    return add_op(r, REDO_LINK, key);
}

/* A tree object that was validated. */
static int add_treeobj(struct reading *r, const cJSON *o, int64_t flags, struct slice key)
{
    int rc;

    switch (treeobj_type(o)) {
    case TREEOBJ_VAL:
        r->value.len = 0;
        if ((rc = treeobj_val_decode_buf(o, &r->value)) < 0)
            return rc;
        return add_op(r, flags & FLAG_APPEND ? REDO_APPEND : REDO_PUT, key);
    case TREEOBJ_VALREF:
        return add_refs(r, o, false, key);
    case TREEOBJ_DIRREF:
        return add_refs(r, o, true, key);
    case TREEOBJ_DIR:
        return add_dir(r, o, key);
    case TREEOBJ_SYMLINK:
        return add_symlink(r, o, key);
    default:
        return bad(r, "a dirent is no tree object");
    }
}

/* Anything but a plain val goes by way of a tree. */
static int add_slowly(struct reading *r, const struct raw_op *raw, struct slice key)
{
    flux_error_t why;
    cJSON *o;
    int rc = treeobj_parse(raw->dirent.p, raw->dirent.len, &o, &why);

    if (rc < 0)
        return rc == -ENOMEM ? rc : error_set(r->err, EPROTO, "commit: %s", why.text);
    if ((raw->flags & FLAG_APPEND) && treeobj_type(o) != TREEOBJ_VAL)
        rc = error_set(r->err, EINVAL, "commit: only bytes can be appended");
    else
        rc = add_treeobj(r, o, raw->flags, key);
    json_free(o);
    return rc;
}

/* The data of {"ver":1,"type":"val","data":s}, in any order; 0: it is something else. */
static int plain_val(struct slice dirent, struct slice *data)
{
    struct slice k, v;
    size_t pos = 0;
    int seen = 0;

    while (slice_member(dirent, &pos, &k, &v) > 0) {
        if (slice_is(k, "data") && v.len > 0 && *v.p == '"') {
            *data = v;
            seen |= 1;
        } else if (slice_is(k, "type") && slice_is(v, "\"val\""))
            seen |= 2;
        else if (slice_is(k, "ver") && slice_is(v, "1"))
            seen |= 4;
        else
            return 0;
    }
    return seen == 7;
}

static int add_dirent(struct reading *r, const struct raw_op *raw, struct slice key)
{
    struct slice data;
    int rc;

    if (slice_is(raw->dirent, "null")) {
        r->value.len = 0;
        return add_op(r, REDO_UNLINK, key);
    }
    if (!plain_val(raw->dirent, &data))
        return add_slowly(r, raw, key);
    if ((rc = read_base64(r, data)) < 0)
        return rc;
    return add_op(r, raw->flags & FLAG_APPEND ? REDO_APPEND : REDO_PUT, key);
}

static void add_sized(struct buf *b, struct slice s)
{
    unsigned char n[VARINT_MAX];

    buf_add(b, n, (size_t)(varint_put(n, s.len) - n));
    if (s.len)
        buf_add(b, s.p, s.len);
}

/* u8 by version, key, then the version as text or the bytes. */
static int add_expect(struct reading *r, struct slice expect, struct slice key)
{
    struct buf *b = &r->t->expects;
    struct slice v;
    int64_t version;
    int rc;

    if (slice_get(expect, "version", &v) == 0) {
        if (slice_int(v, &version) < 0 || version < 0)
            return bad(r, "an expected version is not a number");
        buf_addc(b, 1);
        add_sized(b, key);
        add_sized(b, v);
    } else if (slice_get(expect, "data", &v) == 0) {
        if ((rc = read_base64(r, v)) < 0)
            return rc;
        buf_addc(b, 0);
        add_sized(b, key);
        add_sized(b, (struct slice){r->value.data, r->value.len});
    } else
        return bad(r, "expect has neither version nor data");
    r->t->nexpects++;
    return b->failed ? -ENOMEM : 0;
}

static int read_op(struct reading *r, struct slice text)
{
    struct raw_op raw = {.flags = 0};
    struct slice k, v, key;
    size_t pos = 0;
    int rc;

    while ((rc = slice_member(text, &pos, &k, &v)) > 0) {
        if (slice_is(k, "key"))
            raw.key = v;
        else if (slice_is(k, "flags")) {
            if (slice_int(v, &raw.flags) < 0)
                return bad(r, "flags of an operation are not a number");
        } else if (slice_is(k, "dirent"))
            raw.dirent = v;
        else if (slice_is(k, "expect"))
            raw.expect = v;
    }
    if (rc < 0 || !raw.key.p || (!raw.dirent.p && !raw.expect.p))
        return bad(r, "an operation is malformed");
    if (raw.flags & ~(int64_t)FLAG_APPEND)
        return bad(r, "an operation has unknown flags");
    if ((rc = read_key(r, raw.key, &key)) < 0)
        return rc;
    if (raw.expect.p && (rc = add_expect(r, raw.expect, key)) < 0)
        return rc;
    return raw.dirent.p ? add_dirent(r, &raw, key) : 0;
}

static int read_ns(struct reading *r, struct slice v)
{
    struct slice s;

    if (slice_str(v, &s) < 0 || s.len > KVSTXN_NAMESPACE_MAX)
        return bad(r, "bad namespace");
    memcpy(r->t->ns, s.p, s.len);
    r->t->ns[s.len] = '\0';
    return 0;
}

static int read_ops(struct reading *r, struct slice ops)
{
    struct slice op;
    size_t pos = 0;
    int rc, more;

    while ((more = slice_element(ops, &pos, &op)) > 0)
        if ((rc = read_op(r, op)) < 0)
            return rc;
    return more < 0 ? bad(r, "ops are not an array of objects") : 0;
}

static int read_all(struct reading *r, struct slice all)
{
    struct slice k, v, ops = SLICE_NONE;
    size_t pos = 0;
    int64_t flags = 0;
    int rc;

    while ((rc = slice_member(all, &pos, &k, &v)) > 0) {
        if (slice_is(k, "namespace")) {
            if ((rc = read_ns(r, v)) < 0)
                return rc;
        } else if (slice_is(k, "flags")) {
            if (slice_int(v, &flags) < 0)
                return bad(r, "flags are not a number");
        } else if (slice_is(k, "ops"))
            ops = v;
    }
    if (rc < 0 || !ops.p)
        return bad(r, "malformed request");
    r->t->flags = (int)flags;
    return read_ops(r, ops);
}

int kvstxn_read(const char *payload, size_t len, struct kvstxn *t, flux_error_t *err)
{
    struct reading r = {.t = t, .err = err, .key = malloc(KEY_MAX)};
    struct slice all;
    int rc;

    *t = (struct kvstxn){0};
    if (!r.key)
        return -ENOMEM;
    if (slice_value(payload, len, &all) < 0)
        rc = bad(&r, "malformed request");
    else
        rc = read_all(&r, all);
    buf_free(&r.value);
    free(r.key);
    if (rc < 0)
        kvstxn_free(t);
    return rc;
}

static const unsigned char *get_sized(const unsigned char *p, struct slice *s)
{
    uint64_t n = 0;

    p = varint_get(p, p + VARINT_MAX, &n);
    *s = (struct slice){(const char *)p, (size_t)n};
    return p + n;
}

int kvstxn_expect(const struct buf *expects, size_t *pos, struct kvstxn_expect *ret)
{
    const unsigned char *p;
    struct slice value;
    int64_t version = 0;

    if (*pos >= expects->len) /* there may be none, and no data then */
        return 0;
    p = (const unsigned char *)expects->data + *pos;
    ret->by_version = *p++;
    p = get_sized(p, &ret->key);
    p = get_sized(p, &value);
    if (ret->by_version)
        slice_int(value, &version);
    ret->version = (uint64_t)version;
    ret->data = value;
    *pos = (size_t)((const char *)p - expects->data);
    return 1;
}
