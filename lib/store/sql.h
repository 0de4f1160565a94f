/* One connection to the database with its prepared statements: the only door to
 * sqlite3.h besides schema.c. A connection is used by one thread at a time. Private to
 * lib/store.
 *
 * Functions return 0 or more, or -errno: -ENOSPC disk full, -EEXIST a unique index is
 * hit, -EBUSY locked, -ENOMEM, and -EIO for everything else.
 */
#ifndef FLUX_STORE_SQL_H
#define FLUX_STORE_SQL_H

#include <sqlite3.h>

#include "store/store.h"

enum sql_id {
    SQL_BEGIN,
    SQL_BEGIN_WRITE,
    SQL_COMMIT,
    SQL_ROLLBACK,
    SQL_SAVEPOINT,
    SQL_RELEASE,
    SQL_UNDO,

    SQL_JOB_PUT,
    SQL_JOB_DELETE,
    SQL_JOBDATA_PUT,
    SQL_JOBDATA_REF, /* the shared bytes that a piece refers to */
    SQL_JOBDATA_REFS,
    SQL_JOBDATA_DELETE,
    SQL_JOBDATA_DELETE_ALL,
    SQL_SHARED_FIND,
    SQL_SHARED_PUT,
    SQL_SHARED_DELETE,
    SQL_USE_ADD,
    SQL_USE_GET,
    SQL_USE_DELETE,
    SQL_META_PUT,
    SQL_META_DELETE,

    SQL_LOG_PUT, /* kvs.h */
    SQL_LOG_TRIM,
    SQL_BLOB_PUT,
    SQL_BLOB_MARK,
    SQL_BLOB_SWEEP,
    SQL_VACUUM,
    SQL_ROOT_PUT,
    SQL_ROOT_DELETE,
    SQL_PIN_PUT,
    SQL_PIN_DELETE,
    SQL_LOST_PUT,

    SQL_JOB_GET,
    SQL_JOB_BY_NONCE,
    SQL_JOB_ACTIVE,
    SQL_JOB_ALL,
    SQL_JOB_INACTIVE,
    SQL_JOB_NEXT,
    SQL_JOB_OLDEST,
    SQL_COUNT_OLDER,
    SQL_JOBDATA_GET,
    SQL_META_GET,
    SQL_META_ALL,
    SQL_COUNT_ACTIVE,
    SQL_COUNT_INACTIVE,
    SQL_MAX_ID,
    SQL_TALLY,

    SQL_LOG_GET,
    SQL_LOG_RANGE,
    SQL_BLOB_GET,
    SQL_BLOB_OLD,
    SQL_BLOB_STATS,
    SQL_ROOTS,
    SQL_PINS,
    SQL_LOST_GET,
    SQL_LOST_COUNT,
    SQL_PAGE_COUNT,
    SQL_PAGE_FREE,
    SQL_PAGE_SIZE,
    SQL_COUNT,
};

struct sql {
    sqlite3 *db;
    sqlite3_stmt *stmts[SQL_COUNT];
};

struct sql_open {
    const char *path; /* NULL: a private database in memory */
    const char *vfs;  /* NULL: the default */
    bool write;
    enum store_durability durability;
    int cache_kib;
};
int sql_open(const struct sql_open *how, struct sql **ret);
void sql_close(struct sql *c); /* accepts NULL */

/* A statement ready to bind. sql_put() gives it back, reset and unbound. NULL with the
 * reason in sql_error(). */
sqlite3_stmt *sql_get(struct sql *c, enum sql_id id);
void sql_put(struct sql *c, enum sql_id id, sqlite3_stmt *st);
/* 1 a row, 0 done, or -errno. */
int sql_step(struct sql *c, sqlite3_stmt *st);
/* Step a statement that gives no rows, and put it back. */
int sql_run(struct sql *c, enum sql_id id, sqlite3_stmt *st);
/* Run a statement without arguments. */
int sql_do(struct sql *c, enum sql_id id);
/* Run text. */
int sql_exec(struct sql *c, const char *text);
/* First column of the first row of a statement without arguments. */
int sql_int64(struct sql *c, enum sql_id id, int64_t *ret);
/* What the last failure was. */
int sql_error(struct sql *c);
const char *sql_error_text(struct sql *c);

/* Well-known keys of job data are stored as small numbers, others as text. */
void sql_bind_key(sqlite3_stmt *st, int i, const char *key);

#endif
