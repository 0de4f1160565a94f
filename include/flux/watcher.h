/* Watchers: a condition and the function to call when it holds. A watcher is
 * created stopped, and may be stopped or destroyed in its own callback. All calls
 * on the reactor's thread.
 */
#ifndef FLUX_WATCHER_H
#define FLUX_WATCHER_H

#include <sys/stat.h>

#include <flux/types.h>
#include <flux/reactor.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flux_watcher flux_watcher_t;

/* revents: the FLUX_POLLx conditions that hold; 0 for watchers of other kinds. */
typedef void (*flux_watcher_f)(flux_reactor_t *r, flux_watcher_t *w, int revents,
                               void *arg);

void flux_watcher_start(flux_watcher_t *w);
void flux_watcher_stop(flux_watcher_t *w);
/* Stops it. Accepts NULL and keeps errno. */
void flux_watcher_destroy(flux_watcher_t *w);
/* An unreferenced watcher works, but does not keep flux_reactor_run() going. */
void flux_watcher_ref(flux_watcher_t *w);
void flux_watcher_unref(flux_watcher_t *w);
bool flux_watcher_is_active(flux_watcher_t *w);
bool flux_watcher_is_referenced(flux_watcher_t *w);
/* Wall-clock time of the next call of a timer or periodic watcher. -1, errno: EINVAL
 * another kind, or not active. */
double flux_watcher_next_wakeup(flux_watcher_t *w);
/* -2..2 (cut to fit), higher ones run first. Check watchers only, else no effect. */
void flux_watcher_set_priority(flux_watcher_t *w, int priority);

/* All *_create: NULL with errno EINVAL, ENOMEM. */

/* A handle has messages, room to send, or an error. */
flux_watcher_t *flux_handle_watcher_create(flux_reactor_t *r, flux_t *h, int events,
                                           flux_watcher_f cb, void *arg);
flux_t *flux_handle_watcher_get_flux(flux_watcher_t *w);

/* A descriptor is ready. It stays the caller's. */
flux_watcher_t *flux_fd_watcher_create(flux_reactor_t *r, int fd, int events,
                                       flux_watcher_f cb, void *arg);
int flux_fd_watcher_get_fd(flux_watcher_t *w);

/* `after` seconds have passed since the start; then every `repeat` seconds (0: once). */
flux_watcher_t *flux_timer_watcher_create(flux_reactor_t *r, double after, double repeat,
                                          flux_watcher_f cb, void *arg);
/* New times; they count from the next start. */
void flux_timer_watcher_reset(flux_watcher_t *w, double after, double repeat);
/* Start again with `repeat` as the delay; stops it when that is 0. */
void flux_timer_watcher_again(flux_watcher_t *w);

/* Wall-clock time: at offset + n * interval (0: once, at offset), or at the time that
 * reschedule returns, which must be later than now. */
typedef double (*flux_reschedule_f)(flux_watcher_t *w, double now, void *arg);
flux_watcher_t *flux_periodic_watcher_create(flux_reactor_t *r, double offset,
                                             double interval,
                                             flux_reschedule_f reschedule_cb,
                                             flux_watcher_f cb, void *arg);
void flux_periodic_watcher_reset(flux_watcher_t *w, double next_wakeup, double interval,
                                 flux_reschedule_f reschedule_cb);

/* The loop is about to wait; has waited; has nothing else to do (and then does not
 * wait at all). */
flux_watcher_t *flux_prepare_watcher_create(flux_reactor_t *r, flux_watcher_f cb,
                                            void *arg);
flux_watcher_t *flux_check_watcher_create(flux_reactor_t *r, flux_watcher_f cb,
                                          void *arg);
flux_watcher_t *flux_idle_watcher_create(flux_reactor_t *r, flux_watcher_f cb, void *arg);

/* A signal arrived; nothing else may handle it. */
flux_watcher_t *flux_signal_watcher_create(flux_reactor_t *r, int signum,
                                           flux_watcher_f cb, void *arg);
int flux_signal_watcher_get_signum(flux_watcher_t *w);

/* A path's attributes changed; looked at every `interval` seconds (0: a default). */
flux_watcher_t *flux_stat_watcher_create(flux_reactor_t *r, const char *path,
                                         double interval, flux_watcher_f cb, void *arg);
/* The attributes now and before; either may be NULL. -1, errno: EINVAL. */
int flux_stat_watcher_get_rstat(flux_watcher_t *w, struct stat *stat, struct stat *prev);

#ifdef __cplusplus
}
#endif
#endif
