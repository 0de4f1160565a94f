/* Watchers of the real loop: each wraps its libev counterpart. Descriptors and
 * timers also tell the exported descriptor (export.c).
 */
#include <errno.h>
#include <fcntl.h>

#include "env/loop_real.h"

/* ---- file descriptors ---- */

static struct real_fd *fd_of(struct watcher *w)
{
    return CONTAINER_OF(w, struct real_fd, w);
}

static int loop_events(int ev)
{
    return (ev & EV_READ ? LOOP_IN : 0) | (ev & EV_WRITE ? LOOP_OUT : 0) |
           (ev & EV_ERROR ? LOOP_ERR : 0);
}

static void forget_fd(struct real_fd *f)
{
    list_del(&f->link);
    export_watch(real_loop(f->w.loop)->export, f->w.fd.fd, f->w.fd.events, -1);
}

static void on_fd(struct ev_loop *loop, ev_io *io, int revents)
{
    struct real_fd *f = io->data;
    if (!ev_is_active(io)) { /* libev stops watchers of a closed descriptor */
        forget_fd(f);
        watcher_expired(&f->w);
    }
    f->w.cb(&f->w, loop_events(revents), f->w.arg);
}

/* libev aborts the process when it is given a descriptor that is not open. */
static int fd_init(struct watcher *w)
{
    list_init(&fd_of(w)->link);
    return fcntl(w->fd.fd, F_GETFD) < 0 ? -errno : 0;
}

static void fd_start(struct watcher *w)
{
    struct real_fd *f = fd_of(w);
    struct real_loop *r = real_loop(w->loop);
    int events =
        (w->fd.events & LOOP_IN ? EV_READ : 0) | (w->fd.events & LOOP_OUT ? EV_WRITE : 0);
    ev_io_init(&f->io, on_fd, w->fd.fd, events);
    f->io.data = f;
    r->ev->io_start(r->loop, &f->io);
    list_append(&r->fds, &f->link);
    export_watch(r->export, w->fd.fd, w->fd.events, 1);
}

static void fd_stop(struct watcher *w)
{
    struct real_fd *f = fd_of(w);
    struct real_loop *r = real_loop(w->loop);
    r->ev->io_stop(r->loop, &f->io);
    forget_fd(f);
}

const struct watcher_ops real_fd_ops = {
    .size = sizeof(struct real_fd),
    .init = fd_init,
    .start = fd_start,
    .stop = fd_stop,
};

/* ---- timers ---- */

static struct real_timer *timer_of(struct watcher *w)
{
    return CONTAINER_OF(w, struct real_timer, w);
}

double real_timer_left(const struct real_timer *t)
{
    struct real_loop *r = real_loop(t->w.loop);
    if (t->w.kind == WATCHER_PERIODIC)
        return ev_periodic_at(&t->periodic) - r->ev->time();
    double elapsed = r->ev->time() - r->ev->now(r->loop);
    return r->ev->timer_remaining(r->loop, (ev_timer *)&t->timer) - elapsed;
}

static int timer_init(struct watcher *w)
{
    list_init(&timer_of(w)->link);
    return 0;
}

/* Outside of a run the loop's idea of the time may be old. */
static void refresh_now(struct real_loop *r)
{
    if (r->depth == 0)
        r->ev->now_update(r->loop);
}

static void timer_started(struct real_timer *t)
{
    struct real_loop *r = real_loop(t->w.loop);
    list_append(&r->timers, &t->link);
    if (r->export)
        export_timer(r->export, real_timer_left(t));
}

static void timer_fired(struct real_timer *t, bool active)
{
    if (!active) {
        list_del(&t->link);
        watcher_expired(&t->w);
    }
    t->w.cb(&t->w, 0, t->w.arg);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int revents)
{
    timer_fired(timer->data, ev_is_active(timer));
}

static void timer_start(struct watcher *w)
{
    struct real_timer *t = timer_of(w);
    struct real_loop *r = real_loop(w->loop);
    refresh_now(r);
    ev_timer_init(&t->timer, on_timer, w->timer.after, w->timer.repeat);
    t->timer.data = t;
    r->ev->timer_start(r->loop, &t->timer);
    timer_started(t);
}

static void timer_stop(struct watcher *w)
{
    struct real_timer *t = timer_of(w);
    struct real_loop *r = real_loop(w->loop);
    r->ev->timer_stop(r->loop, &t->timer);
    list_del(&t->link);
}

static double timer_next(const struct watcher *w)
{
    const struct real_timer *t = CONTAINER_OF(w, struct real_timer, w);
    struct real_loop *r = real_loop(w->loop);
    return r->ev->now(r->loop) + r->ev->timer_remaining(r->loop, (ev_timer *)&t->timer);
}

const struct watcher_ops real_timer_ops = {
    .size = sizeof(struct real_timer),
    .init = timer_init,
    .start = timer_start,
    .stop = timer_stop,
    .next = timer_next,
};

/* ---- periodics ---- */

static void on_periodic(struct ev_loop *loop, ev_periodic *periodic, int revents)
{
    timer_fired(periodic->data, ev_is_active(periodic));
}

static ev_tstamp on_reschedule(ev_periodic *periodic, ev_tstamp now)
{
    struct real_timer *t = periodic->data;
    double at = t->w.periodic.resched(&t->w, now, t->w.arg);
    return at > now ? at : now + 1e-3; /* libev demands a later time */
}

static void periodic_start(struct watcher *w)
{
    struct real_timer *t = timer_of(w);
    struct real_loop *r = real_loop(w->loop);
    refresh_now(r);
    ev_periodic_init(&t->periodic, on_periodic, w->periodic.offset, w->periodic.interval,
                     w->periodic.resched ? on_reschedule : NULL);
    t->periodic.data = t;
    r->ev->periodic_start(r->loop, &t->periodic);
    timer_started(t);
}

static void periodic_stop(struct watcher *w)
{
    struct real_timer *t = timer_of(w);
    struct real_loop *r = real_loop(w->loop);
    r->ev->periodic_stop(r->loop, &t->periodic);
    list_del(&t->link);
}

static double periodic_next(const struct watcher *w)
{
    const struct real_timer *t = CONTAINER_OF(w, struct real_timer, w);
    return ev_periodic_at(&t->periodic);
}

const struct watcher_ops real_periodic_ops = {
    .size = sizeof(struct real_timer),
    .init = timer_init,
    .start = periodic_start,
    .stop = periodic_stop,
    .next = periodic_next,
};

/* ---- prepare, check, idle ---- */

struct real_phase {
    struct watcher w;
    union {
        ev_prepare prepare;
        ev_check check;
        ev_idle idle;
    };
};

static struct real_phase *phase_of(struct watcher *w)
{
    return CONTAINER_OF(w, struct real_phase, w);
}

static void on_prepare(struct ev_loop *loop, ev_prepare *prepare, int revents)
{
    struct watcher *w = prepare->data;
    w->cb(w, 0, w->arg);
}

static void prepare_start(struct watcher *w)
{
    struct real_phase *p = phase_of(w);
    struct real_loop *r = real_loop(w->loop);
    ev_prepare_init(&p->prepare, on_prepare);
    p->prepare.data = w;
    r->ev->prepare_start(r->loop, &p->prepare);
}

static void prepare_stop(struct watcher *w)
{
    struct real_loop *r = real_loop(w->loop);
    r->ev->prepare_stop(r->loop, &phase_of(w)->prepare);
}

const struct watcher_ops real_prepare_ops = {
    .size = sizeof(struct real_phase),
    .start = prepare_start,
    .stop = prepare_stop,
};

static void on_check(struct ev_loop *loop, ev_check *check, int revents)
{
    struct watcher *w = check->data;
    w->cb(w, 0, w->arg);
}

static void check_start(struct watcher *w)
{
    struct real_phase *p = phase_of(w);
    struct real_loop *r = real_loop(w->loop);
    ev_check_init(&p->check, on_check);
    ev_set_priority(&p->check, w->priority);
    p->check.data = w;
    r->ev->check_start(r->loop, &p->check);
}

static void check_stop(struct watcher *w)
{
    struct real_loop *r = real_loop(w->loop);
    r->ev->check_stop(r->loop, &phase_of(w)->check);
}

const struct watcher_ops real_check_ops = {
    .size = sizeof(struct real_phase),
    .start = check_start,
    .stop = check_stop,
};

static void on_idle(struct ev_loop *loop, ev_idle *idle, int revents)
{
    struct watcher *w = idle->data;
    w->cb(w, 0, w->arg);
}

static void idle_start(struct watcher *w)
{
    struct real_phase *p = phase_of(w);
    struct real_loop *r = real_loop(w->loop);
    ev_idle_init(&p->idle, on_idle);
    p->idle.data = w;
    r->ev->idle_start(r->loop, &p->idle);
    if (r->idles++ == 0)
        export_timer(r->export, 0);
}

static void idle_stop(struct watcher *w)
{
    struct real_loop *r = real_loop(w->loop);
    r->ev->idle_stop(r->loop, &phase_of(w)->idle);
    r->idles--;
}

const struct watcher_ops real_idle_ops = {
    .size = sizeof(struct real_phase),
    .start = idle_start,
    .stop = idle_stop,
};
