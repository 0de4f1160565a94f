/* The broker's own services, as one endpoint of the router. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/disconnect.h>
#include <flux/response.h>

#include "broker/core.h"
#include "proto/msg_private.h"

struct core {
    struct endpoint ep;
    struct router *router;
    struct map *methods;
};

struct entry {
    const struct core_method *method;
    void *arg;
};

static void unknown(struct core *c, const flux_msg_t *msg)
{
    size_t len = msg->topic_len;

    /* Every client's end is told to every service it used; most do not care. */
    if (len > 11 && !strcmp(msg->topic + len - 11, ".disconnect"))
        return;
    core_errorf(c, msg, ENOSYS, "Unknown service method '%s'", msg->topic);
}

static void core_send(struct endpoint *ep, flux_msg_t *msg)
{
    struct core *c = (struct core *)ep;
    struct entry *e;

    if (msg->type != FLUX_MSGTYPE_REQUEST) {
        flux_msg_destroy(msg);
        return;
    }
    if (!(e = map_get(c->methods, msg->topic)))
        unknown(c, msg);
    else if (!(msg->rolemask & (e->method->roles | FLUX_ROLE_OWNER)))
        core_error(c, msg, EPERM, "Request requires owner credentials");
    else
        e->method->fn(e->arg, router_sender(c->router, msg), msg);
    flux_msg_destroy(msg);
}

static bool for_leader(const struct endpoint *ep, const flux_msg_t *request)
{
    const struct core *c = (const struct core *)ep;
    const struct entry *e = map_get(c->methods, request->topic);

    return e && e->method->leader;
}

int core_new(struct router *r, const char *uuid, struct core **ret)
{
    struct core *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->router = r;
    c->ep.send = core_send;
    c->ep.for_leader = for_leader;
    c->ep.name = "broker";
    c->ep.cred.userid = router_owner(r);
    c->ep.cred.rolemask = FLUX_ROLE_OWNER | FLUX_ROLE_LOCAL;
    if (!(c->methods = map_new(free)) || router_attach(r, &c->ep, uuid) < 0) {
        map_free(c->methods);
        free(c);
        return -ENOMEM;
    }
    *ret = c;
    return 0;
}

void core_free(struct core *c)
{
    if (!c)
        return;
    router_detach(c->router, &c->ep, ENOSYS);
    map_free(c->methods);
    free(c);
}

struct endpoint *core_endpoint(struct core *c)
{
    return &c->ep;
}

static int add_service(struct core *c, const char *topic)
{
    const char *dot = strrchr(topic, '.');
    char name[64];
    int rc;

    snprintf(name, sizeof(name), "%.*s", (int)(dot - topic), topic);
    if (router_service_find(c->router, topic) == &c->ep)
        return 0;
    rc = router_service_add(c->router, &c->ep, name);
    return rc;
}

int core_add(struct core *c, const struct core_method *table, size_t n, void *arg)
{
    for (size_t i = 0; i < n; i++) {
        struct entry *e = malloc(sizeof(*e));
        int rc;

        if (!e)
            return -ENOMEM;
        e->method = &table[i];
        e->arg = arg;
        if ((rc = map_add(c->methods, table[i].topic, e)) < 0) {
            free(e);
            return rc;
        }
        if ((rc = add_service(c, table[i].topic)) < 0)
            return rc;
    }
    return 0;
}

static void answer(struct core *c, flux_msg_t *rsp)
{
    if (rsp)
        router_recv(c->router, &c->ep, rsp);
}

static flux_msg_t *derive(const flux_msg_t *req, int errnum)
{
    if (flux_msg_is_noresponse(req))
        return NULL;
    return flux_response_derive(req, errnum);
}

void core_respond(struct core *c, const flux_msg_t *req, const char *fmt, ...)
{
    flux_msg_t *rsp = derive(req, 0);
    va_list ap;

    if (rsp && fmt) {
        va_start(ap, fmt);
        if (flux_msg_vpack(rsp, fmt, ap) < 0)
            flux_msg_set_errnum(rsp, errno);
        va_end(ap);
    }
    answer(c, rsp);
}

void core_respond_str(struct core *c, const flux_msg_t *req, const char *s)
{
    flux_msg_t *rsp = derive(req, 0);

    if (rsp && flux_msg_set_string(rsp, s) < 0)
        flux_msg_set_errnum(rsp, errno);
    answer(c, rsp);
}

void core_error(struct core *c, const flux_msg_t *req, int errnum, const char *text)
{
    flux_msg_t *rsp = derive(req, errnum < 0 ? -errnum : errnum);

    if (rsp && text && *text)
        flux_msg_set_string(rsp, text);
    answer(c, rsp);
}

void core_errorf(struct core *c, const flux_msg_t *req, int errnum, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    core_error(c, req, errnum, text);
}

void core_ack(struct core *c, struct endpoint *from, const flux_msg_t *req, int errnum)
{
    flux_msg_t *rsp = derive(req, errnum < 0 ? -errnum : errnum);

    if (!rsp)
        return;
    rsp->userid = FLUX_USERID_UNKNOWN;
    rsp->rolemask = FLUX_ROLE_OWNER;
    router_respond(c->router, &c->ep, rsp);
}

size_t core_backlog(struct core *c, const flux_msg_t *req)
{
    struct endpoint *ep = router_sender(c->router, req);

    return ep && ep->queued ? ep->queued(ep) : 0;
}

void core_drop(struct flux_msglist *held, const flux_msg_t *disconnect)
{
    flux_msglist_disconnect(held, disconnect);
}

void core_cancel(struct core *c, struct flux_msglist *held, const flux_msg_t *cancel)
{
    const flux_msg_t *req = flux_msglist_first(held);

    while (req && !flux_cancel_match(cancel, req))
        req = flux_msglist_next(held);
    if (!req)
        return;
    core_error(c, req, ENODATA, NULL);
    flux_msglist_delete(held);
}

void core_end(struct core *c, struct flux_msglist *held, int errnum)
{
    const flux_msg_t *req;

    while ((req = flux_msglist_pop(held))) {
        core_error(c, req, errnum, NULL);
        flux_msg_decref(req);
    }
}
