/* Watchers as their users see them (loop.h): creation, start and stop, references,
 * parameters. Each kind's own part is a struct watcher_ops of the loop.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "env/impl.h"

int watcher_new(struct loop *l, const struct watcher_ops *ops,
                const struct watcher *proto, struct watcher **ret)
{
    if (!ops)
        return -ENOTSUP;
    struct watcher *w = calloc(1, ops->size);
    if (!w)
        return -ENOMEM;
    *w = *proto;
    w->ops = ops;
    w->loop = l;
    int rc = ops->init ? ops->init(w) : 0;
    if (rc < 0) {
        free(w);
        return rc;
    }
    *ret = w;
    return 0;
}

static int new_kind(struct loop *l, const struct watcher *proto, struct watcher **ret)
{
    return watcher_new(l, l->ops->watchers[proto->kind], proto, ret);
}

void watcher_start(struct watcher *w)
{
    if (w->active)
        return;
    w->active = true;
    w->ops->start(w);
    if (w->unreferenced)
        w->loop->ops->hold(w->loop, -1);
}

void watcher_stop(struct watcher *w)
{
    if (!w->active)
        return;
    if (w->unreferenced)
        w->loop->ops->hold(w->loop, 1);
    w->active = false;
    w->ops->stop(w);
}

void watcher_expired(struct watcher *w)
{
    assert(w->active);
    w->active = false;
    if (w->unreferenced)
        w->loop->ops->hold(w->loop, 1);
}

void watcher_unref(struct watcher *w)
{
    if (w->unreferenced)
        return;
    w->unreferenced = true;
    if (w->active)
        w->loop->ops->hold(w->loop, -1);
}

void watcher_ref(struct watcher *w)
{
    if (!w->unreferenced)
        return;
    w->unreferenced = false;
    if (w->active)
        w->loop->ops->hold(w->loop, 1);
}

bool watcher_is_active(const struct watcher *w)
{
    return w->active;
}

bool watcher_is_referenced(const struct watcher *w)
{
    return !w->unreferenced;
}

void watcher_free(struct watcher *w)
{
    if (!w)
        return;
    watcher_stop(w);
    if (w->ops->fini)
        w->ops->fini(w);
    free(w);
}

void watcher_set_priority(struct watcher *w, int priority)
{
    bool active = w->active;
    if (w->kind != WATCHER_CHECK || w->priority == priority)
        return;
    watcher_stop(w);
    w->priority = priority < -2 ? -2 : priority > 2 ? 2 : priority;
    if (active)
        watcher_start(w);
}

double watcher_next_wakeup(const struct watcher *w)
{
    return w->active && w->ops->next ? w->ops->next(w) : -1;
}

/* ---- kinds ---- */

int watcher_new_fd(struct loop *l, int fd, int events, watcher_f cb, void *arg,
                   struct watcher **ret)
{
    if (fd < 0)
        return -EBADF;
    struct watcher proto = {.kind = WATCHER_FD, .cb = cb, .arg = arg};
    proto.fd.fd = fd;
    proto.fd.events = events;
    return new_kind(l, &proto, ret);
}

void watcher_fd_set_events(struct watcher *w, int events)
{
    assert(w->kind == WATCHER_FD);
    bool active = w->active;
    if (w->fd.events == events)
        return;
    watcher_stop(w);
    w->fd.events = events;
    if (active)
        watcher_start(w);
}

int watcher_new_timer(struct loop *l, double after, double repeat, watcher_f cb,
                      void *arg, struct watcher **ret)
{
    if (!(after >= 0) || !(repeat >= 0))
        return -EINVAL;
    struct watcher proto = {.kind = WATCHER_TIMER, .cb = cb, .arg = arg};
    proto.timer.after = after;
    proto.timer.repeat = repeat;
    return new_kind(l, &proto, ret);
}

void watcher_timer_set(struct watcher *w, double after, double repeat)
{
    assert(w->kind == WATCHER_TIMER);
    bool active = w->active;
    watcher_stop(w);
    w->timer.after = after;
    w->timer.repeat = repeat;
    if (active)
        watcher_start(w);
}

void watcher_timer_again(struct watcher *w)
{
    watcher_stop(w);
    if (w->kind == WATCHER_PERIODIC) {
        watcher_start(w);
    } else if (w->kind == WATCHER_TIMER && w->timer.repeat > 0) {
        double after = w->timer.after;
        w->timer.after = w->timer.repeat;
        watcher_start(w);
        w->timer.after = after;
    }
}

int watcher_new_periodic(struct loop *l, double offset, double interval,
                         watcher_resched_f resched, watcher_f cb, void *arg,
                         struct watcher **ret)
{
    if (!(offset >= 0) || !(interval >= 0))
        return -EINVAL;
    struct watcher proto = {.kind = WATCHER_PERIODIC, .cb = cb, .arg = arg};
    proto.periodic.offset = offset;
    proto.periodic.interval = interval;
    proto.periodic.resched = resched;
    return new_kind(l, &proto, ret);
}

void watcher_periodic_set(struct watcher *w, double offset, double interval,
                          watcher_resched_f resched)
{
    assert(w->kind == WATCHER_PERIODIC);
    bool active = w->active;
    watcher_stop(w);
    w->periodic.offset = offset;
    w->periodic.interval = interval;
    w->periodic.resched = resched;
    if (active)
        watcher_start(w);
}

static int new_plain(struct loop *l, enum watcher_kind kind, watcher_f cb, void *arg,
                     struct watcher **ret)
{
    struct watcher proto = {.kind = kind, .cb = cb, .arg = arg};
    return new_kind(l, &proto, ret);
}

int watcher_new_prepare(struct loop *l, watcher_f cb, void *arg, struct watcher **ret)
{
    return new_plain(l, WATCHER_PREPARE, cb, arg, ret);
}

int watcher_new_check(struct loop *l, watcher_f cb, void *arg, struct watcher **ret)
{
    return new_plain(l, WATCHER_CHECK, cb, arg, ret);
}

int watcher_new_idle(struct loop *l, watcher_f cb, void *arg, struct watcher **ret)
{
    return new_plain(l, WATCHER_IDLE, cb, arg, ret);
}

int watcher_new_signal(struct loop *l, int signum, watcher_f cb, void *arg,
                       struct watcher **ret)
{
    struct watcher proto = {.kind = WATCHER_SIGNAL, .cb = cb, .arg = arg};
    proto.signum = signum;
    return new_kind(l, &proto, ret);
}

int watcher_signal_get(const struct watcher *w)
{
    return w->kind == WATCHER_SIGNAL ? w->signum : -EINVAL;
}

/* ---- async: an entry of the loop's queue, once however often it is kicked ---- */

struct async_watcher {
    struct watcher w;
    struct queued q;
    atomic_bool kicked;
};

static struct async_watcher *async_of(struct watcher *w)
{
    return CONTAINER_OF(w, struct async_watcher, w);
}

static void async_run(struct queued *q)
{
    struct async_watcher *a = list_entry(q, struct async_watcher, q);
    atomic_store(&a->kicked, false);
    if (a->w.active)
        a->w.cb(&a->w, 0, a->w.arg);
}

static int async_init(struct watcher *w)
{
    struct async_watcher *a = async_of(w);
    atomic_init(&a->kicked, false);
    list_init(&a->q.link);
    a->q.run = async_run;
    return 0;
}

static void async_start(struct watcher *w)
{
    w->loop->ops->hold(w->loop, 1);
}

static void async_stop(struct watcher *w)
{
    struct async_watcher *a = async_of(w);
    w->loop->ops->hold(w->loop, -1);
    loop_unqueue(w->loop, &a->q);
    atomic_store(&a->kicked, false);
}

static const struct watcher_ops async_ops = {
    .size = sizeof(struct async_watcher),
    .init = async_init,
    .start = async_start,
    .stop = async_stop,
};

int watcher_new_async(struct loop *l, watcher_f cb, void *arg, struct watcher **ret)
{
    struct watcher proto = {.kind = WATCHER_ASYNC, .cb = cb, .arg = arg};
    return watcher_new(l, &async_ops, &proto, ret);
}

void watcher_kick(struct watcher *w)
{
    assert(w->kind == WATCHER_ASYNC);
    struct async_watcher *a = async_of(w);
    if (!atomic_exchange(&a->kicked, true))
        loop_queue(w->loop, &a->q);
}
