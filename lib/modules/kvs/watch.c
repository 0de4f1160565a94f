/* Requests for watches, from their beginning to their end. One starts when its namespace
 * is there and has the version that it asks for, and the root is in memory; then it looks
 * (watch_look.c), and again after each commit that concerns it (watch_spot.c).
 */
#include "modules/kvs/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "modules/kvs/loader.h"
#include "modules/kvs/watch_private.h"
#include "proto/jobkey.h"
#include "proto/key.h"

#define NEED_WATCH (FLUX_KVS_WATCH_FULL | FLUX_KVS_WATCH_UNIQ | FLUX_KVS_WATCH_APPEND)
#define BY_PIECES (FLUX_KVS_WATCH_APPEND | FLUX_KVS_STREAM)
#define NOT_VALUES (FLUX_KVS_READDIR | FLUX_KVS_READLINK | FLUX_KVS_TREEOBJ)
#define FLAGS                                                                            \
    (NOT_VALUES | NEED_WATCH | FLUX_KVS_WATCH | FLUX_KVS_WAITCREATE | FLUX_KVS_STREAM |  \
     FLUX_KVS_WATCH_INITIAL_SENTINEL | FLUX_KVS_LINEARIZABLE)

void kvs_watches_free(struct watches *ws)
{
    if (!ws)
        return;
    umap_free(ws->tries);
    umap_free(ws->holders);
    free(ws);
}

int kvs_watches_new(struct kvs *kvs, struct watches **ret)
{
    struct watches *ws = calloc(1, sizeof(*ws));

    if (!ws || !(ws->tries = umap_new(free)) || !(ws->holders = umap_new(free))) {
        kvs_watches_free(ws);
        return -ENOMEM;
    }
    ws->kvs = kvs;
    ws->limit = -1;
    list_init(&ws->list);
    list_init(&ws->absent);
    list_init(&ws->late);
    list_init(&ws->open);
    *ret = ws;
    return 0;
}

void kvs_watches_end(struct watches *ws)
{
    list_each(w, &ws->list, struct watch, link)
    {
        kvs_watch_fail(w, ENOSYS, NULL);
    }
}

size_t kvs_watches_count(const struct watches *ws)
{
    size_t n = 0;

    list_each(w, &ws->list, struct watch, link)
    {
        n++;
    }
    return n;
}

/* ---- life of one ---- */

static void step(struct turn *t)
{
    turn_remove(t);
    kvs_watch_go_on(CONTAINER_OF(t, struct watch, turn));
}

static struct watch *watch_new(struct watches *ws, const flux_msg_t *msg)
{
    struct watch *w = calloc(1, sizeof(*w));

    if (!w)
        return NULL;
    w->ws = ws;
    w->msg = flux_msg_incref(msg);
    w->turn.step = step;
    list_init(&w->turn.link);
    list_init(&w->start_link);
    list_init(&w->open_link);
    list_init(&w->hit_link);
    list_init(&w->wide);
    list_init(&w->stages);
    list_init(&w->looks);
    list_append(&ws->list, &w->link);
    return w;
}

void kvs_watch_free(struct watch *w)
{
    turn_remove(&w->turn);
    list_del(&w->link);
    list_del(&w->start_link);
    list_del(&w->open_link);
    list_del(&w->hit_link);
    kvs_watch_discharge(w);
    kvs_watch_leave(w);
    kvs_watch_unfollow(w);
    kvs_watch_clear_looks(w);
    if (w->loading) {
        w->dropped = true;
        return;
    }
    flux_msg_decref(w->msg);
    buf_free(&w->key);
    free(w->ns_name);
    free(w);
}

void kvs_watch_fail(struct watch *w, int errnum, const char *text)
{
    kvs_respond_error(w->ws->kvs, w->msg, errnum, text && *text ? "%s" : NULL, text);
    kvs_watch_free(w);
}

/* ---- the start ---- */

static void start(struct watch *w, struct ns *ns);

static void start_loaded(int rc, void *arg)
{
    struct watch *w = arg;
    struct ns *ns;

    w->loading = false;
    if (w->dropped)
        kvs_watch_free(w);
    else if (rc < 0)
        kvs_watch_fail(w, -rc, NULL);
    else if (!(ns = ns_by_id(w->ws->kvs, w->id)))
        kvs_watch_fail(w, ENOTSUP, "the namespace was removed");
    else
        start(w, ns);
}

static void start(struct watch *w, struct ns *ns)
{
    struct need need = {0};
    struct obj *root;
    int rc;

    w->id = ns->id;
    if (w->min_version > ns->now.version) {
        list_append(&w->ws->late, &w->start_link);
        return;
    }
    rc = ns_root(ns, &need, &root);
    if (rc == -EAGAIN) {
        rc = loader_get(w->ws->kvs->loader, &need, start_loaded, w);
        if ((w->loading = rc == 0))
            return;
    }
    if (rc == 0 && (rc = kvs_watch_stand(w)) == 0 &&
        (rc = kvs_watch_follow_mount(w, ns)) == 0)
        rc = kvs_watch_add_look(w, ns->now.version, root, false, true);
    if (rc < 0)
        kvs_watch_fail(w, -rc, NULL);
    else
        kvs_watch_go_on(w);
}

static void start_late(struct watches *ws, struct ns *ns)
{
    list_each(w, &ws->late, struct watch, start_link)
    {
        if (w->id != ns->id || w->min_version > ns->now.version)
            continue;
        list_del(&w->start_link);
        start(w, ns);
    }
}

void kvs_watch_published(struct watches *ws, struct ns *ns, const struct batch *b)
{
    kvs_watch_hit(ws, ns, b);
    start_late(ws, ns);
}

/* Keys below job.ID.guest are in that job's own namespace, which has come or gone. */
static void look_below_job(struct watches *ws, uint64_t job)
{
    struct ns *primary = ns_find(ws->kvs, KVS_PRIMARY_NAMESPACE);
    struct slice rest;
    uint64_t id;

    list_each(w, &ws->list, struct watch, link)
    {
        struct slice key = {w->key.data, w->key.len};

        if (!primary || w->id != primary->id || !primary->now.root ||
            !jobkey_guest(key, &id, &rest) || id != job)
            continue;
        /* What is only in there cannot have been told before: nothing is overwritten. */
        if (kvs_watch_add_look(w, primary->now.version, primary->now.root, true, true) <
            0)
            kvs_watch_fail(w, ENOMEM, NULL);
        else
            kvs_watch_go_on(w);
    }
}

void kvs_watch_created(struct watches *ws, struct ns *ns)
{
    uint64_t job;

    if (jobkey_namespace_parse(ns->name, &job) == 0)
        look_below_job(ws, job);
    list_each(w, &ws->absent, struct watch, start_link)
    {
        if (strcmp(w->ns_name, ns->name) != 0)
            continue;
        list_del(&w->start_link);
        if (ns_authorize(ns, w->msg) < 0)
            kvs_watch_fail(w, EPERM, NULL);
        else
            start(w, ns);
    }
}

void kvs_watch_removed(struct watches *ws, struct ns *ns)
{
    uint64_t job;

    list_each(w, &ws->late, struct watch, start_link)
    {
        if (w->id == ns->id)
            kvs_watch_fail(w, ENOTSUP, "the namespace was removed");
    }
    kvs_watch_hit_end(ws, ns);
    if (jobkey_namespace_parse(ns->name, &job) == 0)
        look_below_job(ws, job); /* the last of them: of an empty one no commit tells */
}

/* ---- the request ---- */

static bool bad_flags(int flags)
{
    return (flags & ~FLAGS) || ((flags & NEED_WATCH) && !(flags & FLUX_KVS_WATCH)) ||
           !(flags & (FLUX_KVS_WATCH | FLUX_KVS_WAITCREATE | FLUX_KVS_STREAM)) ||
           ((flags & FLUX_KVS_WATCH) && (flags & FLUX_KVS_STREAM)) ||
           ((flags & BY_PIECES) && (flags & NOT_VALUES)) ||
           ((flags & FLUX_KVS_WATCH_INITIAL_SENTINEL) &&
            !(flags & FLUX_KVS_WATCH_APPEND));
}

/* What was read of the request; l is a lookup that is not run. */
static int take_request(struct watch *w, struct lookup *l)
{
    int rc = lookup_read(l);

    if (rc < 0)
        return rc;
    if (bad_flags(l->flags))
        return error_set(&l->err, EPROTO, "bad flags 0x%x", l->flags);
    if ((l->flags & (FLUX_KVS_WATCH | FLUX_KVS_STREAM)) && !flux_msg_is_streaming(l->msg))
        return error_set(&l->err, EPROTO, "not a request for many answers");
    if (!l->ns.p)
        return error_set(&l->err, EPROTO, "no namespace");
    w->flags = l->flags;
    w->want_dir = l->want_dir;
    w->versions = l->versions;
    w->min_version = l->min_version;
    buf_reserve(&w->key, l->key.len + 1);
    if (l->key.len)
        buf_add(&w->key, l->key.data, l->key.len);
    if (w->key.failed)
        return -ENOMEM;
    return (w->ns_name = strndup(l->ns.p, l->ns.len)) ? 0 : -ENOMEM;
}

/* 0: it has started, or waits for its namespace. */
static int begin(struct watch *w, struct lookup *l)
{
    struct ns *ns;
    int rc = kvs_watch_admit(w, &l->err);

    if (rc < 0 || (rc = take_request(w, l)) < 0)
        return rc;
    if ((ns = lookup_ns(l, &rc))) {
        w->foreign = l->foreign;
        start(w, ns);
    } else if (rc == -ENOTSUP && (w->flags & FLUX_KVS_WAITCREATE) &&
               namespace_valid(w->ns_name))
        list_append(&w->ws->absent, &w->start_link);
    else
        return rc;
    return 0;
}

void kvs_watch_request(struct watches *ws, const flux_msg_t *msg)
{
    struct lookup *l = lookup_new(ws->kvs, msg);
    struct watch *w = l ? watch_new(ws, msg) : NULL;
    int rc;

    ws->kvs->stats.lookups++;
    if (!w)
        kvs_respond_error(ws->kvs, msg, ENOMEM, NULL);
    else if (flux_msg_is_noresponse(msg))
        kvs_watch_free(w);
    else if ((rc = begin(w, l)) < 0)
        kvs_watch_fail(w, -rc, l->err.text);
    if (l)
        lookup_drop(l);
}

void kvs_watch_cancel(struct watches *ws, const flux_msg_t *msg)
{
    uint32_t matchtag;
    int64_t wanted;

    if (flux_request_unpack(msg, NULL, "{s:I}", "matchtag", &wanted) < 0)
        return; /* it wants no answer */
    list_each(w, &ws->list, struct watch, link)
    {
        if (flux_msg_get_matchtag(w->msg, &matchtag) < 0 || matchtag != wanted ||
            !flux_cancel_match(msg, w->msg))
            continue;
        kvs_watch_fail(w, ENODATA, NULL);
        return;
    }
}

void kvs_watch_disconnect(struct watches *ws, const flux_msg_t *msg)
{
    list_each(w, &ws->list, struct watch, link)
    {
        if (flux_disconnect_match(msg, w->msg))
            kvs_watch_free(w);
    }
}
