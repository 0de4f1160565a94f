/* Reading a connection on the reactor, for whoever waits for messages (see
 * handle_private.h), and repairing one.
 */
#include "flux/handle_private.h"

#include <errno.h>
#include <stdlib.h>

#include <flux/rpc.h>

/* Messages in one go, so that timers and other descriptors get their turn. */
#define BATCH_MAX 256

/* 1, 0 as handle_take(), but rx comes first. */
static int next_message(flux_t *h, flux_msg_t **ret)
{
    if ((*ret = msgq_pop(&h->root->rx))) {
        if (h->root->rx.count == 0)
            pollfd_queue_changed(h->root);
        return 1;
    }
    return handle_take(h->root, ret);
}

static void give_up(flux_t *h, int errnum)
{
    if (h->fdw)
        watcher_stop(h->fdw); /* it would be ready for ever */
    errno = errnum;
    flux_reactor_stop_error(h->reactor);
}

static void read_batch(flux_t *h)
{
    for (int n = 0; n < BATCH_MAX; n++) {
        flux_msg_t *msg;
        int rc;

        if (h->readers == 0)
            return;
        if ((rc = next_message(h, &msg)) == -EAGAIN)
            return;
        if (rc < 0) {
            give_up(h, -rc);
            return;
        }
        if (rc == 1)
            dispatch_message(h, msg);
        if (h->reactor->stopped)
            break;
    }
    reactor_defer(h->reactor, &h->read_task);
}

static void read_now(flux_t *h)
{
    flux_incref(h);
    read_batch(h);
    flux_decref(h);
}

static void on_readable(struct watcher *w, int revents, void *arg)
{
    read_now(arg);
}

static void on_task(struct task *t)
{
    read_now(list_entry(t, flux_t, read_task));
}

static void read_soon(flux_t *h)
{
    if (h->readers > 0)
        reactor_defer(h->reactor, &h->read_task);
}

void handle_read_soon(flux_t *root)
{
    pollfd_queue_changed(root);
    read_soon(root);
    list_each(clone, &root->clones, flux_t, clone_link) read_soon(clone);
}

void flux_handle_kick(flux_t *h)
{
    read_soon(h);
}

static int watch(flux_t *h)
{
    int fd, rc;

    if (h->kicked) {
        flux_reactor_active_incref(h->reactor);
        return 0;
    }
    if (!h->fdw) {
        if ((fd = handle_connfd(h)) < 0)
            return -errno;
        rc = watcher_new_fd(h->reactor->loop, fd, LOOP_IN, on_readable, h, &h->fdw);
        if (rc < 0)
            return rc;
    }
    watcher_start(h->fdw);
    return 0;
}

int handle_read_ref(flux_t *h)
{
    int rc;

    if (h->readers == 0) {
        if (!flux_get_reactor(h))
            return -errno;
        h->read_task.fn = on_task;
        if ((rc = watch(h)) < 0)
            return rc;
    }
    /* Something may be in rx, or read but not yet handled in the connector, where no
     * descriptor tells of it. */
    if (h->readers++ == 0)
        reactor_defer(h->reactor, &h->read_task);
    return 0;
}

void handle_read_unref(flux_t *h)
{
    if (h->readers == 0 || --h->readers > 0)
        return;
    task_cancel(&h->read_task);
    if (h->kicked)
        flux_reactor_active_decref(h->reactor);
    else
        watcher_stop(h->fdw);
}

void handle_read_fini(flux_t *h)
{
    while (h->readers > 0)
        handle_read_unref(h);
    task_cancel(&h->read_task);
    watcher_free(h->fdw);
    h->fdw = NULL;
}

static void refresh(flux_t *h)
{
    pollfd_refresh(h);
    if (!h->fdw)
        return;
    watcher_free(h->fdw);
    h->fdw = NULL;
    if (h->readers > 0)
        watch(h);
}

void handle_read_refresh(flux_t *root)
{
    refresh(root);
    list_each(clone, &root->clones, flux_t, clone_link) refresh(clone);
}

/* ---- reconnect ---- */

static int renew(flux_t *h, struct map *names, const char *topic, const char *key)
{
    const char *name;
    void *value;

    for (size_t it = 0; names && map_next(names, &it, &name, &value);) {
        flux_future_t *f = flux_rpc_pack(h, topic, FLUX_NODEID_ANY, FLUX_RPC_NORESPONSE,
                                         "{s:s}", key, name);

        if (!f)
            return -1;
        flux_future_destroy(f);
    }
    return 0;
}

int flux_reconnect(flux_t *h)
{
    if (!h) {
        errno = EINVAL;
        return -1;
    }
    h = h->root;
    if (!h->ops->reconnect) {
        errno = ENOSYS;
        return -1;
    }
    if (h->ops->reconnect(h->impl) < 0)
        return -1;
    handle_read_refresh(h);
    rpc_fail_all(h, ECONNRESET); /* their answers went down with the old connection */
    if (renew(h, h->subscriptions, "event.subscribe", "topic") < 0 ||
        renew(h, h->services, "service.add", "service") < 0)
        return -1;
    return 0;
}
