/* Transactions put into the database. Private to lib/store; the writer's thread. */
#ifndef FLUX_STORE_APPLY_H
#define FLUX_STORE_APPLY_H

#include "base/buf.h"
#include "store/sql.h"
#include "store/txn.h"

#define APPLY_HASH_SIZE 32
#define APPLY_SHARED_SLOTS 64
#define APPLY_BASES 8
#define APPLY_BASE_MAX 65536 /* bytes */

/* Shared bytes used lately, so that the thousandth equal environment costs a hash and
 * an addition. `added` uses are not in the table yet. */
struct apply_shared {
    unsigned char hash[APPLY_HASH_SIZE];
    int64_t ref; /* 0: empty */
    int64_t added;
};

/* Some of them with their bytes: others that differ a little are stored as the
 * difference. */
struct apply_base {
    struct buf bytes;
    int64_t ref;
    int64_t added;
};

struct apply {
    struct sql *c;
    struct apply_shared shared[APPLY_SHARED_SLOTS];
    struct apply_base bases[APPLY_BASES];
    unsigned nbases, next_base;
    struct buf delta;       /* of the piece at hand */
    uint64_t log_next;      /* seq that the next record must have; 0: see apply_see() */
    uint64_t log_committed; /* the same, as of the last commit */
};

/* Before all else, whether it will be applied or refused: the first record of a life is the
 * one that the log goes on with. */
void apply_see(struct apply *a, const struct store_txn *t);
/* All within a transaction of the database that the caller has begun. -EEXIST: a nonce
 * is taken, -ESTALE: a record of the log is missing; undo this one. */
int apply_txn(struct apply *a, const struct store_txn *t);
int apply_kvs(struct apply *a, const struct store_txn *t, const struct txn_op *op);
/* Write down what is only counted so far; before a commit or a release. */
int apply_finish(struct apply *a);
/* After a rollback: what is remembered may not be in the database. */
void apply_forget(struct apply *a);
/* After a rollback of all since the last commit, and after a commit. */
void apply_rolled_back(struct apply *a);
void apply_committed(struct apply *a);
void apply_free(struct apply *a);

#endif
