/* The broker about itself: broker.ping, rusage, getenv, conf-builtin, stats-get, backlog; and
 * shutdown.start {"loglevel"?}, which as a stream ends when the broker is about to go.
 */
#include <errno.h>
#include <string.h>

#include <flux/conf.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "base/strv.h"
#include "broker/broker.h"
#include "broker/methods.h"

static void answer(struct broker *b, const flux_msg_t *msg, int rc, struct buf *out)
{
    if (rc < 0)
        core_error(b->core, msg, rc, NULL);
    else
        core_respond_str(b->core, msg, out->data);
    buf_free(out);
}

static void ping_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct buf out = {0};

    answer(arg, msg, ping_answer(msg, router_rank(((struct broker *)arg)->router), &out),
           &out);
}

static void rusage_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct buf out = {0};

    answer(arg, msg, rusage_answer(msg, &out), &out);
}

/* {"names":[s]} -> {"env":{name:value}}: what processes of the broker get. */
static void getenv_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct broker *b = arg;
    cJSON *names, *env;
    const cJSON *name;

    if (flux_msg_unpack(msg, "{s:o}", "names", &names) < 0 || !cJSON_IsArray(names)) {
        core_error(b->core, msg, EPROTO, NULL);
        return;
    }
    if (!(env = cJSON_CreateObject())) {
        core_error(b->core, msg, ENOMEM, NULL);
        return;
    }
    cJSON_ArrayForEach(name, names)
    {
        const char *key = json_str(name);
        const char *value = key ? strv_getenv(b->environment, key) : NULL;

        if (value && !json_get(env, key))
            cJSON_AddItemToObject(env, key, json_new_str(value));
    }
    core_respond(b->core, msg, "{s:o}", "env", env);
}

static void builtin_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct broker *b = arg;
    const char *name, *value;

    if (flux_msg_unpack(msg, "{s:s}", "name", &name) < 0)
        core_error(b->core, msg, errno, NULL);
    else if (!(value = flux_conf_builtin_get(name, FLUX_CONF_AUTO)))
        core_error(b->core, msg, ENOENT, NULL);
    else
        core_respond(b->core, msg, "{s:s}", "value", value);
}

static void stats_get_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct broker *b = arg;
    const struct router_stats *r = router_stats(b->router);
    static const struct server_stats none;
    const struct server_stats *s = b->server ? server_stats(b->server) : &none;

    core_respond(
        b->core, msg, "{s:{s:I s:I s:I s:I s:I s:I s:i} s:{s:i s:I s:I s:I s:I s:I s:I}}",
        "router", "requests", (int64_t)r->requests, "forwarded", (int64_t)r->forwarded,
        "responses", (int64_t)r->responses, "events", (int64_t)r->events, "lost-events",
        (int64_t)r->lost, "dropped", (int64_t)r->dropped, "pending",
        (int)router_pending(b->router), "local", "connections", (int)s->conns, "accepted",
        (int64_t)s->accepted, "denied", (int64_t)s->denied, "closed", (int64_t)s->closed,
        "bad-frames", (int64_t)s->bad_frames, "too-slow", (int64_t)s->too_slow,
        "too-much", (int64_t)s->too_much);
}

/* {"route":s} -> {"bytes":I}: what waits to be read by the connection of that routing id,
 * a request's last one. A service that streams much looks, lest it fill the queue of a
 * client that reads slowly. */
static void backlog_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct broker *b = arg;
    struct endpoint *ep;
    const char *route;

    if (flux_msg_unpack(msg, "{s:s}", "route", &route) < 0) {
        core_error(b->core, msg, errno, NULL);
        return;
    }
    ep = router_endpoint(b->router, route);
    core_respond(b->core, msg, "{s:I}", "bytes",
                 (int64_t)(ep && ep->queued ? ep->queued(ep) : 0));
}

static void shutdown_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct broker *b = arg;

    log_printf(b->log, LOG_INFO, "shutdown requested");
    if (!flux_msg_is_streaming(msg))
        core_respond(b->core, msg, NULL);
    else if (flux_msglist_append(b->shutdowns, msg) < 0)
        core_error(b->core, msg, errno, NULL);
    broker_stop(b);
}

static void shutdown_disconnect_cb(void *arg, struct endpoint *from,
                                   const flux_msg_t *msg)
{
    struct broker *b = arg;

    core_drop(b->shutdowns, msg);
}

static const struct core_method methods[] = {
    {"broker.ping", FLUX_ROLE_USER, ping_cb},
    {"broker.rusage", FLUX_ROLE_USER, rusage_cb},
    {"broker.getenv", 0, getenv_cb},
    {"broker.conf-builtin", FLUX_ROLE_USER, builtin_cb},
    {"broker.stats-get", FLUX_ROLE_USER, stats_get_cb},
    {"broker.backlog", 0, backlog_cb},
    {"shutdown.start", 0, shutdown_cb, true},
    {"shutdown.disconnect", FLUX_ROLE_USER, shutdown_disconnect_cb},
};

int self_serve(struct broker *b)
{
    return core_add(b->core, methods, ARRAY_SIZE(methods), b);
}
