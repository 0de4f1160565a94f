/* One event loop, used by one thread: libev in the real world (opened with
 * dlopen, ev_loop_new, never the default loop), a seeded heap of events in the
 * simulated one. Only watcher_kick() and loop_post() may be called from other
 * threads.
 *
 * All loops of one simulated env are driven together: whoever runs one of them lets
 * the events of all happen until its own run is over. A loop whose callback runs
 * another loop is not entered again meanwhile.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_ENV_LOOP_H
#define FLUX_ENV_LOOP_H

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/resource.h>

#include "env/env.h"

struct loop;
struct watcher;

enum {
    LOOP_NOWAIT = 1, /* handle what is ready, do not wait */
    LOOP_ONCE = 2,   /* wait once, handle it, return */
};
enum {
    LOOP_IN = 1, /* same bits as FLUX_POLLIN, FLUX_POLLOUT, FLUX_POLLERR */
    LOOP_OUT = 2,
    LOOP_ERR = 4,
};

/* -ELIBACC: there is no libev.so.4; -ELIBBAD: it is not the version we know. */
int loop_new(struct env *env, struct loop **ret);
/* The last loop_unref() runs what is still queued, and waits for work under way. Free
 * the watchers first. References may be taken and dropped by any thread. */
struct loop *loop_ref(struct loop *loop);
void loop_unref(struct loop *loop); /* accepts NULL */
struct env *loop_env(const struct loop *loop);

/* Run until loop_stop(), or until no referenced watcher is active. Returns the
 * number of still active referenced watchers (0 or 1 will do), or -errno; in the
 * simulated world -EDEADLK when nothing is left that could happen. Runs may nest. */
int loop_run(struct loop *loop, int flags);
void loop_stop(struct loop *loop);

/* Wall-clock time of this turn of the loop, seconds; refreshed by _update. */
double loop_now(struct loop *loop);
void loop_now_update(struct loop *loop);

/* A file descriptor, owned by the loop, that polls readable whenever
 * loop_run(LOOP_NOWAIT) would make progress. For hosts with their own loop. What
 * only a prepare watcher would find does not count: outside of a run, loop_post()
 * or kick to have one. -ENOTSUP in the simulated world. */
int loop_pollfd(struct loop *loop);

/* Call fn(arg) on the loop's thread soon, in the order of posting. Any thread.
 * loop_run() does not end while one waits. -ENOMEM. */
int loop_post(struct loop *loop, void (*fn)(void *arg), void *arg);

/* Call fn(arg) on a worker thread, then done(arg) on the loop's thread. The
 * loop stays alive meanwhile. In the simulated world fn runs inline at a drawn
 * time. done may be NULL. */
int loop_work(struct loop *loop, void (*fn)(void *arg), void (*done)(void *arg),
              void *arg);

/* Watchers. Created stopped; the callback runs on the loop's thread with the
 * ready events (fd) or 0. A watcher may be stopped or freed inside its own
 * callback. */
typedef void (*watcher_f)(struct watcher *w, int revents, void *arg);

/* -EBADF: fd is not open. Stop or free the watcher before fd is closed. */
int watcher_new_fd(struct loop *l, int fd, int events, watcher_f cb, void *arg,
                   struct watcher **ret);
void watcher_fd_set_events(struct watcher *w, int events);
/* Monotonic timer: first after `after` seconds, then every `repeat` (0: once). */
int watcher_new_timer(struct loop *l, double after, double repeat, watcher_f cb,
                      void *arg, struct watcher **ret);
void watcher_timer_set(struct watcher *w, double after, double repeat);
/* Like ev_periodic_again and ev_timer_again. */
void watcher_timer_again(struct watcher *w);
/* Wall-clock timer: at offset + n * interval, or at reschedule(w, now, arg). */
typedef double (*watcher_resched_f)(struct watcher *w, double now, void *arg);
int watcher_new_periodic(struct loop *l, double offset, double interval,
                         watcher_resched_f resched, watcher_f cb, void *arg,
                         struct watcher **ret);
void watcher_periodic_set(struct watcher *w, double offset, double interval,
                          watcher_resched_f resched);
double watcher_next_wakeup(const struct watcher *w); /* wall clock; -1: none */
int watcher_new_prepare(struct loop *l, watcher_f cb, void *arg, struct watcher **ret);
int watcher_new_check(struct loop *l, watcher_f cb, void *arg, struct watcher **ret);
int watcher_new_idle(struct loop *l, watcher_f cb, void *arg, struct watcher **ret);
/* Runs once after watcher_kick(), however often it was kicked. */
int watcher_new_async(struct loop *l, watcher_f cb, void *arg, struct watcher **ret);
void watcher_kick(struct watcher *w); /* any thread; async only */
/* By signalfd: the signal must not be handled elsewhere, and other threads must have
 * it blocked. Starting blocks it in the calling thread, stopping undoes that. Real
 * only. -EINVAL: cannot be caught. */
int watcher_new_signal(struct loop *l, int signum, watcher_f cb, void *arg,
                       struct watcher **ret);
int watcher_signal_get(const struct watcher *w);
/* lstat(path) every `interval` seconds (0: 1 s); called when something differs. A
 * file that is not there has st_nlink 0. */
int watcher_new_stat(struct loop *l, const char *path, double interval, watcher_f cb,
                     void *arg, struct watcher **ret);
void watcher_stat_get(const struct watcher *w, struct stat *now, struct stat *prev);

void watcher_start(struct watcher *w);
void watcher_stop(struct watcher *w);
void watcher_ref(struct watcher *w);   /* undo watcher_unref */
void watcher_unref(struct watcher *w); /* active, but does not keep loop_run going */
bool watcher_is_active(const struct watcher *w);
bool watcher_is_referenced(const struct watcher *w);
void watcher_set_priority(struct watcher *w, int priority); /* -2..2; check only */
void watcher_free(struct watcher *w);                       /* stops it; accepts NULL */

#endif
