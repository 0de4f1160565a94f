/* The store as its users see it: open, queue, be called back, close. */
#include "store/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "store/schema.h"

#define WRITE_CACHE_KIB 2000

static const char *const durability_names[] = {
    [STORE_NONE] = "none",
    [STORE_PROCESS] = "process",
    [STORE_POWER] = "power",
};

const char *store_durability_name(enum store_durability d)
{
    return durability_names[d];
}

int store_durability_parse(const char *name, enum store_durability *ret)
{
    for (size_t i = 0; i < ARRAY_SIZE(durability_names); i++)
        if (strcmp(name, durability_names[i]) == 0) {
            *ret = i;
            return 0;
        }
    return -EINVAL;
}

enum store_durability store_durability(const struct store *s)
{
    return s->durability;
}

static enum store_state get_state(const struct store *cs)
{
    struct store *s = (struct store *)cs;
    enum store_state state;

    pthread_mutex_lock(&s->lock);
    state = s->state;
    pthread_mutex_unlock(&s->lock);
    return state;
}

bool store_is_readonly(const struct store *s)
{
    return get_state(s) != STORE_WRITABLE;
}

bool store_has_failed(const struct store *s)
{
    return get_state(s) == STORE_FAILED;
}

void store_on_writable(struct store *s, void (*cb)(bool writable, void *arg), void *arg)
{
    s->writable_cb = cb;
    s->writable_arg = arg;
}

static void tell_state(struct store *s)
{
    enum store_state state = get_state(s);

    if (state == s->told)
        return;
    s->told = state;
    if (s->probe && state == STORE_FULL)
        watcher_start(s->probe);
    else if (s->probe)
        watcher_stop(s->probe);
    if (s->writable_cb)
        s->writable_cb(state == STORE_WRITABLE, s->writable_arg);
}

static void owe(struct store *s)
{
    if (s->outstanding++ == 0)
        watcher_ref(s->wake);
}

static void deliver_one(struct store *s, struct store_txn *t)
{
    store_commit_f cb = t->cb;
    void *arg = t->arg;
    int error = t->error;

    list_del(&t->link);
    store_txn_free(t);
    if (--s->outstanding == 0)
        watcher_unref(s->wake);
    if (cb)
        cb(error, arg);
}

/* Callbacks may queue, and flush, and so come back here: one list, one order. */
static void deliver(struct store *s)
{
    struct store_txn *t;

    tell_state(s);
    pthread_mutex_lock(&s->lock);
    list_splice(&s->delivering, &s->finished);
    pthread_mutex_unlock(&s->lock);
    while ((t = list_first(&s->delivering, struct store_txn, link)))
        deliver_one(s, t);
}

static void wake_cb(struct watcher *w, int revents, void *arg)
{
    deliver(arg);
}

/* Simulated world: what the writer's thread would do. */
static void step(struct store *s)
{
    struct list batch;

    writer_take(s, &batch);
    writer_step(s, &batch);
    if (s->path && s->commits % CHECKPOINT_COMMITS == 0)
        checkpoint_inline(s);
}

static void step_work(void *arg)
{
    struct store *s = arg;

    if (!s->closing)
        step(s);
}

static void start_step(struct store *s);

static void step_done(void *arg)
{
    struct store *s = arg;

    s->stepping = false;
    if (s->closing) {
        free(s);
        return;
    }
    /* As the thread does: at once, whatever a callback does now. */
    if (!list_empty(&s->queue))
        start_step(s);
    deliver(s);
}

static void start_step(struct store *s)
{
    s->stepping = loop_work(s->loop, step_work, step_done, s) == 0;
}

static void probe_cb(struct watcher *w, int revents, void *arg)
{
    struct store *s = arg;

    if (!s->stepping)
        start_step(s);
}

static int wake_writer(struct store *s)
{
    if (!s->inline_steps) {
        if (s->waiting)
            pthread_cond_signal(&s->more);
        return 0;
    }
    if (!s->stepping)
        start_step(s);
    return s->stepping ? 0 : -ENOMEM;
}

int store_commit(struct store *s, struct store_txn *t, store_commit_f cb, void *arg)
{
    int rc;

    if (!t)
        return -EINVAL;
    t->cb = cb;
    t->arg = arg;
    owe(s);
    pthread_mutex_lock(&s->lock);
    list_append(&s->queue, &t->link);
    rc = wake_writer(s);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

int store_barrier(struct store *s, store_commit_f cb, void *arg)
{
    struct store_txn *t = store_txn_new(s);

    return t ? store_commit(s, t, cb, arg) : -ENOMEM;
}

int store_flush(struct store *s)
{
    enum store_state state;

    if (s->inline_steps) {
        while (!list_empty(&s->queue))
            step(s);
    } else {
        pthread_mutex_lock(&s->lock);
        while (!list_empty(&s->queue) || s->busy)
            pthread_cond_wait(&s->idle, &s->lock);
        pthread_mutex_unlock(&s->lock);
    }
    deliver(s);
    state = get_state(s);
    return state == STORE_FAILED ? -EIO : state == STORE_FULL ? -ENOSPC : 0;
}

static int init_sync(struct store *s)
{
    pthread_condattr_t attr;

    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->db_lock, NULL);
    pthread_cond_init(&s->more, &attr);
    pthread_cond_init(&s->checkpoint_more, &attr);
    pthread_cond_init(&s->idle, NULL);
    pthread_condattr_destroy(&attr);
    list_init(&s->queue);
    list_init(&s->finished);
    list_init(&s->delivering);
    list_init(&s->parked);
    return 0;
}

static int new_store(struct loop *loop, const struct store_options *opts,
                     struct store **ret)
{
    struct store *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    init_sync(s);
    s->loop = loop_ref(loop);
    s->env = loop_env(loop);
    s->durability = opts->path ? opts->durability : STORE_NONE;
    s->inline_steps = env_is_sim(s->env);
    s->checkpoint_interval =
        opts->checkpoint_interval > 0 ? opts->checkpoint_interval : CHECKPOINT_INTERVAL;
    if ((opts->path && !(s->path = strdup(opts->path))) ||
        (opts->vfs && !(s->vfs = strdup(opts->vfs))) ||
        (s->path && !s->vfs && s->inline_steps && vfs_new(s->env, &s->own_vfs) < 0)) {
        store_close(s);
        return -ENOMEM;
    }
    *ret = s;
    return 0;
}

const char *store_vfs(const struct store *s)
{
    return s->own_vfs ? vfs_name(s->own_vfs) : s->vfs;
}

/* SQLite gives its other files the mode of this one. */
static int make_file(struct store *s)
{
    struct file *f = NULL;
    int rc = 0;

    if (s->path && !s->vfs)
        rc = file_open(s->env, s->path, O_RDWR | O_CREAT, 0600, &f);
    file_close(f);
    return rc;
}

static const char *way_out(int rc)
{
    return rc == -ENOSPC ? ": make room, or choose another statedir"
           : rc == -EIO
               ? ": it is damaged, or the disk is: put a copy back, or choose another "
                 "statedir"
               : "";
}

static int open_database(struct store *s, const char *uuid, flux_error_t *err)
{
    struct sql_open how = {
        .path = s->path,
        .vfs = store_vfs(s),
        .write = true,
        .durability = s->durability,
        .cache_kib = WRITE_CACHE_KIB,
    };
    const char *name = s->path ? s->path : "memory";
    int rc;

    if (sodium_init() < 0)
        return error_set(err, EIO, "libsodium does not start");
    if ((rc = space_init(&s->space, s->env, s->vfs ? NULL : s->path, err)) < 0)
        return rc;
    if ((rc = make_file(s)) == 0 && (rc = sql_open(&how, &s->apply.c)) == -EINVAL)
        return error_set(err, EINVAL,
                         "%s is damaged (not a database): move it away or put a copy "
                         "back, or choose another statedir",
                         name);
    if (rc < 0)
        return error_set(err, -rc, "%s: %s%s", name, strerror(-rc), way_out(rc));
    sqlite3_busy_timeout(s->apply.c->db, 60000);
    if ((rc = schema_open(s->apply.c, name, uuid, err)) < 0)
        return rc;
    s->unsettled = s->path && s->durability == STORE_POWER;
    rc = checkpoint_settle(s);
    return rc == 0 || rc == -ENOSPC /* the first commit tries again */
               ? 0
               : error_set(err, -rc, "%s: %s%s", name, strerror(-rc), way_out(rc));
}

static int open_watchers(struct store *s)
{
    int rc;

    if ((rc = watcher_new_async(s->loop, wake_cb, s, &s->wake)) < 0)
        return rc;
    watcher_start(s->wake);
    watcher_unref(s->wake);
    if (!s->inline_steps)
        return 0;
    rc = watcher_new_timer(s->loop, PROBE_INTERVAL, PROBE_INTERVAL, probe_cb, s,
                           &s->probe);
    if (rc == 0)
        watcher_unref(s->probe);
    return rc;
}

static int start_threads(struct store *s)
{
    int rc;

    if (s->inline_steps) {
        space_reserve(&s->space);
        return 0;
    }
    rc = env_thread_start(s->env, "flux-store", writer_main, s, &s->writer);
    if (rc == 0 && s->path)
        rc = env_thread_start(s->env, "flux-checkpt", checkpoint_main, s,
                              &s->checkpointer);
    return rc;
}

int store_open(struct loop *loop, const struct store_options *opts, struct store **ret,
               flux_error_t *err)
{
    struct store *s;
    int rc;

    if ((rc = new_store(loop, opts, &s)) < 0)
        return rc;
    if ((rc = open_database(s, opts->uuid, err)) < 0 || (rc = open_watchers(s)) < 0 ||
        (rc = readers_new(s, &s->readers)) < 0 || (rc = start_threads(s)) < 0) {
        store_close(s);
        return rc;
    }
    *ret = s;
    return 0;
}

static void stop_threads(struct store *s)
{
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_signal(&s->more);
    pthread_cond_signal(&s->checkpoint_more);
    pthread_mutex_unlock(&s->lock);
    if (s->checkpointer)
        env_thread_join(s->checkpointer);
    if (s->writer)
        env_thread_join(s->writer);
}

static void free_store(struct store *s)
{
    sql_close(s->apply.c);
    apply_free(&s->apply);
    vfs_free(s->own_vfs);
    space_fini(&s->space);
    pthread_cond_destroy(&s->idle);
    pthread_cond_destroy(&s->checkpoint_more);
    pthread_cond_destroy(&s->more);
    pthread_mutex_destroy(&s->db_lock);
    pthread_mutex_destroy(&s->lock);
    free(s->vfs);
    free(s->path);
    loop_unref(s->loop);
    /* A step that is still under way finds us closing, and frees the rest. */
    s->closing = true;
    if (!s->stepping)
        free(s);
}

void store_close(struct store *s)
{
    if (!s)
        return;
    if (s->wake)
        store_flush(s);
    stop_threads(s);
    readers_close(s->readers);
    if (s->wake) {
        writer_abandon(s);
        deliver(s);
    }
    watcher_free(s->probe);
    watcher_free(s->wake);
    free_store(s);
}
