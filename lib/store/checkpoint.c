/* Moving committed pages from the write-ahead log into the database, on a connection
 * and a thread of its own, so that no acknowledgement waits for it.
 *
 * Twice a second PASSIVE, if there were commits. PASSIVE never lets the log start
 * over while commits keep coming, so the log grows; RESTART does, when the log is
 * large or nothing was committed for an interval. It needs the writer to stand still,
 * but after a PASSIVE there is hardly anything left to copy. At rest a log that has been
 * large is cut off (TRUNCATE), so that a busy hour does not stay on the disk; a small
 * one keeps its length, as a commit into it is faster than one that makes it grow.
 */
#include "store/store_private.h"

#include <errno.h>

#define PASS_SHORT 0.02 /* seconds */
#define PASSES_MAX 6
#define LOG_MAX (256u << 20)
#define LOG_KEEP (4u << 20)
#define FRAME_BYTES (4096 + 24)

struct checkpoint {
    struct sql *c;
    unsigned long seen; /* commits at the last one */
    size_t largest;     /* the log has been that long since it was cut off */
    bool rewound;       /* nothing in the log that the database does not have */
};

static int checkpoint_open(struct store *s, struct checkpoint *cp)
{
    struct sql_open how = {
        .path = s->path,
        .vfs = store_vfs(s),
        .write = true,
        .durability = s->durability == STORE_NONE ? STORE_NONE : STORE_POWER,
        .cache_kib = 64,
    };
    int64_t n;
    int rc;

    if ((rc = sql_open(&how, &cp->c)) < 0)
        return rc;
    /* A connection that has not read the schema checkpoints nothing, silently. */
    if ((rc = sql_int64(cp->c, SQL_MAX_ID, &n)) < 0)
        sql_close(TAKE(cp->c));
    return rc;
}

/* One pass; how many bytes the log has. A reader or a full disk only puts it off. */
static int pass(struct store *s, struct checkpoint *cp, int mode, size_t *ret_size)
{
    int frames = 0, done = 0, rc = 0;

    if (sqlite3_wal_checkpoint_v2(cp->c->db, NULL, mode, &frames, &done) != SQLITE_OK)
        rc = sql_error(cp->c);
    if (rc == -EIO)
        writer_fail(s);
    *ret_size = frames > 0 ? (size_t)frames * FRAME_BYTES : 0;
    if (cp->largest < *ret_size)
        cp->largest = *ret_size;
    return rc;
}

/* While a pass copies, the writer appends; each pass in a row has less to copy, until
 * what is left holds the writer up for a moment only. */
static void catch_up(struct store *s, struct checkpoint *cp)
{
    double start, end = env_monotonic(s->env);
    size_t size;

    for (int i = 0; i < PASSES_MAX; i++) {
        start = end;
        pass(s, cp, SQLITE_CHECKPOINT_PASSIVE, &size);
        end = env_monotonic(s->env);
        if (end - start < PASS_SHORT)
            break;
    }
}

static void rewind_log(struct store *s, struct checkpoint *cp, bool idle)
{
    bool cut = idle && cp->largest > LOG_KEEP;
    size_t size;

    catch_up(s, cp);
    pthread_mutex_lock(&s->db_lock);
    cp->rewound =
        pass(s, cp, cut ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_RESTART,
             &size) == 0;
    pthread_mutex_unlock(&s->db_lock);
    if (cut && cp->rewound)
        cp->largest = 0;
}

static void tick(struct store *s, struct checkpoint *cp, unsigned long commits)
{
    bool idle = commits == cp->seen;
    size_t size;

    if ((idle && cp->rewound) || (!cp->c && checkpoint_open(s, cp) < 0))
        return;
    cp->seen = commits;
    cp->rewound = false;
    if (pass(s, cp, SQLITE_CHECKPOINT_PASSIVE, &size) == 0 && (idle || size > LOG_MAX))
        rewind_log(s, cp, idle);
}

void checkpoint_main(void *arg)
{
    struct store *s = arg;
    struct checkpoint cp = {0};
    unsigned long commits;

    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        struct timespec deadline = store_deadline(s, s->checkpoint_interval);

        while (!s->stop && pthread_cond_timedwait(&s->checkpoint_more, &s->lock,
                                                  &deadline) != ETIMEDOUT)
            ;
        commits = s->commits;
        pthread_mutex_unlock(&s->lock);
        tick(s, &cp, commits);
        pthread_mutex_lock(&s->lock);
    }
    pthread_mutex_unlock(&s->lock);
    sql_close(cp.c);
}

void checkpoint_inline(struct store *s)
{
    struct checkpoint cp = {.c = s->apply.c};
    size_t size;

    pass(s, &cp, SQLITE_CHECKPOINT_PASSIVE, &size);
}

/* A process that was killed after a failed fsync leaves a log whose pages the system holds
 * for clean, although the disk never got them. A commit behind such a hole would be gone
 * after a loss of power, however well it was synced itself. (Rebello et al., "Can
 * Applications Recover from fsync Failures?", USENIX ATC 2020.) */
int checkpoint_settle(struct store *s)
{
    struct sql *c = s->apply.c;

    if (!s->unsettled)
        return 0;
    if (sqlite3_wal_checkpoint_v2(c->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL) !=
        SQLITE_OK)
        return sql_error(c);
    s->unsettled = false;
    return 0;
}
