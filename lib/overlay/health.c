/* Health of the subtree: what each child last said of its own, and what follows for ours.
 * Changes within one turn of the loop are told as one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/impl.h"

const char *overlay_status_name(enum overlay_status s)
{
    static const char *const names[] = {"full", "partial", "degraded", "lost", "offline"};
    return (unsigned)s < ARRAY_SIZE(names) ? names[s] : "unknown";
}

int health_new(struct overlay *ov)
{
    const struct topo *t = ov->conf.topo;
    uint32_t rank, n = 0;
    for (rank = TOPO_NONE; (rank = topo_next_child(t, ov->conf.rank, rank)) != TOPO_NONE;)
        n++;
    if (!(ov->children = calloc(n ? n : 1, sizeof(ov->children[0]))))
        return -ENOMEM;
    ov->since = env_monotonic(ov->env);
    for (rank = TOPO_NONE; (rank = topo_next_child(t, ov->conf.rank, rank)) != TOPO_NONE;)
        ov->children[ov->nchildren++] =
            (struct child){.rank = rank, .status = OVERLAY_OFFLINE, .since = ov->since};
    ov->status = ov->reported = n > 0 ? OVERLAY_PARTIAL : OVERLAY_FULL;
    return 0;
}

void health_free(struct overlay *ov)
{
    for (uint32_t i = 0; i < ov->nchildren; i++)
        free(ov->children[i].error);
    free(ov->children);
}

static int compare(const void *key, const void *child)
{
    uint32_t a = *(const uint32_t *)key, b = ((const struct child *)child)->rank;
    return a < b ? -1 : a > b;
}

struct child *child_find(const struct overlay *ov, uint32_t rank)
{
    return bsearch(&rank, ov->children, ov->nchildren, sizeof(ov->children[0]), compare);
}

void child_set(struct child *c, enum overlay_status status, double now)
{
    if (c->status == status)
        return;
    c->status = status;
    c->since = now;
}

void child_set_error(struct child *c, const char *why)
{
    free(c->error);
    c->error = why ? strdup(why) : NULL;
}

static enum overlay_status compute(const struct overlay *ov)
{
    enum overlay_status worst = OVERLAY_FULL;
    for (uint32_t i = 0; i < ov->nchildren; i++) {
        enum overlay_status s = ov->children[i].status;
        if (s == OVERLAY_DEGRADED || s == OVERLAY_LOST)
            return OVERLAY_DEGRADED;
        if (s != OVERLAY_FULL)
            worst = OVERLAY_PARTIAL;
    }
    return worst;
}

void health_dirty(struct overlay *ov)
{
    ov->dirty = true;
    overlay_kick(ov);
}

void health_update(struct overlay *ov)
{
    if (!ov->dirty)
        return;
    enum overlay_status status = compute(ov);
    ov->dirty = false;
    if (status != ov->status) {
        ov->status = status;
        ov->since = env_monotonic(ov->env);
    }
    if (ov->reported != status && ov->parent && ov->parent->state == PEER_UP)
        peer_put_number(ov->parent, NOTE_HEALTH, ov->reported = status);
    if (ov->conf.cb->changed)
        ov->conf.cb->changed(ov->conf.arg);
}

enum overlay_status overlay_status(const struct overlay *ov)
{
    return ov->status;
}

const char *overlay_child_error(const struct overlay *ov, uint32_t rank)
{
    const struct child *c = child_find(ov, rank);
    return c && !c->peer && c->error ? c->error : "";
}

static void put_health(struct buf *out, uint32_t rank, enum overlay_status status,
                       double duration)
{
    buf_addf(out, "{\"rank\":%u,\"status\":\"%s\",\"duration\":", rank,
             overlay_status_name(status));
    json_buf_real(out, duration);
}

int overlay_health(const struct overlay *ov, struct buf *out)
{
    double now = env_monotonic(ov->env);
    put_health(out, ov->conf.rank, ov->status, now - ov->since);
    buf_adds(out, ",\"children\":[");
    for (uint32_t i = 0; i < ov->nchildren; i++) {
        const struct child *c = &ov->children[i];
        buf_adds(out, i ? "," : "");
        put_health(out, c->rank, c->status, now - c->since);
        buf_addc(out, '}');
    }
    buf_adds(out, "]}");
    return out->failed ? -ENOMEM : 0;
}

/* Depth first, without recursion: a custom tree may be as deep as it has ranks. */
int overlay_topology(const struct overlay *ov, uint32_t rank, struct buf *out)
{
    const struct topo *t = ov->conf.topo;
    uint32_t at = rank, child = TOPO_NONE;
    if (rank >= topo_size(t))
        return -EINVAL;
    for (;;) {
        if (child == TOPO_NONE)
            buf_addf(out, "{\"rank\":%u,\"size\":%u,\"children\":[", at,
                     topo_descendants(t, at) + 1);
        uint32_t next = topo_next_child(t, at, child);
        if (next != TOPO_NONE) {
            buf_adds(out, child == TOPO_NONE ? "" : ",");
            at = next;
            child = TOPO_NONE;
            continue;
        }
        buf_adds(out, "]}");
        if (at == rank)
            return out->failed ? -ENOMEM : 0;
        child = at;
        at = topo_parent(t, at);
    }
}
