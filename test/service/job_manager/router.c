/* A router for tests, see router.h. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "router.h"

struct node {
    struct list link;
    struct router *rt;
    struct flux_port *port;
    flux_t *h;
    char uuid[37];
    char *service;
    uint32_t userid, rolemask;
    uint32_t rank; /* of the broker it serves on */
};

struct router {
    flux_reactor_t *r;
    struct list nodes;
    unsigned count;
    void (*watch)(const flux_msg_t *msg, void *arg);
    void *watch_arg;
};

struct router *router_new(flux_reactor_t *r)
{
    struct router *rt = calloc(1, sizeof(*rt));

    assert(rt);
    rt->r = r;
    list_init(&rt->nodes);
    return rt;
}

void router_watch(struct router *rt, void (*fn)(const flux_msg_t *msg, void *arg),
                  void *arg)
{
    rt->watch = fn;
    rt->watch_arg = arg;
}

static void node_free(struct node *n)
{
    list_del(&n->link);
    flux_close(n->h);
    flux_port_destroy(n->port);
    free(n->service);
    free(n);
}

void router_free(struct router *rt)
{
    if (!rt)
        return;
    list_each(n, &rt->nodes, struct node, link) node_free(n);
    free(rt);
}

static struct node *by_service(struct router *rt, const char *topic, uint32_t rank)
{
    size_t len = strcspn(topic, ".");

    list_each(n, &rt->nodes, struct node,
              link) if (n->service && n->rank == rank && strlen(n->service) == len &&
                        !memcmp(n->service, topic, len)) return n;
    return NULL;
}

static struct node *by_uuid(struct router *rt, const char *uuid)
{
    list_each(n, &rt->nodes, struct node, link) if (strcmp(n->uuid, uuid) == 0) return n;
    return NULL;
}

static void refuse(struct node *from, const flux_msg_t *msg)
{
    flux_msg_t *rsp;

    if (flux_msg_is_noresponse(msg))
        return;
    rsp = flux_response_derive(msg, ENOSYS);
    assert(rsp);
    flux_port_send_new(from->port, &rsp);
    flux_msg_destroy(rsp);
}

static void request(struct node *from, flux_msg_t *msg)
{
    struct node *to;
    const char *topic;
    uint32_t rank = 0;

    flux_msg_get_nodeid(msg, &rank);
    if (rank == FLUX_NODEID_ANY)
        rank = 0;
    flux_msg_set_cred(msg, (struct flux_msg_cred){from->userid, from->rolemask});
    if (flux_msg_get_topic(msg, &topic) < 0 ||
        !(to = by_service(from->rt, topic, rank))) {
        refuse(from, msg);
        flux_msg_destroy(msg);
        return;
    }
    flux_msg_route_enable(msg);
    flux_msg_route_push(msg, from->uuid);
    flux_port_send_new(to->port, &msg);
    flux_msg_destroy(msg);
}

static void response(struct node *from, flux_msg_t *msg)
{
    const char *uuid = flux_msg_route_last(msg);
    struct node *to = uuid ? by_uuid(from->rt, uuid) : NULL;

    flux_msg_set_cred(msg, (struct flux_msg_cred){from->userid, from->rolemask});
    if (to) {
        flux_msg_route_delete_last(msg);
        flux_port_send_new(to->port, &msg);
    }
    flux_msg_destroy(msg);
}

static void recv_cb(struct flux_port *port, flux_msg_t *msg, void *arg)
{
    int type;

    flux_msg_get_type(msg, &type);
    if (type == FLUX_MSGTYPE_REQUEST && ((struct node *)arg)->rt->watch)
        ((struct node *)arg)->rt->watch(msg, ((struct node *)arg)->rt->watch_arg);
    if (type == FLUX_MSGTYPE_REQUEST)
        request(arg, msg);
    else if (type == FLUX_MSGTYPE_RESPONSE)
        response(arg, msg);
    else
        flux_msg_destroy(msg);
}

static void closed_cb(struct flux_port *port, void *arg)
{
}

flux_t *router_open(struct router *rt, const char *service, uint32_t userid,
                    uint32_t rolemask)
{
    struct node *n = calloc(1, sizeof(*n));

    assert(n);
    n->rt = rt;
    n->userid = userid;
    n->rolemask = rolemask;
    n->service = service ? strdup(service) : NULL;
    snprintf(n->uuid, sizeof(n->uuid), "00000000-0000-4000-8000-%012u", ++rt->count);
    if (flux_port_create(rt->r, recv_cb, closed_cb, n, &n->port, &n->h) < 0 ||
        flux_set_reactor(n->h, rt->r) < 0)
        abort();
    list_append(&rt->nodes, &n->link);
    return n->h;
}

void router_set_rank(struct router *rt, flux_t *h, uint32_t rank)
{
    list_each(n, &rt->nodes, struct node, link) if (n->h == h) n->rank = rank;
}

static void send_disconnect(struct node *gone, struct node *to)
{
    char topic[128];
    flux_msg_t *msg;

    snprintf(topic, sizeof(topic), "%s.disconnect", to->service);
    msg = flux_request_encode(topic, NULL);
    assert(msg);
    flux_msg_set_noresponse(msg);
    flux_msg_set_cred(msg, (struct flux_msg_cred){gone->userid, gone->rolemask});
    flux_msg_route_enable(msg);
    flux_msg_route_push(msg, gone->uuid);
    flux_port_send_new(to->port, &msg);
    flux_msg_destroy(msg);
}

void router_close(struct router *rt, flux_t *h, bool disconnect)
{
    list_each(n, &rt->nodes, struct node, link)
    {
        if (n->h != h)
            continue;
        list_del(&n->link);
        list_each(to, &rt->nodes, struct node, link) if (disconnect && to->service)
            send_disconnect(n, to);
        node_free(n);
        return;
    }
}
