/* Building transactions. No database here: the bytes are copied, that is all. */
#include "store/txn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OPS_FIRST 4
#define BYTES_FIRST 1024

struct store_txn *store_txn_new(struct store *s)
{
    struct store_txn *t = calloc(1, sizeof(*t));

    if (!t)
        return NULL;
    t->store = s;
    list_init(&t->link);
    return t;
}

void store_txn_free(struct store_txn *t)
{
    if (!t)
        return;
    buf_free(&t->bytes);
    free(t->ops);
    free(t);
}

void store_txn_must(struct store_txn *t)
{
    t->must = true;
}

struct txn_op *txn_add_op(struct store_txn *t, enum txn_op_kind kind, uint64_t id)
{
    if (t->nops == t->size) {
        unsigned size = t->size ? t->size * 2 : OPS_FIRST;
        struct txn_op *ops = realloc(t->ops, size * sizeof(*ops));

        if (!ops || (!t->size && buf_reserve(&t->bytes, BYTES_FIRST) < 0)) {
            t->ops = ops ? ops : t->ops;
            t->failed = true;
            return NULL;
        }
        t->ops = ops;
        t->size = size;
    }
    t->ops[t->nops] = (struct txn_op){.kind = kind, .id = id};
    return &t->ops[t->nops++];
}

struct txn_bytes txn_add_bytes(struct store_txn *t, const void *data, size_t len)
{
    struct txn_bytes b = {t->bytes.len, data ? (ssize_t)len : -1};

    if (data && buf_add(&t->bytes, data, len) < 0)
        t->failed = true;
    return b;
}

struct txn_bytes txn_add_string(struct store_txn *t, const char *s)
{
    return txn_add_bytes(t, s, s ? strlen(s) : 0);
}

int store_txn_job(struct store_txn *t, const struct store_job *job)
{
    struct txn_op *op;

    if (job->id > INT64_MAX || !job->rec)
        return -EINVAL;
    if (!(op = txn_add_op(t, TXN_JOB, job->id)))
        return -ENOMEM;
    op->job.state = job->state;
    op->job.result = job->result;
    op->job.userid = job->userid;
    op->job.t_submit = job->t_submit;
    op->job.t_inactive = job->t_inactive;
    op->job.name = txn_add_string(t, job->name);
    op->job.queue = txn_add_string(t, job->queue);
    op->job.nonce = txn_add_string(t, job->nonce);
    op->job.rec = txn_add_bytes(t, job->rec, job->rec_len);
    return txn_result(t);
}

static int add_data(struct store_txn *t, enum txn_op_kind kind, uint64_t id,
                    const char *key, uint64_t seq, const void *data, size_t len)
{
    struct txn_op *op;

    if (id > INT64_MAX || seq > INT64_MAX || !key || !*key)
        return -EINVAL;
    if (!(op = txn_add_op(t, kind, id)))
        return -ENOMEM;
    op->data.key = txn_add_bytes(t, key, strlen(key) + 1);
    op->data.bytes = txn_add_bytes(t, data ? data : "", len);
    op->data.seq = seq;
    return txn_result(t);
}

int store_txn_jobdata(struct store_txn *t, uint64_t id, const char *key, uint64_t seq,
                      const void *data, size_t len)
{
    return add_data(t, TXN_JOBDATA, id, key, seq, data, len);
}

int store_txn_jobdata_shared(struct store_txn *t, uint64_t id, const char *key,
                             const void *data, size_t len)
{
    return add_data(t, TXN_JOBDATA_SHARED, id, key, 0, data, len);
}

int store_txn_job_delete(struct store_txn *t, uint64_t id)
{
    if (id > INT64_MAX)
        return -EINVAL;
    return txn_add_op(t, TXN_JOB_DELETE, id) ? 0 : -ENOMEM;
}

int store_txn_meta(struct store_txn *t, const char *key, const char *value)
{
    struct txn_op *op = txn_add_op(t, TXN_META, 0);

    if (!op)
        return -ENOMEM;
    op->meta.key = txn_add_string(t, key);
    op->meta.value = txn_add_string(t, value);
    return txn_result(t);
}
