/* Events: from where they are published up to rank 0, numbered there, and down to all. A
 * broker
 * delivers what comes from its parent to its own subscribers and to its children, in
 * order; what it has had already it drops, and a gap it reports.
 */
#include <stdio.h>
#include <string.h>

#include "broker/router_private.h"
#include "proto/msg_private.h"

bool router_name_is_of(uint32_t userid, const char *name)
{
    char own[16];
    int n = snprintf(own, sizeof(own), "%u-", (unsigned)userid);

    return !strncmp(name, own, n);
}

/* Here, the connection tells who somebody is; elsewhere it was written into the message. */
bool router_may_publish(const struct endpoint *from, const flux_msg_t *msg,
                        const char *topic)
{
    bool guest =
        from->kind == ENDPOINT_LOCAL ? from->guest : !(msg->rolemask & FLUX_ROLE_OWNER);

    return !guest || router_name_is_of(msg->userid, topic);
}

uint32_t router_seq(const struct router *r)
{
    return r->seq;
}

void router_set_seq(struct router *r, uint32_t seq)
{
    r->seq = seq;
}

/* The owner's endpoints see everything; a guest, what is public or his own. */
static bool may_see(const struct endpoint *ep, const flux_msg_t *event)
{
    return !(event->flags & FLUX_MSGFLAG_PRIVATE) || !ep->guest ||
           ep->cred.userid == event->userid;
}

static bool wants(const struct endpoint *ep, const flux_msg_t *event)
{
    if (ep->kind != ENDPOINT_LOCAL)
        return ep->kind == ENDPOINT_CHILD;
    return ep->subs.n > 0 && subs_match(&ep->subs, event->topic) && may_see(ep, event);
}

/* Takes over a numbered event. */
static void deliver(struct router *r, flux_msg_t *msg)
{
    r->stats.events++;
    r->seq = msg->aux1;
    if (r->tree.size > 1)
        ring_add(&r->ring, msg);
    list_each(ep, &r->endpoints, struct endpoint, link)
    {
        if (wants(ep, msg))
            ep->send(ep, (flux_msg_t *)flux_msg_incref(msg));
    }
    flux_msg_destroy(msg);
}

uint32_t router_publish(struct router *r, flux_msg_t *msg)
{
    uint32_t seq = r->seq + 1;

    if (seq == 0) /* that one means none */
        seq = 1;
    msg->aux1 = seq;
    if (seq % ROUTER_SEQ_STEP == 0 && r->tree.numbered)
        r->tree.numbered(seq, r->tree.arg);
    flux_msg_route_disable(msg);
    deliver(r, msg);
    return seq;
}

static void drop(struct router *r, flux_msg_t *msg)
{
    r->stats.dropped++;
    flux_msg_destroy(msg);
}

static void from_above(struct router *r, flux_msg_t *msg)
{
    uint32_t last = r->seq;

    if (last > 0 && !seq_later(msg->aux1, last)) {
        flux_msg_destroy(msg);
        return;
    }
    if (last > 0 && msg->aux1 - last > 1) {
        r->stats.lost += msg->aux1 - last - 1;
        if (r->tree.lost)
            r->tree.lost(last + 1, msg->aux1 - 1, r->tree.arg);
    }
    deliver(r, msg);
}

void router_event(struct router *r, struct endpoint *from, flux_msg_t *msg)
{
    if (!(msg->flags & FLUX_MSGFLAG_TOPIC))
        drop(r, msg);
    else if (from->kind == ENDPOINT_PARENT)
        from_above(r, msg);
    else if (!router_may_publish(from, msg, msg->topic))
        drop(r, msg);
    else if (r->tree.rank == 0)
        router_publish(r, msg);
    else if (r->parent)
        r->parent->send(r->parent, msg);
    else
        drop(r, msg);
}

uint32_t router_replay(struct router *r, struct endpoint *child, uint32_t seq)
{
    size_t n = seq > 0 ? ring_after(&r->ring, seq) : r->ring.n;
    uint32_t missed = seq > 0 && seq_later(r->seq, seq) ? r->seq - seq - (uint32_t)n : 0;

#ifdef MUTANT_LOST_EVENT /* for test/sim/many: one is left out */
    n -= n > 1;
#endif
    for (size_t i = r->ring.n - n; i < r->ring.n; i++)
        child->send(child, (flux_msg_t *)flux_msg_incref(ring_get(&r->ring, i)));
    return missed;
}
