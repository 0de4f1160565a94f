/* The event loop of a program: watchers (watcher.h) are made on a reactor, and
 * their callbacks run inside flux_reactor_run(). A reactor and all that is made on
 * it belong to one thread.
 */
#ifndef FLUX_REACTOR_H
#define FLUX_REACTOR_H

#include <flux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flux_reactor flux_reactor_t;

/* Conditions of a descriptor or a handle. */
enum {
    FLUX_POLLIN = 1,
    FLUX_POLLOUT = 2,
    FLUX_POLLERR = 4,
};

/* Flags of flux_reactor_run(). */
enum {
    FLUX_REACTOR_NOWAIT = 1, /* handle what is ready, do not wait */
    FLUX_REACTOR_ONCE = 2,   /* wait once, handle it, return */
};

/* Flag of flux_reactor_create(), kept for old programs; it does nothing. */
enum {
    FLUX_REACTOR_SIGCHLD = 1,
};

/* A new reactor with one reference. NULL, errno: EINVAL unknown flags, ENOMEM. */
flux_reactor_t *flux_reactor_create(int flags);
void flux_reactor_incref(flux_reactor_t *r);
/* Drop a reference; the last one frees the reactor. Accept NULL, keep errno. */
void flux_reactor_decref(flux_reactor_t *r);
void flux_reactor_destroy(flux_reactor_t *r);

/* Run callbacks until flux_reactor_stop(), or until no referenced watcher is
 * active. flags: FLUX_REACTOR_x. Returns the number of watchers still active
 * (0 or more), or -1 with errno after flux_reactor_stop_error(). */
int flux_reactor_run(flux_reactor_t *r, int flags);
/* Make flux_reactor_run() return after this callback; _error: with -1 and errno
 * as it is at the time of the call. */
void flux_reactor_stop(flux_reactor_t *r);
void flux_reactor_stop_error(flux_reactor_t *r);

/* Wall-clock seconds at the start of this turn of the loop; refreshed by _update. */
double flux_reactor_now(flux_reactor_t *r);
void flux_reactor_now_update(flux_reactor_t *r);
/* Wall-clock seconds, asked of the system. */
double flux_reactor_time(void);

/* Keep flux_reactor_run() going as if one more watcher were active; undo it. */
void flux_reactor_active_incref(flux_reactor_t *r);
void flux_reactor_active_decref(flux_reactor_t *r);

/* The reactor of a handle, made on first use; borrowed. NULL, errno. */
flux_reactor_t *flux_get_reactor(flux_t *h);
/* Give the handle its reactor (a reference is taken), before it has one.
 * -1, errno: EEXIST it has another already. */
int flux_set_reactor(flux_t *h, flux_reactor_t *r);

#ifdef __cplusplus
}
#endif
#endif
