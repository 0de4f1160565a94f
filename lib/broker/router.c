/* The switch. One broker of one: requests for any rank but 0 have nowhere to go.
 *
 * Requests grow by the sender's routing id, responses lose theirs. No JSON is read here
 * and no payload touched; messages move by reference.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/response.h>

#include "broker/call.h"
#include "broker/router.h"
#include "broker/service.h"
#include "proto/msg_private.h"

struct router {
    struct env *env;
    uint32_t owner;
    struct services *services;
    struct map *by_uuid;
    struct list endpoints;
    uint32_t seq;
    struct router_stats stats;
};

int router_new(struct env *env, uint32_t owner, struct router **ret)
{
    struct router *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    r->env = env;
    r->owner = owner;
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
    free(r);
}

uint32_t router_owner(const struct router *r)
{
    return r->owner;
}

const struct router_stats *router_stats(const struct router *r)
{
    return &r->stats;
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
    ep->used_last = NULL;
    ep->calls_bytes = 0;
    if (uuid)
        snprintf(ep->uuid, sizeof(ep->uuid), "%s", uuid);
    else
        env_uuid(r->env, ep->uuid);
    if (!(ep->calls = umap_new(NULL)) || !(ep->used = map_new(free)) ||
        map_add(r->by_uuid, ep->uuid, ep) < 0) {
        umap_free(TAKE(ep->calls));
        map_free(TAKE(ep->used));
        return -ENOMEM;
    }
    list_append(&r->endpoints, &ep->link);
    return 0;
}

/* Deliver what the router itself says to the endpoint that answers `topic`. */
static void send_disconnect(struct router *r, const struct endpoint *ep, const char *name)
{
    struct endpoint *to = services_get(r->services, name);
    char topic[SERVICE_NAME_MAX + 16];
    flux_msg_t *msg;

    if (!to || !(msg = flux_msg_create(FLUX_MSGTYPE_REQUEST)))
        return;
    snprintf(topic, sizeof(topic), "%s.disconnect", name);
    flux_msg_route_enable(msg);
    if (flux_msg_set_topic(msg, topic) < 0 || flux_msg_set_noresponse(msg) < 0 ||
        flux_msg_set_cred(msg, ep->cred) < 0 || flux_msg_route_push(msg, ep->uuid) < 0) {
        flux_msg_destroy(msg);
        return;
    }
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
    struct map *used;
    const char *name;
    void *value;
    uint64_t key;

    if (!router_is_attached(ep))
        return;
    services_remove_all(r->services, ep);
    map_del(r->by_uuid, ep->uuid);
    list_del(&ep->link);
    for (size_t it = 0; umap_next(ep->calls, &it, &key, &value);)
        call_free(value);
    fail_serving(ep, errnum);
    umap_free(TAKE(ep->calls));
    subs_clear(&ep->subs);
    used = TAKE(ep->used);
    for (size_t it = 0; map_next(used, &it, &name, &value);)
        send_disconnect(r, ep, name);
    map_free(used);
}

struct endpoint *router_sender(struct router *r, const flux_msg_t *request)
{
    const char *last = msg_route_last(request);

    return last ? map_get(r->by_uuid, last) : NULL;
}

static void stamp(const struct endpoint *from, flux_msg_t *msg)
{
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

/* Names of services used, for the disconnect message at the end. */
static void note_used(struct endpoint *from, const char *name)
{
    char *copy;

    if (from->used_last && !strcmp(from->used_last, name))
        return;
    if (!(copy = map_get(from->used, name))) {
        if (!(copy = strdup(name)) || map_add(from->used, name, copy) < 0) {
            free(copy);
            return;
        }
    }
    from->used_last = copy;
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

static void request(struct router *r, struct endpoint *from, flux_msg_t *msg)
{
    struct endpoint *to;
    const char *name;
    uint32_t nodeid = msg->aux1;
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
    if ((nodeid != FLUX_NODEID_ANY && nodeid != 0) ||
        ((msg->flags & FLUX_MSGFLAG_UPSTREAM) && nodeid == 0)) {
        refuse(r, from, msg, EHOSTUNREACH, NULL);
        return;
    }
    if (!(to = services_match(r->services, msg->topic, msg->topic_len, &name))) {
        refuse_unknown(r, from, msg);
        return;
    }
    if (from->calls_max && (text = over_limit(from, msg, &errnum))) {
        refuse(r, from, msg, errnum, text);
        return;
    }
    note_used(from, name);
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
    if (!c && from->guest)
        goto drop;
    if (c && call_ends(c, msg))
        call_free(c);
    to->send(to, msg);
    return;
drop:
    r->stats.dropped++;
    flux_msg_destroy(msg);
}

bool router_may_publish(const struct endpoint *from, const char *topic)
{
    char own[16];
    int n;

    if (!from->guest)
        return true;
    n = snprintf(own, sizeof(own), "%u-", (unsigned)from->cred.userid);
    return !strncmp(topic, own, n);
}

/* The owner's endpoints see everything; a guest, what is public or his own. */
static bool may_see(const struct endpoint *ep, const flux_msg_t *event)
{
    return !(event->flags & FLUX_MSGFLAG_PRIVATE) || !ep->guest ||
           ep->cred.userid == event->userid;
}

uint32_t router_publish(struct router *r, flux_msg_t *msg)
{
    uint32_t seq = ++r->seq;

    r->stats.events++;
    msg->aux1 = seq;
    flux_msg_route_disable(msg);
    list_each(ep, &r->endpoints, struct endpoint, link)
    {
        if (ep->subs.n > 0 && subs_match(&ep->subs, msg->topic) && may_see(ep, msg))
            ep->send(ep, (flux_msg_t *)flux_msg_incref(msg));
    }
    flux_msg_destroy(msg);
    return seq;
}

static void event(struct router *r, struct endpoint *from, flux_msg_t *msg)
{
    if (!(msg->flags & FLUX_MSGFLAG_TOPIC) || !router_may_publish(from, msg->topic)) {
        r->stats.dropped++;
        flux_msg_destroy(msg);
        return;
    }
    router_publish(r, msg);
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
        event(r, from, msg);
    else {
        r->stats.dropped++;
        flux_msg_destroy(msg);
    }
}

int router_service_add(struct router *r, struct endpoint *ep, const char *name)
{
    if (!router_may_publish(ep, name)) /* the same rule: `<userid>-` */
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
