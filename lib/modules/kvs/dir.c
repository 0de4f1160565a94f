/* Directories. */
#include "modules/kvs/dir.h"

#include <errno.h>

#define MERGE_BYTES 1024 /* a leaf below looks for company */
#define MERGED_BYTES (OBJ_BYTES_MAX * 3 / 4)
#define MERGED_ENTRIES (OBJ_ENTRIES_MAX * 3 / 4)

int dir_find(struct objs *os, struct obj *root, struct slice name, struct need *need,
             struct obj **leaf, unsigned *i)
{
    struct obj *o = root;
    bool found;
    int rc;

    while (o->kind == OBJ_INNER)
        if ((rc = need_kid(os, o, obj_child(o, name), need, &o)) < 0)
            return rc;
    *i = obj_search(o, name, &found);
    *leaf = o;
    return found ? 0 : -ENOENT;
}

int dir_find_edit(struct edit *e, struct obj **slot, struct slice name, struct obj **leaf,
                  unsigned *i)
{
    struct obj *kid;
    unsigned at;
    bool found;
    int rc;

    while ((*slot)->kind == OBJ_INNER) {
        at = obj_child(*slot, name);
        if ((rc = need_kid(e->os, *slot, at, &e->need, &kid)) < 0 ||
            (rc = obj_edit(e->os, slot, e->id)) < 0)
            return rc;
        slot = &(*slot)->kids[at];
    }
    if ((rc = obj_edit(e->os, slot, e->id)) < 0)
        return rc;
    *leaf = *slot;
    *i = obj_search(*leaf, name, &found);
    return found ? 0 : -ENOENT;
}

/* ---- insertion ---- */

/* Where to cut a node that got too full by its entry `at`: in the middle of its bytes;
 * but one that grows at its end stays full, for so do keys that come in order. */
static unsigned cut_at(const struct obj *o, unsigned at)
{
    unsigned i = 1;

    if (at == o->n - 1u)
        return at;
    while (i < o->n - 1u && o->off[i] < o->len / 2)
        i++;
    return i;
}

/* Cut o in two; *right gets the upper part. */
static int split(struct edit *e, struct obj *o, unsigned at, struct obj **right)
{
    struct obj *r = obj_new_node(e->os, (enum obj_kind)o->kind, o->level, e->id);
    int rc;

    if (!r)
        return -ENOMEM;
    if ((rc = obj_move(e->os, o, cut_at(o, at), r)) < 0) {
        obj_unref(e->os, r);
        return rc;
    }
    obj_trim(e->os, o);
    *right = r;
    return 0;
}

static struct entry inner_entry(const struct obj *kid)
{
    struct entry first;

    obj_entry(kid, 0, &first);
    return (struct entry){.key = first.key, .n = kid->count};
}

static int put_leaf(struct edit *e, struct obj **slot, const struct entry *entry,
                    struct obj *kid, unsigned *at)
{
    bool found;
    int rc;

    if ((rc = obj_edit(e->os, slot, e->id)) < 0) {
        obj_unref(e->os, kid);
        return rc;
    }
    *at = obj_search(*slot, entry->key, &found);
    return found ? obj_replace(e->os, *slot, *at, entry, kid)
                 : obj_insert(e->os, *slot, *at, entry, kid);
}

/* *right: what was cut off, if it got too full. */
static int put(struct edit *e, struct obj **slot, const struct entry *entry,
               struct obj *kid, struct obj **right);

static int put_inner(struct edit *e, struct obj **slot, const struct entry *entry,
                     struct obj *kid, unsigned *at)
{
    struct obj *o, *below, *right = NULL;
    struct entry added;
    int rc;

    *at = obj_child(*slot, entry->key);
    if ((rc = need_kid(e->os, *slot, *at, &e->need, &below)) < 0 ||
        (rc = obj_edit(e->os, slot, e->id)) < 0) {
        obj_unref(e->os, kid);
        return rc;
    }
    o = *slot;
    if ((rc = put(e, &o->kids[*at], entry, kid, &right)) < 0 ||
        (rc = obj_recount(e->os, o, *at)) < 0 || !right) {
        if (rc < 0)
            obj_unref(e->os, right);
        return rc;
    }
    added = inner_entry(right);
    ++*at;
    return obj_insert(e->os, o, *at, &added, right);
}

static int put(struct edit *e, struct obj **slot, const struct entry *entry,
               struct obj *kid, struct obj **right)
{
    unsigned at;
    int rc;

    rc = (*slot)->kind == OBJ_INNER ? put_inner(e, slot, entry, kid, &at)
                                    : put_leaf(e, slot, entry, kid, &at);
    if (rc < 0 || !obj_is_full(*slot))
        return rc;
    return split(e, *slot, at, right);
}

/* A new root above two nodes; both references are taken over. */
static int new_root(struct edit *e, struct obj **root, struct obj *right)
{
    struct obj *left = *root;
    struct obj *top = obj_new_node(e->os, OBJ_INNER, left->level + 1u, e->id);
    struct entry entry;
    int rc;

    if (!top || left->level >= NODE_LEVEL_MAX) {
        obj_unref(e->os, top);
        obj_unref(e->os, right);
        return top ? -EFBIG : -ENOMEM;
    }
    entry = inner_entry(left);
    entry.key.len = 0;
    rc = obj_insert(e->os, top, 0, &entry, obj_ref(left));
    entry = inner_entry(right);
    if (rc == 0)
        rc = obj_insert(e->os, top, 1, &entry, right);
    else
        obj_unref(e->os, right);
    if (rc < 0) {
        obj_unref(e->os, top);
        return rc;
    }
    obj_unref(e->os, left);
    *root = top;
    return 0;
}

int dir_put(struct edit *e, struct obj **root, const struct entry *entry, struct obj *kid)
{
    struct obj *right = NULL;
    int rc = put(e, root, entry, kid, &right);

    return rc < 0 || !right ? rc : new_root(e, root, right);
}

/* ---- removal ---- */

/* What is below a node's first entry is bounded by the node's parent alone. When the node
 * goes into its left neighbour, that bound has to go with it. */
static int bound_first(struct edit *e, const struct obj *parent, unsigned i)
{
    struct obj *o = parent->kids[i];
    struct entry first, bound;

    if (o->kind != OBJ_INNER)
        return 0;
    obj_entry(parent, i, &bound);
    obj_entry(o, 0, &first);
    first.key = bound.key;
    return obj_replace(e->os, o, 0, &first, obj_take_kid(e->os, o, 0));
}

/* Kid i is small: put it together with a neighbour that is in memory. */
static int merge(struct edit *e, struct obj *o, unsigned i)
{
    unsigned l = i > 0 ? i - 1 : i, r = l + 1;
    struct obj *left, *right;
    int rc;

    if (r >= o->n || obj_kid(e->os, o, l, &left) < 0 ||
        obj_kid(e->os, o, r, &right) < 0 || left->n + right->n > MERGED_ENTRIES ||
        left->len + right->len > MERGED_BYTES)
        return 0;
    if ((rc = obj_edit(e->os, &o->kids[l], e->id)) < 0 ||
        (rc = obj_edit(e->os, &o->kids[r], e->id)) < 0 ||
        (rc = bound_first(e, o, r)) < 0 ||
        (rc = obj_move(e->os, o->kids[r], 0, o->kids[l])) < 0)
        return rc;
    obj_remove(e->os, o, r);
    return obj_recount(e->os, o, l);
}

static int remove_leaf(struct edit *e, struct obj **slot, struct slice name)
{
    unsigned at;
    bool found;
    int rc;

    if ((rc = obj_edit(e->os, slot, e->id)) < 0)
        return rc;
    at = obj_search(*slot, name, &found);
    return found ? obj_remove(e->os, *slot, at) : -ENOENT;
}

static int remove_name(struct edit *e, struct obj **slot, struct slice name)
{
    struct obj *o, *kid;
    unsigned at;
    int rc;

    if ((*slot)->kind != OBJ_INNER)
        return remove_leaf(e, slot, name);
    at = obj_child(*slot, name);
    if ((rc = need_kid(e->os, *slot, at, &e->need, &kid)) < 0 ||
        (rc = obj_edit(e->os, slot, e->id)) < 0)
        return rc;
    o = *slot;
    if ((rc = remove_name(e, &o->kids[at], name)) < 0)
        return rc;
    if (o->kids[at]->n == 0)
        return obj_remove(e->os, o, at);
    if ((rc = obj_recount(e->os, o, at)) < 0)
        return rc;
    return o->kids[at]->len < MERGE_BYTES ? merge(e, o, at) : 0;
}

/* A root with one child gives way to it, if that is in memory. */
static int lower_root(struct edit *e, struct obj **root)
{
    struct obj *kid;

    while ((*root)->kind == OBJ_INNER && (*root)->n == 1 &&
           obj_kid(e->os, *root, 0, &kid) == 0) {
        obj_ref(kid);
        obj_unref(e->os, *root);
        *root = kid;
    }
    if ((*root)->n > 0 || (*root)->kind == OBJ_LEAF)
        return 0;
    if (!(kid = obj_new_node(e->os, OBJ_LEAF, 0, e->id)))
        return -ENOMEM;
    obj_unref(e->os, *root);
    *root = kid;
    return 0;
}

int dir_delete(struct edit *e, struct obj **root, struct slice name)
{
    int rc = remove_name(e, root, name);

    return rc < 0 ? rc : lower_root(e, root);
}

/* ---- iteration ---- */

void dir_iter_init(struct dir_iter *it, struct objs *os, struct obj *root)
{
    it->os = os;
    it->depth = 0;
    it->at[0].node = obj_ref(root);
    it->at[0].i = 0;
}

void dir_iter_fini(struct dir_iter *it)
{
    for (; it->depth >= 0; it->depth--)
        obj_unref(it->os, it->at[it->depth].node);
}

/* Down into the children, to a leaf. The neighbours of one that is missing will be
 * wanted, too. */
static int descend(struct dir_iter *it, struct need *need)
{
    struct obj *o = it->at[it->depth].node, *kid;
    unsigned i = it->at[it->depth].i;
    int rc = need_kid(it->os, o, i, need, &kid);

    if (rc == -EAGAIN)
        while (++i < o->n && need->n < NEED_MAX &&
               need_kid(it->os, o, i, need, &kid) != -EIO)
            ;
    if (rc < 0)
        return rc;
    if (it->depth == DIR_LEVELS)
        return -EIO;
    it->depth++;
    it->at[it->depth].node = obj_ref(kid);
    it->at[it->depth].i = 0;
    return 0;
}

int dir_iter_next(struct dir_iter *it, struct need *need, struct obj **leaf, unsigned *i)
{
    int rc;

    for (;;) {
        struct obj *o = it->at[it->depth].node;

        if (it->at[it->depth].i == o->n) {
            if (it->depth == 0)
                return 0;
            obj_unref(it->os, o);
            it->depth--;
            it->at[it->depth].i++;
        } else if (o->kind != OBJ_INNER) {
            *leaf = o;
            *i = it->at[it->depth].i++;
            return 1;
        } else if ((rc = descend(it, need)) < 0)
            return rc;
    }
}
