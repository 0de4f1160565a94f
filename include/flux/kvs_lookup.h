/* Reading the key-value store. */
#ifndef FLUX_KVS_LOOKUP_H
#define FLUX_KVS_LOOKUP_H

#include <flux/types.h>
#include <flux/future.h>
#include <flux/kvs_dir.h>

#ifdef __cplusplus
extern "C" {
#endif

enum kvs_op {
    FLUX_KVS_READDIR = 1,        /* a directory, not a value */
    FLUX_KVS_READLINK = 2,       /* the link itself */
    FLUX_KVS_WATCH = 4,          /* and again after each commit that names the key */
    FLUX_KVS_WAITCREATE = 8,     /* wait for the key, and its namespace, to exist */
    FLUX_KVS_TREEOBJ = 16,       /* the RFC 11 object as it is */
    FLUX_KVS_APPEND = 32,        /* flux_kvs_txn_put(): behind what there is */
    FLUX_KVS_WATCH_FULL = 64,    /* with WATCH: whenever the value has changed, however */
    FLUX_KVS_WATCH_UNIQ = 128,   /* with WATCH: only if the value has changed */
    FLUX_KVS_WATCH_APPEND = 256, /* with WATCH: only what was appended */
    FLUX_KVS_STREAM = 512,       /* a long value in many answers, the last one ENODATA */
    FLUX_KVS_WATCH_INITIAL_SENTINEL = 1024, /* with WATCH_APPEND: an empty answer behind
                                               what there is at first */
    FLUX_KVS_LINEARIZABLE = 2048, /* nothing older than what is committed by now */
};

/* Look a key up. Errors of the answer: ENOENT, EISDIR, ENOTDIR, EINVAL (READLINK of
 * something else, a bad key), ELOOP, ENOTSUP (no such namespace), EPERM, EFBIG (longer
 * than an answer can be: use STREAM). WATCH and STREAM answer many times: see
 * flux_future_reset(). NULL, errno. */
flux_future_t *flux_kvs_lookup(flux_t *h, const char *ns, int flags, const char *key);
/* The same in a snapshot: the text of a dirref. ESTALE: it is kept no more. */
flux_future_t *flux_kvs_lookupat(flux_t *h, int flags, const char *key,
                                 const char *treeobj);
/* The same in a namespace that has at least that version: waits for it. */
flux_future_t *flux_kvs_lookup_min(flux_t *h, const char *ns, int flags, const char *key,
                                   int version);

/* The answer, waiting for it if need be; what is returned is borrowed until the future
 * is reset or destroyed. A value as text (NULL if it has no bytes), as JSON, as bytes; a
 * directory; the RFC 11 object; a link (*ns NULL if it has none). -1, errno: the answer's
 * error, EINVAL it is something else. */
int flux_kvs_lookup_get(flux_future_t *f, const char **value);
int flux_kvs_lookup_get_unpack(flux_future_t *f, const char *fmt, ...);
int flux_kvs_lookup_get_raw(flux_future_t *f, const void **data, size_t *len);
int flux_kvs_lookup_get_dir(flux_future_t *f, const flux_kvsdir_t **dir);
int flux_kvs_lookup_get_treeobj(flux_future_t *f, const char **treeobj);
int flux_kvs_lookup_get_symlink(flux_future_t *f, const char **ns, const char **target);
/* For flux_kvs_lookup_min(): the namespace's version that answered, and the one in which
 * the key was last changed (0: unknown, as of what a service answers for). Either may be
 * NULL. */
int flux_kvs_lookup_get_version(flux_future_t *f, int *version, int *key_version);
/* The key that was asked for. NULL, errno: EINVAL f is no lookup. */
const char *flux_kvs_lookup_get_key(flux_future_t *f);

/* End a WATCH or WAITCREATE: go on until the answer ENODATA comes. -1, errno. */
int flux_kvs_lookup_cancel(flux_future_t *f);

#ifdef __cplusplus
}
#endif
#endif
