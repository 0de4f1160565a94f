/* Checkpoints. */
#include "modules/kvs/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "modules/kvs/commit.h"
#include "modules/kvs/gc.h"
#include "modules/kvs/hash.h"
#include "modules/kvs/save.h"

#define LOG_MAX (8u << 20) /* bytes of log that make a checkpoint worth it */
#define TRIM_ROWS 1000
#define RETRY 5. /* seconds after one that failed */
#define COLD 10  /* seconds without use after which objects may be forgotten */

/* A namespace as the checkpoint finds it; it may be gone before the end. */
struct item {
    uint64_t id;
    char *name;
    uint32_t owner, flags;
    struct ns_state state; /* root referenced */
};

struct waiting {
    struct list link;
    const flux_msg_t *msg;
    struct buf payload;
};

struct checkpoint {
    struct kvs *kvs;
    flux_watcher_t *timer;
    double period;
    bool busy;
    int error; /* of the last one */
    uint64_t last_seq;
    double last_when;
    struct list asked, served; /* struct waiting: for the next one, this one */
    struct map *gone;          /* names of namespaces that were removed */

    /* The one under way. */
    uint64_t seq, chain, trimmed;
    double when;
    struct item *items;
    size_t nitems, at;
    struct map *going; /* those of `gone` that it takes out */
};

static void start(struct checkpoint *cp);

static void timer_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    start(arg);
}

int checkpoint_new(struct kvs *kvs, double period, struct checkpoint **ret)
{
    struct checkpoint *cp = calloc(1, sizeof(*cp));

    if (!cp)
        return -ENOMEM;
    cp->kvs = kvs;
    cp->period = period;
    list_init(&cp->asked);
    list_init(&cp->served);
    if (!(cp->gone = map_new(NULL)) ||
        !(cp->timer = flux_timer_watcher_create(kvs->r, period, 0., timer_cb, cp))) {
        map_free(cp->gone);
        free(cp);
        return -ENOMEM;
    }
    flux_watcher_unref(cp->timer);
    *ret = cp;
    return 0;
}

static void answer_all(struct checkpoint *cp, struct list *l, int error)
{
    list_each(w, l, struct waiting, link)
    {
        list_del(&w->link);
        if (error)
            kvs_respond_error(cp->kvs, w->msg, error, "the checkpoint failed: %s",
                              kvs_strerror(cp->kvs, error));
        else
            kvs_respond_buf(cp->kvs, w->msg, &w->payload);
        buf_free(&w->payload);
        flux_msg_decref(w->msg);
        free(w);
    }
}

static void clear_items(struct checkpoint *cp)
{
    for (size_t i = 0; i < cp->nitems; i++) {
        obj_unref(&cp->kvs->os, cp->items[i].state.root);
        free(cp->items[i].name);
    }
    free(cp->items);
    cp->items = NULL;
    cp->nitems = cp->at = 0;
}

/* What was not taken out stays to be. */
static void keep_going(struct checkpoint *cp)
{
    const char *name;
    void *value;

    for (size_t it = 0; cp->going && map_next(cp->going, &it, &name, &value);)
        map_set(cp->gone, name, cp);
    map_free(cp->going);
    cp->going = NULL;
}

void checkpoint_free(struct checkpoint *cp)
{
    if (!cp)
        return;
    answer_all(cp, &cp->asked, ECANCELED);
    answer_all(cp, &cp->served, ECANCELED);
    clear_items(cp);
    flux_watcher_destroy(cp->timer);
    map_free(cp->going);
    map_free(cp->gone);
    free(cp);
}

void checkpoint_set_period(struct checkpoint *cp, double period)
{
    cp->period = period;
}

void checkpoint_set_last(struct checkpoint *cp, uint64_t seq, double when)
{
    cp->last_seq = seq;
    cp->last_when = when;
}

uint64_t checkpoint_last(const struct checkpoint *cp, double *ret_when)
{
    *ret_when = cp->last_when;
    return cp->last_seq;
}

static void start_timer(struct checkpoint *cp, double after)
{
    if (flux_watcher_is_active(cp->timer))
        return;
    flux_timer_watcher_reset(cp->timer, after, 0.);
    flux_watcher_start(cp->timer);
}

static void finish(struct checkpoint *cp, int error)
{
    cp->busy = false;
    cp->error = error;
    clear_items(cp);
    keep_going(cp);
    answer_all(cp, &cp->served, -error);
    if (error < 0 && error != -ECANCELED) {
        flux_log(cp->kvs->h, LOG_ERR, "checkpoint: %s", kvs_strerror(cp->kvs, -error));
        if (store_has_failed(cp->kvs->store)) /* there is no use in another one */
            answer_all(cp, &cp->asked, -error);
        else
            start_timer(cp, RETRY);
    }
    if (error < 0) {
        gc_checkpointed(cp->kvs->gc, error);
        return;
    }
    cp->kvs->stats.checkpoints++;
    checkpoint_trim_memory(cp->kvs);
    gc_checkpointed(cp->kvs->gc, 0);
    if (!list_empty(&cp->asked))
        start(cp);
}

/* ---- the log ---- */

static void trim(struct checkpoint *cp);

static void trimmed(int error, void *arg)
{
    struct checkpoint *cp = arg;

    if (error < 0 || cp->trimmed >= cp->seq)
        finish(cp, error);
    else
        trim(cp);
}

/* A piece of the log that is not needed any more. */
static void trim(struct checkpoint *cp)
{
    struct store_txn *t = store_txn_new(cp->kvs->store);

    if (!t || store_txn_log_trim(t, cp->seq, TRIM_ROWS) < 0) {
        store_txn_free(t);
        finish(cp, -ENOMEM);
        return;
    }
    cp->trimmed += TRIM_ROWS;
    store_commit(cp->kvs->store, t, trimmed, cp);
}

/* ---- the roots ---- */

static void switched(int error, void *arg)
{
    struct checkpoint *cp = arg;
    struct ns *ns;

    if (error < 0) {
        finish(cp, error);
        return;
    }
    for (size_t i = 0; i < cp->nitems; i++)
        if ((ns = ns_by_id(cp->kvs, cp->items[i].id)))
            ns->stored_version = cp->items[i].state.version + 1;
    map_free(cp->going);
    cp->going = NULL;
    checkpoint_set_last(cp, cp->seq, cp->when);
    trim(cp);
}

static int add_root(struct store_txn *t, const struct item *item)
{
    struct store_root root = {
        .ns = item->name,
        .id = item->id,
        .version = item->state.version,
        .hash = item->state.root->hash,
        .owner = item->owner,
        .flags = item->flags,
    };

    return store_txn_root(t, &root);
}

/* Those that were removed before S; a new one of that name has its row put behind. */
static int remove_gone(struct checkpoint *cp, struct store_txn *t)
{
    const char *name;
    void *value;
    int rc = 0;

    for (size_t it = 0; rc == 0 && map_next(cp->going, &it, &name, &value);)
        rc = store_txn_root_delete(t, name);
    return rc;
}

static int fill_switch(struct checkpoint *cp, struct store_txn *t)
{
    char text[96];
    int rc = remove_gone(cp, t);

    for (size_t i = 0; rc == 0 && i < cp->nitems; i++)
        rc = add_root(t, &cp->items[i]);
    cp->when = kvs_now(cp->kvs);
    snprintf(text, sizeof(text), "%" PRIu64 " %016" PRIx64 " %" PRIu64 " %.3f", cp->seq,
             cp->chain, cp->kvs->generation, cp->when);
    return rc < 0 ? rc : store_txn_meta(t, "kvs.checkpoint", text);
}

static void switch_roots(struct checkpoint *cp)
{
    struct store_txn *t = store_txn_new(cp->kvs->store);
    int rc = t ? fill_switch(cp, t) : -ENOMEM;

    if (rc < 0) {
        store_txn_free(t);
        finish(cp, rc);
        return;
    }
    store_commit(cp->kvs->store, t, switched, cp);
}

/* ---- the nodes ---- */

static void save_next(struct checkpoint *cp);

static void saved(int rc, void *arg)
{
    struct checkpoint *cp = arg;

    if (rc < 0) {
        finish(cp, rc);
        return;
    }
    cp->at++;
    save_next(cp);
}

static void save_next(struct checkpoint *cp)
{
    int rc;

    while (cp->at < cp->nitems && cp->items[cp->at].state.root->stored)
        cp->at++;
    if (cp->at == cp->nitems)
        switch_roots(cp);
    else if ((rc = save_start(cp->kvs, cp->items[cp->at].state.root, saved, cp)) < 0)
        finish(cp, rc);
}

static int add_item(struct checkpoint *cp, const struct ns *ns)
{
    struct item *item = &cp->items[cp->nitems];

    *item = (struct item){.id = ns->id, .owner = ns->owner, .flags = ns->flags};
    if (!(item->name = strdup(ns->name)))
        return -ENOMEM;
    item->state.version = ns->now.version;
    item->state.root = obj_ref(ns->now.root);
    cp->nitems++;
    return 0;
}

/* The namespaces that have changed since their last checkpoint. One that is about to be
 * removed is still there until that is durable. */
static int collect(struct checkpoint *cp)
{
    struct ns *ns;
    uint64_t id;
    void *value;
    int rc = 0;

    cp->going = cp->gone;
    cp->gone = map_new(NULL);
    cp->items = calloc(umap_count(cp->kvs->ns_by_id) + 1, sizeof(*cp->items));
    if (!cp->items || !cp->gone)
        return -ENOMEM;
    for (size_t it = 0; rc == 0 && umap_next(cp->kvs->ns_by_id, &it, &id, &value);) {
        ns = value;
        if (!ns->creating && !ns->gone && ns->now.root &&
            ns->stored_version != ns->now.version + 1)
            rc = add_item(cp, ns);
    }
    return rc;
}

static void start(struct checkpoint *cp)
{
    int rc;

    if (cp->busy)
        return;
    flux_watcher_stop(cp->timer);
    list_splice(&cp->served, &cp->asked);
    cp->trimmed = cp->seq;
    cp->seq = commits_durable(cp->kvs->commits, &cp->chain);
    cp->busy = true;
    commits_log_bytes(cp->kvs->commits, true);
    if ((rc = collect(cp)) < 0)
        finish(cp, rc);
    else
        save_next(cp);
}

bool checkpoint_begin(struct checkpoint *cp)
{
    if (cp->busy)
        return false;
    start(cp);
    return true;
}

void checkpoint_set_trimmed(struct checkpoint *cp, uint64_t seq)
{
    cp->seq = seq;
}

void checkpoint_maybe(struct checkpoint *cp)
{
    if (!cp || cp->busy)
        return;
    if (commits_log_bytes(cp->kvs->commits, false) > LOG_MAX)
        start(cp);
    else
        start_timer(cp, cp->period);
}

void checkpoint_for(struct checkpoint *cp, const flux_msg_t *msg, struct buf *payload)
{
    struct waiting *w = calloc(1, sizeof(*w));

    if (!w) {
        buf_free(payload);
        kvs_respond_error(cp->kvs, msg, ENOMEM, NULL);
        return;
    }
    list_init(&w->link);
    w->msg = flux_msg_incref(msg);
    w->payload = *payload;
    *payload = (struct buf){0};
    list_append(&cp->asked, &w->link);
    start(cp);
}

void checkpoint_forget(struct checkpoint *cp, const char *ns)
{
    map_set(cp->gone, ns, cp);
}

int checkpoint_now(struct checkpoint *cp)
{
    int rc = 0;

    /* Another one under way is not ours: it may be of an older state. */
    for (int i = 0; i < 2 && rc == 0; i++) {
        start(cp);
        while (cp->busy && rc == 0)
            rc = store_flush(cp->kvs->store);
    }
    return rc < 0 ? rc : cp->error;
}

/* ---- memory ---- */

/* Older versions have most of their nodes in common with the current one. */
static void forget_versions(struct ns *ns, uint32_t before)
{
    struct kvs *kvs = ns->kvs;

    if (ns->now.root)
        forget_cold(&kvs->os, ns->now.root, before, kvs->memory_limit);
    list_each(v, &ns->versions, struct version, link)
    {
        if (kvs->os.bytes > kvs->memory_limit)
            forget_cold(&kvs->os, v->state.root, before, kvs->memory_limit);
    }
}

void checkpoint_trim_memory(struct kvs *kvs)
{
    struct ns *ns;
    uint64_t id;
    void *value;

    for (int pass = 0; pass < 2 && kvs->os.bytes > kvs->memory_limit; pass++) {
        uint32_t before = kvs->os.now - (pass == 0 ? COLD : 0);

        for (size_t it = 0; umap_next(kvs->ns_by_id, &it, &id, &value);) {
            ns = value;
            forget_versions(ns, before);
        }
    }
}
