/* Watchers of the public API, each around one of env's; the one for handles is in
 * watcher_handle.c.
 */
#include "flux/watcher_private.h"

#include <errno.h>
#include <stdlib.h>

flux_watcher_t *watcher_create(flux_reactor_t *r, enum flux_watcher_kind kind,
                               flux_watcher_f cb, void *arg)
{
    flux_watcher_t *fw;

    if (!r) {
        errno = EINVAL;
        return NULL;
    }
    if (!(fw = calloc(1, sizeof(*fw))))
        return NULL;
    fw->r = r;
    flux_reactor_incref(r);
    fw->kind = kind;
    fw->cb = cb;
    fw->arg = arg;
    return fw;
}

/* The callback may destroy the watcher: nothing may follow it. */
static void on_event(struct watcher *w, int revents, void *arg)
{
    flux_watcher_t *fw = arg;

    if (fw->cb)
        fw->cb(fw->r, fw, revents, fw->arg);
}

static double on_reschedule(struct watcher *w, double now, void *arg)
{
    flux_watcher_t *fw = arg;

    return fw->reschedule(fw, now, fw->arg);
}

/* Finish a creation: rc is that of env's call. */
static flux_watcher_t *created(flux_watcher_t *fw, int rc)
{
    if (rc < 0) {
        flux_watcher_destroy(fw);
        errno = -rc;
        return NULL;
    }
    return fw;
}

void flux_watcher_start(flux_watcher_t *fw)
{
    if (!fw)
        return;
    if (fw->kind == WATCHER_KIND_HANDLE)
        watcher_handle_start(fw);
    else
        watcher_start(fw->w);
}

void flux_watcher_stop(flux_watcher_t *fw)
{
    if (!fw)
        return;
    if (fw->kind == WATCHER_KIND_HANDLE)
        watcher_handle_stop(fw);
    else
        watcher_stop(fw->w);
}

void flux_watcher_destroy(flux_watcher_t *fw)
{
    int saved_errno = errno;

    if (!fw)
        return;
    if (fw->kind == WATCHER_KIND_HANDLE)
        watcher_handle_destroy(fw);
    watcher_free(fw->w);
    flux_reactor_decref(fw->r);
    free(fw);
    errno = saved_errno;
}

void flux_watcher_ref(flux_watcher_t *fw)
{
    if (!fw)
        return;
    fw->unreferenced = false;
    if (fw->kind == WATCHER_KIND_HANDLE)
        watcher_handle_update_ref(fw);
    else
        watcher_ref(fw->w);
}

void flux_watcher_unref(flux_watcher_t *fw)
{
    if (!fw)
        return;
    fw->unreferenced = true;
    if (fw->kind == WATCHER_KIND_HANDLE)
        watcher_handle_update_ref(fw);
    else
        watcher_unref(fw->w);
}

bool flux_watcher_is_active(flux_watcher_t *fw)
{
    if (!fw)
        return false;
    return fw->kind == WATCHER_KIND_HANDLE ? fw->started : watcher_is_active(fw->w);
}

bool flux_watcher_is_referenced(flux_watcher_t *fw)
{
    return fw && !fw->unreferenced;
}

double flux_watcher_next_wakeup(flux_watcher_t *fw)
{
    double t = -1;

    if (fw && (fw->kind == WATCHER_KIND_TIMER || fw->kind == WATCHER_KIND_PERIODIC))
        t = watcher_next_wakeup(fw->w);
    if (t < 0)
        errno = EINVAL;
    return t;
}

void flux_watcher_set_priority(flux_watcher_t *fw, int priority)
{
    if (fw && fw->kind == WATCHER_KIND_CHECK)
        watcher_set_priority(fw->w, priority < -2 ? -2 : priority > 2 ? 2 : priority);
}

/* ---- kinds ---- */

flux_watcher_t *flux_fd_watcher_create(flux_reactor_t *r, int fd, int events,
                                       flux_watcher_f cb, void *arg)
{
    flux_watcher_t *fw = watcher_create(r, WATCHER_KIND_FD, cb, arg);

    if (!fw)
        return NULL;
    fw->fd = fd;
    return created(fw, watcher_new_fd(r->loop, fd, events, on_event, fw, &fw->w));
}

int flux_fd_watcher_get_fd(flux_watcher_t *fw)
{
    if (!fw || fw->kind != WATCHER_KIND_FD) {
        errno = EINVAL;
        return -1;
    }
    return fw->fd;
}

flux_watcher_t *flux_timer_watcher_create(flux_reactor_t *r, double after, double repeat,
                                          flux_watcher_f cb, void *arg)
{
    flux_watcher_t *fw;

    if (!(after >= 0) || !(repeat >= 0)) {
        errno = EINVAL;
        return NULL;
    }
    if (!(fw = watcher_create(r, WATCHER_KIND_TIMER, cb, arg)))
        return NULL;
    return created(fw, watcher_new_timer(r->loop, after, repeat, on_event, fw, &fw->w));
}

void flux_timer_watcher_reset(flux_watcher_t *fw, double after, double repeat)
{
    if (fw && fw->kind == WATCHER_KIND_TIMER)
        watcher_timer_set(fw->w, after, repeat);
}

void flux_timer_watcher_again(flux_watcher_t *fw)
{
    if (fw && fw->kind == WATCHER_KIND_TIMER)
        watcher_timer_again(fw->w);
}

flux_watcher_t *flux_periodic_watcher_create(flux_reactor_t *r, double offset,
                                             double interval,
                                             flux_reschedule_f reschedule_cb,
                                             flux_watcher_f cb, void *arg)
{
    flux_watcher_t *fw;

    if (!(offset >= 0) || !(interval >= 0)) {
        errno = EINVAL;
        return NULL;
    }
    if (!(fw = watcher_create(r, WATCHER_KIND_PERIODIC, cb, arg)))
        return NULL;
    fw->reschedule = reschedule_cb;
    return created(fw, watcher_new_periodic(r->loop, offset, interval,
                                            reschedule_cb ? on_reschedule : NULL,
                                            on_event, fw, &fw->w));
}

void flux_periodic_watcher_reset(flux_watcher_t *fw, double next_wakeup, double interval,
                                 flux_reschedule_f reschedule_cb)
{
    if (!fw || fw->kind != WATCHER_KIND_PERIODIC)
        return;
    fw->reschedule = reschedule_cb;
    watcher_periodic_set(fw->w, next_wakeup, interval,
                         reschedule_cb ? on_reschedule : NULL);
}

flux_watcher_t *flux_prepare_watcher_create(flux_reactor_t *r, flux_watcher_f cb,
                                            void *arg)
{
    flux_watcher_t *fw = watcher_create(r, WATCHER_KIND_PREPARE, cb, arg);

    return fw ? created(fw, watcher_new_prepare(r->loop, on_event, fw, &fw->w)) : NULL;
}

flux_watcher_t *flux_check_watcher_create(flux_reactor_t *r, flux_watcher_f cb, void *arg)
{
    flux_watcher_t *fw = watcher_create(r, WATCHER_KIND_CHECK, cb, arg);

    return fw ? created(fw, watcher_new_check(r->loop, on_event, fw, &fw->w)) : NULL;
}

flux_watcher_t *flux_idle_watcher_create(flux_reactor_t *r, flux_watcher_f cb, void *arg)
{
    flux_watcher_t *fw = watcher_create(r, WATCHER_KIND_IDLE, cb, arg);

    return fw ? created(fw, watcher_new_idle(r->loop, on_event, fw, &fw->w)) : NULL;
}

flux_watcher_t *flux_signal_watcher_create(flux_reactor_t *r, int signum,
                                           flux_watcher_f cb, void *arg)
{
    flux_watcher_t *fw = watcher_create(r, WATCHER_KIND_SIGNAL, cb, arg);

    return fw ? created(fw, watcher_new_signal(r->loop, signum, on_event, fw, &fw->w))
              : NULL;
}

int flux_signal_watcher_get_signum(flux_watcher_t *fw)
{
    if (!fw || fw->kind != WATCHER_KIND_SIGNAL) {
        errno = EINVAL;
        return -1;
    }
    return watcher_signal_get(fw->w);
}

flux_watcher_t *flux_stat_watcher_create(flux_reactor_t *r, const char *path,
                                         double interval, flux_watcher_f cb, void *arg)
{
    flux_watcher_t *fw;

    if (!path) {
        errno = EINVAL;
        return NULL;
    }
    if (!(fw = watcher_create(r, WATCHER_KIND_STAT, cb, arg)))
        return NULL;
    return created(fw, watcher_new_stat(r->loop, path, interval, on_event, fw, &fw->w));
}

int flux_stat_watcher_get_rstat(flux_watcher_t *fw, struct stat *now, struct stat *prev)
{
    struct stat n, p;

    if (!fw || fw->kind != WATCHER_KIND_STAT) {
        errno = EINVAL;
        return -1;
    }
    watcher_stat_get(fw->w, &n, &p);
    if (now)
        *now = n;
    if (prev)
        *prev = p;
    return 0;
}
