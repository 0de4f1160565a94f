/* Starting. */
#include "modules/kvs/load.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "modules/kvs/checkpoint.h"
#include "modules/kvs/commit.h"
#include "modules/kvs/loader.h"
#include "modules/kvs/ns.h"
#include "modules/kvs/snapshot.h"

struct load {
    struct kvs *kvs;
    struct store_reader *r;
    uint64_t seq, chain; /* of the checkpoint, then of the last record */
    uint64_t first;      /* record in the log; 0: none */
    uint64_t edit;       /* nobody sees a state in between: one edit for all */
    struct buf resolved;
    struct store_txn *lost;
    unsigned nlost;
};

static int read_checkpoint(struct load *ld)
{
    AUTOFREE char *text = NULL;
    double when = 0;
    int rc = store_reader_meta(ld->r, "kvs.checkpoint", &text);

    if (rc == -ENOENT)
        return 0;
    if (rc < 0)
        return rc;
    if (sscanf(text, "%" SCNu64 " %" SCNx64 " %" SCNu64 " %lf", &ld->seq, &ld->chain,
               &ld->kvs->generation, &when) < 2)
        flux_log(ld->kvs->h, LOG_ERR, "the store's kvs.checkpoint cannot be read");
    checkpoint_set_last(ld->kvs->checkpoint, ld->seq, when);
    return 0;
}

static int add_root(const struct store_root *root, void *arg)
{
    struct load *ld = arg;
    struct ns *ns = ns_new(ld->kvs, root->ns, root->id, root->owner, root->flags);

    if (!ns)
        return -ENOMEM;
    ns->now.version = ns->next.version = root->version;
    ns->stored_version = root->version + 1;
    memcpy(ns->root_hash, root->hash, NODE_HASH);
    return 0;
}

static int add_pin(const struct store_pin *pin, void *arg)
{
    struct load *ld = arg;

    return snapshot_add_pin(ld->kvs->snapshots, pin);
}

/* ---- records ---- */

static void lose(struct load *ld, uint64_t seq, const char *why, const void *rec,
                 size_t len)
{
    char what[64];

    snprintf(what, sizeof(what), "kvs log record %" PRIu64, seq);
    flux_log(ld->kvs->h, LOG_ERR, "%s: %s: it is put aside", what, why);
    ld->nlost++;
    if (ld->lost)
        store_txn_lost(ld->lost, what, why, flux_reactor_now(ld->kvs->r), rec, len);
}

/* Do one operation, and load what it needs, until it is done. */
static int replay_op(struct load *ld, struct edit *e, struct ns *ns,
                     const struct redo_item *item)
{
    struct obj *root;
    int rc;

    for (;;) {
        e->need.n = 0;
        if ((rc = ns_next_root(ns, &e->need, &root)) == 0)
            rc = tree_apply(e, &ns->next.root, item, &ld->resolved);
        if (rc != -EAGAIN)
            return rc;
        if ((rc = loader_get_now(ld->kvs->loader, ld->r, &e->need)) < 0)
            return rc;
    }
}

static int replay_commit(struct load *ld, const struct redo_head *h, const void *rec,
                         size_t len, size_t pos, struct ns *ns)
{
    struct edit e = {.os = &ld->kvs->os, .id = ld->edit, .version = h->version};
    struct redo_item item;
    int rc = 0, one;

    while (redo_next(rec, len, &pos, &item) > 0) {
        if ((one = replay_op(ld, &e, ns, &item)) == -ENOMEM)
            return one;
        rc = rc < 0 ? rc : one;
    }
    ns->next.version = h->version;
    return rc;
}

/* Since the checkpoint there may have been one of that name before. */
static int replay_create(struct load *ld, const struct redo_head *h, const char *name)
{
    struct ns *old = ns_find(ld->kvs, name), *ns;

    if (old)
        ns_free(old);
    if (!(ns = ns_new(ld->kvs, name, h->seq, h->userid, h->flags)))
        return -ENOMEM;
    ns->next.root = obj_new_node(&ld->kvs->os, OBJ_LEAF, 0, ld->edit);
    return ns->next.root ? 0 : -ENOMEM;
}

static int replay(struct load *ld, const struct redo_head *h, const void *rec, size_t len,
                  size_t pos)
{
    AUTOFREE char *name = strndup(h->ns.p, h->ns.len);
    struct ns *ns;
    int rc;

    if (!name)
        return -ENOMEM;
    if (h->kind == REDO_NSCREATE && (rc = replay_create(ld, h, name)) < 0)
        return rc;
    if (!(ns = ns_find(ld->kvs, name)))
        return h->kind == REDO_NSREMOVE ? 0 : -ENOENT;
    if (h->kind == REDO_NSREMOVE) {
        checkpoint_forget(ld->kvs->checkpoint, name);
        ns_free(ns);
        return 0;
    }
    return replay_commit(ld, h, rec, len, pos, ns);
}

static const char *reason(int rc)
{
    return rc == -EBADMSG  ? "its checksum is wrong"
           : rc == -EPROTO ? "it is malformed"
           : rc == -ENOENT ? "its namespace is not there"
           : rc == -EIO    ? "what it builds on cannot be read"
                           : strerror(-rc);
}

static int take_record(uint64_t seq, const void *rec, size_t len, void *arg)
{
    struct load *ld = arg;
    bool broken = false;
    struct redo_head h;
    size_t pos;
    int rc;

    if (ld->first == 0)
        ld->first = seq;
    if (seq <= ld->seq)
        return 0;
    if (seq != ld->seq + 1)
        flux_log(ld->kvs->h, LOG_ERR,
                 "records %" PRIu64 " to %" PRIu64 " of the kvs log are missing",
                 ld->seq + 1, seq - 1);
    rc = redo_read(rec, len, &h, &pos);
    if (rc == 0 && h.seq != seq)
        rc = -EPROTO;
    if (rc == 0) {
        broken = h.chain != ld->chain && seq == ld->seq + 1;
        rc = replay(ld, &h, rec, len, pos);
        ld->chain = redo_chain(rec);
    }
    if (rc == -ENOMEM)
        return rc;
    if (rc < 0)
        lose(ld, seq, reason(rc), rec, len);
    else if (broken)
        flux_log(ld->kvs->h, LOG_ERR,
                 "record %" PRIu64 " of the kvs log does not follow the one before", seq);
    ld->seq = seq;
    return 0;
}

static int read_all(struct store_reader *r, void *arg)
{
    struct load *ld = arg;
    int rc;

    ld->r = r;
    if ((rc = read_checkpoint(ld)) < 0 ||
        (rc = store_reader_roots(r, add_root, ld)) < 0 ||
        (rc = store_reader_pins(r, add_pin, ld)) < 0)
        return rc;
    ld->first = 0;
    return store_reader_log(r, 0, take_record, ld);
}

/* ---- afterwards ---- */

/* What the log said is what everybody sees. */
static void settle(struct kvs *kvs)
{
    struct ns *ns;
    uint64_t id;
    void *value;

    for (size_t it = 0; umap_next(kvs->ns_by_id, &it, &id, &value);) {
        ns = value;
        if (!ns->next.root)
            continue;
        obj_unref(&kvs->os, ns->now.root);
        ns->now.root = obj_ref(ns->next.root);
        ns->now.version = ns->next.version;
    }
}

int load_all(struct kvs *kvs)
{
    struct load ld = {.kvs = kvs, .edit = ++kvs->os.last_edit};
    int rc;

    ld.lost = store_txn_new(kvs->store);
    rc = store_read_now(kvs->store, read_all, &ld);
    buf_free(&ld.resolved);
    if (rc == 0 && ld.nlost && ld.lost)
        store_commit(kvs->store, TAKE(ld.lost), NULL, NULL);
    store_txn_free(ld.lost);
    if (rc < 0)
        return rc;
    settle(kvs);
    commits_set_log(kvs->commits, ld.seq, ld.chain);
    checkpoint_set_trimmed(kvs->checkpoint, ld.first ? ld.first - 1 : ld.seq);
    if (kvs->generation == 0)
        kvs->generation = 1;
    return 0;
}
