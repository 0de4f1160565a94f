/* Objects from the broker above. */
#include "modules/kvs/upstream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "modules/kvs/checkpoint.h"
#include "proto/kvsfeed.h"

struct upstream {
    struct kvs *kvs;
    struct loader *l;
    flux_watcher_t *prepare;
    struct umap *wants;    /* by the first bytes of their hashes: not asked for twice */
    struct list queue;     /* struct want: to be asked for in this turn */
    struct list questions; /* under way */
    struct list fetches;
    uint32_t trimmed; /* os.now then */
};

/* Somebody waits for an object. */
struct taker {
    struct list link;
    struct fetch *f;
};

/* A call of upstream_get(). */
struct fetch {
    struct list link;
    unsigned left;
    int rc;
    loader_f done;
    void *arg;
    struct taker takers[];
};

struct want {
    struct list link; /* the queue's, or a question's */
    uint64_t key;     /* in up->wants; 0: not there */
    struct needed what;
    struct list takers;
};

struct question {
    struct list link;
    struct upstream *up;
    flux_future_t *f;
    struct list wants; /* in the order of the request */
};

static void send_queue(struct upstream *up);

static void prepare_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    flux_watcher_stop(w);
    send_queue(arg);
}

int upstream_new(struct kvs *kvs, struct loader *l, struct upstream **ret)
{
    struct upstream *up = calloc(1, sizeof(*up));

    if (!up)
        return -ENOMEM;
    up->kvs = kvs;
    up->l = l;
    list_init(&up->queue);
    list_init(&up->questions);
    list_init(&up->fetches);
    if (!(up->wants = umap_new(NULL)) ||
        !(up->prepare = flux_prepare_watcher_create(kvs->r, prepare_cb, up))) {
        umap_free(up->wants);
        free(up);
        return -ENOMEM;
    }
    flux_watcher_unref(up->prepare);
    *ret = up;
    return 0;
}

static void want_free(struct upstream *up, struct want *w)
{
    list_del(&w->link);
    if (w->key)
        umap_take(up->wants, w->key);
    free(w);
}

static void question_free(struct question *q)
{
    list_each(w, &q->wants, struct want, link)
    {
        want_free(q->up, w);
    }
    list_del(&q->link);
    flux_future_destroy(q->f);
    free(q);
}

void upstream_free(struct upstream *up)
{
    if (!up)
        return;
    list_each(f, &up->fetches, struct fetch, link)
    {
        list_del(&f->link);
        f->done(-ECANCELED, f->arg);
        free(f);
    }
    list_each(q, &up->questions, struct question, link)
    {
        question_free(q);
    }
    list_each(w, &up->queue, struct want, link)
    {
        want_free(up, w);
    }
    flux_watcher_destroy(up->prepare);
    umap_free(up->wants);
    free(up);
}

/* ---- answers ---- */

/* An object is there, or not to be had: those who wait for nothing else go on. */
static void settle(struct upstream *up, struct want *w, int rc)
{
    struct list takers;

    list_init(&takers);
    list_splice(&takers, &w->takers);
    want_free(up, w);
    list_each(t, &takers, struct taker, link)
    {
        struct fetch *f = t->f;

        list_del(&t->link);
        f->rc = f->rc < 0 ? f->rc : rc;
        if (--f->left > 0)
            continue;
        list_del(&f->link);
        f->done(f->rc, f->arg);
        free(f);
    }
}

static struct want *nth(struct question *q, unsigned i)
{
    list_each(w, &q->wants, struct want, link)
    {
        if (i-- == 0)
            return w;
    }
    return NULL;
}

/* Make objects of what has come. The places of a request hold until all of it is read. */
static int read_objects(struct question *q, const void *data, size_t len)
{
    struct want *found[FEED_WANTS_MAX] = {NULL};
    int rcs[FEED_WANTS_MAX], more;
    struct feed_object o;
    size_t pos = 0;

    while ((more = feed_object_read(data, len, &pos, &o)) > 0) {
        if (!(found[o.i] = nth(q, o.i)))
            return -EPROTO;
        /* What is not there any more is rank 0's to look for, and to complain about. */
        rcs[o.i] = loader_take(q->up->l, &found[o.i]->what, true, o.missing ? -ENOENT : 0,
                               o.data, o.len);
    }
    if (more < 0 || pos == 0)
        return -EPROTO;
    for (unsigned i = 0; i < FEED_WANTS_MAX; i++)
        if (found[i])
            settle(q->up, found[i], rcs[i]);
    return 0;
}

static void fail_all(struct question *q, int rc)
{
    struct want *w;

    while ((w = list_first(&q->wants, struct want, link)))
        settle(q->up, w, rc);
}

/* Now and then, for it looks at all that there is. */
static void trim(struct upstream *up)
{
    struct kvs *kvs = up->kvs;

    if (kvs->os.bytes <= kvs->memory_limit || up->trimmed == kvs->os.now)
        return;
    up->trimmed = kvs->os.now;
    checkpoint_trim_memory(kvs);
}

static void answered_cb(flux_future_t *f, void *arg)
{
    struct question *q = arg;
    struct upstream *up = q->up;
    const void *data;
    size_t len;
    int rc;

    rc = flux_rpc_get_raw(f, &data, &len) < 0 ? -errno : read_objects(q, data, len);
    if (rc < 0)
        fail_all(q, rc == -ENOSYS ? -EHOSTUNREACH : rc);
    else if (!list_empty(&q->wants)) { /* the rest once more */
        list_splice(&up->queue, &q->wants);
        flux_watcher_start(up->prepare);
    }
    question_free(q);
    trim(up);
}

/* ---- questions ---- */

static int ask(struct question *q)
{
    struct upstream *up = q->up;
    struct buf out = {0};
    unsigned n = 0;

    list_each(w, &up->queue, struct want, link)
    {
        struct feed_want one = {.node = w->what.node};

        if (n++ == FEED_WANTS_MAX)
            break;
        memcpy(one.hash, w->what.hash, NODE_HASH);
        feed_want_write(&one, &out);
        list_del(&w->link);
        list_append(&q->wants, &w->link);
    }
    if (!out.failed)
        q->f = flux_rpc_raw(up->kvs->h, "kvs.fetch", out.data, out.len,
                            FLUX_NODEID_UPSTREAM, 0);
    buf_free(&out);
    return q->f && flux_future_then(q->f, -1., answered_cb, q) == 0 ? 0 : -ENOMEM;
}

static void send_queue(struct upstream *up)
{
    while (!list_empty(&up->queue)) {
        struct question *q = calloc(1, sizeof(*q));

        if (!q) {
            settle(up, list_first(&up->queue, struct want, link), -ENOMEM);
            continue;
        }
        q->up = up;
        list_init(&q->wants);
        list_append(&up->questions, &q->link);
        if (ask(q) < 0) {
            fail_all(q, -ENOMEM);
            question_free(q);
        }
    }
}

static uint64_t key_of(const unsigned char *hash)
{
    uint64_t key;

    memcpy(&key, hash, sizeof(key));
    return key;
}

/* The question for an object that is under way, or a new one. NULL: no memory. */
static struct want *want_of(struct upstream *up, const struct needed *what)
{
    uint64_t key = key_of(what->hash);
    struct want *w = umap_get(up->wants, key);

    if (w && w->what.node == what->node &&
        memcmp(w->what.hash, what->hash, NODE_HASH) == 0)
        return w;
    if (!(w = calloc(1, sizeof(*w))))
        return NULL;
    list_init(&w->takers);
    w->what = *what;
    if (umap_add(up->wants, key, w) == 0)
        w->key = key;
    list_append(&up->queue, &w->link);
    flux_watcher_start(up->prepare);
    return w;
}

int upstream_get(struct upstream *up, const struct need *need, loader_f done, void *arg)
{
    struct fetch *f = calloc(1, sizeof(*f) + need->n * sizeof(f->takers[0]));

    if (!f)
        return -ENOMEM;
    f->done = done;
    f->arg = arg;
    list_append(&up->fetches, &f->link);
    for (unsigned i = 0; i < need->n; i++) {
        struct want *w = want_of(up, &need->objs[i]);

        f->takers[i].f = f;
        list_init(&f->takers[i].link);
        if (!w)
            continue;
        list_append(&w->takers, &f->takers[i].link);
        f->left++;
    }
    if (f->left < need->n)
        f->rc = -ENOMEM;
    if (f->left > 0)
        return 0;
    list_del(&f->link);
    free(f);
    return -ENOMEM;
}
