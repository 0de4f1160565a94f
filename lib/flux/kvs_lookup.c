/* Lookups. What is read of an answer is kept with it, and goes when it goes. */
#include <stdio.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "flux/kvs_private.h"

#define WAITING (FLUX_KVS_WATCH | FLUX_KVS_WAITCREATE | FLUX_KVS_STREAM)
#define ALL_FLAGS                                                                        \
    (FLUX_KVS_READDIR | FLUX_KVS_READLINK | FLUX_KVS_WATCH | FLUX_KVS_WAITCREATE |       \
     FLUX_KVS_TREEOBJ | FLUX_KVS_WATCH_FULL | FLUX_KVS_WATCH_UNIQ |                      \
     FLUX_KVS_WATCH_APPEND | FLUX_KVS_STREAM | FLUX_KVS_WATCH_INITIAL_SENTINEL |         \
     FLUX_KVS_LINEARIZABLE)
#define WATCH_FLAGS (FLUX_KVS_WATCH_FULL | FLUX_KVS_WATCH_UNIQ | FLUX_KVS_WATCH_APPEND)

/* What was asked, kept with the future. */
struct asked {
    char *key, *treeobj;
    bool watch;
};

/* The bytes of a value, kept with the answer. */
struct value {
    size_t len;
    cJSON *json;
    char data[]; /* and a NUL */
};

static void free_asked(void *arg)
{
    struct asked *a = arg;

    free(a->key);
    free(a->treeobj);
    free(a);
}

static void free_value(void *arg)
{
    struct value *v = arg;

    json_free(v->json);
    free(v);
}

static bool bad_flags(int flags)
{
    return (flags & ~ALL_FLAGS) || ((flags & WATCH_FLAGS) && !(flags & FLUX_KVS_WATCH)) ||
           ((flags & FLUX_KVS_WATCH) && (flags & FLUX_KVS_STREAM)) ||
           ((flags & FLUX_KVS_WATCH_INITIAL_SENTINEL) &&
            !(flags & FLUX_KVS_WATCH_APPEND));
}

/* Remember the question; f is taken over. */
static flux_future_t *keep_asked(flux_future_t *f, const char *key, const char *treeobj,
                                 int flags)
{
    struct asked *a;

    if (!f)
        return NULL;
    if (!(a = calloc(1, sizeof(*a))) || !(a->key = strdup(key)) ||
        (treeobj && !(a->treeobj = strdup(treeobj))) ||
        flux_future_aux_set(f, "flux::kvs_asked", a, free_asked) < 0) {
        if (a)
            free_asked(a);
        flux_future_destroy(f);
        return kvs_fail(ENOMEM);
    }
    a->watch = flags & WAITING;
    return f;
}

static flux_future_t *lookup(flux_t *h, const char *ns, int flags, const char *key,
                             int min)
{
    const char *topic = flags & WAITING ? "kvs-watch.lookup" : "kvs.lookup";
    int rpc_flags = flags & (FLUX_KVS_WATCH | FLUX_KVS_STREAM) ? FLUX_RPC_STREAMING : 0;
    flux_future_t *f;

    if (!h || !key || !*key || bad_flags(flags))
        return kvs_fail(EINVAL);
    if (min >= 0)
        f = flux_rpc_pack(h, topic, FLUX_NODEID_ANY, rpc_flags, "{s:s s:s s:i s:i}",
                          "key", key, "namespace", kvs_namespace(ns), "flags", flags,
                          "min_version", min);
    else
        f = flux_rpc_pack(h, topic, FLUX_NODEID_ANY, rpc_flags, "{s:s s:s s:i}", "key",
                          key, "namespace", kvs_namespace(ns), "flags", flags);
    return keep_asked(f, key, NULL, flags);
}

flux_future_t *flux_kvs_lookup(flux_t *h, const char *ns, int flags, const char *key)
{
    return lookup(h, ns, flags, key, -1);
}

flux_future_t *flux_kvs_lookup_min(flux_t *h, const char *ns, int flags, const char *key,
                                   int version)
{
    return version < 0 ? kvs_fail(EINVAL) : lookup(h, ns, flags, key, version);
}

flux_future_t *flux_kvs_lookupat(flux_t *h, int flags, const char *key,
                                 const char *treeobj)
{
    flux_future_t *f;
    cJSON *o;

    if (!h || !key || !*key ||
        (flags & ~(FLUX_KVS_READDIR | FLUX_KVS_READLINK | FLUX_KVS_TREEOBJ)))
        return kvs_fail(EINVAL);
    if (!treeobj)
        return flux_kvs_lookup(h, NULL, flags, key);
    if (json_parse(treeobj, strlen(treeobj), NULL, &o, NULL) < 0)
        return kvs_fail(EINVAL);
    f = flux_rpc_pack(h, "kvs.lookup", FLUX_NODEID_ANY, 0, "{s:s s:i s:o}", "key", key,
                      "flags", flags, "rootdir", o);
    return keep_asked(f, key, treeobj, flags);
}

static const struct asked *asked(flux_future_t *f)
{
    struct asked *a = f ? flux_future_aux_get(f, "flux::kvs_asked") : NULL;

    if (!a)
        errno = EINVAL;
    return a;
}

const char *flux_kvs_lookup_get_key(flux_future_t *f)
{
    const struct asked *a = asked(f);

    return a ? a->key : NULL;
}

/* The object of the answer, if it has that type, and what it holds. -1, errno. */
static int get_object(flux_future_t *f, const char *type, struct slice *val,
                      struct slice *data)
{
    struct slice found;

    if (!asked(f) || kvs_answer(f, "val", val) < 0)
        return -1;
    if (slice_get(*val, "type", &found) < 0 || slice_str(found, &found) < 0 ||
        !slice_is(found, type) || slice_get(*val, "data", data) < 0) {
        errno = EINVAL;
        return -1;
    }
    return 0;
}

static int decode_value(struct slice text, struct value **ret)
{
    AUTOFREE char *copy = NULL;
    struct value *v;
    struct slice s;
    ssize_t n;

    /* "\/" is a way to write a slash. */
    if (slice_string(text, &copy, &s) < 0)
        return -EPROTO;
    if (!(v = malloc(sizeof(*v) + base64_decoded_max(s.len) + 1)))
        return -ENOMEM;
    if ((n = base64_decode(v->data, s.p, s.len)) < 0) {
        free(v);
        return -EPROTO;
    }
    v->data[n] = '\0';
    v->len = (size_t)n;
    v->json = NULL;
    *ret = v;
    return 0;
}

/* The bytes of the answer's value, decoded once. NULL, errno. */
static struct value *get_value(flux_future_t *f)
{
    const flux_msg_t *msg;
    struct slice val, data;
    struct value *v;
    int rc;

    if (get_object(f, "val", &val, &data) < 0 ||
        flux_future_get(f, (const void **)&msg) < 0)
        return NULL;
    if ((v = flux_msg_aux_get(msg, "flux::kvs_value")))
        return v;
    if ((rc = decode_value(data, &v)) < 0) {
        errno = -rc;
        return NULL;
    }
    if (flux_msg_aux_set(msg, "flux::kvs_value", v, free_value) < 0) {
        free_value(v);
        return NULL;
    }
    return v;
}

int flux_kvs_lookup_get(flux_future_t *f, const char **value)
{
    struct value *v = get_value(f);

    if (!v)
        return -1;
    if (value)
        *value = v->len ? v->data : NULL;
    return 0;
}

int flux_kvs_lookup_get_raw(flux_future_t *f, const void **data, size_t *len)
{
    struct value *v = get_value(f);

    if (!v)
        return -1;
    if (data)
        *data = v->len ? v->data : NULL;
    if (len)
        *len = v->len;
    return 0;
}

int flux_kvs_lookup_get_unpack(flux_future_t *f, const char *fmt, ...)
{
    struct value *v = get_value(f);
    va_list ap;
    int rc;

    if (!v)
        return -1;
    if (!fmt || (!v->json && json_parse(v->data, v->len, NULL, &v->json, NULL) < 0)) {
        errno = EINVAL;
        return -1;
    }
    va_start(ap, fmt);
    rc = json_vunpack(v->json, NULL, fmt, ap);
    va_end(ap);
    if (rc < 0) {
        errno = EINVAL;
        return -1;
    }
    return 0;
}

int flux_kvs_lookup_get_treeobj(flux_future_t *f, const char **treeobj)
{
    const char *s;
    struct slice val;

    if (!asked(f) || kvs_answer(f, "val", &val) < 0)
        return -1;
    if (!(s = kvs_kept(f, "flux::kvs_treeobj")) &&
        !(s = kvs_keep(f, "flux::kvs_treeobj", slice_text(val)))) {
        errno = ENOMEM;
        return -1;
    }
    if (treeobj)
        *treeobj = s;
    return 0;
}

static void free_dir(void *arg)
{
    flux_kvsdir_destroy(arg);
}

int flux_kvs_lookup_get_dir(flux_future_t *f, const flux_kvsdir_t **dir)
{
    const struct asked *a = asked(f);
    const flux_msg_t *msg;
    struct slice data, val;
    flux_kvsdir_t *d;

    if (!a || get_object(f, "dir", &val, &data) < 0 ||
        flux_future_get(f, (const void **)&msg) < 0)
        return -1;
    if (!(d = flux_msg_aux_get(msg, "flux::kvs_dir"))) {
        d = kvsdir_take(flux_future_get_flux(f), a->treeobj, a->key, slice_text(val));
        if (!d)
            return -1;
        if (flux_msg_aux_set(msg, "flux::kvs_dir", d, free_dir) < 0) {
            flux_kvsdir_destroy(d);
            return -1;
        }
    }
    if (dir)
        *dir = d;
    return 0;
}

/* A member of a link, kept under its own name; *ret NULL: it has none. */
static int link_part(flux_future_t *f, struct slice data, const char *name,
                     const char **ret)
{
    char kept[32];
    struct slice part;

    snprintf(kept, sizeof(kept), "flux::kvs_%s", name);
    *ret = NULL;
    if (slice_get(data, name, &part) < 0)
        return 0;
    if (!(*ret = kvs_kept(f, kept)) && !(*ret = kvs_keep(f, kept, slice_strdup(part)))) {
        errno = ENOMEM;
        return -1;
    }
    return 0;
}

int flux_kvs_lookup_get_symlink(flux_future_t *f, const char **ns, const char **target)
{
    const char *n, *t;
    struct slice val, data;

    if (get_object(f, "symlink", &val, &data) < 0 ||
        link_part(f, data, "namespace", &n) < 0 || link_part(f, data, "target", &t) < 0)
        return -1;
    if (!t) {
        errno = EPROTO;
        return -1;
    }
    if (ns)
        *ns = n;
    if (target)
        *target = t;
    return 0;
}

int flux_kvs_lookup_get_version(flux_future_t *f, int *version, int *key_version)
{
    int64_t v, k;
    struct slice s;

    if (!asked(f) || kvs_answer(f, "rootseq", &s) < 0 || slice_int(s, &v) < 0 ||
        kvs_answer(f, "version", &s) < 0 || slice_int(s, &k) < 0) {
        if (errno == EPROTO)
            errno = EINVAL; /* not asked for */
        return -1;
    }
    if (version)
        *version = (int)v;
    if (key_version)
        *key_version = (int)k;
    return 0;
}

int flux_kvs_lookup_cancel(flux_future_t *f)
{
    const struct asked *a = asked(f);
    flux_future_t *cancel;

    if (!a)
        return -1;
    if (!a->watch) {
        errno = EINVAL;
        return -1;
    }
    cancel = flux_rpc_pack(flux_future_get_flux(f), "kvs-watch.cancel", FLUX_NODEID_ANY,
                           FLUX_RPC_NORESPONSE, "{s:i}", "matchtag",
                           (int)flux_rpc_get_matchtag(f));
    if (!cancel)
        return -1;
    flux_future_destroy(cancel);
    return 0;
}
