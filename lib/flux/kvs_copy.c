/* Copy and move: a lookup, and then a commit. */
#include <string.h>

#include "flux/kvs_private.h"

struct copy {
    char *srcns, *srckey, *dstns, *dstkey;
    int flags;
};

static void free_copy(void *arg)
{
    struct copy *c = arg;

    free(c->srcns);
    free(c->srckey);
    free(c->dstns);
    free(c->dstkey);
    free(c);
}

static struct copy *new_copy(const char *srcns, const char *srckey, const char *dstns,
                             const char *dstkey, int flags)
{
    struct copy *c = calloc(1, sizeof(*c));

    if (!c)
        return NULL;
    c->flags = flags;
    if ((c->srcns = strdup(kvs_namespace(srcns))) && (c->srckey = strdup(srckey)) &&
        (c->dstns = strdup(kvs_namespace(dstns))) && (c->dstkey = strdup(dstkey)))
        return c;
    free_copy(c);
    return NULL;
}

/* Go on with a commit of one operation, or fail. Takes txn over. */
static void continue_with(flux_future_t *f, const char *ns, int flags, int rc,
                          flux_kvs_txn_t *txn)
{
    flux_future_t *next =
        txn && rc == 0 ? flux_kvs_commit(flux_future_get_flux(f), ns, flags, txn) : NULL;

    if (!next || flux_future_continue(f, next) < 0) {
        flux_future_continue_error(f, errno, NULL);
        flux_future_destroy(next);
    }
    flux_kvs_txn_destroy(txn);
    flux_future_destroy(f);
}

static void looked_up(flux_future_t *f, void *arg)
{
    struct copy *c = arg;
    flux_kvs_txn_t *txn;
    const char *treeobj;
    int rc;

    if (flux_kvs_lookup_get_treeobj(f, &treeobj) < 0) {
        flux_future_continue_error(f, errno, flux_future_error_string(f));
        flux_future_destroy(f);
        return;
    }
    txn = flux_kvs_txn_create();
    rc = txn ? flux_kvs_txn_put_treeobj(txn, 0, c->dstkey, treeobj) : -1;
    continue_with(f, c->dstns, c->flags, rc, txn);
}

static void copied(flux_future_t *f, void *arg)
{
    struct copy *c = arg;
    flux_kvs_txn_t *txn = flux_kvs_txn_create();
    int rc = txn ? flux_kvs_txn_unlink(txn, 0, c->srckey) : -1;

    continue_with(f, c->srcns, c->flags, rc, txn);
}

/* f, with c kept as long as it lives. Takes both over. */
static flux_future_t *keep(flux_future_t *f, struct copy *c)
{
    if (f && flux_future_aux_set(f, NULL, c, free_copy) == 0)
        return f;
    free_copy(c);
    flux_future_destroy(f);
    return NULL;
}

static flux_future_t *copy(flux_t *h, struct copy *c)
{
    flux_future_t *f = flux_kvs_lookup(h, c->srcns, FLUX_KVS_TREEOBJ, c->srckey), *next;

    if (!f)
        return NULL;
    if (!(next = flux_future_and_then(f, looked_up, c)))
        flux_future_destroy(f);
    return next;
}

flux_future_t *flux_kvs_copy(flux_t *h, const char *srcns, const char *srckey,
                             const char *dstns, const char *dstkey, int commit_flags)
{
    struct copy *c;

    if (!h || !srckey || !dstkey)
        return kvs_fail(EINVAL);
    if (!(c = new_copy(srcns, srckey, dstns, dstkey, commit_flags)))
        return kvs_fail(ENOMEM);
    return keep(copy(h, c), c);
}

flux_future_t *flux_kvs_move(flux_t *h, const char *srcns, const char *srckey,
                             const char *dstns, const char *dstkey, int commit_flags)
{
    flux_future_t *f, *next = NULL;
    struct copy *c;

    if (!h || !srckey || !dstkey)
        return kvs_fail(EINVAL);
    if (!(c = new_copy(srcns, srckey, dstns, dstkey, commit_flags)))
        return kvs_fail(ENOMEM);
    if ((f = copy(h, c)) && !(next = flux_future_and_then(f, copied, c)))
        flux_future_destroy(f);
    return keep(next, c);
}
