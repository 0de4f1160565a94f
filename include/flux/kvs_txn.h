/* Changing the key-value store: transactions. */
#ifndef FLUX_KVS_TXN_H
#define FLUX_KVS_TXN_H

#include <flux/types.h>
#include <flux/future.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flux_kvs_txn flux_kvs_txn_t;

/* An empty transaction: a list of operations on one namespace, all or none of which
 * happen, in order. NULL, errno. destroy accepts NULL. */
flux_kvs_txn_t *flux_kvs_txn_create(void);
void flux_kvs_txn_destroy(flux_kvs_txn_t *txn);

/* Operations; what is in the way of the key is overwritten. put: a string without its NUL
 * (NULL: no bytes); pack: JSON; raw: bytes; treeobj: an RFC 11 object; flags: 0 or
 * FLUX_KVS_APPEND (put, pack, raw). unlink takes a whole directory; what does not exist
 * is no error. symlink: ns may be NULL, neither needs to exist. -1, errno: EINVAL. */
int flux_kvs_txn_put(flux_kvs_txn_t *txn, int flags, const char *key, const char *value);
int flux_kvs_txn_vpack(flux_kvs_txn_t *txn, int flags, const char *key, const char *fmt,
                       va_list ap);
int flux_kvs_txn_pack(flux_kvs_txn_t *txn, int flags, const char *key, const char *fmt,
                      ...);
int flux_kvs_txn_put_raw(flux_kvs_txn_t *txn, int flags, const char *key,
                         const void *data, size_t len);
int flux_kvs_txn_put_treeobj(flux_kvs_txn_t *txn, int flags, const char *key,
                             const char *treeobj);
int flux_kvs_txn_mkdir(flux_kvs_txn_t *txn, int flags, const char *key);
int flux_kvs_txn_unlink(flux_kvs_txn_t *txn, int flags, const char *key);
int flux_kvs_txn_symlink(flux_kvs_txn_t *txn, int flags, const char *key, const char *ns,
                         const char *target);
/* Conditions, looked at before the operations: the key's last change was in that version
 * (0: it does not exist; of ".", the namespace's version), it has that value. If one does
 * not hold, the commit fails with ESTALE. -1, errno. */
int flux_kvs_txn_expect_version(flux_kvs_txn_t *txn, const char *key, int version);
int flux_kvs_txn_expect_value(flux_kvs_txn_t *txn, const char *key, const void *data,
                              size_t len);
/* Remove all operations and conditions. */
int flux_kvs_txn_clear(flux_kvs_txn_t *txn);
bool flux_kvs_txn_is_empty(flux_kvs_txn_t *txn);

enum kvs_commit_flags {
    FLUX_KVS_NO_MERGE = 1,    /* a version of its own: watches see every one */
    FLUX_KVS_TXN_COMPACT = 2, /* accepted; the service does it anyway */
    FLUX_KVS_SYNC = 4,        /* also write a checkpoint */
};

/* Send it; txn stays yours and may be destroyed or changed at once. The answer comes when
 * it is durable. Errors: ENOTSUP no such namespace, EPERM, ESTALE a condition does not
 * hold, EISDIR, ELOOP, EINVAL, ENAMETOOLONG, EFBIG, ENOSPC the disk is full. */
flux_future_t *flux_kvs_commit(flux_t *h, const char *ns, int flags, flux_kvs_txn_t *txn);
/* The root it made, borrowed from the future: as a dirref for flux_kvs_lookupat(), which
 * is good for a minute; its reference; and the version. */
int flux_kvs_commit_get_treeobj(flux_future_t *f, const char **treeobj);
int flux_kvs_commit_get_rootref(flux_future_t *f, const char **rootref);
int flux_kvs_commit_get_sequence(flux_future_t *f, int *rootseq);

#ifdef __cplusplus
}
#endif
#endif
