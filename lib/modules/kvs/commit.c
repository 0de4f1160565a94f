/* From requests to batches; see commit.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "modules/kvs/commit_private.h"
#include "modules/kvs/guest.h"
#include "modules/kvs/mount.h"
#include "modules/kvs/publish.h"
#include "proto/jobkey.h"
#include "proto/key.h"

#define FLYING_MAX 2         /* batches on their way; then merging begins */
#define FLYING_SINGLE_MAX 64 /* of transactions that want no merging */
#define BATCH_TXNS 1024
#define BATCH_BYTES (1u << 20)
#define GUEST_VALUE_MAX (64u << 10)

static void prepare_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct commits *c = arg;

    flux_watcher_stop(w);
    commits_run(c);
}

int commits_new(struct kvs *kvs, struct commits **ret)
{
    struct commits *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->kvs = kvs;
    list_init(&c->flying);
    list_init(&c->busy);
    if (!(c->prepare = flux_prepare_watcher_create(kvs->r, prepare_cb, c))) {
        free(c);
        return -ENOMEM;
    }
    *ret = c;
    return 0;
}

void txn_free(struct txn *t)
{
    list_del(&t->link);
    flux_msg_decref(t->msg);
    kvstxn_free(&t->t);
    free(t);
}

void txn_fail(struct txn *t, int errnum, const char *text)
{
    if (t->done)
        t->done(-errnum, t->arg);
    else
        kvs_respond_error(t->ns->kvs, t->msg, errnum, text && *text ? "%s" : NULL, text);
}

void txn_end(struct txn *t, int errnum)
{
    char text[REDO_NAMESPACE_MAX + 64] = "";

    if (errnum == ENOTSUP)
        snprintf(text, sizeof(text), "namespace '%s' was removed", t->ns->name);
    txn_fail(t, errnum, text);
    txn_free(t);
}

void commits_free(struct commits *c)
{
    if (!c)
        return;
    flux_watcher_destroy(c->prepare);
    buf_free(&c->record);
    buf_free(&c->resolved);
    free(c);
}

void commits_set_log(struct commits *c, uint64_t last_seq, uint64_t chain)
{
    c->durable_seq = c->last_seq = last_seq;
    c->durable_chain = c->chain = chain;
}

uint64_t commits_durable(const struct commits *c, uint64_t *ret_chain)
{
    *ret_chain = c->durable_chain;
    return c->durable_seq;
}

size_t commits_log_bytes(struct commits *c, bool reset)
{
    size_t bytes = c->log_bytes;

    if (reset)
        c->log_bytes = 0;
    return bytes;
}

uint64_t commits_next_seq(const struct commits *c)
{
    return c->last_seq + 1;
}

void ns_wake(struct ns *ns)
{
    struct commits *c = ns->kvs->commits;

    if (list_empty(&ns->link))
        list_append(&c->busy, &ns->link);
    flux_watcher_start(c->prepare);
}

/* ---- conditions ---- */

/* 1: the value of an entry is that; 0: it is not; -EAGAIN. */
static int has_value(struct edit *e, const struct place *p, struct slice data)
{
    struct buf value = {0};
    struct entry entry;
    int rc;

    obj_entry(p->leaf, p->i, &entry);
    if (entry.type == ENTRY_DIR || entry.type == ENTRY_LINK)
        return 0;
    rc = value_read(e->os, p->leaf, p->i, 0, data.len + 1, &e->need, &value);
    if (rc == 0)
        rc = value.len == data.len &&
             (value.len == 0 || memcmp(value.data, data.p, data.len) == 0);
    buf_free(&value);
    return rc;
}

/* 1: it holds; 0: it does not; *have is the key's version. */
static int holds(struct edit *e, struct obj *root, uint64_t version,
                 const struct kvstxn_expect *x, uint64_t *have)
{
    struct place p = {0};
    struct entry entry;
    int rc;

    *have = version;
    if (x->key.len == 0)
        return x->by_version && x->version == version;
    rc = tree_walk(e->os, root, x->key, WALK_STOP, &e->need, &p);
    place_fini(&p);
    *have = 0;
    if (rc == -ENOENT || rc == -ENOTDIR)
        return x->by_version && x->version == 0;
    if (rc != 0)
        return rc < 0 ? rc : -EINVAL; /* a link on the way: whose version would it be? */
    obj_entry(p.leaf, p.i, &entry);
    *have = entry.version;
    return x->by_version ? entry.version == x->version : has_value(e, &p, x->data);
}

static int check_expect(struct obj *root, uint64_t version, const struct kvstxn_expect *x,
                        struct edit *e, struct txn *t)
{
    struct slice key = x->key.len ? x->key : slice_of(".");
    uint64_t have;
    int rc = holds(e, root, version, x, &have);

    if (rc == 1 || rc == -EAGAIN || rc == -ENOMEM)
        return rc < 0 ? rc : 0;
    if (rc == -EINVAL)
        return error_set(&t->err, EINVAL, "%.*s: a condition through a link",
                         (int)key.len, key.p);
    if (rc < 0)
        return error_set(&t->err, -rc, "%.*s: %s", (int)key.len, key.p, strerror(-rc));
    if (!x->by_version)
        return error_set(&t->err, ESTALE, "%.*s: does not have the expected value",
                         (int)key.len, key.p);
    return error_set(&t->err, ESTALE, "%.*s: last changed in version %ju, not %ju",
                     (int)key.len, key.p, (uintmax_t)have, (uintmax_t)x->version);
}

static int check_expects(struct obj *root, uint64_t version, struct edit *e,
                         struct txn *t)
{
    struct kvstxn_expect x;
    size_t pos = 0;
    int rc = 0;

    while (rc == 0 && kvstxn_expect(&t->t.expects, &pos, &x) > 0)
        rc = check_expect(root, version, &x, e, t);
    return rc;
}

/* ---- one transaction into a batch ---- */

static int op_error(struct txn *t, const struct redo_item *item, int rc)
{
    struct slice key = item->key;

    if (rc == -EAGAIN || rc == -ENOMEM)
        return rc;
    if (rc == -EROFS)
        return error_set(&t->err, EROFS,
                         "%.*s: job and resource are mounted, and not to be written",
                         (int)key.len, key.p);
    return error_set(&t->err, -rc, "%.*s: %s", key.len ? (int)key.len : 1,
                     key.len ? key.p : ".", strerror(-rc));
}

/* Do the operations on a root of the batch's edit. */
static int apply_ops(struct commits *c, struct batch *b, struct txn *t, struct edit *e,
                     struct obj **root)
{
    struct redo_item item;
    size_t pos = 0, resolved = b->resolved.len;
    int rc;

    while (redo_next(t->t.ops.data, t->t.ops.len, &pos, &item) > 0) {
        if ((rc = tree_apply(e, root, &item, &c->resolved)) < 0) {
            b->resolved.len = resolved;
            return op_error(t, &item, rc);
        }
        /* Only whether it is an append matters; of a link the value would, too. */
        if (c->resolved.len)
            redo_add(&b->resolved, item.op == REDO_APPEND ? REDO_APPEND : REDO_PUT,
                     (struct slice){c->resolved.data, c->resolved.len}, SLICE_NONE);
    }
    return b->resolved.failed ? -ENOMEM : 0;
}

/* A single operation happens or does not, and may share the batch's edit; several that
 * fail half-way are taken back, so they get an edit of their own. */
static int apply_txn(struct commits *c, struct batch *b, struct txn *t)
{
    struct edit *e = &c->edit;
    struct obj *root;
    int rc;

    e->need.n = 0;
    e->is_closed = t->ns->has_mounts && !t->done ? mount_covers : NULL;
    if (t->t.nexpects &&
        (rc = check_expects(b->root, b->nops ? b->version : b->ns->next.version, e, t)) <
            0)
        return rc;
    if (t->t.nops == 1)
        return apply_ops(c, b, t, e, &b->root);
    e->id = ++c->kvs->os.last_edit;
    root = obj_ref(b->root);
    if ((rc = apply_ops(c, b, t, e, &root)) < 0) {
        obj_unref(&c->kvs->os, root);
        return rc;
    }
    obj_unref(&c->kvs->os, b->root);
    b->root = root;
    return 0;
}

/* ---- batches ---- */

struct batch *batch_new(struct commits *c, struct ns *ns)
{
    struct batch *b = calloc(1, sizeof(*b));

    if (!b)
        return NULL;
    list_init(&b->link);
    list_init(&b->txns);
    list_init(&b->others);
    b->ns = ns;
    b->kind = REDO_COMMIT;
    b->version = ns->next.version + 1;
    b->userid = FLUX_USERID_UNKNOWN;
    b->bytes_before = c->kvs->os.bytes;
    return b;
}

void batch_free(struct commits *c, struct batch *b)
{
    list_del(&b->link);
    obj_unref(&c->kvs->os, b->root);
    buf_free(&b->resolved);
    free(b);
}

/* From its queue to the batch, with whose answers its own goes. */
static void settle(struct batch *b, struct txn *t, int rc)
{
    list_del(&t->link);
    t->error = -rc;
    list_append(&b->txns, &t->link);
}

static bool loading_for(struct commits *c, struct txn *t, int rc)
{
    if (rc != -EAGAIN)
        return false;
    rc = txn_load(c, t, &c->edit.need);
    if (rc < 0) {
        t->error = -rc;
        t->state = TXN_FAILED;
    }
    return true;
}

/* Take transactions from the queue for as long as they may go together. */
static void fill(struct commits *c, struct batch *b)
{
    struct ns *ns = b->ns;
    struct txn *t;
    unsigned n = 0;
    int rc;

    while ((t = list_first(&ns->queue, struct txn, link))) {
        bool alone = t->t.flags & FLUX_KVS_NO_MERGE;

        if (t->state == TXN_NEW && !txn_prepare(c, t))
            return;
        if (t->state == TXN_WAITING || (n > 0 && (b->alone || alone)) ||
            n == BATCH_TXNS || c->record.len > BATCH_BYTES)
            return;
        if (t->state == TXN_FAILED)
            rc = -t->error;
        else
            rc = t->t.nops || t->t.nexpects ? apply_txn(c, b, t) : 0;
        if (loading_for(c, t, rc))
            return;
        if (rc == 0 && t->t.nops) {
            redo_add_all(&c->record, &t->t.ops);
            b->nops += t->t.nops;
            b->alone = alone;
            n++;
        }
        if (b->userid == FLUX_USERID_UNKNOWN)
            b->userid = t->cred.userid;
        settle(b, t, rc);
    }
}

/* A batch without operations has only answers: they go with the one before. */
static void send_answers(struct commits *c, struct batch *b)
{
    struct batch *last;

    b->version = b->ns->next.version;
    list_each(t, &b->txns, struct txn, link)
    {
        t->version = b->version;
    }
    if (list_empty(&c->flying))
        publish_answers(c, b, 0);
    else {
        last = list_entry(c->flying.prev, struct batch, link);
        list_each(t, &b->txns, struct txn, link)
        {
            list_del(&t->link);
            list_append(&last->others, &t->link);
        }
    }
    batch_free(c, b);
}

/* Make a batch of what waits. False: nothing can go on now. */
static bool run_once(struct commits *c, struct ns *ns)
{
    struct need need = {0};
    struct obj *root;
    struct batch *b;
    int rc;

    if ((rc = ns_next_root(ns, &need, &root)) == -EAGAIN &&
        (rc = ns_load(c, ns, &need)) == 0)
        return false;
    if (!(b = batch_new(c, ns)))
        return false;
    if (rc < 0) { /* the namespace cannot be read */
        struct txn *t = list_first(&ns->queue, struct txn, link);

        error_set(&t->err, -rc, "%s: its root cannot be read", ns->name);
        settle(b, t, rc);
        send_answers(c, b);
        return true;
    }
    b->root = obj_ref(root);
    c->edit = (struct edit){
        .os = &c->kvs->os,
        .id = ++c->kvs->os.last_edit,
        .version = b->version,
    };
    redo_begin(&c->record, REDO_COMMIT, ns->name);
    fill(c, b);
    if (b->nops)
        batch_send(c, b);
    else if (!list_empty(&b->txns))
        send_answers(c, b);
    else {
        batch_free(c, b);
        return false;
    }
    return true;
}

/* Nothing follows the record of a namespace's end: records go by name, and another one may
 * have the name by then. */
static bool may_fly(struct commits *c, struct ns *ns)
{
    struct txn *t = list_first(&ns->queue, struct txn, link);

    if (!t || c->falling || ns->creating || ns->removed)
        return false;
    return c->nflying < (t->t.flags & FLUX_KVS_NO_MERGE ? FLYING_SINGLE_MAX : FLYING_MAX);
}

void commits_run(struct commits *c)
{
    list_each(ns, &c->busy, struct ns, link)
    {
        while (may_fly(c, ns) && run_once(c, ns))
            ;
        if (list_empty(&ns->queue))
            list_del(&ns->link);
    }
}

void commits_drain(struct commits *c)
{
    do
        commits_run(c);
    while (c->nflying > 0 && store_flush(c->kvs->store) == 0);
}

void commit_end_queue(struct ns *ns)
{
    list_each(t, &ns->queue, struct txn, link)
    {
        txn_end(t, ENOSYS);
    }
}

/* ---- the request ---- */

static int check_request(const struct ns *ns, const struct txn *t, flux_error_t *err)
{
    bool owner = t->cred.rolemask & FLUX_ROLE_OWNER;

    if (ns_authorize(ns, t->msg) < 0)
        return -EPERM;
    if (ns->sealed)
        return error_set(err, EROFS,
                         "namespace '%s' is not to be written any more: the "
                         "job has ended",
                         ns->name);
    if (!owner && (t->t.has_refs || t->t.has_links))
        return error_set(err, EPERM, "links and references are the instance owner's");
    if (!owner && t->t.largest > GUEST_VALUE_MAX)
        return error_set(err, EFBIG, "a value is longer than %u bytes", GUEST_VALUE_MAX);
    return 0;
}

/* Takes t over. */
static void enqueue(struct kvs *kvs, struct ns *ns, struct txn *t)
{
    flux_error_t err = {.text = ""};
    int rc;

    if ((rc = check_request(ns, t, &err)) < 0) {
        kvs_respond_error(kvs, t->msg, -rc, *err.text ? "%s" : NULL, err.text);
        txn_free(t);
        return;
    }
    t->ns = ns;
    kvs->stats.commits++;
    list_append(&ns->queue, &t->link);
    ns_wake(ns);
}

int commit_own(struct kvs *kvs, struct ns *ns, struct buf *ops, unsigned nops,
               commit_f done, void *arg)
{
    struct txn *t = ops->failed ? NULL : calloc(1, sizeof(*t));

    if (!t) {
        buf_free(ops);
        return -ENOMEM;
    }
    list_init(&t->link);
    t->ns = ns;
    t->done = done;
    t->arg = arg;
    t->cred.userid = kvs->owner;
    t->cred.rolemask = FLUX_ROLE_OWNER;
    t->t.ops = *ops;
    t->t.nops = nops;
    *ops = (struct buf){0};
    list_append(&ns->queue, &t->link);
    ns_wake(ns);
    return 0;
}

/* Keys of a job's own namespace may be named as others see them, if all are. */
static void redirect(struct kvstxn *t)
{
    struct buf ops = {0};
    struct redo_item item;
    struct slice rest;
    uint64_t id = 0, first = 0;
    size_t pos = 0;
    unsigned n = 0;

    while (redo_next(t->ops.data, t->ops.len, &pos, &item) > 0) {
        if (!jobkey_guest(item.key, &id, &rest) || (n > 0 && id != first) || ops.failed)
            break;
        redo_add(&ops, item.op, rest, item.value);
        first = id;
        n++;
    }
    if (n < t->nops || n == 0 || t->nexpects || ops.failed) {
        buf_free(&ops);
        return;
    }
    buf_free(&t->ops);
    t->ops = ops;
    jobkey_namespace(id, t->ns);
}

static void find_ns(struct kvs *kvs, struct txn *t)
{
    struct ns *ns;

    if (strcmp(t->t.ns, KVS_PRIMARY_NAMESPACE) == 0)
        redirect(&t->t);
    if ((ns = ns_find(kvs, t->t.ns))) {
        enqueue(kvs, ns, t);
        return;
    }
    if (!guest_open(kvs->guests, t->t.ns, t->msg, commit_request, true))
        kvs_respond_error(kvs, t->msg, ENOTSUP, "no such namespace '%s'", t->t.ns);
    txn_free(t);
}

void commit_request(struct kvs *kvs, const flux_msg_t *msg)
{
    struct txn *t = calloc(1, sizeof(*t));
    flux_error_t err;
    const char *s;
    int rc;

    if (!t || flux_request_decode(msg, NULL, &s) < 0 || !s) {
        kvs_respond_error(kvs, msg, t ? EPROTO : ENOMEM, NULL);
        free(t);
        return;
    }
    list_init(&t->link);
    t->msg = flux_msg_incref(msg);
    flux_msg_get_cred(msg, &t->cred);
    if ((rc = kvstxn_read(s, strlen(s), &t->t, &err)) < 0) {
        kvs_respond_error(kvs, msg, -rc, rc == -ENOMEM ? NULL : "%s", err.text);
        txn_free(t);
    } else
        find_ns(kvs, t);
}
