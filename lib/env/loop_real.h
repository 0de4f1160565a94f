/* The real event loop: one libev loop, and what lets a foreign loop drive it.
 * Private to lib/env.
 */
#ifndef FLUX_ENV_LOOP_REAL_H
#define FLUX_ENV_LOOP_REAL_H

#include "env/impl.h"
#include "env/libev.h"

struct export;

struct real_loop {
    struct loop base;
    const struct libev *ev;
    struct ev_loop *loop;
    int eventfd;     /* readable: look at the queue */
    ev_io wake_io;   /* on eventfd */
    ev_idle wake_on; /* active instead, when the queue was filled from inside the loop */
    int depth;       /* of nested runs; with owner under base.lock for other threads */
    pthread_t owner;
    bool stopped;
    int idles;             /* active idle watchers */
    struct list fds;       /* active real_fd */
    struct list timers;    /* active real_timer and real_periodic */
    struct list signals;   /* active signal watchers */
    struct export *export; /* NULL until loop_pollfd() */
};

struct real_fd {
    struct watcher w;
    struct list link;
    ev_io io;
};

/* A timer or a periodic. */
struct real_timer {
    struct watcher w;
    struct list link;
    union {
        ev_timer timer;
        ev_periodic periodic;
    };
};

static inline struct real_loop *real_loop(struct loop *l)
{
    return CONTAINER_OF(l, struct real_loop, base);
}

/* Seconds from now (not from the turn's beginning) to a timer's expiry. */
double real_timer_left(const struct real_timer *t);

extern const struct watcher_ops real_fd_ops, real_timer_ops, real_periodic_ops;
extern const struct watcher_ops real_prepare_ops, real_check_ops, real_idle_ops;

/* The exported descriptor: an epoll set of the loop's descriptors, its eventfd, and
 * a timerfd at the earliest timer. Functions accept NULL: not exported. */
int export_new(struct real_loop *r, struct export **ret);
void export_free(struct export *e);
int export_fd(const struct export *e);
/* A watcher of fd started (step 1) or stopped (step -1). */
void export_watch(struct export *e, int fd, int events, int step);
/* A timer that expires in `left` seconds started; 0: there is something to do now. */
void export_timer(struct export *e, double left);
/* A run is over: make the descriptor tell the truth again. */
void export_settle(struct export *e, struct real_loop *r);

#endif
