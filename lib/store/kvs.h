/* The store's part that serves the KVS: the redo log, blobs by hash, the roots of the
 * namespaces at the last checkpoint, snapshots that are held, and what was found
 * damaged. Record and node formats are proto/'s; here they are bytes.
 *
 * The same rules as in store.h.
 */
#ifndef FLUX_STORE_KVS_H
#define FLUX_STORE_KVS_H

#include "store/store.h"

#define STORE_HASH 32

/* Append record `seq` to the log. Records follow each other without a gap: the
 * transaction fails alone, with -ESTALE, when one before it was refused. */
int store_txn_log(struct store_txn *t, uint64_t seq, const void *rec, size_t len);
/* Forget the records up to `seq`, but at most max of them. */
int store_txn_log_trim(struct store_txn *t, uint64_t seq, unsigned max);

/* A blob of that hash and generation. One that is there already only grows younger. */
int store_txn_blob(struct store_txn *t, const void *hash, uint64_t gen, const void *data,
                   size_t len);
/* Make it that young, if it is there. */
int store_txn_blob_mark(struct store_txn *t, const void *hash, uint64_t gen);
/* Delete a row that store_reader_blob_old() gave, unless it has grown younger. */
int store_txn_blob_sweep(struct store_txn *t, int64_t row, uint64_t gen);
/* Give some free pages at the file's end back to the file system. */
int store_txn_vacuum(struct store_txn *t);

/* A namespace as of a checkpoint. */
struct store_root {
    const char *ns;
    uint64_t id; /* never used twice, though names are */
    uint64_t version;
    const void *hash; /* of the root directory */
    uint32_t owner, flags;
};
int store_txn_root(struct store_txn *t, const struct store_root *root);
int store_txn_root_delete(struct store_txn *t, const char *ns);

/* A snapshot that is kept until `expires` (wall clock); again: until the later one. */
struct store_pin {
    const void *hash;
    uint64_t id; /* namespace */
    uint32_t owner;
    double expires;
};
int store_txn_pin(struct store_txn *t, const struct store_pin *pin);
int store_txn_unpin(struct store_txn *t, double before); /* those that expired by then */

/* Keep what cannot be used, for a person to look at. */
int store_txn_lost(struct store_txn *t, const char *what, const char *why, double when,
                   const void *data, size_t len);

/* In a read function. */
typedef int (*store_root_f)(const struct store_root *root, void *arg);
typedef int (*store_pin_f)(const struct store_pin *pin, void *arg);
typedef int (*store_row_f)(int64_t row, const void *hash, size_t len, void *arg);
typedef int (*store_lost_f)(const char *what, const char *why, double when,
                            const void *data, size_t len, void *arg);
/* Records behind `after`, in order. */
int store_reader_log(struct store_reader *r, uint64_t after, store_data_f cb, void *arg);
/* seq of the callback is the generation. -ENOENT. */
int store_reader_blob(struct store_reader *r, const void *hash, store_data_f cb,
                      void *arg);
int store_reader_roots(struct store_reader *r, store_root_f cb, void *arg);
int store_reader_pins(struct store_reader *r, store_pin_f cb, void *arg);
/* At most max rows behind `after` of blobs older than gen. */
int store_reader_blob_old(struct store_reader *r, int64_t after, uint64_t gen,
                          unsigned max, store_row_f cb, void *arg);
int store_reader_lost(struct store_reader *r, store_lost_f cb, void *arg);
struct store_kvs_stats {
    uint64_t log_first, log_last, log_records; /* 0, 0, 0: it is empty */
    uint64_t blobs, blob_bytes;
    uint64_t lost;
    uint64_t file_bytes, free_bytes; /* of the database file */
};
int store_reader_kvs_stats(struct store_reader *r, struct store_kvs_stats *ret);
/* Bytes of the database file, and of those its free pages. */
int store_reader_space(struct store_reader *r, uint64_t *ret_file, uint64_t *ret_free);

#endif
