/* Snapshots. */
#include "modules/kvs/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "modules/kvs/loader.h"
#include "modules/kvs/save.h"
#include "proto/blobref.h"

#define EXPOSED 1024  /* objects that are kept because an answer named them */
#define PIN_TIME 600. /* seconds */

struct pin {
    struct list link;
    unsigned char hash[NODE_HASH];
    uint64_t id;
    uint32_t owner;
    double expires;
};

/* A getroot request on its way. */
struct getroot {
    struct list link;
    struct snapshots *ss;
    const flux_msg_t *msg;
    uint64_t id; /* of the namespace */
    uint64_t version;
    struct obj *root; /* referenced */
};

struct snapshots {
    struct kvs *kvs;
    struct obj *exposed[EXPOSED]; /* the latest */
    unsigned next;
    struct list pins;
    struct list getroots;
};

int snapshots_new(struct kvs *kvs, struct snapshots **ret)
{
    struct snapshots *ss = calloc(1, sizeof(*ss));

    if (!ss)
        return -ENOMEM;
    ss->kvs = kvs;
    list_init(&ss->pins);
    list_init(&ss->getroots);
    *ret = ss;
    return 0;
}

static void getroot_free(struct getroot *g)
{
    list_del(&g->link);
    flux_msg_decref(g->msg);
    obj_unref(&g->ss->kvs->os, g->root);
    free(g);
}

static void pin_free(struct pin *p)
{
    list_del(&p->link);
    free(p);
}

void snapshots_free(struct snapshots *ss)
{
    if (!ss)
        return;
    for (unsigned i = 0; i < EXPOSED; i++)
        obj_unref(&ss->kvs->os, ss->exposed[i]);
    list_each(p, &ss->pins, struct pin, link)
    {
        pin_free(p);
    }
    free(ss);
}

void snapshot_expose(struct snapshots *ss, struct obj *o)
{
    unsigned last = (ss->next + EXPOSED - 1) % EXPOSED;

    if (ss->exposed[last] == o)
        return;
    obj_unref(&ss->kvs->os, ss->exposed[ss->next]);
    ss->exposed[ss->next] = obj_ref(o);
    ss->next = (ss->next + 1) % EXPOSED;
}

int snapshot_each_exposed(struct snapshots *ss, int (*fn)(struct obj *o, void *arg),
                          void *arg)
{
    int rc = 0;

    for (unsigned i = 0; rc == 0 && i < EXPOSED; i++)
        if (ss->exposed[i])
            rc = fn(ss->exposed[i], arg);
    return rc;
}

/* ---- pins ---- */

static void drop_expired(struct snapshots *ss)
{
    double now = kvs_now(ss->kvs);

    list_each(p, &ss->pins, struct pin, link)
    {
        if (p->expires <= now)
            pin_free(p);
    }
}

int snapshot_add_pin(struct snapshots *ss, const struct store_pin *pin)
{
    struct pin *p;

    list_each(old, &ss->pins, struct pin, link)
    {
        if (old->id == pin->id && memcmp(old->hash, pin->hash, NODE_HASH) == 0) {
            old->expires = pin->expires > old->expires ? pin->expires : old->expires;
            return 0;
        }
    }
    if (!(p = calloc(1, sizeof(*p))))
        return -ENOMEM;
    memcpy(p->hash, pin->hash, NODE_HASH);
    p->id = pin->id;
    p->owner = pin->owner;
    p->expires = pin->expires;
    list_prepend(&ss->pins, &p->link);
    return 0;
}

/* Whose root is it, of those that getroot has given? */
static const struct pin *find_pin(struct snapshots *ss, const unsigned char *hash,
                                  const flux_msg_t *msg)
{
    drop_expired(ss);
    list_each(p, &ss->pins, struct pin, link)
    {
        if (memcmp(p->hash, hash, NODE_HASH) == 0 &&
            flux_msg_authorize(msg, p->owner) == 0)
            return p;
    }
    return NULL;
}

int snapshot_keep(struct snapshots *ss, struct store_pin *pin)
{
    struct store_txn *t = store_txn_new(ss->kvs->store);
    int rc;

    pin->expires = kvs_now(ss->kvs) + PIN_TIME;
    if (!t || (rc = store_txn_pin(t, pin)) < 0 || (rc = snapshot_add_pin(ss, pin)) < 0) {
        store_txn_free(t);
        return t ? rc : -ENOMEM;
    }
    return store_commit(ss->kvs->store, t, NULL, NULL);
}

int snapshot_renew(struct snapshots *ss, const unsigned char *hash)
{
    double now = kvs_now(ss->kvs);

    drop_expired(ss);
    list_each(p, &ss->pins, struct pin, link)
    {
        struct store_pin pin = {.hash = hash, .id = p->id, .owner = p->owner};

        if (memcmp(p->hash, hash, NODE_HASH) == 0 && p->expires < now + PIN_TIME / 2)
            return snapshot_keep(ss, &pin);
    }
    return 0;
}

/* ---- names ---- */

static int version_root(struct snapshots *ss, const struct blobref *ref,
                        const flux_msg_t *msg, struct need *need, struct obj **ret,
                        struct ns **ret_ns, flux_error_t *err)
{
    struct ns *ns = ns_by_id(ss->kvs, ref->id);
    int rc;

    if (ref->id == BLOBREF_MOUNTED)
        return error_set(err, EOPNOTSUPP, "a mounted directory is no snapshot");
    if (ns && ns_authorize(ns, msg) < 0)
        return -EPERM;
    if (ns && !ns->removed && ref->version == ns->now.version &&
        (rc = ns_root(ns, need, ret)) < 0)
        return rc;
    if (!ns || ns->removed || !(*ret = ns_version(ns, ref->version)))
        return error_set(err, ESTALE,
                         "that version is kept no more: getroot gives a lasting one");
    *ret_ns = ns;
    return 0;
}

/* Whoever knows the hash of a root may not read it for that alone. */
static int hash_root(struct snapshots *ss, const struct blobref *ref,
                     const flux_msg_t *msg, struct need *need, struct obj **ret,
                     struct ns **ret_ns)
{
    const struct pin *pin = find_pin(ss, ref->hash, msg);
    struct flux_msg_cred cred;
    struct obj *o;

    flux_msg_get_cred(msg, &cred);
    if (!pin && !(cred.rolemask & FLUX_ROLE_OWNER))
        return -EPERM;
    if (!(o = obj_by_hash(&ss->kvs->os, ref->hash, true))) {
        need_add(need, ref->hash, true);
        return -EAGAIN;
    }
    if (o->kind != OBJ_LEAF && o->kind != OBJ_INNER)
        return -EINVAL;
    *ret = o;
    *ret_ns = pin ? ns_by_id(ss->kvs, pin->id) : NULL;
    return 0;
}

int snapshot_root(struct snapshots *ss, struct slice treeobj, const flux_msg_t *msg,
                  struct need *need, struct obj **ret, struct ns **ret_ns,
                  flux_error_t *err)
{
    struct slice type, data, text;
    struct blobref ref;
    size_t pos = 0;

    *ret_ns = NULL;
    if (slice_get(treeobj, "type", &type) < 0 || !slice_is(type, "\"dirref\"") ||
        slice_get(treeobj, "data", &data) < 0 || slice_element(data, &pos, &text) <= 0 ||
        slice_str(text, &text) < 0)
        return error_set(err, EINVAL, "a snapshot is named by a dirref");
    if (blobref_parse(text, &ref) < 0)
        return error_set(err, EINVAL, "'%.*s' is no reference of this instance",
                         (int)(text.len < 80 ? text.len : 80), text.p);
    return ref.is_version ? version_root(ss, &ref, msg, need, ret, ret_ns, err)
                          : hash_root(ss, &ref, msg, need, ret, ret_ns);
}

/* ---- getroot ---- */

static void answer_getroot(struct getroot *g, const struct ns *ns)
{
    char ref[BLOBREF_SIZE];

    blobref_print_hash(g->root->hash, ref);
    flux_respond_pack(g->ss->kvs->h, g->msg, "{s:I s:I s:s s:i s:s}", "owner",
                      (int64_t)ns->owner, "rootseq", (int64_t)g->version, "rootref", ref,
                      "flags", (int)ns->flags, "namespace", ns->name);
    snapshot_expose(g->ss, g->root);
}

static void pinned(int error, void *arg)
{
    struct getroot *g = arg;
    struct ns *ns = ns_by_id(g->ss->kvs, g->id);

    if (error || !ns)
        kvs_respond_error(g->ss->kvs, g->msg, error ? -error : ENOTSUP, NULL);
    else
        answer_getroot(g, ns);
    getroot_free(g);
}

static int write_pin(struct getroot *g, const struct ns *ns)
{
    struct store_pin pin = {
        .hash = g->root->hash,
        .id = g->id,
        .owner = ns->owner,
        .expires = kvs_now(g->ss->kvs) + PIN_TIME,
    };
    struct store_txn *t = store_txn_new(g->ss->kvs->store);
    int rc;

    if (!t || store_txn_pin(t, &pin) < 0 || store_txn_unpin(t, kvs_now(g->ss->kvs)) < 0) {
        store_txn_free(t);
        return -ENOMEM;
    }
    if ((rc = snapshot_add_pin(g->ss, &pin)) < 0) {
        store_txn_free(t);
        return rc;
    }
    return store_commit(g->ss->kvs->store, t, pinned, g);
}

static void saved(int rc, void *arg)
{
    struct getroot *g = arg;
    struct ns *ns = ns_by_id(g->ss->kvs, g->id);

    if (rc == 0 && !ns)
        rc = -ENOTSUP;
    if (rc < 0 || (rc = write_pin(g, ns)) < 0) {
        kvs_respond_error(g->ss->kvs, g->msg, -rc, NULL);
        getroot_free(g);
    }
}

static void start_getroot(struct getroot *g);

static void loaded(int rc, void *arg)
{
    struct getroot *g = arg;

    if (rc == 0) {
        start_getroot(g);
        return;
    }
    kvs_respond_error(g->ss->kvs, g->msg, -rc, NULL);
    getroot_free(g);
}

static void start_getroot(struct getroot *g)
{
    struct ns *ns = ns_by_id(g->ss->kvs, g->id);
    struct need need = {0};
    struct obj *root;
    int rc;

    if (!ns)
        rc = -ENOTSUP;
    else if ((rc = ns_root(ns, &need, &root)) == -EAGAIN &&
             (rc = loader_get(g->ss->kvs->loader, &need, loaded, g)) == 0)
        return;
    if (rc == 0) {
        g->root = obj_ref(root);
        g->version = ns->now.version;
        rc = save_start(g->ss->kvs, root, saved, g);
    }
    if (rc < 0) {
        kvs_respond_error(g->ss->kvs, g->msg, -rc, NULL);
        getroot_free(g);
    }
}

void snapshot_getroot(struct snapshots *ss, struct ns *ns, const flux_msg_t *msg)
{
    struct getroot *g = calloc(1, sizeof(*g));

    if (!g) {
        kvs_respond_error(ss->kvs, msg, ENOMEM, NULL);
        return;
    }
    list_append(&ss->getroots, &g->link);
    g->ss = ss;
    g->id = ns->id;
    g->msg = flux_msg_incref(msg);
    start_getroot(g);
}
