/* What the files of the KVS client share. */
#ifndef FLUX_FLUX_KVS_PRIVATE_H
#define FLUX_FLUX_KVS_PRIVATE_H

#include <errno.h>
#include <stdlib.h>

#include <flux/kvs.h>
#include <flux/rpc.h>

#include "base/slice.h"

/* Programs in a job find their namespace in the environment. */
static inline const char *kvs_namespace(const char *ns)
{
    if (!ns)
        ns = getenv("FLUX_KVS_NAMESPACE");
    return ns && *ns ? ns : KVS_PRIMARY_NAMESPACE;
}

static inline flux_future_t *kvs_fail(int errnum)
{
    errno = errnum;
    return NULL;
}

/* The text of a member of the answer's payload, as it lies there. -1, errno. */
int kvs_answer(flux_future_t *f, const char *name, struct slice *ret);
/* Keep a text made from an answer with it, and find it again: borrowed. */
const char *kvs_keep(flux_future_t *f, const char *name, char *text);
const char *kvs_kept(flux_future_t *f, const char *name);

/* The text of a dirref for a reference, kept with the answer. -1, errno. */
int kvs_dirref(flux_future_t *f, const char **treeobj);

/* A directory from the text of its object, which it takes over. NULL, errno. */
flux_kvsdir_t *kvsdir_take(flux_t *h, const char *rootref, const char *key, char *text);

#endif
