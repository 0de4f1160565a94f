/* The store inside: who owns what. Private to lib/store.
 *
 * Three threads at most touch a store besides the loop's: the writer (the only one
 * that changes the database), the checkpointer, and workers that read. In the
 * simulated world there is no thread: the writer's steps are work, done at a drawn
 * time, and its files are env's.
 */
#ifndef FLUX_STORE_STORE_PRIVATE_H
#define FLUX_STORE_STORE_PRIVATE_H

#include <pthread.h>

#include "base/list.h"
#include "store/apply.h"
#include "store/space.h"
#include "store/vfs.h"

#define BATCH_TXNS 256
#define BATCH_BYTES (1u << 20)
#define PROBE_INTERVAL 1.0 /* seconds between looks for space on a full disk */
#define CHECKPOINT_INTERVAL 0.5
#define CHECKPOINT_COMMITS 16 /* between checkpoints in the simulated world */

enum store_state {
    STORE_WRITABLE,
    STORE_FULL,   /* no space: new work is refused */
    STORE_FAILED, /* a write was lost by the system: nothing can be trusted to it */
};

struct store {
    /* Set once. */
    struct loop *loop;
    struct env *env;
    char *path; /* NULL: memory */
    char *vfs;
    struct vfs *own_vfs; /* simulated world: over env's files */
    enum store_durability durability;
    bool inline_steps; /* simulated world */
    double checkpoint_interval;
    bool unsettled; /* see settle() */

    /* Loop's thread. */
    struct watcher *wake;  /* kicked when `finished` grew or `state` changed */
    struct watcher *probe; /* simulated world: looks for space */
    struct list delivering;
    unsigned outstanding; /* callbacks owed */
    bool stepping;        /* simulated world: a step is under way */
    bool closing;
    enum store_state told; /* the state that the user knows */
    void (*writable_cb)(bool writable, void *arg);
    void *writable_arg;

    pthread_mutex_t lock; /* guards: */
    pthread_cond_t more;  /* the writer waits for work */
    pthread_cond_t idle;  /* store_flush() waits for the writer */
    struct list queue, finished;
    enum store_state state;
    bool stop, busy, waiting;
    unsigned long commits; /* how many there were */

    /* Whoever holds this has the writing connection to himself. */
    pthread_mutex_t db_lock;
    struct apply apply;

    /* Writer's thread. */
    struct list parked; /* waiting for space */
    double probed;      /* monotonic: when we last looked for it */
    struct space space;

    struct env_thread *writer, *checkpointer;
    pthread_cond_t checkpoint_more; /* with lock: stop */
    struct readers *readers;
};

const char *store_vfs(const struct store *s); /* SQLite's name for it; NULL: its own */
/* Take a batch off the queue (lock held). */
void writer_take(struct store *s, struct list *batch);
/* Commit a batch and hand its transactions on to `finished` (or park them). No lock
 * held. An empty batch, when the disk is full, looks for space. */
void writer_step(struct store *s, struct list *batch);
/* The thread. */
void writer_main(void *store);
/* Give up what is parked: -ENOSPC. */
void writer_abandon(struct store *s);
/* From any thread: nothing can be written any more. */
void writer_fail(struct store *s);

/* The thread; and one checkpoint now, for the simulated world. */
void checkpoint_main(void *store);
void checkpoint_inline(struct store *s);
/* What an earlier process left in the log is written again, into the database: that it
 * can be read does not mean that it is on the disk. 0, -ENOSPC, -EIO. */
int checkpoint_settle(struct store *s);

/* Reading: connections kept open, reads under way. */
int readers_new(struct store *s, struct readers **ret);
/* Wait for the running ones, refuse the others, call what callbacks are owed. */
void readers_close(struct readers *r);

/* Absolute time for pthread_cond_timedwait() on a monotonic clock. */
struct timespec store_deadline(struct store *s, double seconds);

#endif
