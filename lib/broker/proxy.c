/* A router between a local socket and one connection to a broker; see proxy.h. To the
 * router the broker is the parent of a rank that does not exist, so that all requests but
 * those below go there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/connector.h>
#include <flux/event.h>
#include <flux/future.h>
#include <flux/response.h>
#include <flux/service.h>
#include <flux/watcher.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "broker/core.h"
#include "broker/proxy.h"
#include "broker/server.h"
#include "proto/msg_private.h"

#define NOWHERE 0xfffffff0u /* our rank: nobody's */
#define MESSAGES_PER_TURN 1000

struct proxy {
    flux_t *h;
    struct env *env;
    struct router *router;
    struct core *core;
    struct log *log;
    struct server *server;
    struct endpoint up; /* the broker */
    flux_watcher_t *in;
    proxy_lost_f lost;
    void *arg;
    struct map *topics; /* subscribed to at the broker */
    struct list holds;
    struct list asks;
};

/* Somebody here wants these events. */
struct topic {
    struct proxy *proxy;
    unsigned holds;
    flux_future_t *f;             /* until the broker has answered */
    struct flux_msglist *waiting; /* for that */
};

/* What a client has: a subscription, or a service. */
struct hold {
    struct list link;
    bool service;
    char uuid[37];
    char *name;
};

/* A question to the broker for one client. */
struct ask {
    struct list link;
    struct proxy *proxy;
    const flux_msg_t *msg;
    flux_future_t *f;
    char *name;
};

/* -- what clients hold -- */

static int hold_add(struct proxy *p, const struct endpoint *from, bool service,
                    const char *name)
{
    struct hold *hd = calloc(1, sizeof(*hd));

    if (!hd || !(hd->name = strdup(name))) {
        free(hd);
        return -ENOMEM;
    }
    hd->service = service;
    memcpy(hd->uuid, from->uuid, sizeof(hd->uuid));
    list_append(&p->holds, &hd->link);
    return 0;
}

static void hold_free(struct hold *hd)
{
    list_del(&hd->link);
    free(hd->name);
    free(hd);
}

static struct hold *hold_find(struct proxy *p, const char *uuid, bool service,
                              const char *name)
{
    list_each(hd, &p->holds, struct hold, link)
    {
        if (hd->service == service && !strcmp(hd->uuid, uuid) &&
            (!name || !strcmp(hd->name, name)))
            return hd;
    }
    return NULL;
}

static void destroy_future(flux_future_t *f, void *arg)
{
    flux_future_destroy(f);
}

/* Nobody waits for the answer. */
static void let_go(flux_future_t *f)
{
    if (f && flux_future_then(f, -1., destroy_future, NULL) < 0)
        flux_future_destroy(f);
}

/* -- events -- */

static void topic_free(void *arg)
{
    struct topic *t = arg;

    flux_future_destroy(t->f);
    flux_msglist_destroy(t->waiting);
    free(t);
}

static void subscribed_cb(flux_future_t *f, void *arg)
{
    struct topic *t = arg;
    struct core *c = t->proxy->core;
    int errnum = flux_future_get(f, NULL) < 0 ? errno : 0;
    const flux_msg_t *msg;

    while ((msg = flux_msglist_pop(t->waiting))) {
        if (errnum)
            core_error(c, msg, errnum, NULL);
        else
            core_respond(c, msg, NULL);
        flux_msg_decref(msg);
    }
    flux_future_destroy(TAKE(t->f));
}

static struct topic *topic_new(struct proxy *p, const char *name)
{
    struct topic *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->proxy = p;
    t->waiting = flux_msglist_create();
    t->f = flux_event_subscribe_ex(p->h, name, 0);
    if (!t->waiting || !t->f || flux_future_then(t->f, -1., subscribed_cb, t) < 0 ||
        map_add(p->topics, name, t) < 0) {
        topic_free(t);
        return NULL;
    }
    return t;
}

static void topic_release(struct proxy *p, const char *name)
{
    struct topic *t = map_get(p->topics, name);

    if (!t || --t->holds > 0)
        return;
    let_go(flux_event_unsubscribe_ex(p->h, name, 0));
    map_del(p->topics, name);
}

static void subscribe_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct proxy *p = arg;
    const char *name;
    struct topic *t;

    if (!from)
        return;
    if (flux_msg_unpack(msg, "{s:s}", "topic", &name) < 0) {
        core_error(p->core, msg, errno, NULL);
        return;
    }
    if ((!(t = map_get(p->topics, name)) && !(t = topic_new(p, name))) ||
        hold_add(p, from, false, name) < 0 || subs_add(&from->subs, name) < 0) {
        core_error(p->core, msg, ENOMEM, NULL);
        return;
    }
    t->holds++;
    if (!t->f)
        core_ack(p->core, from, msg, 0);
    else if (flux_msglist_append(t->waiting, msg) < 0)
        core_error(p->core, msg, errno, NULL);
}

static void unsubscribe_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct proxy *p = arg;
    const char *name;
    struct hold *hd;
    int rc = -ENOENT;

    if (!from)
        return;
    if (flux_msg_unpack(msg, "{s:s}", "topic", &name) < 0) {
        core_error(p->core, msg, errno, NULL);
        return;
    }
    if ((hd = hold_find(p, from->uuid, false, name))) {
        rc = subs_remove(&from->subs, name);
        hold_free(hd);
        topic_release(p, name);
    }
    core_ack(p->core, from, msg, rc);
}

/* A client that subscribed has gone. */
static void event_gone_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct proxy *p = arg;
    const char *uuid = msg_route_last(msg);
    struct hold *hd;

    while (uuid && (hd = hold_find(p, uuid, false, NULL))) {
        topic_release(p, hd->name);
        hold_free(hd);
    }
}

/* -- services -- */

static void ask_free(struct ask *a)
{
    list_del(&a->link);
    flux_future_destroy(a->f);
    flux_msg_decref(a->msg);
    free(a->name);
    free(a);
}

static void registered_cb(flux_future_t *f, void *arg)
{
    struct ask *a = arg;
    struct proxy *p = a->proxy;
    struct endpoint *from = router_sender(p->router, a->msg);

    if (flux_future_get(f, NULL) < 0) {
        if (from)
            router_service_remove(p->router, from, a->name);
        core_error(p->core, a->msg, errno, flux_future_error_string(f));
    } else if (!from || hold_add(p, from, true, a->name) < 0) {
        let_go(flux_service_unregister(p->h, a->name));
    } else {
        core_ack(p->core, from, a->msg, 0);
    }
    ask_free(a);
}

static int ask_service(struct proxy *p, const char *name, const flux_msg_t *msg)
{
    struct ask *a = calloc(1, sizeof(*a));

    if (!a)
        return -ENOMEM;
    list_append(&p->asks, &a->link);
    a->proxy = p;
    a->msg = flux_msg_incref(msg);
    a->name = strdup(name);
    a->f = flux_service_register(p->h, name);
    if (!a->name || !a->f || flux_future_then(a->f, -1., registered_cb, a) < 0) {
        ask_free(a);
        return -ENOMEM;
    }
    return 0;
}

static void service_add_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct proxy *p = arg;
    const char *name;
    int rc;

    if (!from)
        return;
    if (flux_msg_unpack(msg, "{s:s}", "service", &name) < 0) {
        core_error(p->core, msg, errno, NULL);
        return;
    }
    if ((rc = router_service_add(p->router, from, name)) < 0) {
        core_ack(p->core, from, msg, rc);
        return;
    }
    if ((rc = ask_service(p, name, msg)) < 0) {
        router_service_remove(p->router, from, name);
        core_ack(p->core, from, msg, rc);
    }
}

static void service_remove_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct proxy *p = arg;
    const char *name;
    struct hold *hd;
    int rc;

    if (!from)
        return;
    if (flux_msg_unpack(msg, "{s:s}", "service", &name) < 0) {
        core_error(p->core, msg, errno, NULL);
        return;
    }
    rc = router_service_remove(p->router, from, name);
    if (rc == 0)
        let_go(flux_service_unregister(p->h, name));
    if ((hd = hold_find(p, from->uuid, true, name)))
        hold_free(hd);
    core_ack(p->core, from, msg, rc);
}

static void service_gone_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct proxy *p = arg;
    const char *uuid = msg_route_last(msg);
    struct hold *hd;

    while (uuid && (hd = hold_find(p, uuid, true, NULL))) {
        let_go(flux_service_unregister(p->h, hd->name));
        hold_free(hd);
    }
}

static const struct core_method methods[] = {
    {"event.subscribe", FLUX_ROLE_USER, subscribe_cb},
    {"event.unsubscribe", FLUX_ROLE_USER, unsubscribe_cb},
    {"event.publish", FLUX_ROLE_USER, NULL, true}, /* the broker's */
    {"event.disconnect", FLUX_ROLE_USER, event_gone_cb},
    {"service.add", FLUX_ROLE_USER, service_add_cb},
    {"service.remove", FLUX_ROLE_USER, service_remove_cb},
    {"service.disconnect", FLUX_ROLE_USER, service_gone_cb},
};

/* -- the connection -- */

static void refuse(struct proxy *p, const flux_msg_t *msg, int errnum)
{
    flux_msg_t *rsp;

    if (msg->type == FLUX_MSGTYPE_REQUEST && !flux_msg_is_noresponse(msg) &&
        (rsp = flux_response_derive(msg, errnum)))
        router_respond(p->router, &p->up, rsp);
}

/* The broker decides who we are over there; another user id, perhaps. */
static void send_up(struct endpoint *ep, flux_msg_t *msg)
{
    struct proxy *p = list_entry(ep, struct proxy, up);
    flux_msg_t *copy =
        msg->refs > 1 ? flux_msg_copy(msg, true) : (flux_msg_t *)flux_msg_incref(msg);
    int rc = copy ? 0 : -ENOMEM;

    if (rc == 0) {
        copy->userid = FLUX_USERID_UNKNOWN;
        copy->rolemask = FLUX_ROLE_NONE;
        rc = flux_send(p->h, copy, 0) < 0 ? -errno : 0;
    }
    if (rc < 0)
        refuse(p, msg, rc == -ECONNRESET ? EHOSTUNREACH : -rc);
    flux_msg_destroy(copy);
    flux_msg_destroy(msg);
}

static void received(struct proxy *p, flux_msg_t *msg)
{
    /* It was meant for the broker's rank, and has reached it. */
    if (msg->type == FLUX_MSGTYPE_REQUEST)
        flux_msg_set_nodeid(msg, FLUX_NODEID_ANY);
    router_recv(p->router, &p->up, msg);
}

static void disconnected(struct proxy *p, int errnum)
{
    flux_watcher_stop(p->in);
    router_detach(p->router, &p->up, EHOSTUNREACH);
    p->lost(errnum, p->arg);
}

static void in_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct proxy *p = arg;
    flux_msg_t *msg;

    for (int i = 0; i < MESSAGES_PER_TURN; i++) {
        if (!(msg = flux_recv(p->h, FLUX_MATCH_ANY, FLUX_O_NONBLOCK))) {
            if (errno != EAGAIN && errno != EWOULDBLOCK)
                disconnected(p, errno);
            return;
        }
        received(p, msg);
    }
}

static struct endpoint *toward(uint32_t rank, void *arg)
{
    struct proxy *p = arg;

    return router_is_attached(&p->up) ? &p->up : NULL;
}

static int attach(struct proxy *p)
{
    int rc = router_attach(p->router, &p->up, NULL);

    if (rc == 0)
        flux_watcher_start(p->in);
    return rc;
}

int proxy_reconnect(struct proxy *p)
{
    return flux_reconnect(p->h) < 0 ? -errno : attach(p);
}

/* -- life cycle -- */

void proxy_free(struct proxy *p)
{
    if (!p)
        return;
    server_free(p->server);
    list_each(a, &p->asks, struct ask, link) ask_free(a);
    if (p->router)
        router_detach(p->router, &p->up, ENOSYS);
    core_free(p->core);
    map_free(p->topics);
    list_each(hd, &p->holds, struct hold, link) hold_free(hd);
    flux_watcher_destroy(p->in);
    router_free(p->router);
    log_free(p->log);
    env_unref(p->env);
    free(p);
}

static int make_parts(struct proxy *p, flux_reactor_t *r)
{
    struct router_tree tree = {
        .rank = NOWHERE, .size = UINT32_MAX, .toward = toward, .arg = p};
    int rc;

    p->in = flux_handle_watcher_create(r, p->h, FLUX_POLLIN | FLUX_POLLERR, in_cb, p);
    if (!p->in || !(p->topics = map_new(topic_free)))
        return -ENOMEM;
    if ((rc = log_new(p->env, 16, &p->log)) < 0 ||
        (rc = router_new(p->env, getuid(), &p->router)) < 0)
        return rc;
    router_set_tree(p->router, &tree);
    if ((rc = core_new(p->router, NULL, &p->core)) < 0)
        return rc;
    return core_add(p->core, methods, ARRAY_SIZE(methods), p);
}

int proxy_new(flux_reactor_t *r, flux_t *h, const char *path, proxy_lost_f lost,
              void *arg, struct proxy **ret, flux_error_t *err)
{
    struct proxy *p = calloc(1, sizeof(*p));
    int rc;

    if (!p)
        return error_set(err, ENOMEM, "out of memory");
    p->h = h;
    p->env = env_ref(loop_env(flux_reactor_loop(r)));
    p->lost = lost;
    p->arg = arg;
    list_init(&p->holds);
    list_init(&p->asks);
    p->up = (struct endpoint){.send = send_up,
                              .kind = ENDPOINT_PARENT,
                              .name = "broker",
                              .cred = {getuid(), FLUX_ROLE_OWNER}};
    if ((rc = make_parts(p, r)) == 0 && (rc = attach(p)) == 0)
        rc = server_new(flux_reactor_loop(r), p->router, p->log, path,
                        &server_limits_default, &p->server);
    if (rc < 0) {
        proxy_free(p);
        return error_set(err, -rc, "%s: %s", path, strerror(-rc));
    }
    server_open(p->server);
    *ret = p;
    return 0;
}
