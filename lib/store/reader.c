/* The questions that a read function can ask. */
#include "store/read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "store/delta.h"

static const char *text(sqlite3_stmt *st, int i)
{
    return (const char *)sqlite3_column_text(st, i);
}

/* A damaged file may have a row without a record: readers are promised text. */
static void read_job(sqlite3_stmt *st, struct store_job *job)
{
    const char *rec = text(st, 9);

    *job = (struct store_job){
        .id = sqlite3_column_int64(st, 0),
        .state = sqlite3_column_int(st, 1),
        .result = sqlite3_column_int(st, 2),
        .userid = sqlite3_column_int64(st, 3),
        .t_submit = sqlite3_column_double(st, 4),
        .t_inactive = sqlite3_column_double(st, 5),
        .name = text(st, 6),
        .queue = text(st, 7),
        .nonce = text(st, 8),
        .rec = rec ? rec : "",
        .rec_len = sqlite3_column_bytes(st, 9),
    };
}

/* Call cb for each row; how many there were in *ret_n. */
static int walk_jobs(struct sql *c, enum sql_id id, sqlite3_stmt *st, store_job_f cb,
                     void *arg, size_t *ret_n)
{
    struct store_job job;
    int rc, stop = 0;

    *ret_n = 0;
    while ((rc = sql_step(c, st)) > 0 && !stop) {
        ++*ret_n;
        read_job(st, &job);
        stop = cb(&job, arg);
    }
    sql_put(c, id, st);
    return stop ? stop : rc < 0 ? rc : 0;
}

int store_reader_job(struct store_reader *r, uint64_t id, store_job_f cb, void *arg)
{
    sqlite3_stmt *st = sql_get(r->c, SQL_JOB_GET);
    size_t n;
    int rc;

    if (!st)
        return sql_error(r->c);
    sqlite3_bind_int64(st, 1, id);
    rc = walk_jobs(r->c, SQL_JOB_GET, st, cb, arg, &n);
    return rc == 0 && n == 0 ? -ENOENT : rc;
}

int store_reader_job_by_nonce(struct store_reader *r, uint32_t userid, const char *nonce,
                              uint64_t *ret_id)
{
    sqlite3_stmt *st = sql_get(r->c, SQL_JOB_BY_NONCE);
    int rc;

    if (!st)
        return sql_error(r->c);
    sqlite3_bind_int64(st, 1, userid);
    sqlite3_bind_text(st, 2, nonce, -1, SQLITE_STATIC);
    if ((rc = sql_step(r->c, st)) > 0)
        *ret_id = sqlite3_column_int64(st, 0);
    sql_put(r->c, SQL_JOB_BY_NONCE, st);
    return rc < 0 ? rc : rc > 0 ? 0 : -ENOENT;
}

int store_reader_job_next(struct store_reader *r, uint64_t from, uint64_t last,
                          uint32_t userid, uint64_t *ret_id)
{
    sqlite3_stmt *st = from > INT64_MAX ? NULL : sql_get(r->c, SQL_JOB_NEXT);
    int rc;

    if (!st)
        return from > INT64_MAX ? 0 : sql_error(r->c);
    sqlite3_bind_int64(st, 1, (int64_t)from);
    sqlite3_bind_int64(st, 2, last > INT64_MAX ? INT64_MAX : (int64_t)last);
    sqlite3_bind_int64(st, 3, userid);
    if ((rc = sql_step(r->c, st)) > 0)
        *ret_id = sqlite3_column_int64(st, 0);
    sql_put(r->c, SQL_JOB_NEXT, st);
    return rc < 0 ? rc : rc > 0;
}

int store_reader_active(struct store_reader *r, store_job_f cb, void *arg)
{
    sqlite3_stmt *st = sql_get(r->c, SQL_JOB_ACTIVE);
    size_t n;

    if (!st)
        return sql_error(r->c);
    return walk_jobs(r->c, SQL_JOB_ACTIVE, st, cb, arg, &n);
}

int store_reader_jobs(struct store_reader *r, uint64_t after, unsigned max,
                      store_job_f cb, void *arg)
{
    sqlite3_stmt *st = sql_get(r->c, SQL_JOB_ALL);
    size_t n;

    if (!st)
        return sql_error(r->c);
    sqlite3_bind_int64(st, 1, (int64_t)after);
    sqlite3_bind_int64(st, 2, max);
    return walk_jobs(r->c, SQL_JOB_ALL, st, cb, arg, &n);
}

static void bind_optional(sqlite3_stmt *st, int i, const char *s)
{
    if (s)
        sqlite3_bind_text(st, i, s, -1, SQLITE_STATIC);
}

int store_reader_inactive(struct store_reader *r, const struct store_job_query *q,
                          store_job_f cb, void *arg)
{
    sqlite3_stmt *st = sql_get(r->c, SQL_JOB_INACTIVE);
    size_t n;

    if (!st)
        return sql_error(r->c);
    sqlite3_bind_double(st, 1, q->since);
    sqlite3_bind_double(st, 2, q->before > 0 ? q->before : 1e300);
    sqlite3_bind_int64(st, 3, q->userid);
    sqlite3_bind_int(st, 4, q->results);
    bind_optional(st, 5, q->name);
    bind_optional(st, 6, q->queue);
    return walk_jobs(r->c, SQL_JOB_INACTIVE, st, cb, arg, &n);
}

int store_reader_oldest(struct store_reader *r, double before, size_t max,
                        store_ended_f cb, void *arg)
{
    sqlite3_stmt *st = sql_get(r->c, SQL_JOB_OLDEST);
    int rc, stop = 0;

    if (!st)
        return sql_error(r->c);
    sqlite3_bind_double(st, 1, before);
    sqlite3_bind_int64(st, 2, max > INT64_MAX ? INT64_MAX : (int64_t)max);
    while ((rc = sql_step(r->c, st)) > 0 && !stop)
        stop = cb(sqlite3_column_int64(st, 0), sqlite3_column_double(st, 1), arg);
    sql_put(r->c, SQL_JOB_OLDEST, st);
    return stop ? stop : rc < 0 ? rc : 0;
}

int store_reader_count_older(struct store_reader *r, double before, uint64_t *ret)
{
    sqlite3_stmt *st = sql_get(r->c, SQL_COUNT_OLDER);
    int rc;

    if (!st)
        return sql_error(r->c);
    sqlite3_bind_double(st, 1, before);
    if ((rc = sql_step(r->c, st)) > 0)
        *ret = sqlite3_column_int64(st, 0);
    sql_put(r->c, SQL_COUNT_OLDER, st);
    return rc < 0 ? rc : 0;
}

/* A piece: its own data, shared ones, or those with a difference, for which out is. */
static int piece(sqlite3_stmt *st, struct buf *out, const void **ret, size_t *ret_len)
{
    bool own = sqlite3_column_type(st, 2) == SQLITE_NULL;
    int i = own ? 1 : 3, rc;

    *ret = sqlite3_column_blob(st, i);
    *ret_len = sqlite3_column_bytes(st, i);
    if (own || sqlite3_column_type(st, 1) == SQLITE_NULL)
        return 0;
    rc = delta_apply(*ret, *ret_len, sqlite3_column_blob(st, 1),
                     sqlite3_column_bytes(st, 1), out);
    *ret = out->data;
    *ret_len = out->len;
    return rc;
}

int store_reader_jobdata(struct store_reader *r, uint64_t id, const char *key,
                         store_data_f cb, void *arg)
{
    sqlite3_stmt *st = sql_get(r->c, SQL_JOBDATA_GET);
    CLEANUP(buf_free) struct buf out = {0};
    int rc, stop = 0;
    size_t n = 0;

    if (!st)
        return sql_error(r->c);
    sqlite3_bind_int64(st, 1, id);
    sql_bind_key(st, 2, key);
    while ((rc = sql_step(r->c, st)) > 0 && !stop) {
        const void *data;
        size_t len;

        n++;
        if ((rc = piece(st, &out, &data, &len)) < 0)
            break;
        stop = cb(sqlite3_column_int64(st, 0), data ? data : "", len, arg);
    }
    sql_put(r->c, SQL_JOBDATA_GET, st);
    if (stop)
        return stop;
    return rc < 0 ? rc : n > 0 ? 0 : -ENOENT;
}

int store_reader_meta(struct store_reader *r, const char *key, char **ret)
{
    sqlite3_stmt *st = sql_get(r->c, SQL_META_GET);
    char *value = NULL;
    int rc;

    if (!st)
        return sql_error(r->c);
    sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
    if ((rc = sql_step(r->c, st)) > 0) {
        const char *s = text(st, 0);

        if (s && (value = strdup(s)))
            *ret = value;
        rc = !s ? -ENOENT : value ? 0 : -ENOMEM;
    } else if (rc == 0)
        rc = -ENOENT;
    sql_put(r->c, SQL_META_GET, st);
    return rc;
}

int store_reader_metas(struct store_reader *r, store_meta_f cb, void *arg)
{
    sqlite3_stmt *st = sql_get(r->c, SQL_META_ALL);
    int rc, stop = 0;

    if (!st)
        return sql_error(r->c);
    while (!stop && (rc = sql_step(r->c, st)) > 0)
        if (text(st, 0) && text(st, 1))
            stop = cb(text(st, 0), text(st, 1), arg);
    sql_put(r->c, SQL_META_ALL, st);
    return stop ? stop : rc;
}

int store_reader_stats(struct store_reader *r, uint64_t *ret_active,
                       uint64_t *ret_inactive, uint64_t *ret_max_id)
{
    int64_t active = 0, inactive = 0, max_id = 0;
    int rc;

    if ((rc = sql_int64(r->c, SQL_COUNT_ACTIVE, &active)) < 0 ||
        (rc = sql_int64(r->c, SQL_COUNT_INACTIVE, &inactive)) < 0 ||
        (rc = sql_int64(r->c, SQL_MAX_ID, &max_id)) < 0)
        return rc;
    *ret_active = active;
    *ret_inactive = inactive;
    *ret_max_id = max_id;
    return 0;
}

int store_reader_results(struct store_reader *r, uint64_t ret[STORE_NRESULTS])
{
    sqlite3_stmt *st = sql_get(r->c, SQL_TALLY);
    int rc;

    if (!st)
        return sql_error(r->c);
    memset(ret, 0, STORE_NRESULTS * sizeof(ret[0]));
    while ((rc = sql_step(r->c, st)) > 0) {
        int result = sqlite3_column_int(st, 0);

        if (result >= 0 && result < STORE_NRESULTS)
            ret[result] = sqlite3_column_int64(st, 1);
    }
    sql_put(r->c, SQL_TALLY, st);
    return rc < 0 ? rc : 0;
}
