/* A transaction as it waits for its commit: a list of operations and the bytes that
 * they point into. Private to lib/store. */
#ifndef FLUX_STORE_TXN_H
#define FLUX_STORE_TXN_H

#include <errno.h>

#include "base/buf.h"
#include "base/list.h"
#include "store/store.h"

enum txn_op_kind {
    TXN_JOB,
    TXN_JOBDATA,
    TXN_JOBDATA_SHARED,
    TXN_JOB_DELETE,
    TXN_META,
    TXN_LOG, /* kvs.h */
    TXN_LOG_TRIM,
    TXN_BLOB,
    TXN_BLOB_MARK,
    TXN_BLOB_SWEEP,
    TXN_VACUUM,
    TXN_ROOT,
    TXN_ROOT_DELETE,
    TXN_PIN,
    TXN_UNPIN,
    TXN_LOST,
};

/* A piece of the transaction's bytes; len -1 stands for NULL. */
struct txn_bytes {
    size_t off;
    ssize_t len;
};

struct txn_op {
    enum txn_op_kind kind;
    uint64_t id;
    union {
        struct {
            int state, result;
            uint32_t userid;
            double t_submit, t_inactive;
            struct txn_bytes name, queue, nonce, rec;
        } job;
        struct {
            struct txn_bytes key, bytes;
            uint64_t seq;
        } data;
        struct {
            struct txn_bytes key, value;
        } meta;
        struct {
            uint64_t number; /* generation, version, most rows */
            uint32_t owner, flags;
            double when;
            struct txn_bytes name, hash, bytes;
        } kvs;
    };
};

struct store_txn {
    struct list link;
    struct store *store;
    struct txn_op *ops;
    unsigned nops, size;
    struct buf bytes;
    bool must;   /* may use the reserve, waits for space */
    bool failed; /* an operation could not be added */
    int error;   /* what the callback gets */
    store_commit_f cb;
    void *arg;
};

/* Building blocks of the functions that add an operation; they set t->failed. */
struct txn_op *txn_add_op(struct store_txn *t, enum txn_op_kind kind, uint64_t id);
struct txn_bytes txn_add_bytes(struct store_txn *t, const void *data, size_t len);
struct txn_bytes txn_add_string(struct store_txn *t, const char *s);
static inline int txn_result(const struct store_txn *t)
{
    return t->failed ? -ENOMEM : 0;
}

static inline const char *txn_at(const struct store_txn *t, struct txn_bytes b)
{
    return b.len < 0 ? NULL : t->bytes.data + b.off;
}

#endif
