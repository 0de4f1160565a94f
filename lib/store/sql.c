/* Connections and statements. */
#include "store/sql.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOB_COLUMNS "id,state,result,userid,t_submit,t_inactive,name,queue,nonce,rec"

static const char *const texts[SQL_COUNT] = {
    [SQL_BEGIN] = "BEGIN",
    [SQL_BEGIN_WRITE] = "BEGIN IMMEDIATE",
    [SQL_COMMIT] = "COMMIT",
    [SQL_ROLLBACK] = "ROLLBACK",
    [SQL_SAVEPOINT] = "SAVEPOINT one",
    [SQL_RELEASE] = "RELEASE one",
    [SQL_UNDO] = "ROLLBACK TO one",

    [SQL_JOB_PUT] =
        "INSERT INTO job(" JOB_COLUMNS ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10)"
        " ON CONFLICT(id) DO UPDATE SET state=excluded.state,result=excluded.result,"
        "userid=excluded.userid,t_submit=excluded.t_submit,"
        "t_inactive=excluded.t_inactive,name=excluded.name,queue=excluded.queue,"
        "nonce=excluded.nonce,rec=excluded.rec",
    [SQL_JOB_DELETE] = "DELETE FROM job WHERE id=?1",
    [SQL_JOBDATA_PUT] = "INSERT INTO jobdata(id,key,seq,data,ref) VALUES(?1,?2,?3,?4,?5)",
    [SQL_JOBDATA_REF] = "SELECT ref FROM jobdata WHERE id=?1 AND key=?2 AND seq=?3",
    [SQL_JOBDATA_REFS] = "SELECT ref FROM jobdata WHERE id=?1 AND ref IS NOT NULL",
    [SQL_JOBDATA_DELETE] = "DELETE FROM jobdata WHERE id=?1 AND key=?2 AND seq=?3",
    [SQL_JOBDATA_DELETE_ALL] = "DELETE FROM jobdata WHERE id=?1",
    [SQL_SHARED_FIND] = "SELECT ref FROM shared WHERE hash=?1",
    [SQL_SHARED_PUT] = "INSERT INTO shared(hash,data) VALUES(?1,?2)",
    [SQL_SHARED_DELETE] = "DELETE FROM shared WHERE ref=?1",
    [SQL_USE_ADD] = "INSERT INTO shared_use(ref,n) VALUES(?1,?2)"
                    " ON CONFLICT(ref) DO UPDATE SET n=n+excluded.n",
    [SQL_USE_GET] = "SELECT n FROM shared_use WHERE ref=?1",
    [SQL_USE_DELETE] = "DELETE FROM shared_use WHERE ref=?1",
    [SQL_META_PUT] = "INSERT OR REPLACE INTO meta(k,v) VALUES(?1,?2)",
    [SQL_META_DELETE] = "DELETE FROM meta WHERE k=?1",

    [SQL_LOG_PUT] = "INSERT INTO log(seq,rec) VALUES(?1,?2)",
    [SQL_LOG_TRIM] = "DELETE FROM log WHERE seq<=?1"
                     " AND seq<(SELECT min(seq) FROM log)+?2",
    [SQL_BLOB_PUT] = "INSERT INTO blob(hash,gen,data) VALUES(?1,?2,?3)"
                     " ON CONFLICT(hash) DO UPDATE SET gen=max(gen,excluded.gen)",
    [SQL_BLOB_MARK] = "UPDATE blob SET gen=?2 WHERE hash=?1 AND gen<?2",
    [SQL_BLOB_SWEEP] = "DELETE FROM blob WHERE id=?1 AND gen<?2",
    [SQL_VACUUM] = "PRAGMA incremental_vacuum(256)",
    [SQL_ROOT_PUT] = "INSERT OR REPLACE INTO root(ns,id,version,hash,owner,flags)"
                     " VALUES(?1,?2,?3,?4,?5,?6)",
    [SQL_ROOT_DELETE] = "DELETE FROM root WHERE ns=?1",
    [SQL_PIN_PUT] = "INSERT INTO pin(hash,id,owner,expires) VALUES(?1,?2,?3,?4)"
                    " ON CONFLICT(hash,id) DO UPDATE SET"
                    " expires=max(expires,excluded.expires)",
    [SQL_PIN_DELETE] = "DELETE FROM pin WHERE expires<=?1",
    [SQL_LOST_PUT] = "INSERT INTO lost(what,why,t,data) VALUES(?1,?2,?3,?4)",

    [SQL_JOB_GET] = "SELECT " JOB_COLUMNS " FROM job WHERE id=?1",
    [SQL_JOB_BY_NONCE] = "SELECT id FROM job WHERE userid=?1 AND nonce=?2",
    [SQL_JOB_ACTIVE] = "SELECT " JOB_COLUMNS
                       " FROM job INDEXED BY job_active WHERE state<>64 ORDER BY id",
    [SQL_JOB_ALL] = "SELECT " JOB_COLUMNS " FROM job WHERE id>?1 ORDER BY id LIMIT ?2",
    [SQL_JOB_INACTIVE] =
        "SELECT " JOB_COLUMNS " FROM job INDEXED BY job_inactive WHERE state=64"
        " AND t_inactive>?1 AND t_inactive<?2 AND (?3=4294967295 OR userid=?3)"
        " AND (?4=0 OR (result&?4)<>0) AND (?5 IS NULL OR name=?5)"
        " AND (?6 IS NULL OR queue=?6) ORDER BY t_inactive DESC,id DESC",
    [SQL_JOB_NEXT] = "SELECT id FROM job WHERE id BETWEEN ?1 AND ?2"
                     " AND (?3=4294967295 OR userid=?3) ORDER BY id LIMIT 1",
    [SQL_JOB_OLDEST] =
        "SELECT id,t_inactive FROM job INDEXED BY job_inactive WHERE state=64"
        " AND t_inactive<?1 ORDER BY t_inactive,id LIMIT ?2",
    [SQL_COUNT_OLDER] = "SELECT count(*) FROM job INDEXED BY job_inactive WHERE state=64"
                        " AND t_inactive<?1",
    [SQL_JOBDATA_GET] = "SELECT d.seq,d.data,d.ref,s.data FROM jobdata d"
                        " LEFT JOIN shared s ON s.ref=d.ref"
                        " WHERE d.id=?1 AND d.key=?2 ORDER BY d.seq",
    [SQL_META_ALL] = "SELECT k,v FROM meta ORDER BY k",
    [SQL_META_GET] = "SELECT v FROM meta WHERE k=?1",
    [SQL_COUNT_ACTIVE] = "SELECT count(*) FROM job INDEXED BY job_active WHERE state<>64",
    [SQL_MAX_ID] = "SELECT max(id) FROM job",
    [SQL_COUNT_INACTIVE] = "SELECT total(n) FROM tally",
    [SQL_TALLY] = "SELECT result,n FROM tally",

    [SQL_LOG_GET] = "SELECT seq,rec FROM log WHERE seq>?1 ORDER BY seq",
    [SQL_LOG_RANGE] = "SELECT min(seq),max(seq),count(*) FROM log",
    [SQL_BLOB_GET] = "SELECT gen,data FROM blob WHERE hash=?1",
    [SQL_BLOB_OLD] = "SELECT id,hash,length(data) FROM blob WHERE id>?1 AND gen<?2"
                     " ORDER BY id LIMIT ?3",
    [SQL_BLOB_STATS] = "SELECT count(*),sum(length(data)) FROM blob",
    [SQL_ROOTS] = "SELECT ns,id,version,hash,owner,flags FROM root ORDER BY ns",
    [SQL_PINS] = "SELECT hash,id,owner,expires FROM pin",
    [SQL_LOST_GET] = "SELECT what,why,t,data FROM lost ORDER BY id",
    [SQL_LOST_COUNT] = "SELECT count(*) FROM lost",
    [SQL_PAGE_COUNT] = "PRAGMA page_count",
    [SQL_PAGE_FREE] = "PRAGMA freelist_count",
    [SQL_PAGE_SIZE] = "PRAGMA page_size",
};

static const char *const keys[] = {"", "jobspec", "env", "R", "eventlog"};

void sql_bind_key(sqlite3_stmt *st, int i, const char *key)
{
    for (int k = 1; k < (int)(sizeof(keys) / sizeof(keys[0])); k++)
        if (strcmp(key, keys[k]) == 0) {
            sqlite3_bind_int(st, i, k);
            return;
        }
    sqlite3_bind_text(st, i, key, -1, SQLITE_STATIC);
}

static int translate(struct sql *c, int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
        return 0;
    case SQLITE_FULL:
        return -ENOSPC;
    case SQLITE_NOMEM:
        return -ENOMEM;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return -EBUSY;
    case SQLITE_CONSTRAINT:
        return -EEXIST;
    case SQLITE_NOTADB:
        return -EINVAL;
    case SQLITE_IOERR: {
        int e = sqlite3_system_errno(c->db);

        return rc != SQLITE_IOERR_FSYNC && (e == ENOSPC || e == EDQUOT) ? -ENOSPC : -EIO;
    }
    default:
        return -EIO;
    }
}

int sql_error(struct sql *c)
{
    int rc = translate(c, sqlite3_extended_errcode(c->db));

    return rc < 0 ? rc : -EIO;
}

const char *sql_error_text(struct sql *c)
{
    return sqlite3_errmsg(c->db);
}

int sql_exec(struct sql *c, const char *text)
{
    return translate(c, sqlite3_exec(c->db, text, NULL, NULL, NULL));
}

static const char *synchronous(enum store_durability d)
{
    return d == STORE_POWER ? "FULL" : d == STORE_PROCESS ? "NORMAL" : "OFF";
}

/* journal_mode comes from the file and is set once, with the schema. */
static int set_up(struct sql *c, const struct sql_open *how)
{
    char text[320];

    snprintf(text, sizeof(text),
             "PRAGMA synchronous=%s;PRAGMA cache_size=-%d;PRAGMA mmap_size=0;"
             "PRAGMA temp_store=MEMORY;PRAGMA trusted_schema=OFF;"
             "PRAGMA cell_size_check=ON;PRAGMA wal_autocheckpoint=0;"
             "PRAGMA journal_size_limit=67108864",
             synchronous(how->durability), how->cache_kib);
    return sql_exec(c, text);
}

int sql_open(const struct sql_open *how, struct sql **ret)
{
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    struct sql *c = calloc(1, sizeof(*c));
    int rc;

    if (!c)
        return -ENOMEM;
    flags |=
        how->write ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    rc = sqlite3_open_v2(how->path ? how->path : ":memory:", &c->db, flags, how->vfs);
    if (rc != SQLITE_OK)
        rc = rc == SQLITE_NOMEM ? -ENOMEM : translate(c, rc);
    else
        rc = set_up(c, how);
    if (rc < 0) {
        sql_close(c);
        return rc;
    }
    *ret = c;
    return 0;
}

void sql_close(struct sql *c)
{
    if (!c)
        return;
    for (int i = 0; i < SQL_COUNT; i++)
        sqlite3_finalize(c->stmts[i]);
    sqlite3_close_v2(c->db);
    free(c);
}

sqlite3_stmt *sql_get(struct sql *c, enum sql_id id)
{
    sqlite3_stmt *st = c->stmts[id];

    /* In use: a callback of its own walk asks for the same thing again. */
    if (st && sqlite3_stmt_busy(st))
        st = NULL;
    else if (st)
        return st;
    if (sqlite3_prepare_v3(c->db, texts[id], -1,
                           c->stmts[id] ? 0 : SQLITE_PREPARE_PERSISTENT, &st,
                           NULL) != SQLITE_OK)
        return NULL;
    if (!c->stmts[id])
        c->stmts[id] = st;
    return st;
}

void sql_put(struct sql *c, enum sql_id id, sqlite3_stmt *st)
{
    if (st != c->stmts[id]) {
        sqlite3_finalize(st);
        return;
    }
    sqlite3_reset(st);
    sqlite3_clear_bindings(st);
}

int sql_step(struct sql *c, sqlite3_stmt *st)
{
    int rc = sqlite3_step(st);

    if (rc == SQLITE_ROW)
        return 1;
    return rc == SQLITE_DONE ? 0 : sql_error(c);
}

int sql_run(struct sql *c, enum sql_id id, sqlite3_stmt *st)
{
    int rc = sql_step(c, st);

    sql_put(c, id, st);
    return rc < 0 ? rc : 0;
}

int sql_do(struct sql *c, enum sql_id id)
{
    sqlite3_stmt *st = sql_get(c, id);

    return st ? sql_run(c, id, st) : sql_error(c);
}

int sql_int64(struct sql *c, enum sql_id id, int64_t *ret)
{
    sqlite3_stmt *st = sql_get(c, id);
    int rc;

    if (!st)
        return sql_error(c);
    if ((rc = sql_step(c, st)) > 0)
        *ret = sqlite3_column_int64(st, 0);
    sql_put(c, id, st);
    return rc < 0 ? rc : 0;
}
