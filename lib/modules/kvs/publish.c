/* Records sent, and what follows when they are durable. */
#include "modules/kvs/publish.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/json.h"
#include "modules/kvs/checkpoint.h"
#include "modules/kvs/guest.h"
#include "modules/kvs/lookup.h"
#include "modules/kvs/namespace.h"
#include "modules/kvs/watch.h"
#include "proto/blobref.h"

/* A record that was refused takes along what was found of the state that it made. */
static void answer(struct commits *c, struct txn *t, uint64_t version, int error)
{
    struct buf out = {0};
    char ref[BLOBREF_SIZE];

    if (t->error || error) {
        txn_fail(t, error ? error : t->error, error ? NULL : t->err.text);
        return;
    }
    if (t->done) {
        t->done(0, t->arg);
        return;
    }
    blobref_print_version(t->ns->id, version, ref);
    buf_addf(&out, "{\"rootref\":\"%s\",\"rootseq\":", ref);
    json_buf_int(&out, (int64_t)version);
    buf_addc(&out, '}');
    if (t->t.flags & FLUX_KVS_SYNC)
        checkpoint_for(c->kvs->checkpoint, t->msg, &out);
    else
        kvs_respond_buf(c->kvs, t->msg, &out);
}

void publish_answers(struct commits *c, struct batch *b, int error)
{
    list_each(t, &b->txns, struct txn, link)
    {
        answer(c, t, b->version, error);
        txn_free(t);
    }
    list_each(other, &b->others, struct txn, link)
    {
        answer(c, other, other->version, error);
        txn_free(other);
    }
    if (!b->msg)
        return;
    if (error)
        kvs_respond_error(c->kvs, b->msg, error, NULL);
    else
        flux_respond(c->kvs->h, b->msg, NULL);
    flux_msg_decref(b->msg);
}

/* kvs.namespace-NS-setroot, -created, -removed. Others' namespaces are private. */
static void publish_event(struct commits *c, const struct ns *ns, const char *what)
{
    struct buf out = {0};
    flux_msg_t *msg;
    char topic[256];

    snprintf(topic, sizeof(topic), "kvs.namespace-%s-%s", ns->name, what);
    buf_adds(&out, "{\"namespace\":\"");
    buf_adds(&out, ns->name);
    buf_adds(&out, "\",");
    ns_print_root(ns, &out);
    buf_addf(&out, ",\"owner\":%u,\"flags\":%u}", ns->owner, ns->flags);
    msg = out.failed ? NULL : flux_event_encode(topic, out.data);
    if (msg && ns->owner != c->kvs->owner)
        flux_msg_set_private(msg);
    if (!msg || flux_send_new(c->kvs->h, &msg, 0) < 0)
        flux_log_error(c->kvs->h, "%s", topic);
    flux_msg_decref(msg);
    buf_free(&out);
}

static void commit_durable(struct commits *c, struct batch *b)
{
    struct ns *ns = b->ns;
    size_t bytes = c->kvs->os.bytes;

    ns_publish(ns, b->version, obj_ref(b->root),
               bytes > b->bytes_before ? bytes - b->bytes_before : 0);
    publish_event(c, ns, b->kind == REDO_NSCREATE ? "created" : "setroot");
    lookup_version(ns);
    if (b->kind == REDO_NSCREATE)
        kvs_watch_created(c->kvs->watches, ns);
    else
        kvs_watch_published(c->kvs->watches, ns, b);
}

/* Its transactions that still wait have nothing to happen to. */
static void end_namespace(struct commits *c, struct ns *ns)
{
    list_each(t, &ns->queue, struct txn, link)
    {
        if (t->state != TXN_WAITING) /* else when what it waits for has come */
            txn_end(t, ENOTSUP);
    }
    namespace_end_waiting(ns);
    lookup_gone(ns);
}

static void durable(struct commits *c, struct batch *b)
{
    c->told = 0;
    c->durable_seq = b->seq;
    c->durable_chain = b->chain;
    if (b->kind == REDO_NSREMOVE) {
        b->ns->gone = true;
        checkpoint_forget(c->kvs->checkpoint, b->ns->name);
        publish_event(c, b->ns, "removed");
        kvs_watch_removed(c->kvs->watches, b->ns);
        end_namespace(c, b->ns);
    } else {
        b->ns->creating = false;
        commit_durable(c, b);
    }
    publish_answers(c, b, 0);
    if (b->kind == REDO_NSREMOVE)
        ns_retire(b->ns);
    else if (b->kind == REDO_NSCREATE)
        guest_made(c->kvs->guests, b->ns, 0);
}

/* A record was refused: the store refuses all behind it, too (-ESTALE); when the last one
 * has come back, go on from what is durable. */
static void refused(struct commits *c, struct batch *b, int error)
{
    if (!c->falling && c->told != error)
        flux_log(c->kvs->h, LOG_ERR, "a commit could not be stored: %s",
                 kvs_strerror(c->kvs, error));
    if (!c->falling)
        c->told = error;
    c->why = c->falling ? c->why : error;
    c->falling = true;
    if (b->kind == REDO_NSREMOVE)
        ns_show(b->ns);
    publish_answers(c, b, c->why);
    if (b->kind == REDO_NSCREATE) {
        guest_made(c->kvs->guests, b->ns, c->why);
        end_namespace(c, b->ns);
        ns_retire(b->ns);
    }
}

static void fall_back(struct commits *c)
{
    struct ns *ns;
    uint64_t id;
    void *value;

    c->falling = false;
    c->last_seq = c->durable_seq;
    c->chain = c->durable_chain;
    for (size_t it = 0; umap_next(c->kvs->ns_by_id, &it, &id, &value);) {
        ns = value;
        ns_fall_back(ns);
        /* Its end was refused, and so was another one that had taken its name. */
        if (ns->removed && !ns->gone && !ns->creating)
            ns_show(ns);
        if (!list_empty(&ns->queue))
            ns_wake(ns);
    }
}

static void batch_done(int error, void *arg)
{
    struct batch *b = arg;
    struct commits *c = b->ns->kvs->commits;
    struct ns *ns = b->ns;

    list_del(&b->link);
    c->nflying--;
    ns->flying--;
    if (error == 0)
        durable(c, b);
    else
        refused(c, b, -error);
    batch_free(c, b);
    if (c->falling && c->nflying == 0)
        fall_back(c);
    if (!list_empty(&c->busy))
        flux_watcher_start(c->prepare);
    if (error == 0)
        checkpoint_maybe(c->kvs->checkpoint);
}

void batch_send(struct commits *c, struct batch *b)
{
    struct redo_head h = {
        .flags = (uint16_t)(b->kind == REDO_NSCREATE ? b->ns->flags : 0),
        .seq = c->last_seq + 1,
        .chain = c->chain,
        .version = b->version,
        .userid = b->userid,
        .nops = b->nops,
    };
    struct store_txn *t = store_txn_new(c->kvs->store);
    struct ns *ns = b->ns;

    b->seq = ++c->last_seq;
    list_append(&c->flying, &b->link);
    c->nflying++;
    ns->flying++;
    obj_unref(&c->kvs->os, ns->next.root);
    ns->next.root = b->root ? obj_ref(b->root) : NULL;
    ns->next.version = b->version;
    c->kvs->stats.records++;
    c->log_bytes += c->record.len;
    if (!t || redo_end(&c->record, &h) < 0 ||
        store_txn_log(t, b->seq, c->record.data, c->record.len) < 0) {
        /* It is refused at once; what follows the records before it goes on from them. */
        store_txn_free(t);
        c->record.failed = false;
        b->kind = 0;
        t = NULL;
    }
    b->chain = c->chain = t ? redo_chain(c->record.data) : 0;
    if (!t || store_commit(c->kvs->store, t, batch_done, b) < 0)
        batch_done(-ENOMEM, b);
}

/* ---- namespaces ---- */

static void send_special(struct kvs *kvs, const flux_msg_t *msg, struct ns *ns,
                         enum redo_kind kind, struct obj *root)
{
    struct commits *c = kvs->commits;
    struct batch *b = batch_new(c, ns);
    struct buf ref = {0};

    if (!b) {
        kvs_respond_error(kvs, msg, ENOMEM, NULL);
        return;
    }
    b->kind = kind;
    b->version = ns->next.version;
    b->root = root ? obj_ref(root) : NULL; /* one that nobody has read is removed */
    b->userid = ns->owner;
    b->msg = msg ? flux_msg_incref(msg) : NULL;
    redo_begin(&c->record, kind, ns->name);
    if (kind == REDO_NSCREATE && root->count) {
        redo_ref_add(&ref, root->hash, root->count);
        redo_add(&c->record, REDO_DIRREF, SLICE_NONE, (struct slice){ref.data, ref.len});
        b->nops = 1;
    }
    buf_free(&ref);
    batch_send(c, b);
}

void commit_create(struct kvs *kvs, const flux_msg_t *msg, struct ns *ns,
                   struct obj *root)
{
    ns->creating = true;
    send_special(kvs, msg, ns, REDO_NSCREATE, root);
}

void commit_remove(struct kvs *kvs, const flux_msg_t *msg, struct ns *ns)
{
    commits_run(kvs->commits); /* what came before it */
    ns_hide(ns);
    send_special(kvs, msg, ns, REDO_NSREMOVE, ns->next.root);
}
