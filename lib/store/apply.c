/* Transactions put into the database, operation by operation. */
#include "store/apply.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "store/delta.h"

static void bind_text(sqlite3_stmt *st, int i, const struct store_txn *t,
                      struct txn_bytes b)
{
    if (b.len < 0)
        sqlite3_bind_null(st, i);
    else
        sqlite3_bind_text(st, i, t->bytes.data + b.off, b.len, SQLITE_STATIC);
}

static int put_job(struct apply *a, const struct store_txn *t, const struct txn_op *op)
{
    sqlite3_stmt *st = sql_get(a->c, SQL_JOB_PUT);

    if (!st)
        return sql_error(a->c);
    sqlite3_bind_int64(st, 1, op->id);
    sqlite3_bind_int(st, 2, op->job.state);
    sqlite3_bind_int(st, 3, op->job.result);
    sqlite3_bind_int64(st, 4, op->job.userid);
    sqlite3_bind_double(st, 5, op->job.t_submit);
    sqlite3_bind_double(st, 6, op->job.t_inactive);
    bind_text(st, 7, t, op->job.name);
    bind_text(st, 8, t, op->job.queue);
    bind_text(st, 9, t, op->job.nonce);
    bind_text(st, 10, t, op->job.rec);
    return sql_run(a->c, SQL_JOB_PUT, st);
}

static int run_ref(struct apply *a, enum sql_id id, int64_t ref)
{
    sqlite3_stmt *st = sql_get(a->c, id);

    if (!st)
        return sql_error(a->c);
    sqlite3_bind_int64(st, 1, ref);
    return sql_run(a->c, id, st);
}

static int use_add(struct apply *a, int64_t ref, int64_t n)
{
    sqlite3_stmt *st = sql_get(a->c, SQL_USE_ADD);

    if (!st)
        return sql_error(a->c);
    sqlite3_bind_int64(st, 1, ref);
    sqlite3_bind_int64(st, 2, n);
    return sql_run(a->c, SQL_USE_ADD, st);
}

/* Write down uses that are only counted so far. */
static int flush_uses(struct apply *a, int64_t ref, int64_t *added)
{
    int rc = *added ? use_add(a, ref, *added) : 0;

    if (rc == 0)
        *added = 0;
    return rc;
}

int apply_finish(struct apply *a)
{
    int rc = 0;

    for (int i = 0; rc == 0 && i < APPLY_SHARED_SLOTS; i++)
        rc = flush_uses(a, a->shared[i].ref, &a->shared[i].added);
    for (unsigned i = 0; rc == 0 && i < a->nbases; i++)
        rc = flush_uses(a, a->bases[i].ref, &a->bases[i].added);
    return rc;
}

void apply_forget(struct apply *a)
{
    memset(a->shared, 0, sizeof(a->shared));
    for (unsigned i = 0; i < a->nbases; i++)
        a->bases[i].ref = a->bases[i].added = 0;
    a->nbases = a->next_base = 0;
}

void apply_rolled_back(struct apply *a)
{
    apply_forget(a);
    a->log_next = a->log_committed;
}

void apply_committed(struct apply *a)
{
    a->log_committed = a->log_next;
}

void apply_free(struct apply *a)
{
    for (int i = 0; i < APPLY_BASES; i++)
        buf_free(&a->bases[i].bytes);
    buf_free(&a->delta);
}

/* One use less; the last one takes the bytes away. */
static int shared_release(struct apply *a, int64_t ref)
{
    sqlite3_stmt *st;
    int64_t n = 0;
    int rc;

    if ((rc = apply_finish(a)) < 0 || (rc = use_add(a, ref, -1)) < 0)
        return rc;
    if (!(st = sql_get(a->c, SQL_USE_GET)))
        return sql_error(a->c);
    sqlite3_bind_int64(st, 1, ref);
    if ((rc = sql_step(a->c, st)) > 0)
        n = sqlite3_column_int64(st, 0);
    sql_put(a->c, SQL_USE_GET, st);
    if (rc < 0 || n > 0)
        return rc < 0 ? rc : 0;
    apply_forget(a);
    if ((rc = run_ref(a, SQL_SHARED_DELETE, ref)) < 0)
        return rc;
    return run_ref(a, SQL_USE_DELETE, ref);
}

static int shared_find(struct apply *a, const unsigned char *hash, int64_t *ret)
{
    sqlite3_stmt *st = sql_get(a->c, SQL_SHARED_FIND);
    int rc;

    if (!st)
        return sql_error(a->c);
    sqlite3_bind_blob(st, 1, hash, APPLY_HASH_SIZE, SQLITE_STATIC);
    if ((rc = sql_step(a->c, st)) > 0)
        *ret = sqlite3_column_int64(st, 0);
    sql_put(a->c, SQL_SHARED_FIND, st);
    return rc;
}

static int shared_put(struct apply *a, const unsigned char *hash, const void *data,
                      size_t len, int64_t *ret)
{
    sqlite3_stmt *st = sql_get(a->c, SQL_SHARED_PUT);
    int rc;

    if (!st)
        return sql_error(a->c);
    sqlite3_bind_blob(st, 1, hash, APPLY_HASH_SIZE, SQLITE_STATIC);
    sqlite3_bind_blob64(st, 2, data, len, SQLITE_STATIC);
    if ((rc = sql_run(a->c, SQL_SHARED_PUT, st)) == 0)
        *ret = sqlite3_last_insert_rowid(a->c->db);
    return rc;
}

/* Remember the bytes behind a reference, in place of the oldest that are remembered. */
static int keep_base(struct apply *a, int64_t ref, const void *data, size_t len)
{
    struct apply_base *base = &a->bases[a->next_base];
    int rc;

    if (len > APPLY_BASE_MAX)
        return 0;
    if ((rc = flush_uses(a, base->ref, &base->added)) < 0)
        return rc;
    base->ref = 0;
    base->bytes.len = 0;
    if (buf_add(&base->bytes, data, len) < 0)
        return -ENOMEM;
    base->ref = ref;
    if (a->nbases <= a->next_base)
        a->nbases = a->next_base + 1;
    a->next_base = (a->next_base + 1) % APPLY_BASES;
    return 0;
}

/* 1: these bytes are others that are remembered, or those and a->delta; counts a use. */
static int base_use(struct apply *a, const void *data, size_t len, int64_t *ret)
{
    struct delta d;

    a->delta.len = 0;
    for (unsigned i = 0; i < a->nbases; i++) {
        struct apply_base *base = &a->bases[i];

        if (!base->ref || !delta_find(base->bytes.data, base->bytes.len, data, len, &d))
            continue;
        if ((d.head < len || base->bytes.len != len) &&
            delta_print(&d, data, len, &a->delta) < 0)
            return -ENOMEM;
        base->added++;
        *ret = base->ref;
        return 1;
    }
    return 0;
}

/* The reference of these bytes, stored if they are new; counts one use. If a->delta is
 * set, it goes with the reference. */
static int shared_use(struct apply *a, const void *data, size_t len, int64_t *ret)
{
    unsigned char hash[APPLY_HASH_SIZE];
    struct apply_shared *slot;
    int64_t ref = 0;
    int rc;

    if ((rc = base_use(a, data, len, ret)) != 0)
        return rc < 0 ? rc : 0;
    crypto_generichash(hash, sizeof(hash), data, len, NULL, 0);
    slot = &a->shared[hash[0] % APPLY_SHARED_SLOTS];
    if (!slot->ref || memcmp(slot->hash, hash, sizeof(hash)) != 0) {
        if ((rc = flush_uses(a, slot->ref, &slot->added)) < 0 ||
            (rc = shared_find(a, hash, &ref)) < 0)
            return rc;
        if (rc == 0 && (rc = shared_put(a, hash, data, len, &ref)) < 0)
            return rc;
        if ((rc = keep_base(a, ref, data, len)) < 0)
            return rc;
        memcpy(slot->hash, hash, sizeof(hash));
        slot->ref = ref;
    }
    slot->added++;
    *ret = slot->ref;
    return 0;
}

static int bind_piece(struct apply *a, enum sql_id id, const struct store_txn *t,
                      const struct txn_op *op, sqlite3_stmt **ret)
{
    sqlite3_stmt *st = sql_get(a->c, id);

    if (!st)
        return sql_error(a->c);
    sqlite3_bind_int64(st, 1, op->id);
    sql_bind_key(st, 2, txn_at(t, op->data.key));
    sqlite3_bind_int64(st, 3, op->data.seq);
    *ret = st;
    return 0;
}

static int insert_piece(struct apply *a, const struct store_txn *t,
                        const struct txn_op *op, int64_t ref)
{
    sqlite3_stmt *st;
    int rc = bind_piece(a, SQL_JOBDATA_PUT, t, op, &st);

    if (rc < 0)
        return rc;
    if (ref)
        sqlite3_bind_int64(st, 5, ref);
    if (ref && a->delta.len > 0)
        sqlite3_bind_blob64(st, 4, a->delta.data, a->delta.len, SQLITE_STATIC);
    else if (!ref)
        sqlite3_bind_blob64(st, 4, txn_at(t, op->data.bytes), op->data.bytes.len,
                            SQLITE_STATIC);
    return sql_run(a->c, SQL_JOBDATA_PUT, st);
}

/* Take an old piece away, and its use of shared bytes. */
static int remove_piece(struct apply *a, const struct store_txn *t,
                        const struct txn_op *op)
{
    sqlite3_stmt *st;
    int64_t ref = 0;
    int rc;

    if ((rc = bind_piece(a, SQL_JOBDATA_REF, t, op, &st)) < 0)
        return rc;
    if ((rc = sql_step(a->c, st)) > 0)
        ref = sqlite3_column_int64(st, 0);
    sql_put(a->c, SQL_JOBDATA_REF, st);
    if (rc < 0 || (rc = bind_piece(a, SQL_JOBDATA_DELETE, t, op, &st)) < 0 ||
        (rc = sql_run(a->c, SQL_JOBDATA_DELETE, st)) < 0)
        return rc;
    return ref ? shared_release(a, ref) : 0;
}

static int put_piece(struct apply *a, const struct store_txn *t, const struct txn_op *op)
{
    int64_t ref = 0;
    int rc = 0;

    if (op->kind == TXN_JOBDATA_SHARED)
        rc = shared_use(a, txn_at(t, op->data.bytes), op->data.bytes.len, &ref);
    if (rc < 0)
        return rc;
    /* Pieces are hardly ever replaced: try, rather than look. */
    if ((rc = insert_piece(a, t, op, ref)) != -EEXIST)
        return rc;
    if ((rc = remove_piece(a, t, op)) < 0)
        return rc;
    return insert_piece(a, t, op, ref);
}

static int job_refs(struct apply *a, uint64_t id, int64_t **ret, size_t *ret_n)
{
    sqlite3_stmt *st = sql_get(a->c, SQL_JOBDATA_REFS);
    AUTOFREE int64_t *refs = NULL;
    size_t n = 0;
    int rc;

    if (!st)
        return sql_error(a->c);
    sqlite3_bind_int64(st, 1, id);
    while ((rc = sql_step(a->c, st)) > 0) {
        int64_t *more = realloc(refs, (n + 1) * sizeof(*refs));

        if (!more) {
            rc = -ENOMEM;
            break;
        }
        refs = more;
        refs[n++] = sqlite3_column_int64(st, 0);
    }
    sql_put(a->c, SQL_JOBDATA_REFS, st);
    *ret = TAKE(refs);
    *ret_n = n;
    return rc;
}

static int delete_job(struct apply *a, uint64_t id)
{
    AUTOFREE int64_t *refs = NULL;
    size_t n = 0;
    int rc = job_refs(a, id, &refs, &n);

    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = shared_release(a, refs[i]);
    if (rc < 0 || (rc = run_ref(a, SQL_JOBDATA_DELETE_ALL, id)) < 0)
        return rc;
    return run_ref(a, SQL_JOB_DELETE, id);
}

static int put_meta(struct apply *a, const struct store_txn *t, const struct txn_op *op)
{
    enum sql_id id = op->meta.value.len < 0 ? SQL_META_DELETE : SQL_META_PUT;
    sqlite3_stmt *st = sql_get(a->c, id);

    if (!st)
        return sql_error(a->c);
    bind_text(st, 1, t, op->meta.key);
    if (id == SQL_META_PUT)
        bind_text(st, 2, t, op->meta.value);
    return sql_run(a->c, id, st);
}

static int apply_op(struct apply *a, const struct store_txn *t, const struct txn_op *op)
{
    switch (op->kind) {
    case TXN_JOB:
        return put_job(a, t, op);
    case TXN_JOBDATA:
    case TXN_JOBDATA_SHARED:
        return put_piece(a, t, op);
    case TXN_JOB_DELETE:
        return delete_job(a, op->id);
    case TXN_META:
        return put_meta(a, t, op);
    default:
        return apply_kvs(a, t, op);
    }
}

int apply_txn(struct apply *a, const struct store_txn *t)
{
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < t->nops; i++)
        rc = apply_op(a, t, &t->ops[i]);
    return rc;
}
