/* One descriptor for a whole loop (loop_pollfd), so that a foreign event loop can
 * drive it: whenever it polls readable, loop_run(LOOP_NOWAIT) has something to do.
 *
 * libev's own epoll descriptor would not do: it is not exported, knows nothing of
 * timers and queued calls, and is updated only inside a run. So once asked for,
 * each watched descriptor is registered here as well (level-triggered, the union
 * of its watchers' events), beside the loop's eventfd and a timerfd.
 *
 * The timerfd is lazy. Starting a timer moves it only to an earlier time; stopping
 * one leaves it. Going off for nothing is harmless: the end of the run that it
 * causes looks for the next time.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "env/loop_real.h"

struct watched {
    unsigned short in, out; /* watchers that want it */
    bool ready;             /* a plain file: epoll refuses it, it is always ready */
    bool added;
};

struct export
{
    int epfd, timerfd;
    double armed; /* monotonic clock; INFINITY: not armed */
    struct watched *fds;
    int nfds;
    int ready; /* how many of them are always ready */
    struct real_loop *r;
};

static double monotonic(const struct export *e)
{
    return env_monotonic(e->r->base.env);
}

static int add_readable(struct export *e, int fd)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(e->epfd, EPOLL_CTL_ADD, fd, &ev) < 0 ? -errno : 0;
}

static int grow(struct export *e, int fd)
{
    if (fd < e->nfds)
        return 0;
    int n = e->nfds ? e->nfds : 32;
    while (n <= fd)
        n *= 2;
    struct watched *fds = reallocarray(e->fds, (size_t)n, sizeof(*fds));
    if (!fds)
        return -ENOMEM;
    memset(fds + e->nfds, 0, (size_t)(n - e->nfds) * sizeof(*fds));
    e->fds = fds;
    e->nfds = n;
    return 0;
}

/* at: monotonic clock. */
static void arm(struct export *e, double at)
{
    struct itimerspec its = {0};
    if (isfinite(at)) {
        /* 1 us late: libev's timers expire when their time is past, not when it is
         * reached. 1 ns at least: zero would disarm. */
        double t = at + 1e-6 > 1e-9 ? at + 1e-6 : 1e-9;
        its.it_value.tv_sec = (time_t)t;
        its.it_value.tv_nsec = (long)((t - (double)its.it_value.tv_sec) * 1e9);
    }
    timerfd_settime(e->timerfd, TFD_TIMER_ABSTIME, &its, NULL);
    e->armed = at;
}

void export_timer(struct export *e, double left)
{
    if (!e)
        return;
    double at = monotonic(e) + (left > 0 ? left : 0);
    if (at < e->armed)
        arm(e, at);
}

static void set_ready(struct export *e, struct watched *f, bool ready)
{
    if (f->ready == ready)
        return;
    f->ready = ready;
    e->ready += ready ? 1 : -1;
    if (ready)
        export_timer(e, 0);
}

/* The number may have been closed and reused behind our back, so what we believe
 * of the epoll set may be wrong either way. */
static void update(struct export *e, int fd)
{
    struct watched *f = &e->fds[fd];
    struct epoll_event ev = {.data.fd = fd};
    ev.events = (f->in ? EPOLLIN : 0) | (f->out ? EPOLLOUT : 0);
    if (!ev.events) {
        epoll_ctl(e->epfd, EPOLL_CTL_DEL, fd, &ev);
        f->added = false;
        set_ready(e, f, false);
        return;
    }
    int rc = epoll_ctl(e->epfd, f->added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, fd, &ev);
    if (rc < 0 && errno == ENOENT)
        rc = epoll_ctl(e->epfd, EPOLL_CTL_ADD, fd, &ev);
    else if (rc < 0 && errno == EEXIST)
        rc = epoll_ctl(e->epfd, EPOLL_CTL_MOD, fd, &ev);
    f->added = rc == 0;
    /* Also when memory is short: better a busy host than one that sleeps on. */
    set_ready(e, f, rc < 0);
}

void export_watch(struct export *e, int fd, int events, int step)
{
    if (!e)
        return;
    if (grow(e, fd) < 0)
        return;
    struct watched *f = &e->fds[fd];
    if (events & LOOP_IN)
        f->in = (unsigned short)(f->in + step);
    if (events & LOOP_OUT)
        f->out = (unsigned short)(f->out + step);
    update(e, fd);
}

static void rearm(struct export *e, struct real_loop *r)
{
    double least = INFINITY;
    list_each(t, &r->timers, struct real_timer, link)
    {
        double left = real_timer_left(t);
        if (left < least)
            least = left;
    }
    double now = monotonic(e);
    arm(e, isfinite(least) ? now + (least > 0 ? least : 0) : INFINITY);
}

void export_settle(struct export *e, struct real_loop *r)
{
    if (!e)
        return;
    if (isfinite(e->armed) && e->armed <= monotonic(e))
        rearm(e, r);
    /* Not by the eventfd: its watcher would always be ready, and hold back idle
     * watchers, which run when nothing else is. */
    if (r->idles > 0 || e->ready > 0 || loop_has_queued(&r->base))
        export_timer(e, 0);
}

int export_fd(const struct export *e)
{
    return e->epfd;
}

void export_free(struct export *e)
{
    if (!e)
        return;
    if (e->timerfd >= 0)
        close(e->timerfd);
    if (e->epfd >= 0)
        close(e->epfd);
    free(e->fds);
    free(e);
}

static int open_fds(struct export *e)
{
    e->epfd = epoll_create1(EPOLL_CLOEXEC);
    if (e->epfd < 0)
        return -errno;
    e->timerfd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (e->timerfd < 0)
        return -errno;
    int rc = add_readable(e, e->timerfd);
    return rc < 0 ? rc : add_readable(e, e->r->eventfd);
}

int export_new(struct real_loop *r, struct export **ret)
{
    struct export *e = calloc(1, sizeof(*e));
    if (!e)
        return -ENOMEM;
    e->epfd = e->timerfd = -1;
    e->armed = INFINITY;
    e->r = r;
    int rc = open_fds(e);
    if (rc < 0) {
        export_free(e);
        return rc;
    }
    list_each(f, &r->fds, struct real_fd, link)
        export_watch(e, f->w.fd.fd, f->w.fd.events, 1);
    rearm(e, r);
    *ret = e;
    if (r->depth == 0)
        export_settle(e, r);
    return 0;
}
