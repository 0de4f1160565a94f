/* Transactions: the operations are written down as they travel. */
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "flux/kvs_private.h"
#include "proto/kvstxn.h"
#include "proto/treeobj.h"

struct flux_kvs_txn {
    struct buf ops;
};

flux_kvs_txn_t *flux_kvs_txn_create(void)
{
    return calloc(1, sizeof(flux_kvs_txn_t));
}

void flux_kvs_txn_destroy(flux_kvs_txn_t *txn)
{
    int saved = errno;

    if (txn) {
        buf_free(&txn->ops);
        free(txn);
    }
    errno = saved;
}

int flux_kvs_txn_clear(flux_kvs_txn_t *txn)
{
    if (!txn) {
        errno = EINVAL;
        return -1;
    }
    buf_free(&txn->ops);
    return 0;
}

bool flux_kvs_txn_is_empty(flux_kvs_txn_t *txn)
{
    return !txn || txn->ops.len == 0;
}

/* -errno to -1 with errno; what was half written is taken back. */
static int finish(flux_kvs_txn_t *txn, size_t before, int rc)
{
    if (rc == 0)
        return 0;
    txn->ops.len = before;
    txn->ops.failed = false;
    errno = -rc;
    return -1;
}

static bool bad(flux_kvs_txn_t *txn, const char *key, int flags, int allowed)
{
    if (txn && key && *key && !(flags & ~allowed))
        return false;
    errno = EINVAL;
    return true;
}

int flux_kvs_txn_put_raw(flux_kvs_txn_t *txn, int flags, const char *key,
                         const void *data, size_t len)
{
    if (bad(txn, key, flags, FLUX_KVS_APPEND) || (len && !data)) {
        errno = EINVAL;
        return -1;
    }
    return finish(txn, txn->ops.len, kvstxn_add_val(&txn->ops, key, flags, data, len));
}

int flux_kvs_txn_put(flux_kvs_txn_t *txn, int flags, const char *key, const char *value)
{
    return flux_kvs_txn_put_raw(txn, flags, key, value ? value : "",
                                value ? strlen(value) : 0);
}

int flux_kvs_txn_vpack(flux_kvs_txn_t *txn, int flags, const char *key, const char *fmt,
                       va_list ap)
{
    struct buf b = {0};
    int rc;

    if (bad(txn, key, flags, FLUX_KVS_APPEND))
        return -1;
    if ((rc = json_vpack_buf(&b, fmt, ap)) < 0)
        rc = finish(txn, txn->ops.len, rc);
    else
        rc = flux_kvs_txn_put_raw(txn, flags, key, b.data, b.len);
    buf_free(&b);
    return rc;
}

int flux_kvs_txn_pack(flux_kvs_txn_t *txn, int flags, const char *key, const char *fmt,
                      ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = flux_kvs_txn_vpack(txn, flags, key, fmt, ap);
    va_end(ap);
    return rc;
}

int flux_kvs_txn_put_treeobj(flux_kvs_txn_t *txn, int flags, const char *key,
                             const char *treeobj)
{
    cJSON *o;
    int rc;

    if (bad(txn, key, flags, 0) || !treeobj) {
        errno = EINVAL;
        return -1;
    }
    if ((rc = treeobj_parse(treeobj, strlen(treeobj), &o, NULL)) < 0)
        return finish(txn, txn->ops.len, rc == -ENOMEM ? rc : -EINVAL);
    json_free(o);
    return finish(txn, txn->ops.len,
                  kvstxn_add_treeobj(&txn->ops, key, flags, treeobj, strlen(treeobj)));
}

/* Put an object; takes it over. */
static int put_object(flux_kvs_txn_t *txn, const char *key, cJSON *o)
{
    AUTOFREE char *text = o ? json_print(o) : NULL;

    json_free(o);
    return finish(txn, txn->ops.len,
                  text ? kvstxn_add_treeobj(&txn->ops, key, 0, text, strlen(text))
                       : -ENOMEM);
}

int flux_kvs_txn_mkdir(flux_kvs_txn_t *txn, int flags, const char *key)
{
    return bad(txn, key, flags, 0) ? -1 : put_object(txn, key, treeobj_new_dir());
}

int flux_kvs_txn_unlink(flux_kvs_txn_t *txn, int flags, const char *key)
{
    if (bad(txn, key, flags, 0))
        return -1;
    return finish(txn, txn->ops.len, kvstxn_add_unlink(&txn->ops, key));
}

int flux_kvs_txn_symlink(flux_kvs_txn_t *txn, int flags, const char *key, const char *ns,
                         const char *target)
{
    if (bad(txn, key, flags, 0) || bad(txn, target, 0, 0))
        return -1;
    return put_object(txn, key, treeobj_new_symlink(ns, target));
}

int flux_kvs_txn_expect_version(flux_kvs_txn_t *txn, const char *key, int version)
{
    if (bad(txn, key, 0, 0) || version < 0) {
        errno = EINVAL;
        return -1;
    }
    return finish(txn, txn->ops.len, kvstxn_add_expect_version(&txn->ops, key, version));
}

int flux_kvs_txn_expect_value(flux_kvs_txn_t *txn, const char *key, const void *data,
                              size_t len)
{
    if (bad(txn, key, 0, 0) || (len && !data)) {
        errno = EINVAL;
        return -1;
    }
    return finish(txn, txn->ops.len, kvstxn_add_expect_data(&txn->ops, key, data, len));
}

flux_future_t *flux_kvs_commit(flux_t *h, const char *ns, int flags, flux_kvs_txn_t *txn)
{
    struct buf payload = {0};
    flux_future_t *f;
    int saved;

    if (!h || !txn ||
        (flags & ~(FLUX_KVS_NO_MERGE | FLUX_KVS_TXN_COMPACT | FLUX_KVS_SYNC)))
        return kvs_fail(EINVAL);
    if (kvstxn_print(&payload, kvs_namespace(ns), flags, &txn->ops) < 0) {
        buf_free(&payload);
        return kvs_fail(ENOMEM);
    }
    f = flux_rpc(h, "kvs.commit", payload.data, FLUX_NODEID_ANY, 0);
    saved = errno;
    buf_free(&payload);
    errno = saved;
    return f;
}

int flux_kvs_commit_get_treeobj(flux_future_t *f, const char **treeobj)
{
    return kvs_dirref(f, treeobj);
}

int flux_kvs_commit_get_rootref(flux_future_t *f, const char **rootref)
{
    return flux_kvs_getroot_get_blobref(f, rootref);
}

int flux_kvs_commit_get_sequence(flux_future_t *f, int *rootseq)
{
    return flux_kvs_getroot_get_sequence(f, rootseq);
}
