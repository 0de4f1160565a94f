/* What a world is made of: the tables that the real and the simulated env fill,
 * and the parts of loops, watchers and files that both share. Private to lib/env.
 */
#ifndef FLUX_ENV_IMPL_H
#define FLUX_ENV_IMPL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "env/env.h"
#include "env/file.h"
#include "env/loop.h"
#include "env/proc.h"
#include "env/transport.h"

/* ---- the world ---- */

struct env_ops {
    /* The last reference is gone: free everything. No thread uses it any more. */
    void (*destroy)(struct env *env);
    /* Wall clock (may jump) and monotonic clock, seconds. Any thread. */
    double (*time)(struct env *env);
    double (*monotonic)(struct env *env);
    /* Fill buf. Cannot fail (the real one aborts without a source). Any thread. */
    void (*random)(struct env *env, void *buf, size_t len);
    /* Run fn on a thread of its own with all signals blocked; may be -ENOTSUP. */
    int (*thread_start)(struct env *env, const char *name, void (*fn)(void *arg),
                        void *arg, struct env_thread **ret);
    /* Make a loop; the caller initialises the shared part with loop_init(). */
    int (*loop_new)(struct env *env, struct loop **ret);
    const struct file_ops *file;
    const struct proc_ops *proc; /* NULL: there are no processes here */
    bool sim;
};

struct env {
    const struct env_ops *ops;
    const struct transport_ops *transport;
    atomic_int refcount;
};

/* ---- loops ---- */

enum watcher_kind {
    WATCHER_FD,
    WATCHER_TIMER,
    WATCHER_PERIODIC,
    WATCHER_PREPARE,
    WATCHER_CHECK,
    WATCHER_IDLE,
    WATCHER_SIGNAL,
    WATCHER_KINDS,
    WATCHER_ASYNC = WATCHER_KINDS, /* the same in every world */
    WATCHER_STAT,
};

/* One kind of watcher. All calls come from the loop's thread. */
struct watcher_ops {
    size_t size; /* of the implementation's struct, which begins with struct watcher */
    /* Acquire what the watcher needs; optional. Its parameters are set. */
    int (*init)(struct watcher *w);
    /* Begin and end watching, by the parameters of now. The front calls them in turn,
     * never twice the same. `stop` also drops an event that is due but not delivered. */
    void (*start)(struct watcher *w);
    void (*stop)(struct watcher *w);
    /* Wall-clock time of the next event of an active timer or periodic; optional. */
    double (*next)(const struct watcher *w);
    /* Release what init acquired; the watcher is stopped. Optional. */
    void (*fini)(struct watcher *w);
};

struct work;

struct loop_ops {
    /* Last reference is gone; no watcher is active, nothing is queued. Frees the loop. */
    void (*destroy)(struct loop *l);
    /* As loop_run(). Must call loop_drain() once a turn when the queue is not empty. */
    int (*run)(struct loop *l, int flags);
    void (*stop)(struct loop *l);
    double (*now)(struct loop *l);
    void (*now_update)(struct loop *l);
    int (*pollfd)(struct loop *l); /* may be -ENOTSUP */
    /* The queue, empty until now, has an entry: make the loop's thread call
     * loop_drain() soon. Any thread, with the queue's lock held. */
    void (*wake)(struct loop *l);
    /* Work is under way: wait until some of it is queued again. */
    void (*await)(struct loop *l);
    /* Count one more (+1) or one less (-1) reason for run() to go on. */
    void (*hold)(struct loop *l, int delta);
    /* Call work_execute(work) somewhere that does not hold up the loop. */
    int (*work)(struct loop *l, struct work *work);
    /* NULL: this kind cannot exist here (-ENOTSUP). */
    const struct watcher_ops *watchers[WATCHER_KINDS];
};

/* An entry of a loop's queue, which any thread may append to. */
struct queued {
    struct list link;
    void (*run)(struct queued *q); /* may free it */
};

struct loop {
    const struct loop_ops *ops;
    struct env *env;
    atomic_int refcount;
    pthread_mutex_t lock; /* guards the two lists */
    pthread_cond_t finished;
    struct list pending; /* queue */
    struct list running; /* this turn's part of it */
    int works;           /* begun by loop_work, not yet done; loop's thread only */
};

void loop_init(struct loop *l, const struct loop_ops *ops, struct env *env);
void loop_fini(struct loop *l);
/* Append q unless it is queued already; any thread. */
void loop_queue(struct loop *l, struct queued *q);
void loop_unqueue(struct loop *l, struct queued *q);
bool loop_has_queued(struct loop *l);
/* Run what is queued now; what that queues waits for the next turn. */
void loop_drain(struct loop *l);

struct work {
    struct queued q;  /* on the way back */
    struct list link; /* on the way to a worker */
    struct loop *loop;
    void (*fn)(void *arg);
    void (*done)(void *arg);
    void *arg;
};
/* Run fn and send the work back to its loop (which frees it). */
void work_execute(struct work *work);

struct watcher {
    const struct watcher_ops *ops;
    struct loop *loop;
    enum watcher_kind kind;
    watcher_f cb;
    void *arg;
    bool active;
    bool unreferenced;
    int priority;
    union {
        struct {
            int fd, events;
        } fd;
        struct {
            double after, repeat;
        } timer;
        struct {
            double offset, interval;
            watcher_resched_f resched;
        } periodic;
        int signum;
    };
};

/* Make a watcher of any kind: copies the parameters of `proto`. */
int watcher_new(struct loop *l, const struct watcher_ops *ops,
                const struct watcher *proto, struct watcher **ret);
/* For implementations: the watcher has stopped by itself (a timer that does not
 * repeat, a bad descriptor); call it before the callback. */
void watcher_expired(struct watcher *w);

extern const struct watcher_ops signal_watcher_ops; /* real only */

/* ---- files: see file.h for what each does ---- */

struct file {
    const struct file_ops *ops;
};

struct file_ops {
    /* Paths. Follow links in all parts but, where file.h says so, the last. */
    int (*open)(struct env *env, const char *path, int flags, mode_t mode,
                struct file **ret);
    int (*stat)(struct env *env, const char *path, struct stat *ret);
    int (*unlink)(struct env *env, const char *path);
    int (*rename)(struct env *env, const char *from, const char *to);
    int (*symlink)(struct env *env, const char *target, const char *path);
    int (*readlink)(struct env *env, const char *path, char *buf, size_t size);
    int (*mkdir)(struct env *env, const char *path, mode_t mode);
    int (*remove_tree)(struct env *env, const char *path);
    int (*each)(struct env *env, const char *path, int (*fn)(const char *name, void *arg),
                void *arg);
    int (*sync_dir)(struct env *env, const char *path); /* names in it are durable */
    int64_t (*space)(struct env *env, const char *path);
    /* Open files. Short reads at the end only; short writes are allowed. */
    int (*fd)(const struct file *f); /* may be -ENOTSUP */
    ssize_t (*pread)(struct file *f, void *buf, size_t len, off_t off);
    ssize_t (*pwrite)(struct file *f, const void *buf, size_t len, off_t off);
    ssize_t (*write_end)(struct file *f, const void *buf, size_t len);
    int (*truncate)(struct file *f, off_t size);
    int (*sync)(struct file *f);
    off_t (*size)(struct file *f);
    int (*lock)(struct file *f);
    void (*close)(struct file *f);
};

/* ---- processes: see proc.h for what each does; any thread ---- */

struct proc_ops {
    int (*spawn)(struct env *env, const struct proc_spec *spec, pid_t *ret_pid,
                 int *ret_pidfd, const char **ret_where);
    int (*reap)(struct env *env, int pidfd, pid_t pid, int *ret_status,
                struct rusage *ret_usage);
    int (*reap_orphans)(struct env *env);
};

#endif
