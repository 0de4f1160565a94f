/* Walking. Everything that is read is held against its hash. */
#include "store/walk.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/sha256.h"
#include "proto/key.h"
#include "proto/kvsnode.h"

#define PIECE (256u << 10) /* of a large value */

struct walk {
    struct store_reader *r;
    const struct walk_how *how;
    walk_f fn;
    void *arg;
    struct walk_cursor *cursor;
    struct buf key;
    struct buf value;
    size_t seen; /* bytes */
    unsigned depth;
};

/* What is left of the cursor's key at some level; p NULL: everything is behind it. */
struct rest {
    const char *p, *end;
};

void walk_cursor_free(struct walk_cursor *c)
{
    buf_free(&c->key);
}

/* ---- objects ---- */

static int keep(uint64_t gen, const void *data, size_t len, void *arg)
{
    return buf_add(arg, data, len) < 0 ? -ENOMEM : 0;
}

/* NULL: it is sound; else what is wrong with it. *rc: -ENOMEM. */
static const char *load(struct walk *w, const unsigned char *hash, bool node,
                        struct buf *out, int *rc)
{
    unsigned char found[NODE_HASH];

    *rc = store_reader_blob(w->r, hash, keep, out);
    if (*rc == -ENOENT)
        return "it is missing";
    if (*rc == -ENOMEM)
        return NULL;
    if (*rc < 0)
        return "it cannot be read";
    w->seen += out->len;
    sha256(out->data, out->len, found);
    if (memcmp(found, hash, NODE_HASH) != 0)
        return "it is damaged";
    return node && node_check(out->data, out->len) < 0 ? "it is malformed" : NULL;
}

/* ---- giving ---- */

static int move_cursor(struct walk *w, uint64_t offset)
{
    struct walk_cursor *c = w->cursor;

    c->begun = true;
    c->offset = offset;
    c->key.len = 0;
    return buf_add(&c->key, w->key.data, w->key.len) < 0 ? -ENOMEM : 0;
}

/* 1: enough for now. */
static int give(struct walk *w, struct walk_item *item)
{
    int rc = 0;

    item->key = w->key.len ? w->key.data : "";
    if (!w->how->check || item->kind == WALK_BAD)
        rc = w->fn(item, w->arg);
    if (rc == 0 && item->kind != WALK_BAD) {
        uint64_t end = item->offset + item->data.len;

        rc = move_cursor(w, end < item->size ? end : 0);
    }
    return rc != 0 ? rc : item->kind != WALK_BAD && w->seen >= w->how->bytes;
}

static int bad(struct walk *w, const unsigned char *hash, const char *why)
{
    struct walk_item item = {.kind = WALK_BAD, .why = why, .hash = hash};

    return give(w, &item);
}

/* ---- values ---- */

/* Append what an object holds from *skip bytes on, until there is a piece. 1: something
 * is wrong, and has been told. */
static int read_value(struct walk *w, const unsigned char *hash, bool node,
                      uint64_t *skip)
{
    CLEANUP(buf_free) struct buf obj = {0};
    struct node_head h;
    size_t pos = NODE_HEAD;
    const char *why;
    struct entry e;
    int rc;

    if ((why = load(w, hash, node, &obj, &rc)))
        return (rc = bad(w, hash, why)) ? rc : 1;
    if (rc < 0)
        return rc;
    if (!node) {
        size_t from = *skip < obj.len ? *skip : obj.len;

        *skip -= from;
        return buf_add(&w->value, obj.data + from, obj.len - from);
    }
    node_head_read(obj.data, obj.len, &h);
    if (h.kind != NODE_ROPE)
        return (rc = bad(w, hash, "it is no part of a value")) ? rc : 1;
    for (unsigned i = 0; rc == 0 && i < h.n && w->value.len < PIECE; i++) {
        pos += (size_t)entry_read(h.kind, obj.data + pos, obj.len - pos, &e);
        if (*skip >= e.n && e.n > 0)
            *skip -= e.n;
        else
            rc = read_value(w, e.hash, h.level > 1, skip);
    }
    return rc;
}

/* 2: something is wrong with it, and has been told. */
static int give_piece(struct walk *w, const struct entry *e, uint64_t offset)
{
    struct walk_item item = {.kind = WALK_VAL, .offset = offset, .size = e->n};
    uint64_t skip = offset;
    int rc;

    w->value.len = 0;
    if ((rc = read_value(w, e->hash, e->type == ENTRY_ROPE, &skip)) != 0)
        return rc == 1 ? 2 : rc;
    item.data = (struct slice){w->value.data ? w->value.data : "", w->value.len};
    if (offset + w->value.len > e->n || (w->value.len == 0 && offset < e->n))
        return (rc = bad(w, e->hash, "its length is not that of the value")) ? rc : 2;
    return give(w, &item);
}

static int give_large(struct walk *w, const struct entry *e, uint64_t offset)
{
    int rc;

    do {
        if ((rc = give_piece(w, e, offset)) != 0)
            break;
        offset = w->cursor->offset;
    } while (offset > 0);
    return rc == 2 ? 0 : rc;
}

static int give_entry(struct walk *w, const struct entry *e, uint64_t offset)
{
    struct walk_item item = {.kind = WALK_VAL, .size = e->val.len, .data = e->val};

    w->seen += e->key.len + 16;
    if (e->type == ENTRY_VAL)
        return give(w, &item);
    if (e->type == ENTRY_BLOB || e->type == ENTRY_ROPE)
        return give_large(w, e, offset);
    item = (struct walk_item){.kind = WALK_LINK, .ns = e->ns, .target = e->val};
    return give(w, &item);
}

/* ---- directories ---- */

static int walk_dir(struct walk *w, const unsigned char *hash, struct rest rest);

static struct slice first_name(struct rest rest)
{
    const char *name = NULL;
    size_t len = 0;

    if (rest.p)
        key_next(&rest.p, rest.end, &name, &len);
    return (struct slice){name, len};
}

static struct rest behind_first(struct rest rest)
{
    const char *name;
    size_t len;

    key_next(&rest.p, rest.end, &name, &len);
    return rest.p < rest.end ? rest : (struct rest){NULL, NULL};
}

static int descend(struct walk *w, const struct entry *e, struct rest rest)
{
    struct walk_item item = {.kind = WALK_DIR};
    int rc;

    if (e->n == 0)
        return give(w, &item);
    if (w->depth >= KEY_DEPTH_MAX)
        return bad(w, e->hash, "it is deeper than keys can be");
    w->depth++;
    rc = walk_dir(w, e->hash, rest);
    w->depth--;
    return rc;
}

/* One entry of a leaf; `same`: its name is the cursor's at this level. */
static int walk_entry(struct walk *w, const struct entry *e, struct rest rest, bool same)
{
    size_t len = w->key.len;
    struct rest below = same ? behind_first(rest) : (struct rest){NULL, NULL};
    uint64_t offset = same && !below.p ? w->cursor->offset : 0;
    int rc = 0;

    if (len)
        buf_addc(&w->key, '.');
    if (buf_add(&w->key, e->key.p, e->key.len) < 0)
        return -ENOMEM;
    if (e->type == ENTRY_DIR) {
        if (!same || below.p)
            rc = descend(w, e, below);
    } else if (!same || offset)
        rc = give_entry(w, e, offset);
    w->key.len = len;
    w->key.data[len] = '\0';
    return rc;
}

static int walk_leaf(struct walk *w, const struct buf *obj, unsigned n, struct rest rest)
{
    struct slice name = first_name(rest);
    size_t pos = NODE_HEAD;
    struct entry e;
    int rc = 0, order;

    for (unsigned i = 0; rc == 0 && i < n; i++) {
        pos += (size_t)entry_read(NODE_LEAF, obj->data + pos, obj->len - pos, &e);
        order = name.p ? key_compare(e.key, name) : 1;
        if (order >= 0)
            rc = walk_entry(w, &e, rest, order == 0);
    }
    return rc;
}

/* A child is before the cursor when the next one begins at or before it. */
static int walk_inner(struct walk *w, const struct buf *obj, unsigned n, struct rest rest)
{
    struct slice name = first_name(rest);
    size_t pos = NODE_HEAD, next;
    struct entry e, after;
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < n; i++, pos = next) {
        next = pos + (size_t)entry_read(NODE_INNER, obj->data + pos, obj->len - pos, &e);
        if (name.p && i + 1 < n) {
            entry_read(NODE_INNER, obj->data + next, obj->len - next, &after);
            if (key_compare(after.key, name) <= 0)
                continue;
        }
        rc = walk_dir(w, e.hash, rest);
    }
    return rc;
}

static int walk_dir(struct walk *w, const unsigned char *hash, struct rest rest)
{
    CLEANUP(buf_free) struct buf obj = {0};
    struct node_head h;
    const char *why;
    int rc;

    if ((why = load(w, hash, true, &obj, &rc)))
        return bad(w, hash, why);
    if (rc < 0)
        return rc;
    node_head_read(obj.data, obj.len, &h);
    if (h.kind == NODE_ROPE)
        return bad(w, hash, "it is no directory");
    return h.kind == NODE_LEAF ? walk_leaf(w, &obj, h.n, rest)
                               : walk_inner(w, &obj, h.n, rest);
}

int store_walk(struct store_reader *r, const struct walk_how *how, struct walk_cursor *c,
               walk_f fn, void *arg)
{
    struct walk w = {.r = r, .how = how, .fn = fn, .arg = arg, .cursor = c};
    AUTOFREE char *from = NULL; /* the cursor moves while it is followed */
    struct rest rest = {NULL, NULL};
    int rc;

    if (c->begun) {
        if (!(from = strndup(c->key.data, c->key.len)))
            return -ENOMEM;
        rest = (struct rest){from, from + c->key.len};
    }
    rc = walk_dir(&w, how->root, rest);
    buf_free(&w.key);
    buf_free(&w.value);
    return rc;
}
