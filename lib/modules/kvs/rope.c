/* Values, small and large. */
#include "modules/kvs/rope.h"

#include <errno.h>

/* ---- making them grow at the right edge ---- */

static int push(struct edit *e, struct obj **slot, const struct entry *entry,
                struct obj *kid, unsigned level, struct obj **right);

/* Put an entry of that level behind the last one; it is a node of its own level if it
 * does not fit any more: *right. */
static int push_here(struct edit *e, struct obj *o, const struct entry *entry,
                     struct obj *kid, struct obj **right)
{
    int rc;

    if (o->n < OBJ_ENTRIES_MAX)
        return obj_insert(e->os, o, o->n, entry, kid);
    if (!(*right = obj_new_node(e->os, OBJ_ROPE, o->level, e->id))) {
        obj_unref(e->os, kid);
        return -ENOMEM;
    }
    if ((rc = obj_insert(e->os, *right, 0, entry, kid)) < 0) {
        obj_unref(e->os, *right);
        *right = NULL;
    }
    return rc;
}

static int push_below(struct edit *e, struct obj **slot, const struct entry *entry,
                      struct obj *kid, unsigned level, struct obj **right)
{
    struct entry last = {.type = ENTRY_NONE};
    struct obj *o, *below, *added = NULL;
    int rc;

    if ((rc = need_kid(e->os, *slot, (*slot)->n - 1u, &e->need, &below)) < 0 ||
        (rc = obj_edit(e->os, slot, e->id)) < 0) {
        obj_unref(e->os, kid);
        return rc;
    }
    o = *slot;
    if ((rc = push(e, &o->kids[o->n - 1], entry, kid, level, &added)) < 0)
        return rc;
    if ((rc = obj_recount(e->os, o, o->n - 1u)) < 0 || !added) {
        obj_unref(e->os, rc < 0 ? added : NULL);
        return rc;
    }
    last.n = added->count;
    return push_here(e, o, &last, added, right);
}

static int push(struct edit *e, struct obj **slot, const struct entry *entry,
                struct obj *kid, unsigned level, struct obj **right)
{
    int rc;

    if ((*slot)->level > level)
        return push_below(e, slot, entry, kid, level, right);
    if ((rc = obj_edit(e->os, slot, e->id)) < 0) {
        obj_unref(e->os, kid);
        return rc;
    }
    return push_here(e, *slot, entry, kid, right);
}

/* A rope above two of its level. Takes both references over. */
static int raise_rope(struct edit *e, struct obj **root, struct obj *right)
{
    struct obj *top = obj_new_node(e->os, OBJ_ROPE, (*root)->level + 1u, e->id);
    struct entry one = {.n = (*root)->count}, two = {.n = right->count};
    int rc;

    if (!top) {
        obj_unref(e->os, right);
        return -ENOMEM;
    }
    if ((rc = obj_insert(e->os, top, 0, &one, obj_ref(*root))) < 0)
        obj_unref(e->os, right);
    else
        rc = obj_insert(e->os, top, 1, &two, right);
    if (rc < 0) {
        obj_unref(e->os, top);
        return rc;
    }
    obj_unref(e->os, *root);
    *root = top;
    return 0;
}

/* Put a blob behind the last one. */
static int rope_push(struct edit *e, struct obj **root, const struct entry *entry,
                     struct obj *kid)
{
    struct obj *right = NULL;
    int rc = push(e, root, entry, kid, 1, &right);

    return rc < 0 || !right ? rc : raise_rope(e, root, right);
}

static int rope_push_bytes(struct edit *e, struct obj **root, const char *data,
                           size_t len)
{
    int rc = 0;

    while (rc == 0 && len > 0) {
        size_t n = len < VALUE_CHUNK ? len : VALUE_CHUNK;
        struct entry entry = {.n = n};
        struct obj *blob = obj_new_blob(e->os, data, n, e->id);

        rc = blob ? rope_push(e, root, &entry, blob) : -ENOMEM;
        data += n;
        len -= n;
    }
    return rc;
}

int value_make(struct edit *e, const void *data, size_t len, struct entry *entry,
               struct obj **kid)
{
    int rc = 0;

    *kid = NULL;
    entry->type = ENTRY_VAL;
    entry->val = (struct slice){data, len};
    entry->n = len;
    if (len > VALUE_MAX)
        return -EFBIG;
    if (len <= VALUE_INLINE)
        return 0;
    entry->val = SLICE_NONE;
    entry->type = len <= VALUE_CHUNK ? ENTRY_BLOB : ENTRY_ROPE;
    if (entry->type == ENTRY_BLOB)
        *kid = obj_new_blob(e->os, data, len, e->id);
    else
        *kid = obj_new_node(e->os, OBJ_ROPE, 1, e->id);
    if (!*kid)
        return -ENOMEM;
    if (entry->type == ENTRY_ROPE)
        rc = rope_push_bytes(e, kid, data, len);
    return rc;
}

/* ---- appending ---- */

static int append_inline(struct edit *e, struct entry *entry, struct obj **kid,
                         const void *data, size_t len, struct buf *out)
{
    out->len = 0;
    buf_add(out, entry->val.p, entry->val.len);
    if (buf_add(out, data, len) < 0)
        return -ENOMEM;
    return value_make(e, out->data, out->len, entry, kid);
}

/* The last blob of a rope, if it is in memory, has room for len bytes more and all nodes
 * above it can be changed: it is what grows. 1: done. */
static int append_last(struct edit *e, struct obj **slot, const void *data, size_t len)
{
    struct obj *o, *kid;
    unsigned at;
    int rc;

    if ((*slot)->kind == OBJ_BLOB) {
        if ((*slot)->len + len > VALUE_FILL)
            return 0;
        if ((rc = obj_edit(e->os, slot, e->id)) < 0)
            return rc;
        rc = obj_blob_append(e->os, *slot, data, len);
        return rc < 0 ? rc : 1;
    }
    at = (*slot)->n - 1u;
    if ((rc = obj_kid(e->os, *slot, at, &kid)) < 0)
        return rc == -EAGAIN ? 0 : rc;
    if ((rc = obj_edit(e->os, slot, e->id)) < 0)
        return rc;
    o = *slot;
    if ((rc = append_last(e, &o->kids[at], data, len)) <= 0)
        return rc;
    rc = obj_recount(e->os, o, at);
    return rc < 0 ? rc : 1;
}

/* A value that was one blob, whose length the entry tells, is the first of a rope. */
static int rope_of_blob(struct edit *e, struct entry *entry, struct obj **kid)
{
    struct obj *rope = obj_new_node(e->os, OBJ_ROPE, 1, e->id);
    struct entry first = {.hash = *kid ? NULL : entry->hash, .n = entry->n};
    int rc;

    if (!rope)
        return -ENOMEM;
    rc = obj_insert(e->os, rope, 0, &first, *kid);
    *kid = rope;
    entry->type = ENTRY_ROPE;
    entry->hash = NULL;
    return rc;
}

static int append_rope(struct edit *e, struct entry *entry, struct obj **kid,
                       const void *data, size_t len)
{
    int rc;

    if (!*kid) {
        need_add(&e->need, entry->hash, true);
        return -EAGAIN;
    }
    rc = append_last(e, kid, data, len);
    if (rc == 0)
        rc = rope_push_bytes(e, kid, data, len);
    return rc < 0 ? rc : 0;
}

int value_append(struct edit *e, struct entry *entry, struct obj **kid, const void *data,
                 size_t len, struct buf *out)
{
    uint64_t have = entry->type == ENTRY_VAL ? entry->val.len : entry->n;
    int rc = 0;

    if (have + len > VALUE_MAX)
        return -EFBIG;
    if (len == 0)
        return 0;
    if (entry->type == ENTRY_VAL)
        return append_inline(e, entry, kid, data, len, out);
    if (entry->type == ENTRY_BLOB && *kid)
        rc = append_last(e, kid, data, len);
    if (rc == 0 && entry->type == ENTRY_BLOB)
        rc = rope_of_blob(e, entry, kid);
    if (rc == 0)
        rc = append_rope(e, entry, kid, data, len);
    if (rc < 0)
        return rc;
    entry->n = have + len;
    return 0;
}

/* ---- reading ---- */

struct reading {
    struct objs *os;
    struct need *need;
    struct buf *out;
    uint64_t from, max;
};

static void take_bytes(struct reading *r, const char *data, uint64_t len)
{
    if (r->from >= len) {
        r->from -= len;
        return;
    }
    data += r->from;
    len -= r->from;
    r->from = 0;
    if (len > r->max)
        len = r->max;
    buf_add(r->out, data, (size_t)len);
    r->max -= len;
}

/* All objects of one node that are missing are wanted at once; then nothing more is
 * taken, for what comes behind would come before. */
static int read_below(struct reading *r, struct obj *o)
{
    int rc = 0, one;

    if (o->kind == OBJ_BLOB) {
        take_bytes(r, o->data, o->len);
        return 0;
    }
    for (unsigned i = 0; i < o->n && r->max > 0; i++) {
        struct obj *kid;
        struct entry e;

        obj_entry(o, i, &e);
        if (r->from >= e.n) {
            r->from -= e.n;
            continue;
        }
        one = need_kid(r->os, o, i, r->need, &kid);
        if (one == 0 && rc == 0)
            one = read_below(r, kid);
        if (one < 0 && one != -EAGAIN)
            return one;
        if (one == -EAGAIN) {
            rc = one;
            r->from = 0;
            if (r->need->n == NEED_MAX)
                break;
        }
    }
    return rc;
}

int value_read(struct objs *os, struct obj *leaf, unsigned i, uint64_t from, uint64_t max,
               struct need *need, struct buf *out)
{
    struct reading r = {os, need, out, from, max};
    struct obj *kid;
    struct entry e;
    size_t len = out->len;
    int rc;

    obj_entry(leaf, i, &e);
    if (e.type == ENTRY_VAL) {
        take_bytes(&r, e.val.p, e.val.len);
        return out->failed ? -ENOMEM : 0;
    }
    if ((rc = need_kid(os, leaf, i, need, &kid)) == 0)
        rc = read_below(&r, kid);
    if (rc < 0)
        out->len = len;
    return rc < 0 ? rc : out->failed ? -ENOMEM : 0;
}

/* ---- references ---- */

int value_begin_refs(struct edit *e, struct entry *entry, struct obj **kid)
{
    entry->type = ENTRY_ROPE;
    entry->n = 0;
    *kid = obj_new_node(e->os, OBJ_ROPE, 1, e->id);
    return *kid ? 0 : -ENOMEM;
}

int value_add_ref(struct edit *e, struct entry *entry, struct obj **kid,
                  const unsigned char *hash, uint64_t len)
{
    struct entry blob = {.hash = hash, .n = len};

    if (len > VALUE_MAX || entry->n + len > VALUE_MAX)
        return -EFBIG;
    entry->n += len;
    return rope_push(e, kid, &blob, NULL);
}

static int each_blob(struct objs *os, struct obj *o, struct need *need, value_blob_f fn,
                     void *arg)
{
    struct obj *kid;
    struct entry e;
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < o->n; i++) {
        obj_entry(o, i, &e);
        if (o->level == 1)
            rc = fn(e.hash, e.n, arg);
        else if ((rc = need_kid(os, o, i, need, &kid)) == 0)
            rc = each_blob(os, kid, need, fn, arg);
    }
    return rc;
}

int value_blobs(struct objs *os, struct obj *leaf, unsigned i, struct need *need,
                value_blob_f fn, void *arg)
{
    struct obj *kid;
    struct entry e;
    int rc;

    obj_entry(leaf, i, &e);
    if (e.type == ENTRY_BLOB)
        return fn(e.hash, e.n, arg);
    if (e.type != ENTRY_ROPE)
        return 0;
    rc = need_kid(os, leaf, i, need, &kid);
    return rc < 0 ? rc : each_blob(os, kid, need, fn, arg);
}
