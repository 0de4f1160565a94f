/* The questions of kvs.h. */
#include "store/kvs.h"

#include <errno.h>

#include "store/read.h"

/* A damaged file may have a row with something else in it. */
static const void *hash_of(sqlite3_stmt *st, int i)
{
    const void *hash = sqlite3_column_blob(st, i);

    return sqlite3_column_bytes(st, i) == STORE_HASH ? hash : NULL;
}

static const char *text_of(sqlite3_stmt *st, int i)
{
    const char *s = (const char *)sqlite3_column_text(st, i);

    return s ? s : "";
}

static int give_data(sqlite3_stmt *st, store_data_f cb, void *arg)
{
    const void *data = sqlite3_column_blob(st, 1);

    return cb((uint64_t)sqlite3_column_int64(st, 0), data ? data : "",
              (size_t)sqlite3_column_bytes(st, 1), arg);
}

int store_reader_log(struct store_reader *r, uint64_t after, store_data_f cb, void *arg)
{
    sqlite3_stmt *st = sql_get(r->c, SQL_LOG_GET);
    int rc, stop = 0;

    if (!st)
        return sql_error(r->c);
    sqlite3_bind_int64(st, 1, (int64_t)after);
    while (!stop && (rc = sql_step(r->c, st)) > 0)
        stop = give_data(st, cb, arg);
    sql_put(r->c, SQL_LOG_GET, st);
    return stop ? stop : rc;
}

int store_reader_blob(struct store_reader *r, const void *hash, store_data_f cb,
                      void *arg)
{
    sqlite3_stmt *st = sql_get(r->c, SQL_BLOB_GET);
    int rc;

    if (!st)
        return sql_error(r->c);
    sqlite3_bind_blob(st, 1, hash, STORE_HASH, SQLITE_STATIC);
    if ((rc = sql_step(r->c, st)) > 0)
        rc = give_data(st, cb, arg);
    else if (rc == 0)
        rc = -ENOENT;
    sql_put(r->c, SQL_BLOB_GET, st);
    return rc;
}

int store_reader_roots(struct store_reader *r, store_root_f cb, void *arg)
{
    sqlite3_stmt *st = sql_get(r->c, SQL_ROOTS);
    int rc, stop = 0;

    if (!st)
        return sql_error(r->c);
    while (!stop && (rc = sql_step(r->c, st)) > 0) {
        struct store_root root = {
            .ns = text_of(st, 0),
            .id = (uint64_t)sqlite3_column_int64(st, 1),
            .version = (uint64_t)sqlite3_column_int64(st, 2),
            .hash = hash_of(st, 3),
            .owner = (uint32_t)sqlite3_column_int64(st, 4),
            .flags = (uint32_t)sqlite3_column_int64(st, 5),
        };

        stop = root.hash ? cb(&root, arg) : -EIO;
    }
    sql_put(r->c, SQL_ROOTS, st);
    return stop ? stop : rc;
}

int store_reader_pins(struct store_reader *r, store_pin_f cb, void *arg)
{
    sqlite3_stmt *st = sql_get(r->c, SQL_PINS);
    int rc, stop = 0;

    if (!st)
        return sql_error(r->c);
    while (!stop && (rc = sql_step(r->c, st)) > 0) {
        struct store_pin pin = {
            .hash = hash_of(st, 0),
            .id = (uint64_t)sqlite3_column_int64(st, 1),
            .owner = (uint32_t)sqlite3_column_int64(st, 2),
            .expires = sqlite3_column_double(st, 3),
        };

        stop = pin.hash ? cb(&pin, arg) : 0;
    }
    sql_put(r->c, SQL_PINS, st);
    return stop ? stop : rc;
}

int store_reader_blob_old(struct store_reader *r, int64_t after, uint64_t gen,
                          unsigned max, store_row_f cb, void *arg)
{
    sqlite3_stmt *st = sql_get(r->c, SQL_BLOB_OLD);
    int rc, stop = 0;

    if (!st)
        return sql_error(r->c);
    sqlite3_bind_int64(st, 1, after);
    sqlite3_bind_int64(st, 2, (int64_t)gen);
    sqlite3_bind_int64(st, 3, max);
    while (!stop && (rc = sql_step(r->c, st)) > 0)
        stop = cb(sqlite3_column_int64(st, 0), hash_of(st, 1),
                  (size_t)sqlite3_column_int64(st, 2), arg);
    sql_put(r->c, SQL_BLOB_OLD, st);
    return stop ? stop : rc;
}

int store_reader_lost(struct store_reader *r, store_lost_f cb, void *arg)
{
    sqlite3_stmt *st = sql_get(r->c, SQL_LOST_GET);
    int rc, stop = 0;

    if (!st)
        return sql_error(r->c);
    while (!stop && (rc = sql_step(r->c, st)) > 0) {
        const void *data = sqlite3_column_blob(st, 3);

        stop = cb(text_of(st, 0), text_of(st, 1), sqlite3_column_double(st, 2),
                  data ? data : "", (size_t)sqlite3_column_bytes(st, 3), arg);
    }
    sql_put(r->c, SQL_LOST_GET, st);
    return stop ? stop : rc;
}

/* The columns of a statement's one row. */
static int numbers(struct sql *c, enum sql_id id, uint64_t **ret, int n)
{
    sqlite3_stmt *st = sql_get(c, id);
    int rc;

    if (!st)
        return sql_error(c);
    if ((rc = sql_step(c, st)) > 0)
        for (int i = 0; i < n; i++)
            *ret[i] = (uint64_t)sqlite3_column_int64(st, i);
    sql_put(c, id, st);
    return rc < 0 ? rc : 0;
}

int store_reader_space(struct store_reader *r, uint64_t *ret_file, uint64_t *ret_free)
{
    uint64_t pages = 0, free_pages = 0, size = 0;
    int rc;

    if ((rc = numbers(r->c, SQL_PAGE_COUNT, (uint64_t *[]){&pages}, 1)) < 0 ||
        (rc = numbers(r->c, SQL_PAGE_FREE, (uint64_t *[]){&free_pages}, 1)) < 0 ||
        (rc = numbers(r->c, SQL_PAGE_SIZE, (uint64_t *[]){&size}, 1)) < 0)
        return rc;
    *ret_file = pages * size;
    *ret_free = free_pages * size;
    return 0;
}

int store_reader_kvs_stats(struct store_reader *r, struct store_kvs_stats *s)
{
    int rc;

    *s = (struct store_kvs_stats){0};
    if ((rc = numbers(r->c, SQL_LOG_RANGE,
                      (uint64_t *[]){&s->log_first, &s->log_last, &s->log_records}, 3)) <
            0 ||
        (rc = numbers(r->c, SQL_BLOB_STATS, (uint64_t *[]){&s->blobs, &s->blob_bytes},
                      2)) < 0 ||
        (rc = numbers(r->c, SQL_LOST_COUNT, (uint64_t *[]){&s->lost}, 1)) < 0)
        return rc;
    return store_reader_space(r, &s->file_bytes, &s->free_bytes);
}
