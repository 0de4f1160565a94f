/* The handle watcher: calls back while flux_pollevents() has one of the events. The
 * connection's descriptor wakes the loop; what the handle already holds is seen when the
 * loop is about to wait, and keeps it from waiting.
 */
#include "flux/watcher_private.h"

#include <errno.h>

#include "flux/handle_private.h"

static void on_nothing(struct watcher *w, int revents, void *arg)
{
}

static int ready(flux_watcher_t *fw)
{
    int events = flux_pollevents(fw->h);

    if (events < 0)
        return fw->events & FLUX_POLLERR;
    return events & (fw->events | FLUX_POLLERR);
}

static void update_ref(struct watcher *w, bool unreferenced)
{
    if (!w)
        return;
    if (unreferenced)
        watcher_unref(w);
    else
        watcher_ref(w);
}

void watcher_handle_update_ref(flux_watcher_t *fw)
{
    update_ref(fw->w, fw->unreferenced);
    update_ref(fw->idle, fw->unreferenced);
}

/* The descriptor is another one after a reconnect. */
static void follow_descriptor(flux_watcher_t *fw)
{
    int fd = handle_connfd(fw->h);

    if (fd == fw->fd && fw->w)
        return;
    watcher_free(fw->w);
    fw->w = NULL;
    fw->fd = fd;
    if (fd < 0 || watcher_new_fd(fw->r->loop, fd, LOOP_IN, on_nothing, fw, &fw->w) < 0)
        return;
    update_ref(fw->w, fw->unreferenced);
    watcher_start(fw->w);
}

static void on_prepare(struct watcher *w, int revents, void *arg)
{
    flux_watcher_t *fw = arg;

    follow_descriptor(fw);
    if (ready(fw))
        watcher_start(fw->idle);
    else
        watcher_stop(fw->idle);
}

static void on_check(struct watcher *w, int revents, void *arg)
{
    flux_watcher_t *fw = arg;
    int events = ready(fw);

    if (events)
        fw->cb(fw->r, fw, events, fw->arg); /* may destroy the watcher */
}

void watcher_handle_start(flux_watcher_t *fw)
{
    if (fw->started)
        return;
    fw->started = true;
    follow_descriptor(fw);
    watcher_start(fw->prepare);
    watcher_start(fw->check);
}

void watcher_handle_stop(flux_watcher_t *fw)
{
    if (!fw->started)
        return;
    fw->started = false;
    watcher_free(fw->w);
    fw->w = NULL;
    watcher_stop(fw->prepare);
    watcher_stop(fw->check);
    watcher_stop(fw->idle);
}

void watcher_handle_destroy(flux_watcher_t *fw)
{
    if (fw->prepare && fw->check && fw->idle)
        watcher_handle_stop(fw);
    watcher_free(fw->prepare);
    watcher_free(fw->check);
    watcher_free(fw->idle);
}

flux_watcher_t *flux_handle_watcher_create(flux_reactor_t *r, flux_t *h, int events,
                                           flux_watcher_f cb, void *arg)
{
    flux_watcher_t *fw;
    int rc;

    if (!h || (events & ~(FLUX_POLLIN | FLUX_POLLOUT | FLUX_POLLERR))) {
        errno = EINVAL;
        return NULL;
    }
    if (!(fw = watcher_create(r, WATCHER_KIND_HANDLE, cb, arg)))
        return NULL;
    fw->h = h;
    fw->events = events;
    fw->fd = -1;
    if ((rc = watcher_new_prepare(r->loop, on_prepare, fw, &fw->prepare)) < 0 ||
        (rc = watcher_new_check(r->loop, on_check, fw, &fw->check)) < 0 ||
        (rc = watcher_new_idle(r->loop, on_nothing, fw, &fw->idle)) < 0) {
        flux_watcher_destroy(fw);
        errno = -rc;
        return NULL;
    }
    watcher_unref(fw->prepare);
    watcher_unref(fw->check);
    return fw;
}

flux_t *flux_handle_watcher_get_flux(flux_watcher_t *fw)
{
    if (!fw || fw->kind != WATCHER_KIND_HANDLE) {
        errno = EINVAL;
        return NULL;
    }
    return fw->h;
}
