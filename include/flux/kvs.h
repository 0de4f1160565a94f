/* The key-value store: values under hierarchical keys ("a.b.c"), in namespaces. All
 * commits of a namespace happen in one order; each makes a new version of it. What was
 * acknowledged is durable, and what is not durable nobody sees.
 *
 * ns is the name of a namespace; NULL: that of FLUX_KVS_NAMESPACE, or "primary". A
 * namespace may be used by its owner and by the instance's.
 */
#ifndef FLUX_KVS_H
#define FLUX_KVS_H

#include <flux/types.h>
#include <flux/future.h>
#include <flux/kvs_dir.h>
#include <flux/kvs_lookup.h>
#include <flux/kvs_txn.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KVS_PRIMARY_NAMESPACE "primary"

/* Make a namespace, empty or with the contents of a root (a blobref or the text of a
 * dirref), and remove one. For the instance's owner. flags: 0. Errors of the answer:
 * EEXIST, ENOTSUP there is none of that name, EPERM. */
flux_future_t *flux_kvs_namespace_create(flux_t *h, const char *ns, uint32_t owner,
                                         int flags);
flux_future_t *flux_kvs_namespace_create_with(flux_t *h, const char *ns,
                                              const char *rootref, uint32_t owner,
                                              int flags);
flux_future_t *flux_kvs_namespace_remove(flux_t *h, const char *ns);

/* The version of a namespace; wait until it is at least that. Both block. If one process
 * commits and tells another its version, which waits for it, that one sees the commit,
 * on whatever broker. -1, errno: ENOTSUP. */
int flux_kvs_get_version(flux_t *h, const char *ns, int *versionp);
int flux_kvs_wait_version(flux_t *h, const char *ns, int version);

/* The root of a namespace by its hash: the snapshot can be read with
 * flux_kvs_lookupat() for ten minutes, and after that until it is collected. flags: 0. */
flux_future_t *flux_kvs_getroot(flux_t *h, const char *ns, int flags);
/* Parts of the answer; strings are borrowed from the future: a dirref, its blobref, the
 * version, the namespace's owner. */
int flux_kvs_getroot_get_treeobj(flux_future_t *f, const char **treeobj);
int flux_kvs_getroot_get_blobref(flux_future_t *f, const char **blobref);
int flux_kvs_getroot_get_sequence(flux_future_t *f, int *seq);
int flux_kvs_getroot_get_owner(flux_future_t *f, uint32_t *owner);

/* Copy what is under srckey to dstkey, a whole directory at the cost of one entry; move
 * also unlinks srckey, which is a second commit. commit_flags: of flux_kvs_commit(). The
 * future can be asked what flux_kvs_commit_get_x() tell. */
flux_future_t *flux_kvs_copy(flux_t *h, const char *srcns, const char *srckey,
                             const char *dstns, const char *dstkey, int commit_flags);
flux_future_t *flux_kvs_move(flux_t *h, const char *srcns, const char *srckey,
                             const char *dstns, const char *dstkey, int commit_flags);

#ifdef __cplusplus
}
#endif
#endif
