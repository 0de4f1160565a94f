/* Followers. */
#include "modules/kvs/follower.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "modules/kvs/feed.h"
#include "modules/kvs/replica.h"
#include "proto/blobref.h"
#include "proto/key.h"

#define IDLE 60.       /* seconds after which a namespace is not followed any more */
#define SWEEP 20.      /* seconds between looks for such */
#define RETRY_MIN 0.05 /* seconds to the next try of a stream that failed; then more */
#define RETRY_MAX 2.

struct follower {
    struct kvs *kvs;
    struct map *replicas;
    flux_watcher_t *sweep, *retry;
    flux_future_t *stream; /* kvs.follow */
    double pause;
};

static void sweep_cb(flux_reactor_t *reactor, flux_watcher_t *w, int revents, void *arg)
{
    struct follower *fo = arg;
    double before = kvs_now(fo->kvs) - IDLE;
    const char *name;
    void *value;

    for (size_t it = 0; map_next(fo->replicas, &it, &name, &value);) {
        struct replica *r = value;

        if (r->used < before && replica_is_idle(r))
            replica_free(r);
    }
    if (map_count(fo->replicas) == 0)
        flux_watcher_stop(w);
}

/* ---- the stream ---- */

static void open_stream(struct follower *fo);

static void retry_cb(flux_reactor_t *reactor, flux_watcher_t *w, int revents, void *arg)
{
    open_stream(arg);
}

/* Something may have been missed here (doubt), or can be asked for again. */
static void tell_all(struct follower *fo, bool doubt)
{
    const char *name;
    void *value;

    for (size_t it = 0; map_next(fo->replicas, &it, &name, &value);) {
        if (doubt)
            replica_doubt(value);
        else
            replica_stir(value);
    }
    feed_doubt(fo->kvs);
}

static void close_stream(struct follower *fo)
{
    flux_future_destroy(TAKE(fo->stream));
    flux_timer_watcher_reset(fo->retry, fo->pause, 0.);
    flux_watcher_start(fo->retry);
    fo->pause = fo->pause * 2 < RETRY_MAX ? fo->pause * 2 : RETRY_MAX;
}

static void stream_cb(flux_future_t *f, void *arg)
{
    struct follower *fo = arg;
    int check = 0;

    if (flux_rpc_get_unpack(f, "{s?b}", "check", &check) < 0) {
        close_stream(fo);
        tell_all(fo, true);
        return;
    }
    fo->pause = RETRY_MIN;
    flux_future_reset(f);
    tell_all(fo, check);
}

static void open_stream(struct follower *fo)
{
    fo->stream = flux_rpc(fo->kvs->h, "kvs.follow", NULL, FLUX_NODEID_UPSTREAM,
                          FLUX_RPC_STREAMING);
    if (!fo->stream || flux_future_then(fo->stream, -1., stream_cb, fo) < 0)
        close_stream(fo);
}

void follower_attend(struct follower *fo)
{
    if (!fo->stream && !flux_watcher_is_active(fo->retry))
        open_stream(fo);
}

/* ---- life ---- */

int follower_new(struct kvs *kvs, struct follower **ret)
{
    struct follower *fo = calloc(1, sizeof(*fo));

    if (!fo)
        return -ENOMEM;
    fo->kvs = kvs;
    fo->pause = RETRY_MIN;
    fo->replicas = map_new(NULL);
    fo->sweep = flux_timer_watcher_create(kvs->r, SWEEP, SWEEP, sweep_cb, fo);
    fo->retry = flux_timer_watcher_create(kvs->r, RETRY_MIN, 0., retry_cb, fo);
    if (!fo->replicas || !fo->sweep || !fo->retry) {
        follower_free(fo);
        return -ENOMEM;
    }
    flux_watcher_unref(fo->sweep);
    flux_watcher_unref(fo->retry);
    *ret = fo;
    return 0;
}

void follower_free(struct follower *fo)
{
    const char *name;
    void *value;

    if (!fo)
        return;
    for (size_t it = 0; fo->replicas && map_next(fo->replicas, &it, &name, &value);)
        replica_free(value);
    map_free(fo->replicas);
    flux_future_destroy(fo->stream);
    flux_watcher_destroy(fo->sweep);
    flux_watcher_destroy(fo->retry);
    free(fo);
}

/* ---- namespaces ---- */

static struct replica *make(struct follower *fo, const char *name)
{
    struct replica *r;

    /* The stream first: it must not begin to fail after the question for a root. */
    follower_attend(fo);
    if (!(r = replica_new(fo->kvs, fo->replicas, name)))
        return NULL;
    if (!flux_watcher_is_active(fo->sweep)) {
        flux_timer_watcher_reset(fo->sweep, SWEEP, SWEEP);
        flux_watcher_start(fo->sweep);
    }
    return r;
}

int follower_get(struct follower *fo, const char *name, struct ns_wait *w,
                 struct ns **ret)
{
    struct replica *r = map_get(fo->replicas, name);

    if (!r && !namespace_valid(name))
        return -ENOTSUP;
    if (!r && !(r = make(fo, name)))
        return -ENOMEM;
    r->used = kvs_now(fo->kvs);
    return replica_get(r, w, ret);
}

void follower_note(struct follower *fo, const char *name, uint64_t id, uint64_t version)
{
    struct replica *r = map_get(fo->replicas, name);

    if (r)
        replica_note(r, id, version);
}

void follower_late(struct follower *fo, const char *name)
{
    struct replica *r = map_get(fo->replicas, name);

    if (r)
        replica_stir(r);
}

void follower_event(struct follower *fo, const flux_msg_t *msg)
{
    const char *topic, *name, *text, *end;
    struct blobref ref;
    struct replica *r;

    if (flux_event_unpack(msg, &topic, "{s:s s:s}", "namespace", &name, "rootref",
                          &text) < 0 ||
        blobref_parse(slice_of(text), &ref) < 0 || !ref.is_version ||
        !(r = map_get(fo->replicas, name)) || !(end = strrchr(topic, '-')))
        return;
    if (strcmp(end, "-removed") == 0)
        replica_removed(r, ref.id);
    else
        replica_note(r, ref.id, ref.version);
}
