/* Requests for lookups: reading one, and finding the root to look in, for which it may
 * have to wait.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "modules/kvs/follower.h"
#include "modules/kvs/guest.h"
#include "modules/kvs/loader.h"
#include "modules/kvs/lookup_private.h"
#include "modules/kvs/relay.h"
#include "modules/kvs/snapshot.h"
#include "proto/jobkey.h"
#include "proto/key.h"

#define FLAGS                                                                            \
    (FLUX_KVS_READDIR | FLUX_KVS_READLINK | FLUX_KVS_TREEOBJ | FLUX_KVS_LINEARIZABLE)

static void respond(struct lookup *l, int rc)
{
    if (rc == 1)
        lookup_finish(l);
    else
        kvs_respond_error(l->kvs, l->msg, -rc, *l->err.text ? "%s" : NULL, l->err.text);
}

/* What a follower does not get is rank 0's to look for: what it has may be too old. */
static void hand_on(struct lookup *l)
{
    relay_request(l->kvs, l->msg);
    lookup_free(l);
}

void lookup_end_loading(struct lookup *l, int rc)
{
    if (rc == -EIO && l->kvs->follower && !l->dead)
        hand_on(l);
    else
        lookup_end(l, rc);
}

/* ---- the root ---- */

static void start_in(struct lookup *l, struct ns *ns);

static void root_loaded(int rc, void *arg)
{
    struct lookup *l = arg;
    struct ns *ns = ns_by_id(l->kvs, l->id);

    l->loading = false;
    if (rc == 0 && !ns)
        rc = -ENOTSUP;
    if (rc < 0 || l->dead)
        lookup_end_loading(l, rc);
    else
        start_in(l, ns);
}

#if defined(MUTANT_STALE_READ) || defined(MUTANT_BACK_IN_TIME)
/* For test/sim/kvs: now and then the leader, a follower, answers from the version before. */
static bool start_in_older(struct lookup *l, struct ns *ns)
{
    struct version *old = list_first(&ns->versions, struct version, link);
    static unsigned n;

#ifdef MUTANT_STALE_READ
    if (l->kvs->follower)
        return false;
#else
    if (!l->kvs->follower)
        return false;
#endif
    if (!old || ++n % 50)
        return false;
    l->root = obj_ref(old->state.root);
    l->version = old->state.version;
    lookup_run(l);
    return true;
}
#endif

/* In the current version of a namespace, which must be at least that one. */
static void start_in(struct lookup *l, struct ns *ns)
{
    struct obj *root;
    int rc;

    l->id = ns->id;
    if (l->min_version > ns->now.version) {
        l->late = true;
        l->kvs->nlate++;
        if (l->kvs->follower)
            follower_late(l->kvs->follower, ns->name);
        return;
    }
    rc = ns_root(ns, &l->need, &root);
    if (rc == -EAGAIN) {
        rc = loader_get(l->kvs->loader, &l->need, root_loaded, l);
        l->need.n = 0;
        if ((l->loading = rc == 0))
            return;
    }
    if (rc < 0) {
        lookup_end(l, rc);
        return;
    }
#if defined(MUTANT_STALE_READ) || defined(MUTANT_BACK_IN_TIME)
    if (start_in_older(l, ns))
        return;
#endif
    l->root = obj_ref(root);
    l->version = ns->now.version;
    lookup_run(l);
}

static void start_at(struct lookup *l);

static void snapshot_loaded(int rc, void *arg)
{
    struct lookup *l = arg;

    l->loading = false;
    if (rc == -EIO && !l->kvs->follower) {
        error_set(&l->err, ESTALE, "that snapshot is kept no more");
        rc = -ESTALE;
    }
    if (rc < 0 || l->dead)
        lookup_end_loading(l, rc);
    else
        start_at(l);
}

/* In a snapshot. */
static void start_at(struct lookup *l)
{
    struct obj *root;
    struct ns *ns;
    int rc =
        snapshot_root(l->kvs->snapshots, l->at, l->msg, &l->need, &root, &ns, &l->err);

    if (rc == -EAGAIN) {
        l->need.maybe = true;
        rc = loader_get(l->kvs->loader, &l->need, snapshot_loaded, l);
        l->need = (struct need){0};
        if ((l->loading = rc == 0))
            return;
    }
    /* Whose it is, the leader may know. */
    if (l->kvs->follower && (rc < 0 || (!ns && lookup_may_be_mounted(l)))) {
        hand_on(l);
        return;
    }
    if (rc < 0) {
        lookup_end(l, rc);
        return;
    }
    l->root = obj_ref(root);
    l->id = ns ? ns->id : 0;
    lookup_run(l);
}

/* ---- what is asked ---- */

static int read_key(struct lookup *l, struct slice text)
{
    AUTOFREE char *copy = NULL;
    struct slice s;
    int rc = slice_string(text, &copy, &s);

    if (rc < 0)
        return rc;
    if (buf_reserve(&l->key, s.len + 1) < 0)
        return -ENOMEM;
    if ((rc = key_normalize(s.p, s.len, l->key.data, &l->want_dir)) < 0)
        return error_set(&l->err, -rc, "%s", rc == -EINVAL ? "bad key" : strerror(-rc));
    l->key.len = (size_t)rc;
    return 0;
}

static int read_member(struct lookup *l, struct slice k, struct slice v)
{
    int64_t n;

    if (slice_is(k, "key"))
        return read_key(l, v);
    if (slice_is(k, "namespace"))
        return slice_str(v, &l->ns) < 0 ? -EPROTO : 0;
    if (slice_is(k, "rootdir"))
        l->at = v;
    else if (slice_is(k, "flags")) {
        if (slice_int(v, &n) < 0)
            return -EPROTO;
        l->flags = (int)n;
    } else if (slice_is(k, "min_version")) {
        if (slice_int(v, &n) < 0 || n < 0)
            return -EPROTO;
        l->min_version = (uint64_t)n;
        l->versions = true;
    }
    return 0;
}

int lookup_read(struct lookup *l)
{
    struct slice all, k, v;
    size_t pos = 0;
    const char *s;
    int rc, more;

    if (flux_request_decode(l->msg, NULL, &s) < 0 || !s ||
        slice_value(s, strlen(s), &all) < 0)
        return -EPROTO;
    while ((more = slice_member(all, &pos, &k, &v)) > 0)
        if ((rc = read_member(l, k, v)) < 0)
            return rc;
    if (more < 0 || (l->key.len == 0 && !l->want_dir) || (!l->ns.p && !l->at.p))
        return -EPROTO;
    return 0;
}

/* ---- the namespace ---- */

/* One that was waited for is new enough for this lookup, whatever was heard since. */
int lookup_find_ns(struct lookup *l, const char *name, struct ns **ret)
{
    int rc = 0;

    if (!l->waited || !(*ret = ns_find(l->kvs, name)))
        rc = ns_get(l->kvs, name, &l->wait, ret);
    l->waited = false;
    return rc == -ENOTSUP ? error_set(&l->err, ENOTSUP, "no such namespace '%s'", name)
                          : rc;
}

struct ns *lookup_ns(struct lookup *l, int *rc)
{
    char name[REDO_NAMESPACE_MAX + 1];
    struct ns *ns;

    *rc = -ENOTSUP;
    if (l->ns.len >= sizeof(name))
        return NULL;
    memcpy(name, l->ns.p, l->ns.len);
    name[l->ns.len] = '\0';
    if ((*rc = lookup_find_ns(l, name, &ns)) < 0)
        return NULL;
    if ((*rc = ns_authorize(ns, l->msg)) < 0 && !lookup_may_ask(l, ns))
        return NULL;
    l->foreign = *rc < 0;
    return ns;
}

static bool is_plus(const flux_msg_t *msg)
{
    const char *topic = "";

    flux_msg_get_topic(msg, &topic);
    return strcmp(topic, "kvs.lookup-plus") == 0;
}

static void lookup_again(struct kvs *kvs, const flux_msg_t *msg)
{
    lookup_request(kvs, msg, is_plus(msg));
}

/* Nobody has written in a job's own namespace yet. */
static void lookup_in_nothing(struct kvs *kvs, const flux_msg_t *msg)
{
    struct obj *root = obj_new_node(&kvs->os, OBJ_LEAF, 0, ++kvs->os.last_edit);
    struct lookup *l = root ? lookup_new(kvs, msg) : NULL;

    if (l && lookup_read(l) == 0) {
        l->done = respond;
        l->plus = is_plus(msg);
        lookup_in(l, 0, 0, root);
    } else {
        kvs_respond_error(kvs, msg, ENOMEM, NULL);
        if (l)
            lookup_free(l);
    }
    obj_unref(&kvs->os, root);
}

/* A namespace that is not there may be the own one of a job. False: it is not. */
static bool open_guest(struct lookup *l)
{
    char name[REDO_NAMESPACE_MAX + 1];
    uint64_t id;

    if (l->ns.len >= sizeof(name))
        return false;
    memcpy(name, l->ns.p, l->ns.len);
    name[l->ns.len] = '\0';
    if (jobkey_namespace_parse(name, &id) < 0)
        return false;
    if (l->kvs->follower) {
        hand_on(l);
        return true;
    }
    guest_open(l->kvs->guests, name, l->msg,
               l->min_version ? lookup_again : lookup_in_nothing, l->min_version > 0);
    lookup_free(l);
    return true;
}

static void start(struct lookup *l)
{
    struct ns *ns;
    int rc;

    if ((ns = lookup_ns(l, &rc)))
        start_in(l, ns);
    else if (rc == -ENOTSUP && open_guest(l))
        ;
    else if (rc != -EINPROGRESS)
        lookup_end(l, rc);
}

void lookup_ready(struct ns_wait *w, int rc)
{
    struct lookup *l = list_entry(w, struct lookup, wait);
    struct slice name = l->root ? slice_of(l->place.ns) : l->ns;

    l->waited = true;
    if (rc == -ENOTSUP && l->seeks_guest) {
        l->no_guest = true;
        rc = 0;
    }
    if (rc == -ENOTSUP && !l->root && open_guest(l))
        return;
    if (rc == -ENOTSUP)
        error_set(&l->err, ENOTSUP, "no such namespace '%.*s'", (int)name.len, name.p);
    if (rc < 0)
        lookup_end(l, rc);
    else if (l->root)
        lookup_run(l);
    else
        start(l);
}

/* ---- requests ---- */

void lookup_request(struct kvs *kvs, const flux_msg_t *msg, bool plus)
{
    struct lookup *l = lookup_new(kvs, msg);
    int rc;

    kvs->stats.lookups++;
    if (!l) {
        kvs_respond_error(kvs, msg, ENOMEM, NULL);
        return;
    }
    l->done = respond;
    l->plus = plus;
    if ((rc = lookup_read(l)) == 0 && (l->flags & ~FLAGS))
        rc = -EPROTO;
    if (rc < 0)
        lookup_end(l, rc);
    else if (kvs->follower && (l->flags & FLUX_KVS_LINEARIZABLE))
        hand_on(l);
    else if (l->at.p)
        start_at(l);
    else
        start(l);
}

void lookup_version(struct ns *ns)
{
    if (ns->kvs->nlate == 0)
        return;
    list_each(l, &ns->kvs->lookups, struct lookup, link)
    {
        if (l->late && l->id == ns->id && l->min_version <= ns->now.version) {
            l->late = false;
            ns->kvs->nlate--;
            start_in(l, ns);
        }
    }
}

void lookup_gone(struct ns *ns)
{
    list_each(l, &ns->kvs->lookups, struct lookup, link)
    {
        if (l->late && l->id == ns->id) {
            error_set(&l->err, ENOTSUP, "namespace '%s' was removed", ns->name);
            lookup_end(l, -ENOTSUP);
        }
    }
}

void lookup_disconnect(struct kvs *kvs, const flux_msg_t *msg)
{
    list_each(l, &kvs->lookups, struct lookup, link)
    {
        if (l->done == respond && flux_disconnect_match(msg, l->msg))
            lookup_drop(l);
    }
}
