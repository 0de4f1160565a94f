/* Links between brokers: passes each call to the transport of the loop's world. */
#include <errno.h>

#include "env/impl.h"

int env_set_transport(struct env *env, const struct transport_ops *ops)
{
    if (env->transport && env->transport != ops)
        return -EBUSY;
    env->transport = ops;
    return 0;
}

static int check_conf(struct loop *l, const struct link_conf *conf)
{
    if (!l->env->transport)
        return -ENOTSUP;
    const struct link_cb *cb = conf->cb;
    if (!cb || !cb->message || !cb->closed || !conf->max_message || !conf->max_queue)
        return -EINVAL;
    return 0;
}

int transport_listen(struct loop *l, const char *address, const struct link_conf *conf,
                     struct link **ret)
{
    int rc = check_conf(l, conf);
    if (rc == 0 && !conf->cb->accepted)
        rc = -EINVAL;
    return rc < 0 ? rc : l->env->transport->listen(l, address, conf, ret);
}

int transport_dial(struct loop *l, const char *address, const struct link_conf *conf,
                   struct link **ret)
{
    int rc = check_conf(l, conf);
    return rc < 0 ? rc : l->env->transport->dial(l, address, conf, ret);
}

int link_send(struct link *link, const struct iovec *parts, int n)
{
    return link->ops->send(link, parts, n);
}

void link_close(struct link *link)
{
    if (link)
        link->ops->close(link);
}

void link_set_arg(struct link *link, const struct link_cb *cb, void *arg)
{
    if (cb)
        link->conf.cb = cb;
    link->conf.arg = arg;
}

void link_set_max_message(struct link *link, size_t max_message)
{
    link->conf.max_message = max_message;
}

const char *link_address(const struct link *link)
{
    return link->address;
}

size_t link_queued(const struct link *link)
{
    return link->queued;
}
