/* kvs - the key-value store. Who may call what: the tables below; whose namespace it is:
 * ns_authorize(). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <flux/core.h>
#include <flux/module.h>

#include "base/error.h"
#include "base/json.h"
#include "modules/kvs/admin.h"
#include "modules/kvs/checkpoint.h"
#include "modules/kvs/commit.h"
#include "modules/kvs/content.h"
#include "modules/kvs/feed.h"
#include "modules/kvs/follower.h"
#include "modules/kvs/guest.h"
#include "modules/kvs/gc.h"
#include "modules/kvs/load.h"
#include "modules/kvs/loader.h"
#include "modules/kvs/lookup.h"
#include "modules/kvs/namespace.h"
#include "modules/kvs/relay.h"
#include "modules/kvs/save.h"
#include "modules/kvs/snapshot.h"
#include "modules/kvs/turn.h"
#include "modules/kvs/watch.h"
#include "proto/msg_private.h"

#define CHECKPOINT_PERIOD 60.
#define GC_THRESHOLD 100000
#define GUEST_WATCH_LIMIT 10000
#define MEMORY_LIMIT (128u << 20)

double kvs_now(const struct kvs *kvs)
{
    return flux_reactor_now(kvs->r);
}

void kvs_respond_buf(struct kvs *kvs, const flux_msg_t *msg, struct buf *payload)
{
    flux_msg_t *rsp = NULL;

    buf_addc(payload, '\0');
    if (payload->failed)
        flux_respond_error(kvs->h, msg, ENOMEM, NULL);
    else if (!flux_msg_is_noresponse(msg) &&
             (!(rsp = flux_response_derive(msg, 0)) ||
              flux_msg_set_payload(rsp, payload->data, payload->len) < 0 ||
              flux_send_new(kvs->h, &rsp, 0) < 0))
        flux_log_error(kvs->h, "answering");
    flux_msg_decref(rsp);
    buf_free(payload);
}

/* What is wrong with the store, and the way out. NULL: it is not the store. */
static const char *store_trouble(const struct kvs *kvs, int errnum)
{
    if (errnum == ENOSPC && kvs->store)
        return "the disk is full: nothing is written until there is room again";
    if (errnum == EIO && kvs->store && store_has_failed(kvs->store))
        return "the store cannot be written: look at the disk, then restart the instance";
    return NULL;
}

const char *kvs_strerror(const struct kvs *kvs, int errnum)
{
    const char *text = store_trouble(kvs, errnum);

    return text ? text : strerror(errnum);
}

void kvs_respond_error(struct kvs *kvs, const flux_msg_t *msg, int errnum,
                       const char *fmt, ...)
{
    char text[256];
    va_list ap;

    if (fmt) {
        va_start(ap, fmt);
        vsnprintf(text, sizeof(text), fmt, ap);
        va_end(ap);
    }
    flux_respond_error(kvs->h, msg, errnum, fmt ? text : store_trouble(kvs, errnum));
}

/* ---- requests ---- */

static void lookup_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct kvs *kvs = arg;

    kvs->os.now = (uint32_t)kvs_now(kvs);
    lookup_request(kvs, msg, false);
}

static void lookup_plus_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                           void *arg)
{
    struct kvs *kvs = arg;

    kvs->os.now = (uint32_t)kvs_now(kvs);
    lookup_request(kvs, msg, true);
}

static void commit_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct kvs *kvs = arg;

    kvs->os.now = (uint32_t)kvs_now(kvs);
    commit_request(kvs, msg);
}

static void watch_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct kvs *kvs = arg;

    kvs->os.now = (uint32_t)kvs_now(kvs);
    kvs_watch_request(kvs->watches, msg);
}

static void watch_cancel_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                            void *arg)
{
    kvs_watch_cancel(((struct kvs *)arg)->watches, msg);
}

static void watch_disconnect_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                                void *arg)
{
    kvs_watch_disconnect(((struct kvs *)arg)->watches, msg);
}

static void stats_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct kvs *kvs = arg;
    const struct kvs_stats *s = &kvs->stats;
    double when = 0;
    uint64_t seq = kvs->checkpoint ? checkpoint_last(kvs->checkpoint, &when) : 0;

    flux_respond_pack(h, msg, "{s:i s:I s:I s:I s:I s:I s:I s:I s:I s:I s:{s:I s:f} s:I}",
                      "namespaces", (int)map_count(kvs->ns_by_name), "objects",
                      (int64_t)kvs->os.count, "memory", (int64_t)kvs->os.bytes, "commits",
                      (int64_t)s->commits, "records", (int64_t)s->records, "lookups",
                      (int64_t)s->lookups, "loads", (int64_t)s->loads, "checkpoints",
                      (int64_t)s->checkpoints, "blobs", (int64_t)s->blobs, "damaged",
                      (int64_t)s->bad, "checkpoint", "sequence", (int64_t)seq, "time",
                      when, "watches", (int64_t)kvs_watches_count(kvs->watches));
}

static void disconnect_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    struct kvs *kvs = arg;

    lookup_disconnect(kvs, msg);
    namespace_disconnect(kvs, msg);
    feed_disconnect(kvs->feed, msg);
}

static void dropcache_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                         void *arg)
{
    struct kvs *kvs = arg;
    size_t limit = kvs->memory_limit;

    kvs->memory_limit = 0;
    kvs->os.now++;
    checkpoint_trim_memory(kvs);
    kvs->memory_limit = limit;
    flux_respond(h, msg, NULL);
}

/* A follower: all that has no handler of its own is the leader's. */
static void relay_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    relay_request(arg, msg);
}

static void event_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct kvs *kvs = arg;

    follower_event(kvs->follower, msg);
}

static void purge_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct kvs *kvs = arg;

    guests_purge(kvs->guests, msg);
    kvs_watch_purged(kvs->watches);
}

/* ---- configuration ---- */

struct settings {
    double period;
    uint64_t gc_threshold;
    int64_t guest_watch_limit;
};

static int read_config(const flux_conf_t *conf, struct settings *ret, flux_error_t *err)
{
    int64_t threshold = GC_THRESHOLD, watches = GUEST_WATCH_LIMIT;
    const cJSON *o = NULL;
    double value = CHECKPOINT_PERIOD;

    *ret = (struct settings){value, GC_THRESHOLD, GUEST_WATCH_LIMIT};
    if (!conf)
        return 0;
    if (flux_conf_unpack(conf, err, "{s?{s?o s?I s?I}}", "kvs", "checkpoint-period", &o,
                         "gc-threshold", &threshold, "guest-watch-limit", &watches) < 0)
        return -errno;
    if (watches < -1)
        return error_set(
            err, EINVAL,
            "kvs.guest-watch-limit: a number of watches, or -1 for no limit");
    if (threshold < 0)
        return error_set(err, EINVAL,
                         "kvs.gc-threshold: a number of commits, or 0 for never");
    if (o && json_seconds(o, &value) < 0)
        return error_set(err, EINVAL,
                         "kvs.checkpoint-period: not a duration such as \"60s\"");
    if (!(value >= 0.1 && value <= 1e6))
        return error_set(err, EINVAL,
                         "kvs.checkpoint-period: must be from 100ms to 11 days");
    *ret = (struct settings){value, (uint64_t)threshold, watches};
    return 0;
}

static void config_reload_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                             void *arg)
{
    struct kvs *kvs = arg;
    const flux_conf_t *conf;
    flux_error_t err;
    struct settings settings;
    int rc;

    if (flux_conf_reload_decode(msg, &conf) < 0) {
        flux_respond_error(h, msg, errno, NULL);
        return;
    }
    if ((rc = read_config(conf, &settings, &err)) < 0) {
        flux_conf_decref(conf);
        flux_respond_error(h, msg, -rc, err.text);
        return;
    }
    kvs_watches_set_limit(kvs->watches, settings.guest_watch_limit);
    if (kvs->checkpoint) {
        checkpoint_set_period(kvs->checkpoint, settings.period);
        gc_set_threshold(kvs->gc, settings.gc_threshold);
    }
    flux_set_conf_new(h, conf);
    flux_respond(h, msg, NULL);
}

static const struct flux_msg_handler_spec requests[] = {
    {FLUX_MSGTYPE_REQUEST, "kvs.lookup", lookup_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "kvs.lookup-plus", lookup_plus_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "kvs.commit", commit_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "kvs.relaycommit", commit_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kvs.getroot", namespace_getroot_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "kvs.wait-version", namespace_wait_version_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "kvs.namespace-create", namespace_create_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kvs.namespace-remove", namespace_remove_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kvs.namespace-list", namespace_list_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kvs.dropcache", dropcache_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kvs.stats-get", stats_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "kvs.config-reload", config_reload_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kvs.disconnect", disconnect_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "kvs.root", feed_root_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kvs.fetch", feed_fetch_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kvs.follow", feed_follow_cb, 0},
    {FLUX_MSGTYPE_EVENT, "job-purge-inactive", purge_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "content.load", content_load_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "content.store", content_store_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "content.flush", content_flush_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "content.dropcache", dropcache_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "content.checkpoint-get", content_checkpoint_get_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "content.checkpoint-put", content_checkpoint_put_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "content.stats-get", content_stats_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "kvs-watch.lookup", watch_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "kvs-watch.cancel", watch_cancel_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "kvs-watch.disconnect", watch_disconnect_cb, FLUX_ROLE_USER},
    FLUX_MSGHANDLER_TABLE_END,
};

static int follow_purges(struct kvs *kvs)
{
    flux_future_t *f = flux_event_subscribe_ex(kvs->h, "job-purge-inactive", 0);

    if (!f)
        return -errno;
    flux_future_destroy(f);
    return 0;
}

/* Some services are the leader's: elsewhere nothing of that name is to be found, and
 * requests go up. */
static int add_service(struct kvs *kvs, const char *name)
{
    flux_future_t *f = flux_service_register(kvs->h, name);

    if (!f)
        return -errno;
    flux_future_destroy(f);
    return 0;
}

/* The leader sees to it that only those commit, and so on, who may. */
static const struct flux_msg_handler_spec follower_requests[] = {
    {FLUX_MSGTYPE_REQUEST, "kvs.*", relay_cb, FLUX_ROLE_ALL},
    {FLUX_MSGTYPE_REQUEST, "kvs.lookup", lookup_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "kvs.lookup-plus", lookup_plus_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "kvs.getroot", namespace_getroot_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "kvs.wait-version", namespace_wait_version_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "kvs.dropcache", dropcache_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kvs.stats-get", stats_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "kvs.config-reload", config_reload_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kvs.disconnect", disconnect_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "kvs.root", feed_root_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kvs.fetch", feed_fetch_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "kvs.follow", feed_follow_cb, 0},
    {FLUX_MSGTYPE_EVENT, "kvs.namespace-*", event_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

/* ---- life ---- */

static void end_queues(struct kvs *kvs)
{
    struct ns *ns;
    uint64_t id;
    void *value;

    for (size_t it = 0; umap_next(kvs->ns_by_id, &it, &id, &value);) {
        ns = value;
        commit_end_queue(ns);
        namespace_end_waiting(ns);
        ns_free(ns);
    }
}

static void destroy(struct kvs *kvs)
{
    flux_msg_handler_delvec(kvs->handlers);
    if (kvs->watches)
        kvs_watches_end(kvs->watches);
    admin_free(kvs->admin);
    gc_free(kvs->gc);
    kvs->gc = NULL;
    content_free(kvs->content);
    lookup_cancel_all(kvs);
    relay_cancel_all(kvs);
    follower_free(kvs->follower);
    loader_free(kvs->loader);
    save_cancel_all(kvs);
    checkpoint_free(kvs->checkpoint);
    feed_free(kvs->feed);
    if (kvs->ns_by_id)
        end_queues(kvs);
    guests_free(kvs->guests);
    snapshots_free(kvs->snapshots);
    commits_free(kvs->commits);
    kvs_watches_free(kvs->watches);
    turns_free(kvs->turns);
    umap_free(kvs->ns_by_id);
    map_free(kvs->ns_by_name);
    objs_fini(&kvs->os);
    free(kvs);
}

/* Every instance has one, and it is the instance owner's. */
static int make_primary(struct kvs *kvs)
{
    struct ns *ns;
    int rc;

    if (ns_find(kvs, KVS_PRIMARY_NAMESPACE))
        return 0;
    ns =
        ns_new(kvs, KVS_PRIMARY_NAMESPACE, commits_next_seq(kvs->commits), kvs->owner, 0);
    if (!ns)
        return -ENOMEM;
    if ((rc = namespace_make(kvs, NULL, ns, NULL)) < 0)
        return rc;
    return store_flush(kvs->store); /* the first lookup finds it */
}

static int make_leader(struct kvs *kvs, const struct settings *settings)
{
    int rc;

    if ((rc = commits_new(kvs, &kvs->commits)) < 0 ||
        (rc = checkpoint_new(kvs, settings->period, &kvs->checkpoint)) < 0 ||
        (rc = gc_new(kvs, settings->gc_threshold, &kvs->gc)) < 0 ||
        (rc = content_new(kvs, &kvs->content)) < 0 ||
        (rc = guests_new(kvs, &kvs->guests)) < 0 ||
        (rc = admin_new(kvs, &kvs->admin)) < 0 || (rc = load_all(kvs)) < 0 ||
        (rc = guests_start(kvs->guests)) < 0)
        return rc;
    return make_primary(kvs);
}

static int make_parts(struct kvs *kvs, const struct settings *settings)
{
    int rc;

    if (!(kvs->ns_by_name = map_new(NULL)) || !(kvs->ns_by_id = umap_new(NULL)) ||
        objs_init(&kvs->os) < 0)
        return -ENOMEM;
    if ((rc = turns_new(kvs, &kvs->turns)) < 0 ||
        (rc = loader_new(kvs, &kvs->loader)) < 0 ||
        (rc = kvs_watches_new(kvs, &kvs->watches)) < 0 ||
        (rc = snapshots_new(kvs, &kvs->snapshots)) < 0 ||
        (rc = feed_new(kvs, &kvs->feed)) < 0)
        return rc;
    kvs_watches_set_limit(kvs->watches, settings->guest_watch_limit);
    return kvs->store ? make_leader(kvs, settings) : follower_new(kvs, &kvs->follower);
}

static uint32_t instance_owner(flux_t *h)
{
    const char *s = flux_attr_get(h, "security.owner");

    return s ? (uint32_t)strtoul(s, NULL, 10) : FLUX_USERID_UNKNOWN;
}

static int add_handlers(struct kvs *kvs)
{
    int rc = flux_msg_handler_addvec(kvs->h, kvs->store ? requests : follower_requests,
                                     kvs, &kvs->handlers);

    if (rc < 0)
        return -errno;
    if (kvs->follower)
        return 0;
    if ((rc = add_service(kvs, "kvs-watch")) < 0 ||
        (rc = add_service(kvs, "content")) < 0)
        return rc;
    return follow_purges(kvs);
}

static int init(flux_t *h, int argc, char **argv, void **ret_ctx)
{
    struct kvs *kvs = calloc(1, sizeof(*kvs));
    struct settings settings;
    uint32_t rank;
    flux_error_t err = {.text = ""};
    int rc;

    if (!kvs)
        return -1;
    kvs->h = h;
    list_init(&kvs->saves);
    list_init(&kvs->lookups);
    list_init(&kvs->relays);
    kvs->memory_limit = MEMORY_LIMIT;
    kvs->owner = instance_owner(h);
    kvs->r = flux_get_reactor(h);
    kvs->store = flux_aux_get(h, "flux::store");
    if (!kvs->r || flux_get_rank(h, &rank) < 0)
        rc = -errno;
    else if (rank == 0 && !kvs->store)
        rc = error_set(&err, EINVAL, "there is no store to keep anything in");
    else if ((rc = read_config(flux_get_conf(h), &settings, &err)) == 0 &&
             (rc = make_parts(kvs, &settings)) == 0)
        rc = add_handlers(kvs);
    if (rc < 0) {
        flux_log(h, LOG_ERR, "kvs: %s", *err.text ? err.text : kvs_strerror(kvs, -rc));
        destroy(kvs);
        errno = -rc;
        return -1;
    }
    *ret_ctx = kvs;
    return 0;
}

static void fini(flux_t *h, void *ctx)
{
    struct kvs *kvs = ctx;

    if (kvs->follower) {
        destroy(kvs);
        return;
    }
    commits_drain(kvs->commits);
    if (store_durability(kvs->store) != STORE_NONE && !store_is_readonly(kvs->store))
        checkpoint_now(kvs->checkpoint);
    store_flush(kvs->store);
    destroy(kvs);
}

const struct flux_module kvs_module = {
    .abi = FLUX_MODULE_ABI,
    .size = sizeof(struct flux_module),
    .name = "kvs",
    .init = init,
    .fini = fini,
    .flags = FLUX_MODULE_INLINE | FLUX_MODULE_ALL_RANKS,
};
