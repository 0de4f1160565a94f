/* Namespaces. */
#include "modules/kvs/ns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "modules/kvs/follower.h"
#include "proto/blobref.h"

#define VERSIONS_COST (8u << 20) /* bytes of older versions that a namespace keeps */
#define VERSIONS_AGE 60.         /* seconds */

struct ns *ns_find(struct kvs *kvs, const char *name)
{
    return map_get(kvs->ns_by_name, name);
}

int ns_get(struct kvs *kvs, const char *name, struct ns_wait *w, struct ns **ret)
{
    if (kvs->follower)
        return follower_get(kvs->follower, name, w, ret);
    *ret = ns_find(kvs, name);
    return *ret && !(*ret)->creating ? 0 : -ENOTSUP;
}

struct ns *ns_by_id(struct kvs *kvs, uint64_t id)
{
    return umap_get(kvs->ns_by_id, id);
}

struct ns *ns_new(struct kvs *kvs, const char *name, uint64_t id, uint32_t owner,
                  uint32_t flags)
{
    struct ns *ns = calloc(1, sizeof(*ns));

    if (!ns)
        return NULL;
    ns->kvs = kvs;
    ns->id = id;
    ns->owner = owner;
    ns->flags = flags;
    ns->has_mounts = strcmp(name, KVS_PRIMARY_NAMESPACE) == 0;
    list_init(&ns->versions);
    list_init(&ns->link);
    list_init(&ns->queue);
    if (!(ns->name = strdup(name)) || !(ns->waiting = flux_msglist_create()) ||
        umap_add(kvs->ns_by_id, id, ns) < 0) {
        flux_msglist_destroy(ns->waiting);
        free(ns->name);
        free(ns);
        return NULL;
    }
    if (map_add(kvs->ns_by_name, name, ns) < 0) {
        ns->removed = true;
        ns_free(ns);
        return NULL;
    }
    return ns;
}

static void state_clear(struct kvs *kvs, struct ns_state *st)
{
    obj_unref(&kvs->os, st->root);
    st->root = NULL;
}

static void drop_version(struct ns *ns, struct version *v)
{
    list_del(&v->link);
    ns->versions_cost -= v->cost;
    state_clear(ns->kvs, &v->state);
    free(v);
}

void ns_hide(struct ns *ns)
{
    if (ns_find(ns->kvs, ns->name) == ns)
        map_take(ns->kvs->ns_by_name, ns->name);
    ns->removed = true;
}

void ns_show(struct ns *ns)
{
    if (map_add(ns->kvs->ns_by_name, ns->name, ns) == 0)
        ns->removed = false;
}

void ns_retire(struct ns *ns)
{
    ns_hide(ns);
    if (ns->flying == 0 && list_empty(&ns->queue))
        ns_free(ns);
}

void ns_free(struct ns *ns)
{
    ns_hide(ns);
    umap_take(ns->kvs->ns_by_id, ns->id);
    list_del(&ns->link);
    list_each(v, &ns->versions, struct version, link)
    {
        drop_version(ns, v);
    }
    state_clear(ns->kvs, &ns->now);
    state_clear(ns->kvs, &ns->next);
    flux_msglist_destroy(ns->waiting);
    free(ns->name);
    free(ns);
}

int ns_authorize(const struct ns *ns, const flux_msg_t *msg)
{
    return flux_msg_authorize(msg, ns->owner) < 0 ? -EPERM : 0;
}

/* The root of a state that is known by its hash alone is the same object for both. */
static int state_root(struct ns *ns, struct ns_state *st, struct need *need,
                      struct obj **ret)
{
    struct obj *o;

    if (!st->root) {
        if (!(o = obj_by_hash(&ns->kvs->os, ns->root_hash, true))) {
            need_add(need, ns->root_hash, true);
            return -EAGAIN;
        }
        if (o->kind != OBJ_LEAF && o->kind != OBJ_INNER)
            return -EIO;
        st->root = obj_ref(o);
    }
    st->root->used = ns->kvs->os.now;
    *ret = st->root;
    return 0;
}

int ns_root(struct ns *ns, struct need *need, struct obj **ret)
{
    return state_root(ns, &ns->now, need, ret);
}

int ns_next_root(struct ns *ns, struct need *need, struct obj **ret)
{
    return state_root(ns, &ns->next, need, ret);
}

struct obj *ns_version(struct ns *ns, uint64_t version)
{
    if (version == ns->now.version)
        return ns->now.root;
    list_each(v, &ns->versions, struct version, link)
    {
        if (v->state.version == version)
            return v->state.root;
    }
    return NULL;
}

/* Keep the version that is about to be replaced, and not too many of them. */
static void retire(struct ns *ns, size_t cost)
{
    double now = kvs_now(ns->kvs);
    struct version *v;

    if (ns->now.root && (v = calloc(1, sizeof(*v)))) {
        v->state.version = ns->now.version;
        v->state.root = TAKE(ns->now.root);
        v->cost = cost;
        v->t = now;
        ns->versions_cost += cost;
        list_prepend(&ns->versions, &v->link);
    }
    while (!list_empty(&ns->versions)) {
        v = list_entry(ns->versions.prev, struct version, link);
        if (ns->versions_cost <= VERSIONS_COST && now - v->t <= VERSIONS_AGE)
            break;
        drop_version(ns, v);
    }
}

static void wake_waiting(struct ns *ns)
{
    struct flux_msglist *l = ns->waiting;
    const flux_msg_t *msg;
    int64_t version;

    for (msg = flux_msglist_first(l); msg; msg = flux_msglist_next(l)) {
        struct buf out = {0};

        if (flux_request_unpack(msg, NULL, "{s:I}", "rootseq", &version) < 0 ||
            (uint64_t)version > ns->now.version)
            continue;
        buf_addc(&out, '{');
        ns_print_root(ns, &out);
        buf_addc(&out, '}');
        kvs_respond_buf(ns->kvs, msg, &out);
        flux_msglist_delete(l);
        ns->kvs->nwaiting--;
    }
}

void ns_publish(struct ns *ns, uint64_t version, struct obj *root, size_t cost)
{
    retire(ns, cost);
    state_clear(ns->kvs, &ns->now);
    ns->now.version = version;
    ns->now.root = root;
    if (flux_msglist_count(ns->waiting) > 0)
        wake_waiting(ns);
}

void ns_fall_back(struct ns *ns)
{
    state_clear(ns->kvs, &ns->next);
    ns->next.version = ns->now.version;
    ns->next.root = ns->now.root ? obj_ref(ns->now.root) : NULL;
}

void ns_print_root(const struct ns *ns, struct buf *out)
{
    char ref[BLOBREF_SIZE];

    blobref_print_version(ns->id, ns->now.version, ref);
    buf_adds(out, "\"rootref\":\"");
    buf_adds(out, ref);
    buf_adds(out, "\",\"rootseq\":");
    json_buf_int(out, (int64_t)ns->now.version);
}

void ns_wait_version(struct ns *ns, const flux_msg_t *msg, uint64_t version)
{
    if (flux_msglist_append(ns->waiting, msg) < 0) {
        kvs_respond_error(ns->kvs, msg, ENOMEM, NULL);
        return;
    }
    ns->kvs->nwaiting++;
    if (version <= ns->now.version)
        wake_waiting(ns);
}
