/* Building transactions: the operations of kvs.h. */
#include "store/kvs.h"
#include "store/txn.h"

static struct txn_bytes add_hash(struct store_txn *t, const void *hash)
{
    return txn_add_bytes(t, hash, STORE_HASH);
}

int store_txn_log(struct store_txn *t, uint64_t seq, const void *rec, size_t len)
{
    struct txn_op *op;

    if (seq == 0 || seq > INT64_MAX)
        return -EINVAL;
    if (!(op = txn_add_op(t, TXN_LOG, seq)))
        return -ENOMEM;
    op->kvs.bytes = txn_add_bytes(t, rec, len);
    return txn_result(t);
}

int store_txn_log_trim(struct store_txn *t, uint64_t seq, unsigned max)
{
    struct txn_op *op = txn_add_op(t, TXN_LOG_TRIM, seq);

    if (!op)
        return -ENOMEM;
    op->kvs.number = max;
    return 0;
}

int store_txn_blob(struct store_txn *t, const void *hash, uint64_t gen, const void *data,
                   size_t len)
{
    struct txn_op *op = txn_add_op(t, TXN_BLOB, 0);

    if (!op)
        return -ENOMEM;
    op->kvs.number = gen;
    op->kvs.hash = add_hash(t, hash);
    op->kvs.bytes = txn_add_bytes(t, data ? data : "", len);
    return txn_result(t);
}

int store_txn_blob_mark(struct store_txn *t, const void *hash, uint64_t gen)
{
    struct txn_op *op = txn_add_op(t, TXN_BLOB_MARK, 0);

    if (!op)
        return -ENOMEM;
    op->kvs.number = gen;
    op->kvs.hash = add_hash(t, hash);
    return txn_result(t);
}

int store_txn_blob_sweep(struct store_txn *t, int64_t row, uint64_t gen)
{
    struct txn_op *op = txn_add_op(t, TXN_BLOB_SWEEP, (uint64_t)row);

    if (!op)
        return -ENOMEM;
    op->kvs.number = gen;
    return 0;
}

int store_txn_vacuum(struct store_txn *t)
{
    return txn_add_op(t, TXN_VACUUM, 0) ? 0 : -ENOMEM;
}

int store_txn_root(struct store_txn *t, const struct store_root *root)
{
    struct txn_op *op;

    if (root->id > INT64_MAX || root->version > INT64_MAX)
        return -EINVAL;
    if (!(op = txn_add_op(t, TXN_ROOT, root->id)))
        return -ENOMEM;
    op->kvs.number = root->version;
    op->kvs.owner = root->owner;
    op->kvs.flags = root->flags;
    op->kvs.name = txn_add_string(t, root->ns);
    op->kvs.hash = add_hash(t, root->hash);
    return txn_result(t);
}

int store_txn_root_delete(struct store_txn *t, const char *ns)
{
    struct txn_op *op = txn_add_op(t, TXN_ROOT_DELETE, 0);

    if (!op)
        return -ENOMEM;
    op->kvs.name = txn_add_string(t, ns);
    return txn_result(t);
}

int store_txn_pin(struct store_txn *t, const struct store_pin *pin)
{
    struct txn_op *op = txn_add_op(t, TXN_PIN, pin->id);

    if (!op)
        return -ENOMEM;
    op->kvs.owner = pin->owner;
    op->kvs.when = pin->expires;
    op->kvs.hash = add_hash(t, pin->hash);
    return txn_result(t);
}

int store_txn_unpin(struct store_txn *t, double before)
{
    struct txn_op *op = txn_add_op(t, TXN_UNPIN, 0);

    if (!op)
        return -ENOMEM;
    op->kvs.when = before;
    return 0;
}

int store_txn_lost(struct store_txn *t, const char *what, const char *why, double when,
                   const void *data, size_t len)
{
    struct txn_op *op = txn_add_op(t, TXN_LOST, 0);

    if (!op)
        return -ENOMEM;
    op->kvs.when = when;
    op->kvs.name = txn_add_string(t, what);
    op->kvs.hash = txn_add_string(t, why);
    op->kvs.bytes = txn_add_bytes(t, data ? data : "", len);
    return txn_result(t);
}
