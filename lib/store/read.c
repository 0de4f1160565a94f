/* Reads under way: on a worker thread with a connection of the pool. A memory store has
 * one connection, which reads and writes take turns to use; in the simulated world it is
 * read at once.
 */
#include "store/read.h"

#include <errno.h>
#include <stdlib.h>

#include "store/store_private.h"

#define READ_CACHE_KIB 1000

struct read {
    struct list link;
    struct readers *readers;
    store_read_f fn;
    store_read_done_f done; /* NULL once called */
    void *arg;
    int rc;
    enum { WAITING, RUNNING, FINISHED } state; /* guarded by the readers' lock */
};

struct readers {
    struct store *store; /* NULL once closed */
    unsigned refs;       /* loop's thread: one a read, one the store's */
    struct list reads;   /* loop's thread: callbacks owed */

    pthread_mutex_t lock;
    pthread_cond_t quiet;
    unsigned running;
    bool closed;
    struct sql *spare; /* a connection kept open */
};

int readers_new(struct store *s, struct readers **ret)
{
    struct readers *r = calloc(1, sizeof(*r));

    if (!r)
        return -ENOMEM;
    r->store = s;
    r->refs = 1;
    list_init(&r->reads);
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->quiet, NULL);
    *ret = r;
    return 0;
}

static void readers_unref(struct readers *r)
{
    if (--r->refs > 0)
        return;
    pthread_cond_destroy(&r->quiet);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static int connection_get(struct readers *r, struct sql **ret)
{
    struct store *s = r->store;
    struct sql_open how = {
        .path = s->path,
        .vfs = store_vfs(s),
        .durability = s->durability,
        .cache_kib = READ_CACHE_KIB,
    };

    pthread_mutex_lock(&r->lock);
    *ret = TAKE(r->spare);
    pthread_mutex_unlock(&r->lock);
    return *ret ? 0 : sql_open(&how, ret);
}

static void connection_put(struct readers *r, struct sql *c)
{
    pthread_mutex_lock(&r->lock);
    if (!r->spare)
        r->spare = TAKE(c);
    pthread_mutex_unlock(&r->lock);
    sql_close(c);
}

/* fn with a snapshot of everything committed by now. */
static int read_file(struct readers *r, store_read_f fn, void *arg)
{
    struct store_reader reader;
    int rc;

    if ((rc = connection_get(r, &reader.c)) < 0)
        return rc;
    if ((rc = sql_do(reader.c, SQL_BEGIN)) == 0) {
        rc = fn(&reader, arg);
        sql_do(reader.c, SQL_ROLLBACK);
    }
    connection_put(r, reader.c);
    return rc;
}

static int read_memory(struct store *s, store_read_f fn, void *arg)
{
    struct store_reader reader = {s->apply.c};
    int rc;

    pthread_mutex_lock(&s->db_lock);
    rc = fn(&reader, arg);
    pthread_mutex_unlock(&s->db_lock);
    return rc;
}

static int read_now(struct readers *r, store_read_f fn, void *arg)
{
    return r->store->path ? read_file(r, fn, arg) : read_memory(r->store, fn, arg);
}

int store_read_now(struct store *s, store_read_f fn, void *arg)
{
    return read_now(s->readers, fn, arg);
}

/* Run it, unless somebody else does or did. */
static void read_run(struct read *read)
{
    struct readers *r = read->readers;
    bool begin;

    pthread_mutex_lock(&r->lock);
    begin = !r->closed && read->state == WAITING;
    if (begin)
        read->state = RUNNING;
    r->running += begin;
    pthread_mutex_unlock(&r->lock);
    if (!begin)
        return;
    read->rc = read_now(r, read->fn, read->arg);
    pthread_mutex_lock(&r->lock);
    read->state = FINISHED;
    r->running--;
    pthread_cond_broadcast(&r->quiet);
    pthread_mutex_unlock(&r->lock);
}

static void read_work(void *arg)
{
    read_run(arg);
}

static void read_deliver(struct read *read)
{
    store_read_done_f done = TAKE(read->done);

    list_del(&read->link);
    if (done)
        done(read->rc, read->arg);
}

static void read_done(void *arg)
{
    struct read *read = arg;
    struct readers *r = read->readers;

    read_deliver(read);
    free(read);
    readers_unref(r);
}

static int read_start(struct store *s, struct read *read)
{
    if (s->path || !s->inline_steps)
        return loop_work(s->loop, read_work, read_done, read);
    read_run(read);
    return loop_post(s->loop, read_done, read);
}

int store_read(struct store *s, store_read_f fn, store_read_done_f done, void *arg)
{
    struct read *read = calloc(1, sizeof(*read));
    int rc;

    if (!read)
        return -ENOMEM;
    *read = (struct read){
        .readers = s->readers,
        .fn = fn,
        .done = done,
        .arg = arg,
        .rc = -ECANCELED,
    };
    if ((rc = read_start(s, read)) < 0) {
        free(read);
        return rc;
    }
    s->readers->refs++;
    list_append(&s->readers->reads, &read->link);
    return 0;
}

void store_read_flush(struct store *s)
{
    struct readers *r = s->readers;
    struct read *read;

    while ((read = list_first(&r->reads, struct read, link))) {
        read_run(read);
        pthread_mutex_lock(&r->lock);
        while (read->state != FINISHED)
            pthread_cond_wait(&r->quiet, &r->lock);
        pthread_mutex_unlock(&r->lock);
        read_deliver(read);
    }
}

void readers_close(struct readers *r)
{
    struct read *read;

    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->closed = true;
    while (r->running > 0)
        pthread_cond_wait(&r->quiet, &r->lock);
    pthread_mutex_unlock(&r->lock);
    while ((read = list_first(&r->reads, struct read, link)))
        read_deliver(read);
    sql_close(r->spare);
    r->spare = NULL;
    r->store = NULL;
    readers_unref(r);
}
