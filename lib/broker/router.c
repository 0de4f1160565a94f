/* The switch: requests and responses.
 *
 * Requests grow by the sender's routing id, responses lose theirs. No JSON is read here
 * and no payload touched; messages move by reference.
 *
 * Each hop remembers the requests it passed on (call.c). When the connection to a broker
 * is lost, those that it was to answer fail at once with EHOSTUNREACH, and whoever it
 * asked here is told that nobody waits any more; a response that comes nevertheless finds
 * no call, and goes no further. So each request gets one answer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/response.h>

#include "base/cleanup.h"
#include "broker/call.h"
#include "broker/router_private.h"
#include "proto/msg_private.h"

int router_new(struct env *env, uint32_t owner, struct router **ret)
{
    struct router *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    r->env = env;
    r->owner = owner;
    r->tree.size = 1;
    list_init(&r->endpoints);
    if (services_new(&r->services) < 0 || !(r->by_uuid = map_new(NULL))) {
        router_free(r);
        return -ENOMEM;
    }
    *ret = r;
    return 0;
}

void router_free(struct router *r)
{
    if (!r)
        return;
    services_free(r->services);
    map_free(r->by_uuid);
    ring_clear(&r->ring);
    free(r);
}

void router_set_tree(struct router *r, const struct router_tree *tree)
{
    r->tree = *tree;
}

uint32_t router_rank(const struct router *r)
{
    return r->tree.rank;
}

uint32_t router_owner(const struct router *r)
{
    return r->owner;
}

const struct router_stats *router_stats(const struct router *r)
{
    return &r->stats;
}

size_t router_pending(const struct router *r)
{
    size_t n = 0;

    list_each(ep, &r->endpoints, struct endpoint, link)
        n += umap_count(ep->calls);
    return n;
}

bool router_is_attached(const struct endpoint *ep)
{
    return ep->calls != NULL;
}

int router_attach(struct router *r, struct endpoint *ep, const char *uuid)
{
    list_init(&ep->link);
    list_init(&ep->serving);
    ep->subs = (struct subs){0};
    ep->used = (struct used_set){0};
    ep->calls_bytes = 0;
    if (uuid)
        snprintf(ep->uuid, sizeof(ep->uuid), "%s", uuid);
    else
        env_uuid(r->env, ep->uuid);
    if (!(ep->calls = umap_new(NULL)) || map_add(r->by_uuid, ep->uuid, ep) < 0) {
        umap_free(TAKE(ep->calls));
        return -ENOMEM;
    }
    list_append(&r->endpoints, &ep->link);
    if (ep->kind == ENDPOINT_PARENT)
        r->parent = ep;
    return 0;
}

/* The neighbour through which requests with this nodeid and flag travel. */
static struct endpoint *neighbour(struct router *r, uint32_t nodeid, bool upstream)
{
    if (upstream || nodeid == FLUX_NODEID_ANY)
        return r->parent;
    if (nodeid >= r->tree.size || nodeid == r->tree.rank || !r->tree.toward)
        return NULL;
    return r->tree.toward(nodeid, r->tree.arg);
}

struct farewell {
    struct router *router;
    const struct endpoint *ep;
};

/* The endpoint has gone: tell a service that it used. */
static void send_disconnect(const struct used *u, void *arg)
{
    struct farewell *f = arg;
    struct endpoint *to = u->remote ? neighbour(f->router, u->nodeid, u->upstream)
                                    : services_get(f->router->services, u->name);
    char topic[SERVICE_NAME_MAX + 16];
    flux_msg_t *msg;

    if (!to || to == f->ep || !(msg = flux_msg_create(FLUX_MSGTYPE_REQUEST)))
        return;
    snprintf(topic, sizeof(topic), "%s.disconnect", u->name);
    flux_msg_route_enable(msg);
    if (flux_msg_set_topic(msg, topic) < 0 || flux_msg_set_noresponse(msg) < 0 ||
        flux_msg_set_cred(msg, f->ep->cred) < 0 ||
        flux_msg_route_push(msg, f->ep->uuid) < 0) {
        flux_msg_destroy(msg);
        return;
    }
    if (u->remote)
        msg->aux1 = u->nodeid;
    if (u->upstream)
        msg->flags |= FLUX_MSGFLAG_UPSTREAM;
    to->send(to, msg);
}

static void fail_serving(struct endpoint *ep, int errnum)
{
    struct list orphans;

    list_init(&orphans);
    list_splice(&orphans, &ep->serving);
    list_each(c, &orphans, struct call, in_serving)
    {
        struct endpoint *from = c->from;
        flux_msg_t *msg = call_failure(c, errnum);

        call_free(c);
        if (msg) {
            flux_msg_set_cred(msg, ep->cred);
            from->send(from, msg);
        }
    }
}

void router_detach(struct router *r, struct endpoint *ep, int errnum)
{
    struct farewell f = {r, ep};
    struct used_set used;
    void *value;
    uint64_t key;

    if (!router_is_attached(ep))
        return;
    if (r->parent == ep)
        r->parent = NULL;
    services_remove_all(r->services, ep);
    map_del(r->by_uuid, ep->uuid);
    list_del(&ep->link);
    for (size_t it = 0; umap_next(ep->calls, &it, &key, &value);)
        call_free(value);
    fail_serving(ep, errnum);
    umap_free(TAKE(ep->calls));
    subs_clear(&ep->subs);
    used = ep->used;
    ep->used = (struct used_set){0};
    used_each(&used, send_disconnect, &f);
    used_clear(&used);
}

struct endpoint *router_endpoint(struct router *r, const char *uuid)
{
    return map_get(r->by_uuid, uuid);
}

struct endpoint *router_sender(struct router *r, const flux_msg_t *request)
{
    const char *last = msg_route_last(request);

    return last ? router_endpoint(r, last) : NULL;
}

static void stamp(const struct endpoint *from, flux_msg_t *msg)
{
    if (from->kind != ENDPOINT_LOCAL) {
        msg->rolemask &= ~FLUX_ROLE_LOCAL;
        return;
    }
    if (from->guest) {
        msg->userid = from->cred.userid;
        msg->rolemask = from->cred.rolemask;
        return;
    }
    if (msg->userid == FLUX_USERID_UNKNOWN)
        msg->userid = from->cred.userid;
    if (msg->rolemask == FLUX_ROLE_NONE)
        msg->rolemask = from->cred.rolemask;
    msg->rolemask |= from->cred.rolemask & FLUX_ROLE_LOCAL;
}

/* Answer a request that got no further than here. Consumes it. */
static void refuse(struct router *r, struct endpoint *from, flux_msg_t *msg, int errnum,
                   const char *text)
{
    flux_msg_t *rsp;

    if (!(msg->flags & FLUX_MSGFLAG_NORESPONSE) &&
        (rsp = flux_response_derive(msg, errnum))) {
        rsp->userid = r->owner;
        rsp->rolemask = FLUX_ROLE_OWNER | FLUX_ROLE_LOCAL;
        if (text)
            flux_msg_set_string(rsp, text);
        from->send(from, rsp);
    }
    flux_msg_destroy(msg);
}

static void refuse_unknown(struct router *r, struct endpoint *from, flux_msg_t *msg)
{
    char text[256];

    snprintf(text, sizeof(text), "No service matching %s is registered", msg->topic);
    refuse(r, from, msg, ENOSYS, text);
}

/* What a limited client may not ask: services keep requests until they can answer, so
 * each must be counted, and ended when the client goes. */
static const char *over_limit(const struct endpoint *from, const flux_msg_t *msg,
                              int *ret_errnum)
{
    *ret_errnum = EPROTO;
    if (msg->flags & FLUX_MSGFLAG_NORESPONSE)
        return msg->flags & FLUX_MSGFLAG_STREAMING ? "nobody wants the stream" : NULL;
    if (msg->aux2 == FLUX_MATCHTAG_NONE)
        return "a request needs a matchtag";
    if (call_find(from, msg))
        return "the matchtag is in use";
    *ret_errnum = EAGAIN;
    if (umap_count(from->calls) >= from->calls_max)
        return "too many requests in flight";
    if (from->calls_bytes > 0 &&
        from->calls_bytes + msg->payload_len > from->calls_bytes_max)
        return "too much data in requests in flight";
    return NULL;
}

/* Where a request goes from here: to a service of this broker (*ret_name is its name), to
 * a neighbour (NULL), or nowhere (NULL, *ret_errnum). */
static struct endpoint *destination(struct router *r, flux_msg_t *msg,
                                    const char **ret_name, int *ret_errnum)
{
    bool upstream = msg->flags & FLUX_MSGFLAG_UPSTREAM, here = msg->aux1 == r->tree.rank;
    struct endpoint *to;

    *ret_name = NULL;
    *ret_errnum = EHOSTUNREACH;
    if (here && upstream) /* it asks for one above it */
        return r->parent;
    if (!here && !upstream && msg->aux1 != FLUX_NODEID_ANY)
        return neighbour(r, msg->aux1, false);
    to = services_match(r->services, msg->topic, msg->topic_len, ret_name);
    if (to && r->tree.rank > 0 && to->for_leader && to->for_leader(to, msg)) {
        *ret_name = NULL;
        msg->aux1 = 0;
        msg->flags &= ~FLUX_MSGFLAG_UPSTREAM;
        return neighbour(r, 0, false);
    }
    if (to || (r->tree.rank > 0 && !here))
        return to ? to : r->parent;
    *ret_errnum = ENOSYS;
    return NULL;
}

static bool is_disconnect(const flux_msg_t *msg)
{
    static const char end[] = ".disconnect";
    size_t len = sizeof(end) - 1;

    return (msg->flags & FLUX_MSGFLAG_NORESPONSE) && msg->topic_len > len &&
           !strcmp(msg->topic + msg->topic_len - len, end);
}

/* A client of another broker has gone. The sender of the message could only guess the
 * name of the service. */
static void pass_disconnect(struct endpoint *from, struct endpoint *to, const char *name,
                            flux_msg_t *msg)
{
    char topic[SERVICE_NAME_MAX + 16];

    call_forget(from, to, msg);
    if (!name)
        return;
    snprintf(topic, sizeof(topic), "%s.disconnect", name);
    if (strcmp(topic, msg->topic) != 0)
        (void)flux_msg_set_topic(msg, topic);
}

static void note_used(struct endpoint *from, const char *name, const flux_msg_t *msg)
{
    const char *dot;

    if (name)
        used_note(&from->used, name, strlen(name), false, 0, false);
    else {
        dot = memrchr(msg->topic, '.', msg->topic_len);
        used_note(&from->used, msg->topic, dot ? dot - msg->topic : msg->topic_len, true,
                  msg->aux1, msg->flags & FLUX_MSGFLAG_UPSTREAM);
    }
}

static void request(struct router *r, struct endpoint *from, flux_msg_t *msg)
{
    struct endpoint *to;
    const char *name;
    const char *text;
    int errnum;

    r->stats.requests++;
    if (!(msg->flags & FLUX_MSGFLAG_TOPIC)) {
        r->stats.dropped++;
        flux_msg_destroy(msg);
        return;
    }
    if (from->guest && msg->nroutes > 0) {
        refuse(r, from, msg, EPERM, "routes are not accepted from a guest");
        return;
    }
    if (!(to = destination(r, msg, &name, &errnum)) || (!name && to == from)) {
        if (errnum == ENOSYS)
            refuse_unknown(r, from, msg);
        else
            refuse(r, from, msg, EHOSTUNREACH, NULL);
        return;
    }
    if (from->calls_max && (text = over_limit(from, msg, &errnum))) {
        refuse(r, from, msg, errnum, text);
        return;
    }
    if (from->kind != ENDPOINT_LOCAL && is_disconnect(msg))
        pass_disconnect(from, to, name, msg);
    else
        note_used(from, name, msg);
    r->stats.forwarded += !name;
    if (!(msg->flags & FLUX_MSGFLAG_ROUTE))
        flux_msg_route_enable(msg);
    if (msg_route_push(msg, from->uuid, 36) < 0) {
        refuse(r, from, msg, EMSGSIZE, "too many routes");
        return;
    }
    call_begin(from, to, msg);
    to->send(to, msg);
}

void router_respond(struct router *r, struct endpoint *from, flux_msg_t *msg)
{
    const char *last = msg_route_last(msg);
    struct endpoint *to = last ? map_get(r->by_uuid, last) : NULL;
    struct call *c;

    r->stats.responses++;
    if (!to)
        goto drop;
    flux_msg_route_delete_last(msg);
    c = call_find(to, msg);
    if (c && c->to != from)
        c = NULL;
    /* To whom the call is not known any more, its failure was told. */
    if (!c && (from->guest ||
               (from->kind != ENDPOINT_LOCAL && msg->aux2 != FLUX_MATCHTAG_NONE)))
        goto drop;
    if (c && call_ends(c, msg))
        call_free(c);
    to->send(to, msg);
    return;
drop:
    r->stats.dropped++;
    flux_msg_destroy(msg);
}

void router_recv(struct router *r, struct endpoint *from, flux_msg_t *msg)
{
    if (!router_is_attached(from)) {
        flux_msg_destroy(msg);
        return;
    }
    if (msg->refs > 1) { /* somebody else looks at it: it must not change */
        flux_msg_t *copy = flux_msg_copy(msg, true);

        flux_msg_destroy(msg);
        if (!(msg = copy))
            return;
    }
    stamp(from, msg);
    if (msg->type == FLUX_MSGTYPE_REQUEST)
        request(r, from, msg);
    else if (msg->type == FLUX_MSGTYPE_RESPONSE)
        router_respond(r, from, msg);
    else if (msg->type == FLUX_MSGTYPE_EVENT)
        router_event(r, from, msg);
    else {
        r->stats.dropped++;
        flux_msg_destroy(msg);
    }
}

int router_service_add(struct router *r, struct endpoint *ep, const char *name)
{
    if (ep->guest && !router_name_is_of(ep->cred.userid, name))
        return -EPERM;
    return services_add(r->services, name, ep);
}

int router_service_remove(struct router *r, struct endpoint *ep, const char *name)
{
    return services_remove(r->services, name, ep);
}

struct endpoint *router_service_find(struct router *r, const char *topic)
{
    return services_match(r->services, topic, strlen(topic), NULL);
}

void router_service_each(struct router *r, const struct endpoint *ep,
                         void (*fn)(const char *name, void *arg), void *arg)
{
    services_each(r->services, ep, fn, arg);
}
