/* Requests about namespaces. */
#include "modules/kvs/namespace.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "modules/kvs/commit.h"
#include "modules/kvs/follower.h"
#include "modules/kvs/guest.h"
#include "modules/kvs/hash.h"
#include "modules/kvs/loader.h"
#include "modules/kvs/relay.h"
#include "modules/kvs/save.h"
#include "modules/kvs/snapshot.h"
#include "proto/jobkey.h"
#include "proto/key.h"

/* What clients of other versions send for an empty root: the hash of an empty RFC 11
 * directory. */
static const char *const empty_roots[] = {
    "",
    "sha1-c0a9faf907dda6216fd73bf81d0b3b21a1a8cb91",
    "sha256-61b85efa2a76db9377692c700b4e1edfc480bf224e0e9764b76f8082159d0ca0",
};

/* A follower's request that waits for its namespace. */
struct pending {
    struct ns_wait wait;
    struct kvs *kvs;
    const flux_msg_t *msg;
    void (*fn)(struct kvs *kvs, const flux_msg_t *msg);
};

static void pending_ready(struct ns_wait *w, int rc)
{
    struct pending *p = list_entry(w, struct pending, wait);

    if (rc == -ENOTSUP)
        kvs_respond_error(p->kvs, p->msg, ENOTSUP, "there is no such namespace");
    else if (rc < 0)
        kvs_respond_error(p->kvs, p->msg, -rc, NULL);
    else
        p->fn(p->kvs, p->msg);
    list_del(&p->wait.link);
    flux_msg_decref(p->msg);
    free(p);
}

/* Call fn when the namespace is there in a version that is new enough. */
static void when_ready(struct kvs *kvs, const flux_msg_t *msg,
                       void (*fn)(struct kvs *kvs, const flux_msg_t *msg))
{
    struct pending *p = calloc(1, sizeof(*p));
    const char *name;
    struct ns *ns;
    int rc;

    if (!p || flux_request_unpack(msg, NULL, "{s:s}", "namespace", &name) < 0) {
        kvs_respond_error(kvs, msg, p ? EPROTO : ENOMEM, NULL);
        free(p);
        return;
    }
    p->kvs = kvs;
    p->msg = flux_msg_incref(msg);
    p->fn = fn;
    ns_wait_init(&p->wait, pending_ready);
    /* That there is none is found by fn, which has the words for it. */
    if ((rc = ns_get(kvs, name, &p->wait, &ns)) != -EINPROGRESS)
        pending_ready(&p->wait, rc == -ENOTSUP ? 0 : rc);
}

/* May it be the own one of a job? Then the request is seen to: it comes `again`. */
static bool open_guest(struct kvs *kvs, const flux_msg_t *msg, const char *name,
                       guest_f again)
{
    uint64_t id;

    if (!again || jobkey_namespace_parse(name, &id) < 0)
        return false;
    if (!kvs->follower)
        return guest_open(kvs->guests, name, msg, again, true);
    relay_request(kvs, msg);
    return true;
}

/* The namespace that a request is about, if its sender may use it; else it is answered. */
static struct ns *request_ns(struct kvs *kvs, const flux_msg_t *msg, const char *name,
                             guest_f again)
{
    struct ns *ns = ns_find(kvs, name);

    if ((!ns || ns->creating) && open_guest(kvs, msg, name, again))
        return NULL;
    if (!ns || ns->creating)
        kvs_respond_error(kvs, msg, ENOTSUP, "no such namespace '%s'", name);
    else if (ns_authorize(ns, msg) < 0)
        kvs_respond_error(kvs, msg, EPERM, NULL);
    else
        return ns;
    return NULL;
}

static void getroot(struct kvs *kvs, const flux_msg_t *msg)
{
    struct buf out = {0};
    const char *name;
    struct ns *ns;
    int flags = -1;

    if (flux_request_unpack(msg, NULL, "{s:s s?i}", "namespace", &name, "flags", &flags) <
        0) {
        kvs_respond_error(kvs, msg, errno, NULL);
        return;
    }
    if (!(ns = request_ns(kvs, msg, name, getroot)))
        return;
    if (flags >= 0 && kvs->follower)
        relay_request(kvs, msg);
    else if (flags >= 0)
        snapshot_getroot(kvs->snapshots, ns, msg);
    if (flags >= 0)
        return;
    buf_addf(&out, "{\"owner\":%u,", ns->owner);
    ns_print_root(ns, &out);
    buf_addf(&out, ",\"flags\":%u,\"namespace\":\"%s\"}", ns->flags, ns->name);
    kvs_respond_buf(kvs, msg, &out);
}

void namespace_getroot_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    when_ready(arg, msg, getroot);
}

static void wait_version(struct kvs *kvs, const flux_msg_t *msg)
{
    const char *name;
    int64_t version;
    struct ns *ns;

    if (flux_request_unpack(msg, NULL, "{s:I s:s}", "rootseq", &version, "namespace",
                            &name) < 0 ||
        version < 0) {
        kvs_respond_error(kvs, msg, EPROTO, NULL);
        return;
    }
    if (!(ns = request_ns(kvs, msg, name, wait_version)))
        return;
    ns_wait_version(ns, msg, (uint64_t)version);
    if (kvs->follower)
        follower_late(kvs->follower, name);
}

void namespace_wait_version_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                               void *arg)
{
    when_ready(arg, msg, wait_version);
}

void namespace_list_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    struct kvs *kvs = arg;
    const struct ns *ns;
    struct buf out = {0};
    const char *name;
    void *value;

    buf_adds(&out, "{\"namespaces\":[");
    for (size_t it = 0; map_next(kvs->ns_by_name, &it, &name, &value);) {
        ns = value;
        if (ns->creating)
            continue;
        buf_addf(&out, "%s{\"namespace\":\"%s\",\"owner\":%u,\"flags\":%u}",
                 out.data[out.len - 1] == '[' ? "" : ",", name, ns->owner, ns->flags);
    }
    buf_adds(&out, "]}");
    kvs_respond_buf(kvs, msg, &out);
}

/* ---- creation ---- */

int namespace_make(struct kvs *kvs, const flux_msg_t *msg, struct ns *ns,
                   struct obj *root)
{
    struct obj *o =
        root ? obj_ref(root) : obj_new_node(&kvs->os, OBJ_LEAF, 0, ++kvs->os.last_edit);

    if (!o)
        return -ENOMEM;
    ns->now.root = obj_ref(o);
    ns->next.root = obj_ref(o);
    commit_create(kvs, msg, ns, o);
    obj_unref(&kvs->os, o);
    return 0;
}

/* A request whose root has to be found first. */
struct create {
    struct kvs *kvs;
    const flux_msg_t *msg;
    struct obj *root; /* referenced */
};

static void create_end(struct create *c, int errnum, const char *text)
{
    if (errnum)
        kvs_respond_error(c->kvs, c->msg, errnum, text && *text ? "%s" : NULL, text);
    obj_unref(&c->kvs->os, c->root);
    flux_msg_decref(c->msg);
    free(c);
}

/* The root is there, and stored. */
static void create_now(struct create *c)
{
    struct kvs *kvs = c->kvs;
    uint32_t owner;
    const char *name, *ref;
    struct ns *ns;
    int64_t uid;
    int flags, rc = 0;

    /* Read before. */
    flux_request_unpack(c->msg, NULL, "{s:s s:s s:I s:i}", "namespace", &name, "rootref",
                        &ref, "owner", &uid, "flags", &flags);
    owner = uid < 0 || uid >= FLUX_USERID_UNKNOWN ? kvs->owner : (uint32_t)uid;
    if (ns_find(kvs, name)) {
        create_end(c, EEXIST, NULL);
        return;
    }
    ns = ns_new(kvs, name, commits_next_seq(kvs->commits), owner, (uint32_t)flags);
    if (!ns)
        rc = -ENOMEM;
    else if ((rc = namespace_make(kvs, c->msg, ns, c->root)) < 0)
        ns_free(ns);
    create_end(c, -rc, NULL);
}

static void create_saved(int rc, void *arg)
{
    struct create *c = arg;

    if (rc < 0)
        create_end(c, -rc, NULL);
    else
        create_now(c);
}

static void find_root(struct create *c);

static void create_loaded(int rc, void *arg)
{
    struct create *c = arg;

    if (rc < 0)
        create_end(c, rc == -EIO ? ENOENT : -rc, "the root is not there");
    else
        find_root(c);
}

static int root_of(struct create *c, const char *ref, struct need *need, struct obj **ret,
                   flux_error_t *err)
{
    AUTOFREE char *text = NULL;
    struct ns *ns;

    if (*ref == '{')
        return snapshot_root(c->kvs->snapshots, slice_of(ref), c->msg, need, ret, &ns,
                             err);
    if (asprintf(&text, "{\"type\":\"dirref\",\"data\":[\"%s\"]}", ref) < 0) {
        text = NULL;
        return -ENOMEM;
    }
    return snapshot_root(c->kvs->snapshots, slice_of(text), c->msg, need, ret, &ns, err);
}

static void find_root(struct create *c)
{
    flux_error_t err = {.text = ""};
    struct need need = {0};
    const char *ref = NULL;
    struct obj *root;
    int rc;

    flux_request_unpack(c->msg, NULL, "{s:s}", "rootref", &ref);
    for (size_t i = 0; i < ARRAY_SIZE(empty_roots); i++)
        if (strcmp(ref, empty_roots[i]) == 0) {
            create_now(c);
            return;
        }
    rc = root_of(c, ref, &need, &root, &err);
    need.maybe = true;
    if (rc == -EAGAIN && (rc = loader_get(c->kvs->loader, &need, create_loaded, c)) == 0)
        return;
    if (rc == 0) {
        c->root = obj_ref(root);
        rc = save_start(c->kvs, root, create_saved, c);
    }
    if (rc < 0)
        create_end(c, -rc, err.text);
}

void namespace_create_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                         void *arg)
{
    struct kvs *kvs = arg;
    struct create *c;
    const char *name, *ref;
    int64_t owner;
    int flags;

    if (flux_request_unpack(msg, NULL, "{s:s s:s s:I s:i}", "namespace", &name, "rootref",
                            &ref, "owner", &owner, "flags", &flags) < 0)
        kvs_respond_error(kvs, msg, errno, NULL);
    else if (!namespace_valid(name))
        kvs_respond_error(kvs, msg, EINVAL,
                          "bad namespace '%.60s': 1 to 128 letters, digits, '-', '_', "
                          "'.'",
                          name);
    else if (ns_find(kvs, name))
        kvs_respond_error(kvs, msg, EEXIST, "namespace '%s' exists", name);
    else if (!(c = calloc(1, sizeof(*c))))
        kvs_respond_error(kvs, msg, ENOMEM, NULL);
    else {
        c->kvs = kvs;
        c->msg = flux_msg_incref(msg);
        find_root(c);
    }
}

void namespace_remove_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                         void *arg)
{
    struct kvs *kvs = arg;
    const char *name;
    struct ns *ns;

    if (flux_request_unpack(msg, NULL, "{s:s}", "namespace", &name) < 0)
        kvs_respond_error(kvs, msg, errno, NULL);
    else if (strcmp(name, KVS_PRIMARY_NAMESPACE) == 0)
        kvs_respond_error(kvs, msg, ENOTSUP, "the primary namespace stays");
    else if ((ns = request_ns(kvs, msg, name, NULL)))
        commit_remove(kvs, msg, ns);
}

/* ---- waiting ---- */

void namespace_disconnect(struct kvs *kvs, const flux_msg_t *msg)
{
    struct ns *ns;
    uint64_t id;
    void *value;

    if (kvs->nwaiting == 0)
        return;
    for (size_t it = 0; umap_next(kvs->ns_by_id, &it, &id, &value);) {
        ns = value;
        kvs->nwaiting -= (unsigned)flux_msglist_disconnect(ns->waiting, msg);
    }
}

void namespace_end_waiting(struct ns *ns)
{
    const flux_msg_t *msg;

    while ((msg = flux_msglist_pop(ns->waiting))) {
        if (ns->gone)
            kvs_respond_error(ns->kvs, msg, ENOTSUP, "namespace '%s' was removed",
                              ns->name);
        else
            kvs_respond_error(ns->kvs, msg, ENOSYS, NULL);
        flux_msg_decref(msg);
        ns->kvs->nwaiting--;
    }
}
