/* The durable store of one instance: job rows, identical environments once,
 * small metadata; the KVS's redo log and blobs (kvs.h). SQLite in a statedir, or a
 * memory twin with the same behaviour when opened without a path.
 *
 * One writer: transactions are queued from the loop's thread, a store thread
 * commits whatever is queued as soon as the last commit returned (group commit,
 * no timer; at most 256 transactions or 1 MiB a commit), and the callbacks run on
 * the loop's thread in the order of the transactions. Nothing is visible to a
 * reader before its commit.
 *
 * Functions return 0 or more, or -errno. All calls but store_reader_* are made on
 * the loop's thread.
 */
#ifndef FLUX_STORE_STORE_H
#define FLUX_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>
#include <sys/types.h>

#include <flux/types.h>
#include "env/loop.h"

struct store;
struct store_txn;
struct store_reader;

enum store_durability {
    STORE_NONE,    /* memory only */
    STORE_PROCESS, /* survives kill -9 (synchronous=NORMAL) */
    STORE_POWER,   /* survives power loss (synchronous=FULL) */
};

struct store_options {
    const char *path; /* database file; NULL: the memory twin */
    const char *vfs;  /* SQLite VFS, NULL: the default, or over env's files in the
                         simulated world (tests cut power here); with one there is
                         neither lock nor reserve file */
    enum store_durability durability;
    const char *uuid;           /* instance uuid to record in a new store */
    double checkpoint_interval; /* seconds; 0: the default of 0.5 */
};

/* Open, create, or bring from an older format to this one. -EWOULDBLOCK: another instance holds it; -EINVAL: a foreign or newer
 * format. err names the file and the way out. */
int store_open(struct loop *loop, const struct store_options *opts, struct store **ret,
               flux_error_t *err);
/* Commit what is queued (waits), stop the threads, free. Accepts NULL. */
void store_close(struct store *s);
enum store_durability store_durability(const struct store *s);
const char *store_durability_name(enum store_durability d);
int store_durability_parse(const char *name, enum store_durability *ret);
/* True while writes fail for lack of space; `writable` runs when that changes. */
bool store_is_readonly(const struct store *s);
/* The store has failed for good (-EIO): there is no use in waiting. */
bool store_has_failed(const struct store *s);
void store_on_writable(struct store *s, void (*cb)(bool writable, void *arg), void *arg);

/* A job's summary row. `rec` is the job as job-list shows it, a JSON object. */
struct store_job {
    uint64_t id;
    int state;  /* RFC 21 state bit; 64 inactive */
    int result; /* FLUX_JOB_RESULT_x, 0 while active */
    uint32_t userid;
    double t_submit;
    double t_inactive;        /* 0 while active */
    const char *name, *queue; /* may be NULL */
    const char *nonce;        /* client's idempotency key, unique per user; may be NULL */
    const char *rec;
    size_t rec_len;
};

/* Transactions: atomic. Data are copied. */
struct store_txn *store_txn_new(struct store *s);
void store_txn_free(struct store_txn *t); /* one not committed; accepts NULL */
int store_txn_job(struct store_txn *t, const struct store_job *job); /* insert, replace */
/* One piece of a job: key "jobspec", "R", "env", "eventlog" (seq counts the appends) ... */
int store_txn_jobdata(struct store_txn *t, uint64_t id, const char *key, uint64_t seq,
                      const void *data, size_t len);
/* The same, but the bytes are stored once for all jobs, by their hash. */
int store_txn_jobdata_shared(struct store_txn *t, uint64_t id, const char *key,
                             const void *data, size_t len);
int store_txn_job_delete(struct store_txn *t, uint64_t id); /* row and data */
int store_txn_meta(struct store_txn *t, const char *key,
                   const char *value); /* NULL: delete */
/* This records what has already happened (a job's end, an exception): on a full disk
 * it may use the reserve, and waits for space rather than be refused. */
void store_txn_must(struct store_txn *t);

/* Queue t (consumed, also on failure). cb gets 0 or -errno after the commit: -EEXIST
 * another job of that user has the nonce; -ENOSPC refused, the store is read-only until
 * there is room; -EIO the store has failed for good. A refusal may overtake a transaction
 * that waits for space. cb may be NULL. */
typedef void (*store_commit_f)(int error, void *arg);
int store_commit(struct store *s, struct store_txn *t, store_commit_f cb, void *arg);
/* cb after everything queued so far is committed. */
int store_barrier(struct store *s, store_commit_f cb, void *arg);
/* Commit what is queued and wait for it; callbacks have run on return. */
int store_flush(struct store *s);

/* Reading: fn runs on a worker thread with a consistent read-only snapshot (inline,
 * at once, for the memory twin in a simulation); done runs on the loop's thread. fn's return value is
 * passed to done. */
typedef int (*store_read_f)(struct store_reader *r, void *arg);
typedef void (*store_read_done_f)(int rc, void *arg);
int store_read(struct store *s, store_read_f fn, store_read_done_f done, void *arg);
/* The same on the calling thread, at once: for start-up. */
int store_read_now(struct store *s, store_read_f fn, void *arg);
/* Finish all reads under way; their callbacks have run on return: for a module that goes,
 * for they would find it gone. */
void store_read_flush(struct store *s);

/* In a read function. Callbacks' pointers live during the call; a non-zero return
 * of a callback stops the walk and is returned. */
typedef int (*store_job_f)(const struct store_job *job, void *arg);
typedef int (*store_data_f)(uint64_t seq, const void *data, size_t len, void *arg);
int store_reader_job(struct store_reader *r, uint64_t id, store_job_f cb,
                     void *arg); /* -ENOENT */
int store_reader_job_by_nonce(struct store_reader *r, uint32_t userid, const char *nonce,
                              uint64_t *ret_id);
/* The smallest id from `from` to `last` of a job of that user (UINT32_MAX: any): 1, or 0
 * there is none. Ids have 63 bits. */
int store_reader_job_next(struct store_reader *r, uint64_t from, uint64_t last,
                          uint32_t userid, uint64_t *ret_id);
/* All jobs not inactive, by id. */
int store_reader_active(struct store_reader *r, store_job_f cb, void *arg);
/* Inactive jobs, latest t_inactive first; those with since < t_inactive < before
 * (before 0: now). Optional filters: userid (UINT32_MAX: all), result mask (0: all),
 * name, queue (NULL: all). */
struct store_job_query {
    double since, before;
    uint32_t userid;
    int results;
    const char *name, *queue;
};
int store_reader_inactive(struct store_reader *r, const struct store_job_query *q,
                          store_job_f cb, void *arg);
/* Inactive jobs that ended before `before`, the one that ended first first, at most max:
 * from the index, rows are not read. And how many there are. */
typedef int (*store_ended_f)(uint64_t id, double t_inactive, void *arg);
int store_reader_oldest(struct store_reader *r, double before, size_t max,
                        store_ended_f cb, void *arg);
int store_reader_count_older(struct store_reader *r, double before, uint64_t *ret);
/* At most max jobs of whatever state behind `after`, by id. */
int store_reader_jobs(struct store_reader *r, uint64_t after, unsigned max,
                      store_job_f cb, void *arg);
int store_reader_jobdata(struct store_reader *r, uint64_t id, const char *key,
                         store_data_f cb, void *arg); /* by seq; -ENOENT */
int store_reader_meta(struct store_reader *r, const char *key, char **ret); /* yours */
/* All of them, by key. */
typedef int (*store_meta_f)(const char *key, const char *value, void *arg);
int store_reader_metas(struct store_reader *r, store_meta_f cb, void *arg);
int store_reader_stats(struct store_reader *r, uint64_t *ret_active,
                       uint64_t *ret_inactive, uint64_t *ret_max_id);
/* How many inactive jobs have each result, by FLUX_JOB_RESULT_x. */
#define STORE_NRESULTS 16
int store_reader_results(struct store_reader *r, uint64_t ret[STORE_NRESULTS]);

#endif
