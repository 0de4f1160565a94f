/* What has to be there before a transaction can be applied: the objects that it refers to
 * by hash, in the store, for the record only has their names; and those of the tree that
 * it goes through.
 */
#include <errno.h>

#include "base/error.h"
#include "modules/kvs/commit_private.h"
#include "modules/kvs/hash.h"
#include "modules/kvs/loader.h"
#include "modules/kvs/save.h"

static void go_on(struct txn *t, int rc)
{
    struct ns *ns = t->ns;

    t->state = rc < 0 ? TXN_FAILED : TXN_NEW;
    t->error = -rc;
    if (rc == -EIO)
        error_set(&t->err, EIO, "something that it needs cannot be read");
    if (rc == -ECANCELED)
        return;
    if (!ns->removed || ns->flying) { /* its end may be refused yet */
        ns_wake(ns);
        return;
    }
    txn_end(t, ENOTSUP);
    ns_retire(ns);
}

static void loaded(int rc, void *arg)
{
    go_on(arg, rc);
}

/* Look through all operations, for they would miss one object after the other. */
static void look_ahead(struct commits *c, struct txn *t, struct need *need)
{
    struct edit e = {.os = &c->kvs->os};
    struct redo_item item;
    struct obj *root;
    size_t pos = 0;

    if (ns_next_root(t->ns, &e.need, &root) < 0)
        return;
    while (e.need.n < NEED_MAX - 1 &&
           redo_next(t->t.ops.data, t->t.ops.len, &pos, &item) > 0)
        tree_prepare(&e, root, &item);
    for (unsigned i = 0; i < e.need.n; i++)
        need_add(need, e.need.objs[i].hash, e.need.objs[i].node);
}

int txn_load(struct commits *c, struct txn *t, const struct need *need)
{
    struct need all = *need;
    int rc;

    if (t->t.nops > 1)
        look_ahead(c, t, &all);
    if ((rc = loader_get(c->kvs->loader, &all, loaded, t)) == 0)
        t->state = TXN_WAITING;
    return rc;
}

int ns_load(struct commits *c, struct ns *ns, const struct need *need)
{
    struct txn *t = list_first(&ns->queue, struct txn, link);
    int rc;

    if (t->state == TXN_WAITING) /* since another one has come behind it */
        return 0;
    if (t->state == TXN_FAILED)
        return -t->error;
    if ((rc = loader_get(c->kvs->loader, need, loaded, t)) == 0)
        t->state = TXN_WAITING;
    return rc;
}

/* ---- references ---- */

/* A directory that is named by a version: its hash is made now. */
static int resolve_version(struct commits *c, const struct kvstxn_version *v,
                           struct txn *t, struct need *need, struct obj **ret)
{
    struct ns *ns = ns_by_id(c->kvs, v->id);
    struct obj *root;
    int rc;

    if (v->id == BLOBREF_MOUNTED)
        return error_set(&t->err, EOPNOTSUPP,
                         "a mounted directory is nothing that could be referred to");
    /* Of the current one only the hash may be known. */
    if (ns && v->version == ns->now.version && (rc = ns_root(ns, need, &root)) < 0)
        return rc;
    if (!(root = ns ? ns_version(ns, v->version) : NULL))
        return error_set(&t->err, ESTALE, "version %ju of namespace %ju is kept no more",
                         (uintmax_t)v->version, (uintmax_t)v->id);
    *ret = root;
    return hash_tree(&c->kvs->os, root);
}

struct refs {
    struct commits *c;
    struct txn *t;
    struct need need;
    struct buf ops; /* the operations again, with what stands behind the references */
    unsigned op, version;
};

static void saved(int rc, void *arg)
{
    struct txn *t = arg;

    if (rc < 0 && t->error == 0)
        t->error = -rc;
    if (--t->saves == 0)
        go_on(t, -t->error);
}

/* The object of a reference: borrowed. -EAGAIN. */
static int ref_object(struct refs *r, bool dir, const unsigned char *hash,
                      struct obj **ret)
{
    struct kvstxn *k = &r->t->t;

    if (dir && r->version < k->nversions && k->versions[r->version].op == r->op)
        return resolve_version(r->c, &k->versions[r->version++], r->t, &r->need, ret);
    if ((*ret = obj_by_hash(&r->c->kvs->os, hash, dir)))
        return 0;
    need_add(&r->need, hash, dir);
    return -EAGAIN;
}

static int add_ref(struct refs *r, bool dir, const unsigned char *hash, struct buf *value)
{
    struct obj *o = NULL;
    int rc = ref_object(r, dir, hash, &o);

    if (rc < 0)
        return rc == -EAGAIN ? 0 : rc;
    if (dir && o->kind != OBJ_LEAF && o->kind != OBJ_INNER)
        return error_set(&r->t->err, EINVAL, "a dirref does not name a directory");
    if (!o->stored) {
        if ((rc = save_start(r->c->kvs, o, saved, r->t)) < 0)
            return rc;
        r->t->saves++;
    }
    return redo_ref_add(value, o->hash, dir ? o->count : o->len);
}

static int read_refs(struct refs *r)
{
    struct buf value = {0};
    const unsigned char *hash;
    struct redo_item item;
    size_t pos = 0, at;
    uint64_t n;
    int rc = 0;

    for (; rc == 0 && redo_next(r->t->t.ops.data, r->t->t.ops.len, &pos, &item) > 0;
         r->op++) {
        bool dir = item.op == REDO_DIRREF;

        value.len = at = 0;
        if (dir || item.op == REDO_VALREF) {
            while (rc == 0 && redo_ref(item.value, &at, &hash, &n) > 0)
                rc = add_ref(r, dir, hash, &value);
            item.value = (struct slice){value.data, value.len};
        }
        if (rc == 0)
            rc = redo_add(&r->ops, item.op, item.key, item.value);
    }
    buf_free(&value);
    return rc;
}

static bool wait_for_refs(struct commits *c, struct txn *t)
{
    struct refs r = {.c = c, .t = t, .need.maybe = true};
    int rc = read_refs(&r);

    if (rc == 0 && r.need.n) {
        rc = loader_get(c->kvs->loader, &r.need, loaded, t);
        buf_free(&r.ops);
        if (rc == 0) {
            t->state = TXN_WAITING;
            return true;
        }
    }
    if (rc < 0) {
        t->state = TXN_FAILED;
        t->error = -rc;
        buf_free(&r.ops);
    } else if (!t->saves) {
        buf_free(&t->t.ops);
        t->t.ops = r.ops;
        t->state = TXN_READY;
    } else
        buf_free(&r.ops);
    if (t->saves)
        t->state = TXN_WAITING;
    return t->saves > 0;
}

bool txn_prepare(struct commits *c, struct txn *t)
{
    if (t->t.has_refs)
        return !wait_for_refs(c, t);
    t->state = TXN_READY;
    return true;
}
