/* The store thread: group commit.
 *
 * It commits whatever is queued as soon as the last commit has returned. A batch is one
 * transaction of the database; when one of its members cannot be applied, the batch is
 * done again with a savepoint around each, so that the one fails alone.
 *
 * On a full disk the store turns read-only: the reserve file is given up, members that
 * record what has already happened are tried again and wait for space if need be, the
 * others are refused. Once a second it looks whether there is room again. A failed
 * fsync, or any other error of the disk, is final: the system may have dropped what it
 * could not write, and a second fsync would call that a success.
 */
#include "store/store_private.h"

#include <errno.h>

static int run_fast(struct store *s, struct list *batch)
{
    struct apply *a = &s->apply;
    int rc = sql_do(a->c, SQL_BEGIN_WRITE);

    if (rc < 0)
        return rc;
    list_each(t, batch, struct store_txn, link)
    {
        if (!t->failed && (rc = apply_txn(a, t)) < 0)
            return rc;
    }
    if ((rc = apply_finish(a)) < 0)
        return rc;
    return sql_do(a->c, SQL_COMMIT);
}

static bool fails_alone(int error)
{
    return error == -EEXIST || error == -ESTALE || error == -ENOMEM || error == -EINVAL;
}

static int run_one(struct store *s, struct store_txn *t)
{
    struct apply *a = &s->apply;
    uint64_t log_next = a->log_next;
    int rc;

    if ((rc = sql_do(a->c, SQL_SAVEPOINT)) < 0)
        return rc;
    if ((rc = apply_txn(a, t)) == 0)
        rc = apply_finish(a);
    if (rc < 0 && fails_alone(rc)) {
        t->error = rc;
        apply_forget(a);
        a->log_next = log_next;
        rc = sql_do(a->c, SQL_UNDO);
    }
    return rc < 0 ? rc : sql_do(a->c, SQL_RELEASE);
}

static int run_slow(struct store *s, struct list *batch)
{
    int rc = sql_do(s->apply.c, SQL_BEGIN_WRITE);

    if (rc < 0)
        return rc;
    list_each(t, batch, struct store_txn, link)
    {
        if (!t->failed && (rc = run_one(s, t)) < 0)
            return rc;
    }
    return sql_do(s->apply.c, SQL_COMMIT);
}

static void undo(struct store *s)
{
    if (!sqlite3_get_autocommit(s->apply.c->db))
        sql_do(s->apply.c, SQL_ROLLBACK);
    apply_rolled_back(&s->apply);
}

/* Commit the batch: 0, -ENOSPC (nothing was), or another error, which is final. */
static int commit(struct store *s, struct list *batch)
{
    int rc;

    list_each(t, batch, struct store_txn, link)
    {
        t->error = t->failed ? -ENOMEM : 0;
    }
    pthread_mutex_lock(&s->db_lock);
    if ((rc = checkpoint_settle(s)) == 0 && (rc = run_fast(s, batch)) < 0)
        undo(s);
    if (fails_alone(rc) && (rc = run_slow(s, batch)) < 0)
        undo(s);
    if (rc == 0)
        apply_committed(&s->apply);
    pthread_mutex_unlock(&s->db_lock);
    return rc;
}

static void finish(struct store *s, struct list *txns)
{
    pthread_mutex_lock(&s->lock);
    list_splice(&s->finished, txns);
    pthread_mutex_unlock(&s->lock);
}

static void finish_committed(struct store *s, struct list *txns)
{
    pthread_mutex_lock(&s->lock);
    s->commits += !list_empty(txns);
    list_splice(&s->finished, txns);
    pthread_mutex_unlock(&s->lock);
}

static void finish_error(struct store *s, struct list *txns, int error)
{
    list_each(t, txns, struct store_txn, link)
    {
        t->error = error;
    }
    finish(s, txns);
}

static void set_state(struct store *s, enum store_state state)
{
    pthread_mutex_lock(&s->lock);
    if (s->state != STORE_FAILED)
        s->state = state;
    pthread_mutex_unlock(&s->lock);
}

void writer_fail(struct store *s)
{
    set_state(s, STORE_FAILED);
    pthread_cond_signal(&s->more);
    watcher_kick(s->wake);
}

/* On a full disk: refuse what may be refused, park the rest. */
static void sort_out(struct store *s, struct list *batch)
{
    struct list refused;

    list_init(&refused);
    list_each(t, batch, struct store_txn, link)
    {
        list_del(&t->link);
        list_append(t->must || t->nops == 0 ? &s->parked : &refused, &t->link);
    }
    finish_error(s, &refused, -ENOSPC);
}

static void fail_all(struct store *s, struct list *batch)
{
    set_state(s, STORE_FAILED);
    finish_error(s, &s->parked, -EIO);
    finish_error(s, batch, -EIO);
}

static void try_parked(struct store *s)
{
    int rc = list_empty(&s->parked) ? 0 : commit(s, &s->parked);

    if (rc == 0)
        finish_committed(s, &s->parked);
    else if (rc != -ENOSPC) {
        struct list none;

        list_init(&none);
        fail_all(s, &none);
    }
}

/* Is there room again? A real commit is the only honest question. */
static void look_for_space(struct store *s)
{
    struct store_txn *t;
    struct list probe;
    int rc;

    if (!list_empty(&s->parked) || space_reserve(&s->space) < 0)
        return;
    if (!(t = store_txn_new(s)))
        return;
    store_txn_meta(t, "space-probe", "1");
    list_init(&probe);
    list_append(&probe, &t->link);
    rc = commit(s, &probe);
    store_txn_free(t);
    if (rc == 0)
        set_state(s, STORE_WRITABLE);
    else
        space_release(&s->space);
}

static void step_full(struct store *s, struct list *batch)
{
    double now = env_monotonic(s->env);

    sort_out(s, batch);
    try_parked(s);
    if (now - s->probed < PROBE_INTERVAL)
        return;
    s->probed = now;
    look_for_space(s);
}

static void enter_full(struct store *s, struct list *batch)
{
    set_state(s, STORE_FULL);
    space_release(&s->space);
    s->probed = env_monotonic(s->env);
    step_full(s, batch);
}

static void step_writable(struct store *s, struct list *batch)
{
    int rc = commit(s, batch);

    if (rc == 0)
        finish_committed(s, batch);
    else if (rc == -ENOSPC)
        enter_full(s, batch);
    else
        fail_all(s, batch);
}

void writer_step(struct store *s, struct list *batch)
{
    enum store_state state;

    list_each(t, batch, struct store_txn, link)
    {
        apply_see(&s->apply, t);
    }
    pthread_mutex_lock(&s->lock);
    state = s->state;
    pthread_mutex_unlock(&s->lock);
    if (state == STORE_FAILED)
        fail_all(s, batch);
    else if (state == STORE_FULL)
        step_full(s, batch);
    else if (!list_empty(batch))
        step_writable(s, batch);
}

void writer_abandon(struct store *s)
{
    finish_error(s, &s->parked, -ENOSPC);
}

void writer_take(struct store *s, struct list *batch)
{
    size_t bytes = 0;
    unsigned n = 0;

    list_init(batch);
    list_each(t, &s->queue, struct store_txn, link)
    {
        if (n == BATCH_TXNS || (n > 0 && bytes + t->bytes.len > BATCH_BYTES))
            break;
        n++;
        bytes += t->bytes.len;
        list_del(&t->link);
        list_append(batch, &t->link);
    }
}

struct timespec store_deadline(struct store *s, double seconds)
{
    double t = env_monotonic(s->env) + seconds;
    time_t whole = t;

    return (struct timespec){whole, (t - whole) * 1e9};
}

static bool has_work(struct store *s)
{
    return !list_empty(&s->queue) || s->stop ||
           (s->state == STORE_FAILED && !list_empty(&s->parked));
}

/* Wait for work (lock held). False when there is none and the store is closing. */
static bool wait_for_work(struct store *s)
{
    struct timespec deadline = store_deadline(s, PROBE_INTERVAL);

    while (!has_work(s)) {
        s->busy = false;
        s->waiting = true;
        pthread_cond_broadcast(&s->idle);
        if (s->state != STORE_FULL)
            pthread_cond_wait(&s->more, &s->lock);
        else if (pthread_cond_timedwait(&s->more, &s->lock, &deadline) == ETIMEDOUT)
            break;
    }
    s->waiting = false;
    s->busy = true;
    return !(s->stop && list_empty(&s->queue));
}

void writer_main(void *arg)
{
    struct store *s = arg;
    struct list batch;

    space_reserve(&s->space);
    pthread_mutex_lock(&s->lock);
    while (wait_for_work(s)) {
        writer_take(s, &batch);
        pthread_mutex_unlock(&s->lock);
        writer_step(s, &batch);
        watcher_kick(s->wake);
        pthread_mutex_lock(&s->lock);
    }
    s->busy = false;
    pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
}
