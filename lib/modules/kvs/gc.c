/* Garbage collection, see gc.h. Each step is one read or one transaction of the store;
 * when it is done the next one follows from the state.
 */
#include "modules/kvs/gc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "modules/kvs/checkpoint.h"
#include "modules/kvs/mark.h"
#include "proto/blobref.h"

#define SWEEP_ROWS 250
#define RETRY 0.1 /* seconds, while somebody is saving */

enum gc_state {
    GC_IDLE,
    GC_WANTED,
    GC_MARK,
    GC_FIND,  /* blobs that may be deleted */
    GC_SWEEP, /* those of them that were not reached */
    GC_SIZE,
    GC_VACUUM,
};

struct row {
    int64_t row;
    unsigned char hash[NODE_HASH];
    size_t len;
};

struct gc {
    struct kvs *kvs;
    enum gc_state state;
    uint64_t threshold;
    uint64_t commits, blobs, live; /* as of the last one */
    flux_watcher_t *timer;
    struct flux_msglist *asked;
    bool again;     /* the checkpoint under way began before somebody asked */
    bool keep;      /* only say what would be deleted */
    bool under_way; /* a read or a transaction */
    bool cancelled; /* the service ends: what is under way frees this */

    /* The one under way. */
    struct mark *mark;
    struct buf touched; /* what was loaded since the slice began: node?, hash */
    bool begun;
    double started;
    struct row rows[SWEEP_ROWS];
    unsigned nrows;
    int64_t after; /* the row looked at last */
    uint64_t freed, freed_bytes;
    uint64_t generation;              /* older ones may be deleted */
    uint64_t before, size;            /* of the file */
    uint64_t free_bytes, free_before; /* in it; the same before the last vacuum */
};

static void step(struct gc *gc);

/* ---- the end ---- */

static void answer_one(struct gc *gc, const flux_msg_t *msg)
{
    flux_respond_pack(gc->kvs->h, msg, "{s:I s:I s:I s:I s:I s:f}", "blobs",
                      (int64_t)gc->freed, "bytes", (int64_t)gc->freed_bytes, "live",
                      (int64_t)gc->live, "file-before", (int64_t)gc->before, "file-after",
                      (int64_t)gc->size, "seconds", kvs_now(gc->kvs) - gc->started);
}

static void answer(struct gc *gc, int error, const char *text)
{
    const flux_msg_t *msg;

    while ((msg = flux_msglist_pop(gc->asked))) {
        if (error)
            kvs_respond_error(gc->kvs, msg, -error, text ? "%s" : NULL, text);
        else
            answer_one(gc, msg);
        flux_msg_decref(msg);
    }
}

static void clear(struct gc *gc)
{
    mark_free(gc->mark);
    gc->mark = NULL;
    buf_free(&gc->touched);
}

static void finish(struct gc *gc, int error, const char *text)
{
    gc->state = GC_IDLE;
    if (error && error != -ECANCELED)
        flux_log(gc->kvs->h, LOG_ERR, "garbage collection: %s",
                 text ? text : kvs_strerror(gc->kvs, -error));
    else if (!error && !gc->keep)
        flux_log(gc->kvs->h, LOG_DEBUG, "garbage collection: %ju of %ju blobs deleted",
                 (uintmax_t)gc->freed, (uintmax_t)(gc->freed + gc->live));
    answer(gc, error, text);
    clear(gc);
    gc->commits = gc->kvs->stats.commits;
    gc->blobs = gc->kvs->stats.blobs;
}

void gc_free(struct gc *gc)
{
    if (!gc)
        return;
    if (gc->asked)
        answer(gc, -ECANCELED, NULL);
    flux_msglist_destroy(gc->asked);
    gc->asked = NULL;
    flux_watcher_destroy(gc->timer);
    gc->timer = NULL;
    gc->cancelled = true;
    if (gc->under_way)
        return;
    clear(gc);
    free(gc);
}

/* ---- reads and transactions ---- */

/* Nothing is deleted as long as part of the tree cannot be seen. */
static void unreadable(struct gc *gc)
{
    char ref[BLOBREF_SIZE], text[200];

    blobref_print_hash(mark_bad(gc->mark), ref);
    snprintf(text, sizeof(text),
             "%s cannot be read, so what is below it is not known: flux fsck --repair",
             ref);
    finish(gc, -EIO, text);
}

static void marked(struct gc *gc, bool complete)
{
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < gc->touched.len; i += 1 + NODE_HASH) {
        const unsigned char *p = (const unsigned char *)gc->touched.data + i;

        rc = mark_add(gc->mark, p + 1, *p);
        complete = false;
    }
    gc->touched.len = 0;
    if (rc < 0) {
        finish(gc, rc, NULL);
        return;
    }
    if (complete) {
        gc->live = mark_count(gc->mark);
        gc->state = GC_FIND;
    }
    step(gc);
}

/* A store that an older version made gives no pages back: then there is no progress. */
static void sized(struct gc *gc)
{
    if (gc->keep || gc->free_bytes == 0 || gc->free_bytes >= gc->free_before) {
        finish(gc, 0, NULL);
        return;
    }
    gc->free_before = gc->free_bytes;
    gc->state = GC_VACUUM;
    step(gc);
}

static void read_done(int rc, void *arg)
{
    struct gc *gc = arg;

    gc->under_way = false;
    if (gc->cancelled)
        gc_free(gc);
    else if (rc == -EIO && gc->state == GC_MARK)
        unreadable(gc);
    else if (rc < 0)
        finish(gc, rc, NULL);
    else if (gc->state == GC_MARK)
        marked(gc, rc == 1);
    else if (gc->state == GC_SIZE)
        sized(gc);
    else {
        gc->state = GC_SWEEP;
        step(gc);
    }
}

static void written(int error, void *arg)
{
    struct gc *gc = arg;

    gc->under_way = false;
    if (gc->cancelled) {
        gc_free(gc);
        return;
    }
    if (error) {
        finish(gc, error, NULL);
        return;
    }
    gc->state = gc->state == GC_VACUUM || gc->nrows < SWEEP_ROWS ? GC_SIZE : GC_FIND;
    step(gc);
}

static void read(struct gc *gc, store_read_f fn)
{
    int rc;

    gc->under_way = true;
    if ((rc = store_read(gc->kvs->store, fn, read_done, gc)) == 0)
        return;
    gc->under_way = false;
    finish(gc, rc, NULL);
}

/* Takes t over. */
static void write(struct gc *gc, struct store_txn *t, int rc)
{
    if (!t || rc < 0) {
        store_txn_free(t);
        finish(gc, t ? rc : -ENOMEM, NULL);
        return;
    }
    gc->under_way = true;
    if ((rc = store_commit(gc->kvs->store, t, written, gc)) == 0)
        return;
    gc->under_way = false;
    finish(gc, rc, NULL);
}

/* ---- on a worker thread ---- */

static int mark_slice(struct store_reader *r, void *arg)
{
    struct gc *gc = arg;
    int rc = 0;

    if (!gc->begun) {
        gc->begun = true;
        if ((rc = store_reader_space(r, &gc->before, &gc->free_bytes)) < 0 ||
            (rc = mark_add_store(gc->mark, r, gc->started)) < 0)
            return rc;
    }
    return mark_step(gc->mark, r);
}

static int keep_row(int64_t row, const void *hash, size_t len, void *arg)
{
    struct gc *gc = arg;
    struct row *o = &gc->rows[gc->nrows++];

    *o = (struct row){.row = row, .len = len};
    if (hash)
        memcpy(o->hash, hash, NODE_HASH);
    return 0;
}

static int find_slice(struct store_reader *r, void *arg)
{
    struct gc *gc = arg;

    gc->nrows = 0;
    return store_reader_blob_old(r, gc->after, gc->generation, SWEEP_ROWS, keep_row, gc);
}

static int size_slice(struct store_reader *r, void *arg)
{
    struct gc *gc = arg;

    return store_reader_space(r, &gc->size, &gc->free_bytes);
}

/* ---- steps ---- */

static void sweep(struct gc *gc)
{
    struct store_txn *t = store_txn_new(gc->kvs->store);
    int rc = 0;

    for (unsigned i = 0; t && rc == 0 && i < gc->nrows; i++) {
        struct row *row = &gc->rows[i];

        gc->after = row->row;
        if (mark_has(gc->mark, row->hash))
            continue;
        gc->freed++;
        gc->freed_bytes += row->len;
        if (!gc->keep)
            rc = store_txn_blob_sweep(t, row->row, gc->generation);
    }
    write(gc, t, rc);
}

static void vacuum(struct gc *gc)
{
    struct store_txn *t = store_txn_new(gc->kvs->store);

    write(gc, t, t ? store_txn_vacuum(t) : 0);
}

static void step(struct gc *gc)
{
    switch (gc->state) {
    case GC_MARK:
        read(gc, mark_slice);
        break;
    case GC_FIND:
        read(gc, find_slice);
        break;
    case GC_SWEEP:
        sweep(gc);
        break;
    case GC_SIZE:
        read(gc, size_slice);
        break;
    case GC_VACUUM:
        vacuum(gc);
        break;
    case GC_IDLE:
    case GC_WANTED:
        break;
    }
}

/* ---- the beginning ---- */

/* An object that is being saved is of the old generation, and nothing leads to it yet. */
static void begin(struct gc *gc)
{
    int rc;

    if (!list_empty(&gc->kvs->saves)) {
        flux_timer_watcher_reset(gc->timer, RETRY, 0.);
        flux_watcher_start(gc->timer);
        return;
    }
    gc->generation = ++gc->kvs->generation;
    gc->begun = false;
    gc->started = kvs_now(gc->kvs);
    gc->after = 0;
    gc->freed = gc->freed_bytes = 0;
    gc->free_before = UINT64_MAX;
    if ((rc = mark_new(&gc->mark)) < 0 || (rc = mark_add_memory(gc->mark, gc->kvs)) < 0) {
        finish(gc, rc, NULL);
        return;
    }
    gc->state = GC_MARK;
    step(gc);
}

static void timer_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    begin(arg);
}

int gc_new(struct kvs *kvs, uint64_t threshold, struct gc **ret)
{
    struct gc *gc = calloc(1, sizeof(*gc));

    if (!gc)
        return -ENOMEM;
    gc->kvs = kvs;
    gc->threshold = threshold;
    if (!(gc->asked = flux_msglist_create()) ||
        !(gc->timer = flux_timer_watcher_create(kvs->r, RETRY, 0., timer_cb, gc))) {
        gc_free(gc);
        return -ENOMEM;
    }
    flux_watcher_unref(gc->timer);
    *ret = gc;
    return 0;
}

void gc_set_threshold(struct gc *gc, uint64_t threshold)
{
    gc->threshold = threshold;
}

/* The walk is worth it when there is about half as much to delete as to keep. */
static bool due(const struct gc *gc)
{
    const struct kvs_stats *s = &gc->kvs->stats;

    return gc->threshold && s->commits - gc->commits >= gc->threshold &&
           s->blobs - gc->blobs >= gc->live / 2;
}

static void not_checkpointed(struct gc *gc, int error)
{
    char text[200];

    snprintf(text, sizeof(text), "the checkpoint before it failed: %s",
             kvs_strerror(gc->kvs, -error));
    finish(gc, error, text);
}

void gc_checkpointed(struct gc *gc, int error)
{
    if (!gc)
        return;
    if (error && gc->state == GC_WANTED)
        not_checkpointed(gc, error);
    else if (gc->state == GC_WANTED && gc->again)
        gc->again = !checkpoint_begin(gc->kvs->checkpoint);
    else if (gc->state == GC_WANTED)
        begin(gc);
    else if (!error && gc->state == GC_IDLE && due(gc)) {
        gc->keep = false;
        gc->state = GC_WANTED;
        begin(gc);
    }
}

void gc_request(struct gc *gc, const flux_msg_t *msg)
{
    int keep = 0;

    if (flux_request_unpack(msg, NULL, "{s?b}", "dry-run", &keep) < 0)
        kvs_respond_error(gc->kvs, msg, EPROTO, NULL);
    else if (gc->state != GC_IDLE)
        kvs_respond_error(gc->kvs, msg, EBUSY, "garbage is being collected already");
    else if (flux_msglist_append(gc->asked, msg) < 0)
        kvs_respond_error(gc->kvs, msg, ENOMEM, NULL);
    else {
        gc->keep = keep;
        gc->state = GC_WANTED;
        gc->again = !checkpoint_begin(gc->kvs->checkpoint);
    }
}

int gc_loaded(struct gc *gc, const unsigned char *hash, bool node, uint64_t gen)
{
    bool sweeping;

    if (!gc)
        return 0;
    sweeping = gc->state == GC_FIND || gc->state == GC_SWEEP;
    if (sweeping && !gc->keep && gen < gc->generation && !mark_has(gc->mark, hash))
        return -ESTALE;
    if (gc->state == GC_MARK) {
        buf_addc(&gc->touched, node);
        if (buf_add(&gc->touched, hash, NODE_HASH) < 0)
            return -ENOMEM;
    }
    return 0;
}
