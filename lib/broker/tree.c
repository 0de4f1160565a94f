/* The tree of brokers as it is, for people and programs. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "broker/broker.h"
#include "broker/groups.h"
#include "broker/tree.h"
#include "broker/peers.h"

#define PART_AFTER 0.05 /* seconds: the answer goes out over the link that is to be cut */

struct tree {
    struct broker *broker;
    struct flux_msglist *monitors;
    struct watcher *part;
};

static void answer(struct broker *b, const flux_msg_t *msg, int rc, struct buf *out)
{
    if (rc == -ENOENT)
        core_error(b->core, msg, ENOENT, "no such rank here, or below");
    else if (rc < 0)
        core_error(b->core, msg, rc, NULL);
    else
        core_respond_str(b->core, msg, out->data);
    buf_free(out);
}

static void health_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct tree *t = arg;
    struct broker *b = t->broker;
    struct buf out = {0};

    if (b->peers)
        answer(b, msg, overlay_health(peers_overlay(b->peers), &out), &out);
    else
        core_respond(b->core, msg, "{s:i s:s s:f s:[]}", "rank", 0, "status", "full",
                     "duration", env_time(b->env) - b->starttime, "children");
}

static void topology_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct tree *t = arg;
    struct broker *b = t->broker;
    struct buf out = {0};
    int rank = (int)b->rank;

    if (flux_msg_has_payload(msg) && flux_msg_unpack(msg, "{s?i}", "rank", &rank) < 0)
        core_error(b->core, msg, errno, NULL);
    else if (rank < 0 || (uint32_t)rank >= b->size)
        core_errorf(b->core, msg, ENOENT, "rank %d is not in this instance", rank);
    else if (b->peers)
        answer(b, msg, overlay_topology(peers_overlay(b->peers), (uint32_t)rank, &out),
               &out);
    else
        core_respond(b->core, msg, "{s:i s:i s:[]}", "rank", 0, "size", 1, "children");
}

static void add_error(struct broker *b, cJSON *o, uint32_t rank)
{
    struct overlay *ov = peers_overlay(b->peers);
    char key[16];

    if (overlay_child(ov, rank))
        return;
    snprintf(key, sizeof(key), "%u", (unsigned)rank);
    cJSON_AddItemToObject(o, key, json_new_str(overlay_child_error(ov, rank)));
}

static void errors_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct tree *t = arg;
    struct broker *b = t->broker;
    cJSON *o = cJSON_CreateObject();

    if (o && b->peers) {
        const struct topo *topo = b->place->topo;
        uint32_t r = topo_next_child(topo, b->rank, TOPO_NONE);

        for (; r != TOPO_NONE; r = topo_next_child(topo, b->rank, r))
            add_error(b, o, r);
    }
    core_respond(b->core, msg, "{s:o}", "errors", o);
}

/* ---- monitors ---- */

static void tell(struct tree *t, const flux_msg_t *msg)
{
    struct broker *b = t->broker;
    enum overlay_status status =
        b->peers ? overlay_status(peers_overlay(b->peers)) : OVERLAY_FULL;
    struct idset *torpid = b->peers ? peers_torpid(b->peers) : NULL;
    AUTOFREE char *s = torpid ? idset_encode(torpid, IDSET_FLAG_RANGE) : NULL;

    idset_destroy(torpid);
    core_respond(b->core, msg, "{s:i s:s s:s}", "rank", (int)b->rank, "status",
                 overlay_status_name(status), "torpid", s ? s : "");
}

void tree_changed(struct tree *t)
{
    const flux_msg_t *req = flux_msglist_first(t->monitors);

    for (; req; req = flux_msglist_next(t->monitors))
        tell(t, req);
}

static void monitor_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct tree *t = arg;

    if (!flux_msg_is_streaming(msg))
        core_error(t->broker->core, msg, EPROTO, NULL);
    else if (flux_msglist_append(t->monitors, msg) < 0)
        core_error(t->broker->core, msg, errno, NULL);
    else
        tell(t, msg);
}

static void cancel_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct tree *t = arg;

    core_cancel(t->broker->core, t->monitors, msg);
}

static void disconnect_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct tree *t = arg;

    core_drop(t->monitors, msg);
}

/* ---- parting ---- */

static void part_cb(struct watcher *w, int revents, void *arg)
{
    struct tree *t = arg;
    struct peer *p = overlay_parent(peers_overlay(t->broker->peers));

    if (p)
        peer_drop(p, ECONNABORTED, "asked to disconnect");
}

static void disconnect_parent_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct tree *t = arg;
    struct broker *b = t->broker;

    if (!b->peers || !overlay_parent(peers_overlay(b->peers))) {
        core_errorf(b->core, msg, ENOTCONN, "broker %u has no parent", (unsigned)b->rank);
        return;
    }
    log_printf(b->log, LOG_NOTICE, "asked to disconnect from the parent");
    core_respond(b->core, msg, NULL);
    watcher_timer_set(t->part, PART_AFTER, 0);
    watcher_start(t->part);
}

static const struct core_method methods[] = {
    {"overlay.health", FLUX_ROLE_USER, health_cb},
    {"overlay.topology", FLUX_ROLE_USER, topology_cb},
    {"overlay.errors", FLUX_ROLE_USER, errors_cb},
    {"overlay.monitor", 0, monitor_cb},
    {"overlay.cancel", FLUX_ROLE_USER, cancel_cb},
    {"overlay.disconnect", FLUX_ROLE_USER, disconnect_cb},
    {"overlay.disconnect-parent", 0, disconnect_parent_cb},
};

int tree_serve(struct tree *t)
{
    return core_add(t->broker->core, methods, ARRAY_SIZE(methods), t);
}

int tree_new(struct broker *b, struct tree **ret)
{
    struct tree *t = calloc(1, sizeof(*t));
    int rc = -ENOMEM;

    if (!t)
        return -ENOMEM;
    t->broker = b;
    if (!(t->monitors = flux_msglist_create()) ||
        (rc = watcher_new_timer(b->loop, PART_AFTER, 0, part_cb, t, &t->part)) < 0) {
        tree_free(t);
        return rc;
    }
    *ret = t;
    return 0;
}

void tree_free(struct tree *t)
{
    if (!t)
        return;
    watcher_free(t->part);
    flux_msglist_destroy(t->monitors);
    free(t);
}
