/* For the brokers below. */
#include "modules/kvs/feed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "modules/kvs/follower.h"
#include "modules/kvs/hash.h"
#include "modules/kvs/loader.h"
#include "modules/kvs/turn.h"
#include "proto/kvsfeed.h"

#define HASH_STEP (1u << 20)   /* bytes hashed in one turn */
#define ANSWER_MAX (16u << 20) /* bytes of objects in an answer */

struct feed {
    struct kvs *kvs;
    struct list roots, fetches;
    struct flux_msglist *followers;
};

/* kvs.root: the namespace is to be new enough, its root in memory and hashed. */
struct root_request {
    struct list link;
    struct feed *fd;
    const flux_msg_t *msg;
    struct ns_wait wait;
    struct turn turn;
    uint64_t ns; /* id */
    struct feed_root root;
    struct hasher hasher;
};

/* kvs.fetch */
struct fetch_request {
    struct list link;
    struct feed *fd;
    const flux_msg_t *msg;
    int n;
    struct feed_want wants[FEED_WANTS_MAX];
};

int feed_new(struct kvs *kvs, struct feed **ret)
{
    struct feed *fd = calloc(1, sizeof(*fd));

    if (!fd)
        return -ENOMEM;
    fd->kvs = kvs;
    list_init(&fd->roots);
    list_init(&fd->fetches);
    if (!(fd->followers = flux_msglist_create())) {
        free(fd);
        return -ENOMEM;
    }
    *ret = fd;
    return 0;
}

/* ---- roots ---- */

static void root_free(struct root_request *q)
{
    list_del(&q->link);
    list_del(&q->wait.link);
    turn_remove(&q->turn);
    hasher_fini(&q->hasher);
    flux_msg_decref(q->msg);
    free(q);
}

static void root_end(struct root_request *q, int rc)
{
    struct kvs *kvs = q->fd->kvs;
    struct buf out = {0};

    if (rc == 0) {
        memcpy(q->root.hash, q->hasher.root->hash, NODE_HASH);
        q->root.data = q->hasher.root->data;
        q->root.len = q->hasher.root->len;
        rc = feed_root_write(&q->root, &out);
    }
    if (rc < 0)
        kvs_respond_error(kvs, q->msg, -rc, NULL);
    else if (flux_respond_raw(kvs->h, q->msg, out.data, out.len) < 0)
        flux_log_error(kvs->h, "kvs.root");
    buf_free(&out);
    root_free(q);
}

static void root_hash(struct root_request *q)
{
    int rc = hasher_step(&q->hasher, HASH_STEP, NULL, NULL);

    if (rc == 0)
        turn_add(q->fd->kvs, &q->turn);
    else
        root_end(q, rc < 0 ? rc : 0);
}

static void root_step(struct turn *t)
{
    struct root_request *q = list_entry(t, struct root_request, turn);

    turn_remove(t);
    root_hash(q);
}

static void root_load(struct root_request *q);

static void root_loaded(int rc, void *arg)
{
    struct root_request *q = arg;

    if (rc < 0)
        root_end(q, rc);
    else
        root_load(q);
}

static void root_load(struct root_request *q)
{
    struct kvs *kvs = q->fd->kvs;
    struct ns *ns = ns_by_id(kvs, q->ns);
    struct need need = {0};
    struct obj *root;
    int rc = ns ? ns_root(ns, &need, &root) : -ENOTSUP;

    if (rc == -EAGAIN && (rc = loader_get(kvs->loader, &need, root_loaded, q)) == 0)
        return;
    if (rc == 0) {
        q->root = (struct feed_root){
            ns->id, ns->now.version, ns->owner, ns->flags, {0}, NULL, 0};
        rc = hasher_init(&q->hasher, &kvs->os, root, false);
    }
    if (rc < 0)
        root_end(q, rc);
    else
        root_hash(q);
}

static void root_ready(struct ns_wait *w, int rc)
{
    struct root_request *q = list_entry(w, struct root_request, wait);
    const char *name = NULL;
    struct ns *ns;

    if (rc ==
        NS_DOUBTFUL) /* good enough for our clients, not for those of the one below */
        rc = -EHOSTUNREACH;
    flux_request_unpack(q->msg, NULL, "{s:s}", "namespace", &name);
    ns = rc == 0 ? ns_find(q->fd->kvs, name) : NULL;
    if (!ns) {
        root_end(q, rc < 0 ? rc : -ENOTSUP);
        return;
    }
    q->ns = ns->id;
    root_load(q);
}

void feed_root_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct kvs *kvs = arg;
    struct root_request *q;
    int64_t id, version;
    const char *name;
    struct ns *ns;
    int rc;

    if (flux_request_unpack(msg, NULL, "{s:s s:I s:I}", "namespace", &name, "id", &id,
                            "version", &version) < 0 ||
        !(q = calloc(1, sizeof(*q)))) {
        kvs_respond_error(kvs, msg, errno, NULL);
        return;
    }
    kvs->os.now = (uint32_t)kvs_now(kvs);
    list_append(&kvs->feed->roots, &q->link);
    q->fd = kvs->feed;
    q->msg = flux_msg_incref(msg);
    q->turn.step = root_step;
    list_init(&q->turn.link);
    ns_wait_init(&q->wait, root_ready);
    if (kvs->follower)
        follower_note(kvs->follower, name, (uint64_t)id, (uint64_t)version);
    if ((rc = ns_get(kvs, name, &q->wait, &ns)) != -EINPROGRESS)
        root_ready(&q->wait, rc);
}

/* ---- objects ---- */

static void fetch_free(struct fetch_request *q)
{
    list_del(&q->link);
    flux_msg_decref(q->msg);
    free(q);
}

static struct obj *find(const struct fetch_request *q, int i)
{
    return obj_by_hash(&q->fd->kvs->os, q->wants[i].hash, q->wants[i].node);
}

/* Those that are there, and by now all are that can be had. */
static void fetch_end(struct fetch_request *q)
{
    struct kvs *kvs = q->fd->kvs;
    struct buf out = {0};

    for (int i = 0; i < q->n && out.len < ANSWER_MAX; i++) {
        struct feed_object one = {.i = (unsigned)i, .missing = true};
        struct obj *o = find(q, i);

        if (o) {
            o->used = kvs->os.now;
            one = (struct feed_object){(unsigned)i, false, o->data, o->len};
        }
        feed_object_write(&one, &out);
    }
    if (out.failed)
        kvs_respond_error(kvs, q->msg, ENOMEM, NULL);
    else if (flux_respond_raw(kvs->h, q->msg, out.data, out.len) < 0)
        flux_log_error(kvs->h, "kvs.fetch");
    buf_free(&out);
    fetch_free(q);
}

static void fetch_loaded(int rc, void *arg)
{
    struct fetch_request *q = arg;
    struct kvs *kvs = q->fd->kvs;

    if (rc == -EHOSTUNREACH || rc == -ECANCELED || rc == -ENOMEM) {
        kvs_respond_error(kvs, q->msg, rc == -ECANCELED ? ENOSYS : -rc, NULL);
        fetch_free(q);
        return;
    }
    fetch_end(q);
}

void feed_fetch_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct kvs *kvs = arg;
    struct fetch_request *q = calloc(1, sizeof(*q));
    struct need need = {.maybe = true};
    const void *data;
    size_t len;
    int rc;

    if (!q || flux_request_decode_raw(msg, NULL, &data, &len) < 0 ||
        (q->n = feed_wants_read(data, len, q->wants)) < 0) {
        kvs_respond_error(kvs, msg, q ? EPROTO : ENOMEM, NULL);
        free(q);
        return;
    }
    kvs->os.now = (uint32_t)kvs_now(kvs);
    list_append(&kvs->feed->fetches, &q->link);
    q->fd = kvs->feed;
    q->msg = flux_msg_incref(msg);
    for (int i = 0; i < q->n; i++)
        if (!find(q, i))
            need_add(&need, q->wants[i].hash, q->wants[i].node);
    if (need.n == 0)
        fetch_end(q);
    else if ((rc = loader_get(kvs->loader, &need, fetch_loaded, q)) < 0)
        fetch_loaded(rc, q);
}

/* ---- the stream ---- */

void feed_follow_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct kvs *kvs = arg;

    if (!flux_msg_is_streaming(msg) ||
        flux_msglist_append(kvs->feed->followers, msg) < 0) {
        kvs_respond_error(kvs, msg, flux_msg_is_streaming(msg) ? ENOMEM : EPROTO, NULL);
        return;
    }
    if (kvs->follower)
        follower_attend(kvs->follower);
    flux_respond(h, msg, "{}");
}

void feed_doubt(struct kvs *kvs)
{
    struct flux_msglist *l = kvs->feed->followers;
    const flux_msg_t *msg;

    for (msg = flux_msglist_first(l); msg; msg = flux_msglist_next(l))
        flux_respond(kvs->h, msg, "{\"check\":true}");
}

void feed_disconnect(struct feed *fd, const flux_msg_t *msg)
{
    flux_msglist_disconnect(fd->followers, msg);
}

void feed_free(struct feed *fd)
{
    if (!fd)
        return;
    list_each(q, &fd->roots, struct root_request, link)
    {
        root_end(q, -ENOSYS);
    }
    list_each(f, &fd->fetches, struct fetch_request, link)
    {
        kvs_respond_error(fd->kvs, f->msg, ENOSYS, NULL);
        fetch_free(f);
    }
    flux_msglist_destroy(fd->followers);
    free(fd);
}
