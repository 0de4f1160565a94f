/* The operations of kvs.h put into the database. */
#include "store/apply.h"
#include "store/kvs.h"

static void bind_bytes(sqlite3_stmt *st, int i, const struct store_txn *t,
                       struct txn_bytes b)
{
    sqlite3_bind_blob64(st, i, txn_at(t, b), (sqlite3_uint64)b.len, SQLITE_STATIC);
}

static void bind_text(sqlite3_stmt *st, int i, const struct store_txn *t,
                      struct txn_bytes b)
{
    sqlite3_bind_text(st, i, txn_at(t, b), (int)b.len, SQLITE_STATIC);
}

static void bind(sqlite3_stmt *st, const struct store_txn *t, const struct txn_op *op)
{
    switch (op->kind) {
    case TXN_LOG:
        sqlite3_bind_int64(st, 1, (int64_t)op->id);
        bind_bytes(st, 2, t, op->kvs.bytes);
        break;
    case TXN_LOG_TRIM:
    case TXN_BLOB_SWEEP:
        sqlite3_bind_int64(st, 1, (int64_t)op->id);
        sqlite3_bind_int64(st, 2, (int64_t)op->kvs.number);
        break;
    case TXN_BLOB:
        bind_bytes(st, 3, t, op->kvs.bytes);
        /* fall through */
    case TXN_BLOB_MARK:
        bind_bytes(st, 1, t, op->kvs.hash);
        sqlite3_bind_int64(st, 2, (int64_t)op->kvs.number);
        break;
    case TXN_ROOT:
        sqlite3_bind_int64(st, 2, (int64_t)op->id);
        sqlite3_bind_int64(st, 3, (int64_t)op->kvs.number);
        bind_bytes(st, 4, t, op->kvs.hash);
        sqlite3_bind_int64(st, 5, op->kvs.owner);
        sqlite3_bind_int64(st, 6, op->kvs.flags);
        /* fall through */
    case TXN_ROOT_DELETE:
        bind_text(st, 1, t, op->kvs.name);
        break;
    case TXN_PIN:
        bind_bytes(st, 1, t, op->kvs.hash);
        sqlite3_bind_int64(st, 2, (int64_t)op->id);
        sqlite3_bind_int64(st, 3, op->kvs.owner);
        sqlite3_bind_double(st, 4, op->kvs.when);
        break;
    case TXN_UNPIN:
        sqlite3_bind_double(st, 1, op->kvs.when);
        break;
    case TXN_LOST:
        bind_text(st, 1, t, op->kvs.name);
        bind_text(st, 2, t, op->kvs.hash);
        sqlite3_bind_double(st, 3, op->kvs.when);
        bind_bytes(st, 4, t, op->kvs.bytes);
        break;
    default:
        break;
    }
}

static const enum sql_id statements[] = {
    [TXN_LOG] = SQL_LOG_PUT,           [TXN_LOG_TRIM] = SQL_LOG_TRIM,
    [TXN_BLOB] = SQL_BLOB_PUT,         [TXN_BLOB_MARK] = SQL_BLOB_MARK,
    [TXN_BLOB_SWEEP] = SQL_BLOB_SWEEP, [TXN_VACUUM] = SQL_VACUUM,
    [TXN_ROOT] = SQL_ROOT_PUT,         [TXN_ROOT_DELETE] = SQL_ROOT_DELETE,
    [TXN_PIN] = SQL_PIN_PUT,           [TXN_UNPIN] = SQL_PIN_DELETE,
    [TXN_LOST] = SQL_LOST_PUT,
};

/* It gives a row for each page. */
static int vacuum(struct sql *c, sqlite3_stmt *st)
{
    int rc;

    while ((rc = sql_step(c, st)) > 0)
        ;
    sql_put(c, SQL_VACUUM, st);
    return rc;
}

void apply_see(struct apply *a, const struct store_txn *t)
{
    for (unsigned i = 0; a->log_next == 0 && i < t->nops; i++)
        if (t->ops[i].kind == TXN_LOG)
            a->log_next = a->log_committed = t->ops[i].id;
}

int apply_kvs(struct apply *a, const struct store_txn *t, const struct txn_op *op)
{
    enum sql_id id = statements[op->kind];
    sqlite3_stmt *st;

    /* A record behind one that was refused tells of a state that never was. */
    if (op->kind == TXN_LOG) {
        if (op->id != a->log_next)
            return -ESTALE;
        a->log_next++;
    }
    if (!(st = sql_get(a->c, id)))
        return sql_error(a->c);
    bind(st, t, op);
    return op->kind == TXN_VACUUM ? vacuum(a->c, st) : sql_run(a->c, id, st);
}
