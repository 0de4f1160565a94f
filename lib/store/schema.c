/* The tables.
 *
 *   meta        small facts: uuid, and what the modules keep
 *   job         one summary row a job; rec is JSON. Two partial indices split the
 *               active from the inactive ones, a third makes nonces unique per user. That of
 *               the inactive ones, in the order of their ends, has what queries filter by,
 *               so that rows which do not match are not read
 *   tally       how many inactive jobs there are of each result, kept by triggers, since
 *               counting a million rows takes a good part of a second
 *   jobdata     pieces of a job: (id, key, seq) -> data, or ref into shared; with both,
 *               data is the difference to the shared bytes, see delta.h
 *   shared      bytes that many jobs have in common, once, by BLAKE2b-256
 *   shared_use  how many pieces refer to them
 *
 * Known keys of jobdata are numbers: 1 jobspec, 2 env, 3 R, 4 eventlog. The format's
 * number is PRAGMA user_version, the program's mark PRAGMA application_id.
 */
#include "store/schema.h"

#include <errno.h>

#include "base/error.h"

#define APPLICATION_ID 0x464c5558 /* "FLUX" */
#define FORMAT 3
#define STRING(x) #x
#define STRING_OF(x) STRING(x)

#define MARKS                                                                            \
    "PRAGMA application_id=" STRING_OF(APPLICATION_ID) ";"                               \
                                                       "PRAGMA user_version=" STRING_OF( \
                                                           FORMAT) ";"

/* Since format 2. */
#define KVS_TABLES                                                                       \
    "CREATE TABLE log(seq INTEGER PRIMARY KEY,rec BLOB);"                                \
    "CREATE TABLE blob(id INTEGER PRIMARY KEY,hash BLOB NOT NULL UNIQUE,"                \
    " gen INT NOT NULL,data BLOB);"                                                      \
    "CREATE TABLE root(ns TEXT PRIMARY KEY,id INT,version INT,hash BLOB,owner INT,"      \
    " flags INT) WITHOUT ROWID;"                                                         \
    "CREATE TABLE pin(hash BLOB,id INT,owner INT,expires REAL,PRIMARY KEY(hash,id))"     \
    " WITHOUT ROWID;"                                                                    \
    "CREATE TABLE lost(id INTEGER PRIMARY KEY,what TEXT,why TEXT,t REAL,data BLOB);"

/* Since format 3. */
#define INACTIVE_INDEX                                                                   \
    "CREATE INDEX job_inactive ON job(t_inactive,id,result,userid,name,queue)"           \
    " WHERE state=64;"
#define TALLY_ADD                                                                        \
    "INSERT INTO tally(result,n) SELECT new.result,1 WHERE new.state=64"                 \
    " ON CONFLICT(result) DO UPDATE SET n=n+1;"
#define TALLY_TAKE "UPDATE tally SET n=n-1 WHERE old.state=64 AND result=old.result;"
#define TALLY                                                                            \
    "CREATE TABLE tally(result INTEGER PRIMARY KEY,n INT NOT NULL);"                     \
    "CREATE TRIGGER job_new AFTER INSERT ON job WHEN new.state=64"                       \
    " BEGIN " TALLY_ADD " END;"                                                          \
    "CREATE TRIGGER job_put AFTER UPDATE OF state,result ON job"                         \
    " WHEN new.state=64 OR old.state=64 BEGIN " TALLY_TAKE TALLY_ADD " END;"             \
    "CREATE TRIGGER job_gone AFTER DELETE ON job WHEN old.state=64"                      \
    " BEGIN " TALLY_TAKE " END;"

static const char create_text[] =
    "BEGIN IMMEDIATE;"
    "CREATE TABLE meta(k TEXT PRIMARY KEY,v TEXT) WITHOUT ROWID;"
    "CREATE TABLE job(id INTEGER PRIMARY KEY,state INT,result INT,userid INT,"
    " t_submit REAL,t_inactive REAL,name TEXT,queue TEXT,nonce TEXT,rec TEXT);"
    "CREATE INDEX job_active ON job(id) WHERE state<>64;" INACTIVE_INDEX
    "CREATE UNIQUE INDEX job_nonce ON job(userid,nonce) WHERE nonce IS NOT NULL;"
    "CREATE TABLE jobdata(id INT,key,seq INT,data BLOB,ref INT);"
    "CREATE UNIQUE INDEX jobdata_key ON jobdata(id,key,seq);"
    "CREATE TABLE shared(ref INTEGER PRIMARY KEY,hash BLOB NOT NULL UNIQUE,data BLOB);"
    "CREATE TABLE shared_use(ref INTEGER PRIMARY KEY,n INT NOT NULL);" TALLY KVS_TABLES
        MARKS;

/* From the format before, in order. */
static const char *const upgrades[FORMAT] = {
    [1] = KVS_TABLES,
    [2] = "DROP INDEX job_inactive;" INACTIVE_INDEX TALLY "INSERT INTO tally(result,n)"
          " SELECT result,count(*) FROM job WHERE state=64 GROUP BY result;",
};

static int pragma(struct sql *c, const char *text, int64_t *ret)
{
    sqlite3_stmt *st;
    int rc;

    if (sqlite3_prepare_v2(c->db, text, -1, &st, NULL) != SQLITE_OK)
        return sql_error(c);
    *ret = 0;
    if ((rc = sql_step(c, st)) > 0)
        *ret = sqlite3_column_int64(st, 0);
    sqlite3_finalize(st);
    return rc < 0 ? rc : 0;
}

static int set_uuid(struct sql *c, const char *uuid)
{
    sqlite3_stmt *st;

    if (!uuid)
        return 0;
    if (!(st = sql_get(c, SQL_META_PUT)))
        return sql_error(c);
    sqlite3_bind_text(st, 1, "uuid", -1, SQLITE_STATIC);
    sqlite3_bind_text(st, 2, uuid, -1, SQLITE_STATIC);
    return sql_run(c, SQL_META_PUT, st);
}

static int create(struct sql *c, const char *uuid)
{
    int rc;

    if ((rc = sql_exec(c, create_text)) == 0 && (rc = set_uuid(c, uuid)) == 0)
        rc = sql_do(c, SQL_COMMIT);
    if (rc < 0 && !sqlite3_get_autocommit(c->db))
        sql_do(c, SQL_ROLLBACK);
    return rc;
}

/* All steps in one transaction: a cut leaves the old format or the new one. */
static int upgrade(struct sql *c, int64_t format)
{
    int rc = sql_do(c, SQL_BEGIN_WRITE);

    for (; rc == 0 && format < FORMAT; format++)
        rc = sql_exec(c, upgrades[format]);
    if (rc == 0 && (rc = sql_exec(c, MARKS)) == 0)
        rc = sql_do(c, SQL_COMMIT);
    if (rc < 0 && !sqlite3_get_autocommit(c->db))
        sql_do(c, SQL_ROLLBACK);
    return rc;
}

static int check(int64_t application, int64_t format, const char *path, flux_error_t *err)
{
    if (application != APPLICATION_ID)
        return error_set(err, EINVAL,
                         "%s is a database of another program; move it away, or choose "
                         "another statedir",
                         path);
    if (format < 1)
        return error_set(err, EINVAL, "%s has no format that was ever written", path);
    if (format > FORMAT)
        return error_set(err, EINVAL,
                         "%s has format %jd, written by a newer version (this one knows "
                         "%d)",
                         path, (intmax_t)format, FORMAT);
    return 0;
}

/* What a failure means for a person: SQLite's text, and the way out. */
static int failure(struct sql *c, int rc, const char *path, flux_error_t *err)
{
    int code = sqlite3_errcode(c->db);

    if (code == SQLITE_NOTADB || code == SQLITE_CORRUPT)
        return error_set(err, EINVAL,
                         "%s is damaged (%s): move it away or put a copy back, or choose "
                         "another statedir",
                         path, sql_error_text(c));
    if (rc == -ENOSPC)
        return error_set(err, ENOSPC,
                         "%s: no space left: make room, or choose another "
                         "statedir",
                         path);
    return error_set(err, -rc, "%s: %s", path, sql_error_text(c));
}

int schema_open(struct sql *c, const char *path, const char *uuid, flux_error_t *err)
{
    int64_t tables = 0, application = 0, format = 0;
    int rc;

    if ((rc = pragma(c, "SELECT count(*) FROM sqlite_schema", &tables)) < 0 ||
        (rc = pragma(c, "PRAGMA application_id", &application)) < 0 ||
        (rc = pragma(c, "PRAGMA user_version", &format)) < 0)
        return failure(c, rc, path, err);
    if ((tables || application) && (rc = check(application, format, path, err)) < 0)
        return rc;
    /* Free pages can be given back; it can only be said before there is a table. */
    if ((!tables && (rc = sql_exec(c, "PRAGMA auto_vacuum=INCREMENTAL")) < 0) ||
        (rc = sql_exec(c, "PRAGMA journal_mode=WAL")) < 0 ||
        (!tables && (rc = create(c, uuid)) < 0) ||
        (tables && format < FORMAT && (rc = upgrade(c, format)) < 0))
        return failure(c, rc, path, err);
    return 0;
}
