/* Namespaces, versions, roots. Payloads are those of the kvs service. */
#include <stdio.h>
#include <string.h>

#include "flux/kvs_private.h"

int kvs_answer(flux_future_t *f, const char *name, struct slice *ret)
{
    struct slice all;
    const char *s;

    if (flux_rpc_get(f, &s) < 0)
        return -1;
    if (!s || slice_value(s, strlen(s), &all) < 0 || slice_get(all, name, ret) < 0) {
        errno = EPROTO;
        return -1;
    }
    return 0;
}

/* An answer is gone after a reset, and with it what was made of it. */
static const flux_msg_t *answer_msg(flux_future_t *f)
{
    const void *msg;

    return flux_future_get(f, &msg) < 0 ? NULL : msg;
}

const char *kvs_keep(flux_future_t *f, const char *name, char *text)
{
    const flux_msg_t *msg = text ? answer_msg(f) : NULL;

    if (!msg || flux_msg_aux_set(msg, name, text, free) < 0) {
        free(text);
        return NULL;
    }
    return text;
}

const char *kvs_kept(flux_future_t *f, const char *name)
{
    const flux_msg_t *msg = answer_msg(f);

    return msg ? flux_msg_aux_get(msg, name) : NULL;
}

flux_future_t *flux_kvs_namespace_create_with(flux_t *h, const char *ns,
                                              const char *rootref, uint32_t owner,
                                              int flags)
{
    if (!h || !ns || flags)
        return kvs_fail(EINVAL);
    return flux_rpc_pack(h, "kvs.namespace-create", 0, 0, "{s:s s:s s:i s:i}",
                         "namespace", ns, "rootref", rootref ? rootref : "", "owner",
                         (int)owner, "flags", flags);
}

flux_future_t *flux_kvs_namespace_create(flux_t *h, const char *ns, uint32_t owner,
                                         int flags)
{
    return flux_kvs_namespace_create_with(h, ns, NULL, owner, flags);
}

flux_future_t *flux_kvs_namespace_remove(flux_t *h, const char *ns)
{
    if (!h || !ns)
        return kvs_fail(EINVAL);
    return flux_rpc_pack(h, "kvs.namespace-remove", 0, 0, "{s:s}", "namespace", ns);
}

int flux_kvs_get_version(flux_t *h, const char *ns, int *versionp)
{
    flux_future_t *f;
    int rc, version;

    if (!h) {
        errno = EINVAL;
        return -1;
    }
    f = flux_rpc_pack(h, "kvs.getroot", FLUX_NODEID_ANY, 0, "{s:s}", "namespace",
                      kvs_namespace(ns));
    rc = f ? flux_rpc_get_unpack(f, "{s:i}", "rootseq", &version) : -1;
    if (rc == 0 && versionp)
        *versionp = version;
    flux_future_destroy(f);
    return rc;
}

int flux_kvs_wait_version(flux_t *h, const char *ns, int version)
{
    flux_future_t *f;
    int rc;

    if (!h) {
        errno = EINVAL;
        return -1;
    }
    f = flux_rpc_pack(h, "kvs.wait-version", FLUX_NODEID_ANY, 0, "{s:i s:s}", "rootseq",
                      version, "namespace", kvs_namespace(ns));
    rc = f ? flux_future_get(f, NULL) : -1;
    flux_future_destroy(f);
    return rc;
}

flux_future_t *flux_kvs_getroot(flux_t *h, const char *ns, int flags)
{
    if (!h || flags)
        return kvs_fail(EINVAL);
    return flux_rpc_pack(h, "kvs.getroot", FLUX_NODEID_ANY, 0, "{s:s s:i}", "namespace",
                         kvs_namespace(ns), "flags", flags);
}

int kvs_dirref(flux_future_t *f, const char **treeobj)
{
    const char *s = kvs_kept(f, "flux::kvs_dirref");
    struct slice ref;
    char *text;

    if (!s) {
        if (kvs_answer(f, "rootref", &ref) < 0)
            return -1;
        if (asprintf(&text, "{\"data\":[%.*s],\"type\":\"dirref\",\"ver\":1}",
                     (int)ref.len, ref.p) < 0)
            text = NULL;
        if (!(s = kvs_keep(f, "flux::kvs_dirref", text))) {
            errno = ENOMEM;
            return -1;
        }
    }
    if (treeobj)
        *treeobj = s;
    return 0;
}

int flux_kvs_getroot_get_treeobj(flux_future_t *f, const char **treeobj)
{
    return kvs_dirref(f, treeobj);
}

int flux_kvs_getroot_get_blobref(flux_future_t *f, const char **blobref)
{
    const char *s;

    if (flux_rpc_get_unpack(f, "{s:s}", "rootref", &s) < 0)
        return -1;
    if (blobref)
        *blobref = s;
    return 0;
}

int flux_kvs_getroot_get_sequence(flux_future_t *f, int *seq)
{
    int n;

    if (flux_rpc_get_unpack(f, "{s:i}", "rootseq", &n) < 0)
        return -1;
    if (seq)
        *seq = n;
    return 0;
}

int flux_kvs_getroot_get_owner(flux_future_t *f, uint32_t *owner)
{
    int64_t n;

    if (flux_rpc_get_unpack(f, "{s:I}", "owner", &n) < 0)
        return -1;
    if (owner)
        *owner = (uint32_t)n;
    return 0;
}
