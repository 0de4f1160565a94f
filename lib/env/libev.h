/* libev, opened at run time: the functions that the event loop calls. The library
 * exports libevent's names too, so linking it would break programs that use both;
 * opened with RTLD_LOCAL its names stay private. Types and the macros that fill
 * watchers come from ev.h, functions only from this table.
 */
#ifndef FLUX_ENV_LIBEV_H
#define FLUX_ENV_LIBEV_H

#define EV_MULTIPLICITY 1
#define EV_COMPAT3 0
#define EV_PROTOTYPES 0
#include <ev.h>

struct libev {
    void *dl;
    int (*version_major)(void);
    ev_tstamp (*time)(void);
    struct ev_loop *(*loop_new)(unsigned flags);
    void (*loop_destroy)(struct ev_loop *l);
    int (*run)(struct ev_loop *l, int flags);
    void (*break_)(struct ev_loop *l, int how);
    void (*ref)(struct ev_loop *l);
    void (*unref)(struct ev_loop *l);
    ev_tstamp (*now)(struct ev_loop *l);
    void (*now_update)(struct ev_loop *l);
    void (*io_start)(struct ev_loop *l, ev_io *w);
    void (*io_stop)(struct ev_loop *l, ev_io *w);
    void (*timer_start)(struct ev_loop *l, ev_timer *w);
    void (*timer_stop)(struct ev_loop *l, ev_timer *w);
    ev_tstamp (*timer_remaining)(struct ev_loop *l, ev_timer *w);
    void (*periodic_start)(struct ev_loop *l, ev_periodic *w);
    void (*periodic_stop)(struct ev_loop *l, ev_periodic *w);
    void (*prepare_start)(struct ev_loop *l, ev_prepare *w);
    void (*prepare_stop)(struct ev_loop *l, ev_prepare *w);
    void (*check_start)(struct ev_loop *l, ev_check *w);
    void (*check_stop)(struct ev_loop *l, ev_check *w);
    void (*idle_start)(struct ev_loop *l, ev_idle *w);
    void (*idle_stop)(struct ev_loop *l, ev_idle *w);
};

/* Open the library and fill the table. -ELIBACC: there is no libev.so.4;
 * -ELIBBAD: it lacks a function or is not version 4. */
int libev_open(struct libev *ev);
void libev_close(struct libev *ev);

#endif
