/* An in-process endpoint. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/connector.h>

#include "base/cleanup.h"
#include "broker/port.h"
#include "env/loop.h"

struct port {
    struct endpoint ep; /* first */
    struct router *router;
    struct env *env;
    struct flux_port *fp;
    port_closed_f closed;
    void *arg;
    double last_seen;
    char *name;
};

static void port_send(struct endpoint *ep, flux_msg_t *msg)
{
    struct port *p = (struct port *)ep;

    if (!p->fp || flux_port_send_new(p->fp, &msg) < 0)
        flux_msg_destroy(msg);
}

static void recv_cb(struct flux_port *fp, flux_msg_t *msg, void *arg)
{
    struct port *p = arg;

    p->last_seen = env_monotonic(p->env);
    router_recv(p->router, &p->ep, msg);
}

static void closed_cb(struct flux_port *fp, void *arg)
{
    struct port *p = arg;

    if (p->closed)
        p->closed(p, p->arg);
    else
        router_detach(p->router, &p->ep, EHOSTUNREACH);
}

int port_new(struct router *r, flux_reactor_t *reactor, const char *name,
             port_closed_f closed, void *arg, struct port **ret, flux_t **ret_h)
{
    struct port *p = calloc(1, sizeof(*p));
    flux_t *h;
    int rc;

    if (!p || !(p->name = strdup(name))) {
        free(p);
        return -ENOMEM;
    }
    p->router = r;
    p->env = loop_env(flux_reactor_loop(reactor));
    p->closed = closed;
    p->arg = arg;
    p->last_seen = env_monotonic(p->env);
    p->ep.send = port_send;
    p->ep.name = p->name;
    p->ep.cred.userid = router_owner(r);
    p->ep.cred.rolemask = FLUX_ROLE_OWNER | FLUX_ROLE_LOCAL;
    if ((rc = router_attach(r, &p->ep, NULL)) < 0)
        goto error;
    if (flux_port_create(reactor, recv_cb, closed_cb, p, &p->fp, &h) < 0) {
        rc = -errno;
        router_detach(r, &p->ep, ENOSYS);
        goto error;
    }
    *ret = p;
    *ret_h = h;
    return 0;
error:
    free(p->name);
    free(p);
    return rc;
}

void port_free(struct port *p, int errnum)
{
    if (!p)
        return;
    router_detach(p->router, &p->ep, errnum);
    flux_port_destroy(p->fp);
    free(p->name);
    free(p);
}

struct endpoint *port_endpoint(struct port *p)
{
    return &p->ep;
}

double port_last_seen(const struct port *p)
{
    return p->last_seen;
}
