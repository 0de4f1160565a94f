/* Operations on a tree. */
#include <errno.h>

#include "modules/kvs/tree.h"
#include "proto/key.h"

/* One operation on its way down. */
struct apply {
    struct edit *e;
    const struct redo_item *op;
};

/* Put the value of the operation into an entry that has the name. */
static int make_entry(struct apply *ap, struct entry *entry, struct obj **kid)
{
    struct slice value = ap->op->value;
    const unsigned char *hash;
    size_t pos = 0;
    uint64_t n;
    int rc = 0;

    entry->version = ap->e->version;
    switch (ap->op->op) {
    case REDO_PUT:
    case REDO_APPEND:
        return value_make(ap->e, value.p, value.len, entry, kid);
    case REDO_MKDIR:
        entry->type = ENTRY_DIR;
        *kid = obj_new_node(ap->e->os, OBJ_LEAF, 0, ap->e->id);
        return *kid ? 0 : -ENOMEM;
    case REDO_LINK:
        entry->type = ENTRY_LINK;
        return redo_link(value, &entry->ns, &entry->val);
    case REDO_DIRREF:
        entry->type = ENTRY_DIR;
        return redo_ref(value, &pos, &entry->hash, &entry->n) == 1 ? 0 : -EPROTO;
    case REDO_VALREF:
        if (value.len == 0)
            return value_make(ap->e, NULL, 0, entry, kid);
        if ((rc = value_begin_refs(ap->e, entry, kid)) < 0)
            return rc;
        while (rc == 0 && redo_ref(value, &pos, &hash, &n) > 0)
            rc = value_add_ref(ap->e, entry, kid, hash, n);
        return rc;
    default:
        return -EPROTO;
    }
}

static int put_new(struct apply *ap, struct obj **dir, struct slice name)
{
    struct entry entry = {.key = name};
    struct obj *kid = NULL;
    int rc = make_entry(ap, &entry, &kid);

    if (rc < 0) {
        obj_unref(ap->e->os, kid);
        return rc;
    }
    return dir_put(ap->e, dir, &entry, kid);
}

/* The value of entry i of a leaf that is ours. It may get too big for its leaf, so it is
 * put again rather than replaced. */
static int append_at(struct apply *ap, struct obj **dir, struct obj *leaf, unsigned i)
{
    struct edit *e = ap->e;
    struct obj *kid = obj_take_kid(e->os, leaf, i);
    struct buf out = {0};
    struct entry entry;
    int rc;

    obj_entry(leaf, i, &entry);
    entry.version = e->version;
    rc = value_append(e, &entry, &kid, ap->op->value.p, ap->op->value.len, &out);
    if (rc < 0)
        obj_put_kid(e->os, leaf, i, kid);
    else
        rc = dir_put(e, dir, &entry, kid);
    buf_free(&out);
    return rc;
}

/* Append to what the name has. -ENOENT: nothing. */
static int append(struct apply *ap, struct obj **dir, struct slice name)
{
    struct edit *e = ap->e;
    struct obj *leaf, *kid;
    struct entry entry;
    unsigned i;
    int rc;

    if ((rc = dir_find(e->os, *dir, name, &e->need, &leaf, &i)) < 0)
        return rc;
    obj_entry(leaf, i, &entry);
    if (entry.type == ENTRY_DIR)
        return -EISDIR;
    if (entry.type == ENTRY_LINK)
        return -EOPNOTSUPP;
    if (entry.type == ENTRY_ROPE && (rc = need_kid(e->os, leaf, i, &e->need, &kid)) < 0)
        return rc;
    /* A blob in memory may grow; of another one its hash will do. */
    if (entry.type == ENTRY_BLOB && (rc = obj_kid(e->os, leaf, i, &kid)) == -EIO)
        return rc;
    if ((rc = dir_find_edit(e, dir, name, &leaf, &i)) < 0)
        return rc;
    return append_at(ap, dir, leaf, i);
}

/* The last name of the key. */
static int apply_last(struct apply *ap, struct obj **dir, struct slice name)
{
    int rc = -ENOENT;

    if (ap->op->op == REDO_UNLINK) {
        rc = dir_delete(ap->e, dir, name);
        return rc == -ENOENT ? 0 : rc;
    }
    if (ap->op->op == REDO_APPEND)
        rc = append(ap, dir, name);
    return rc == -ENOENT ? put_new(ap, dir, name) : rc;
}

static int apply_in(struct apply *ap, struct obj **dir, struct slice key, size_t at);

/* A directory that is not there, or stands where something else was. */
static int apply_new_dir(struct apply *ap, struct obj **dir, struct slice name,
                         struct slice key, size_t at)
{
    struct entry entry = {ENTRY_DIR, name, ap->e->version};
    struct obj *sub;
    int rc;

    if (ap->op->op == REDO_UNLINK)
        return 0;
    if (!(sub = obj_new_node(ap->e->os, OBJ_LEAF, 0, ap->e->id)))
        return -ENOMEM;
    if ((rc = apply_in(ap, &sub, key, at)) < 0) {
        obj_unref(ap->e->os, sub);
        return rc;
    }
    entry.n = sub->count;
    return dir_put(ap->e, dir, &entry, sub);
}

/* The subdirectory is taken out of its entry meanwhile, so that nobody but us refers to
 * it, and it is changed in place if it is ours. */
static int apply_below(struct apply *ap, struct obj **dir, struct slice name,
                       struct slice key, size_t at)
{
    struct edit *e = ap->e;
    struct obj *leaf, *sub;
    struct entry entry;
    unsigned i;
    int rc;

    if ((rc = dir_find_edit(e, dir, name, &leaf, &i)) < 0)
        return rc;
    sub = obj_take_kid(e->os, leaf, i);
    rc = apply_in(ap, &sub, key, at);
    if (rc != 0) {
        obj_put_kid(e->os, leaf, i, sub);
        return rc;
    }
    obj_entry(leaf, i, &entry);
    entry.version = e->version;
    entry.n = sub->count;
    entry.hash = NULL;
    return obj_replace(e->os, leaf, i, &entry, sub);
}

/* The part of the key from `at` on, below dir. */
static int apply_in(struct apply *ap, struct obj **dir, struct slice key, size_t at)
{
    const char *p = key.p + at, *end = key.p + key.len;
    struct slice name = SLICE_NONE;
    struct obj *leaf, *sub;
    struct entry entry;
    unsigned i;
    int rc;

    key_next(&p, end, &name.p, &name.len);
    if (p == end)
        return apply_last(ap, dir, name);
    rc = dir_find(ap->e->os, *dir, name, &ap->e->need, &leaf, &i);
    if (rc == -ENOENT)
        return apply_new_dir(ap, dir, name, key, (size_t)(p - key.p));
    if (rc < 0)
        return rc;
    obj_entry(leaf, i, &entry);
    if (entry.type != ENTRY_DIR)
        return apply_new_dir(ap, dir, name, key, (size_t)(p - key.p));
    if ((rc = need_kid(ap->e->os, leaf, i, &ap->e->need, &sub)) < 0)
        return rc;
    return apply_below(ap, dir, name, key, (size_t)(p - key.p));
}

/* The root cannot be anything but a directory. */
static int apply_root(struct edit *e, struct obj **root, const struct redo_item *op)
{
    const unsigned char *hash;
    struct obj *o;
    size_t pos = 0;
    uint64_t n;

    if (op->op == REDO_MKDIR)
        o = obj_new_node(e->os, OBJ_LEAF, 0, e->id);
    else if (op->op != REDO_DIRREF || redo_ref(op->value, &pos, &hash, &n) != 1)
        return -EINVAL;
    else if (!(o = obj_by_hash(e->os, hash, true))) {
        need_add(&e->need, hash, true);
        return -EAGAIN;
    } else if (o->kind != OBJ_LEAF && o->kind != OBJ_INNER)
        return -EIO;
    else
        obj_ref(o);
    if (!o)
        return -ENOMEM;
    obj_unref(e->os, *root);
    *root = o;
    return 0;
}

/* Follow the links above the last name of a key, before anything is copied: *key becomes
 * one without any, maybe in *resolved. 0; -ENOENT, -ENOTDIR: it is not there. */
static int resolve(struct edit *e, struct obj *root, struct slice *key, enum walk how,
                   struct buf *resolved)
{
    struct place link = {0};
    struct buf spare;
    int rc, links = 0;

    while ((rc = tree_walk(e->os, root, *key, how, &e->need, &link)) == 1) {
        rc = link.ns[0] ? -EINVAL : links++ == TREE_LINKS_MAX ? -ELOOP : 0;
        if (rc < 0)
            break;
        spare = *resolved;
        *resolved = link.key;
        link.key = spare;
        *key = (struct slice){resolved->data, resolved->len};
    }
    place_fini(&link);
    return rc;
}

int tree_apply(struct edit *e, struct obj **root, const struct redo_item *op,
               struct buf *resolved)
{
    struct apply ap = {.e = e, .op = op};
    enum walk how = op->op == REDO_UNLINK ? WALK_STOP : WALK_PARENTS;
    struct slice key = op->key;
    int rc;

    resolved->len = 0;
    rc = key.len ? resolve(e, *root, &key, how, resolved) : 0;
    if (rc < 0 && rc != -ENOENT && rc != -ENOTDIR)
        return rc;
    if (key.len == 0)
        return apply_root(e, root, op);
    if (e->is_closed && e->is_closed(key))
        return -EROFS;
    if (op->op == REDO_UNLINK && rc < 0)
        return 0;
    return apply_in(&ap, root, key, 0);
}

int tree_prepare(struct edit *e, struct obj *root, const struct redo_item *op)
{
    struct buf resolved = {0};
    struct slice key = op->key;
    int rc = resolve(e, root, &key, WALK_STOP, &resolved);

    buf_free(&resolved);
    return rc == -EAGAIN ? rc : 0;
}
