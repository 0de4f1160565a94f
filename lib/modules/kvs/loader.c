/* Loading. From the store: a read function on a worker thread fetches the bytes, the
 * loop's thread makes objects of them. */
#include "modules/kvs/loader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "modules/kvs/gc.h"
#include "modules/kvs/upstream.h"
#include "proto/blobref.h"

#define HELD 1024 /* objects */

struct loader {
    struct kvs *kvs;
    struct obj *held[HELD]; /* the latest */
    unsigned next;
    struct list fetches;
    struct umap *told;         /* bad objects, by the beginning of their hash */
    struct upstream *upstream; /* a follower's; NULL: there is a store */
};

struct fetch {
    struct list link;
    struct loader *l; /* NULL: gone */
    struct need need;
    struct buf bytes[NEED_MAX];
    uint64_t gens[NEED_MAX];
    int rcs[NEED_MAX];
    loader_f done;
    void *arg;
};

int loader_new(struct kvs *kvs, struct loader **ret)
{
    struct loader *l = calloc(1, sizeof(*l));
    int rc;

    if (!l)
        return -ENOMEM;
    l->kvs = kvs;
    list_init(&l->fetches);
    if (!kvs->store && (rc = upstream_new(kvs, l, &l->upstream)) < 0) {
        free(l);
        return rc;
    }
    *ret = l;
    return 0;
}

void loader_free(struct loader *l)
{
    if (!l)
        return;
    list_each(f, &l->fetches, struct fetch, link)
    {
        list_del(&f->link);
        f->l = NULL;
        f->done(-ECANCELED, f->arg);
    }
    upstream_free(l->upstream);
    umap_free(l->told);
    for (unsigned i = 0; i < HELD; i++)
        obj_unref(&l->kvs->os, l->held[i]);
    free(l);
}

/* Takes the reference over. */
static void hold(struct loader *l, struct obj *o)
{
    obj_unref(&l->kvs->os, l->held[l->next]);
    l->held[l->next] = o;
    l->next = (l->next + 1) % HELD;
}

/* Say which object is bad, and keep what there is of it. */
static void complain(struct loader *l, const unsigned char *hash, int rc,
                     const void *data, size_t len)
{
    char ref[BLOBREF_SIZE];
    struct store_txn *t;
    uint64_t key;

    memcpy(&key, hash, sizeof(key));
    if (!l->told)
        l->told = umap_new(NULL);
    if (l->told && umap_add(l->told, key, l) == -EEXIST)
        return; /* once is enough */
    blobref_print_hash(hash, ref);
    l->kvs->stats.bad++;
    flux_log(l->kvs->h, LOG_ERR, "%s: %s: what is below it cannot be read", ref,
             rc == -ENOENT ? "not in the store" : "damaged");
    if (rc == -ENOENT || !l->kvs->store || !(t = store_txn_new(l->kvs->store)))
        return;
    store_txn_must(t);
    if (store_txn_lost(t, ref, "its bytes are not those of its hash",
                       flux_reactor_now(l->kvs->r), data, len) == 0)
        store_commit(l->kvs->store, t, NULL, NULL);
    else
        store_txn_free(t);
}

int loader_take(struct loader *l, const struct needed *what, bool maybe, int rc,
                const void *data, size_t len)
{
    struct obj *o;

    if (rc == 0)
        rc = obj_load(&l->kvs->os, what->hash, what->node, data, len, &o);
    if (rc == -EIO || (rc == -ENOENT && !maybe))
        complain(l, what->hash, rc, data, len);
    if (rc < 0)
        return rc == -ENOENT ? -EIO : rc;
    hold(l, o);
    l->kvs->stats.loads++;
    return 0;
}

static int make_object(struct loader *l, const struct need *need, unsigned i, int rc,
                       const struct buf *bytes)
{
    if (rc == 0 && bytes->failed)
        return -ENOMEM;
    return loader_take(l, &need->objs[i], need->maybe, rc, bytes->data, bytes->len);
}

struct bytes {
    struct buf *buf;
    uint64_t *gen;
};

static int keep_bytes(uint64_t gen, const void *data, size_t len, void *arg)
{
    struct bytes *b = arg;

    *b->gen = gen;
    buf_reserve(b->buf, len + 1);
    return buf_add(b->buf, data, len) < 0 ? -ENOMEM : 0;
}

/* On a worker thread. */
static int fetch_read(struct store_reader *r, void *arg)
{
    struct fetch *f = arg;

    for (unsigned i = 0; i < f->need.n; i++) {
        struct bytes b = {&f->bytes[i], &f->gens[i]};

        f->rcs[i] = store_reader_blob(r, f->need.objs[i].hash, keep_bytes, &b);
    }
    return 0;
}

static void fetch_free(struct fetch *f)
{
    for (unsigned i = 0; i < f->need.n; i++)
        buf_free(&f->bytes[i]);
    list_del(&f->link);
    free(f);
}

static int fetched(struct fetch *f, unsigned i)
{
    int rc = f->rcs[i];

    if (rc == 0)
        rc = gc_loaded(f->l->kvs->gc, f->need.objs[i].hash, f->need.objs[i].node,
                       f->gens[i]);
    return make_object(f->l, &f->need, i, rc, &f->bytes[i]);
}

static void fetch_done(int rc, void *arg)
{
    struct fetch *f = arg;

    for (unsigned i = 0; f->l && rc != -ECANCELED && i < f->need.n; i++) {
        int one = fetched(f, i);

        rc = rc < 0 ? rc : one; /* the rest all the same */
    }
    if (f->l)
        f->done(rc, f->arg);
    fetch_free(f);
}

int loader_get(struct loader *l, const struct need *need, loader_f done, void *arg)
{
    struct fetch *f;
    int rc;

    if (l->upstream)
        return upstream_get(l->upstream, need, done, arg);
    if (!(f = calloc(1, sizeof(*f))))
        return -ENOMEM;
    list_append(&l->fetches, &f->link);
    f->l = l;
    f->need = *need;
    f->done = done;
    f->arg = arg;
    if ((rc = store_read(l->kvs->store, fetch_read, fetch_done, f)) < 0)
        fetch_free(f);
    return rc;
}

int loader_get_now(struct loader *l, struct store_reader *r, const struct need *need)
{
    int rc = 0, one;

    for (unsigned i = 0; i < need->n; i++) {
        CLEANUP(buf_free) struct buf bytes = {0};
        uint64_t gen;
        struct bytes b = {&bytes, &gen};

        one = store_reader_blob(r, need->objs[i].hash, keep_bytes, &b);
        one = make_object(l, need, i, one, &bytes);
        rc = rc < 0 ? rc : one;
    }
    return rc;
}
