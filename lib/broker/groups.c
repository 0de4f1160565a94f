/* Groups. What a broker knows: its own membership, and of each child the groups of the
 * child's subtree, as full state. Changes of one turn of the loop are told together.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/rpc.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "broker/broker.h"
#include "broker/groups.h"
#include "broker/peers.h"

#define TORPID "broker.torpid"

struct groups {
    struct broker *broker;
    struct map *mine;   /* name -> routing id of the client that joined, "" the broker */
    struct umap *below; /* rank of a child -> map of its subtree */
    struct map *all;    /* name -> idset, of our subtree; never an empty one */
    struct idset *torpid; /* children */
    struct flux_msglist *watchers;
    struct watcher *kick;
    void (*changed)(void *arg);
    void *changed_arg;
};

static void free_idset(void *ids)
{
    idset_destroy(ids);
}

static void free_map(void *map)
{
    map_free(map);
}

/* ---- adding up ---- */

static int add_to(struct map *sum, const char *name, const struct idset *ids)
{
    struct idset *known = map_get(sum, name);

    if (!ids || idset_empty(ids))
        return 0;
    if (!known) {
        known = idset_create(0, IDSET_FLAG_AUTOGROW);
        if (!known || map_add(sum, name, known) < 0) {
            idset_destroy(known);
            return -ENOMEM;
        }
    }
    return idset_add(known, ids) < 0 ? -ENOMEM : 0;
}

static int add_all(struct map *sum, const struct map *from)
{
    const char *name;
    void *ids;
    int rc = 0;

    for (size_t it = 0; rc == 0 && map_next(from, &it, &name, &ids);)
        rc = add_to(sum, name, ids);
    return rc;
}

static int add_mine(struct groups *g, struct map *sum)
{
    struct idset *self = idset_create(0, IDSET_FLAG_AUTOGROW);
    const char *name;
    void *value;
    int rc = self && idset_set(self, g->broker->rank) == 0 ? 0 : -ENOMEM;

    for (size_t it = 0; rc == 0 && map_next(g->mine, &it, &name, &value);)
        rc = add_to(sum, name, self);
    idset_destroy(self);
    return rc < 0 ? rc : add_to(sum, TORPID, g->torpid);
}

static struct map *add_up(struct groups *g)
{
    struct map *sum = map_new(free_idset);
    void *child;
    uint64_t rank;

    if (!sum || add_mine(g, sum) < 0)
        goto error;
    for (size_t it = 0; umap_next(g->below, &it, &rank, &child);) {
        if (add_all(sum, child) < 0)
            goto error;
    }
    return sum;
error:
    map_free(sum);
    return NULL;
}

static bool same(const struct idset *a, const struct idset *b)
{
    return a && b ? idset_equal(a, b) : idset_empty(a) && idset_empty(b);
}

static bool all_same(const struct map *a, const struct map *b)
{
    const char *name;
    void *ids;

    if (map_count(a) != map_count(b))
        return false;
    for (size_t it = 0; map_next(a, &it, &name, &ids);) {
        if (!same(ids, map_get(b, name)))
            return false;
    }
    return true;
}

/* ---- telling ---- */

static void respond(struct groups *g, const flux_msg_t *req, const struct idset *ids)
{
    AUTOFREE char *s = ids ? idset_encode(ids, IDSET_FLAG_RANGE) : strdup("");

    if (s)
        core_respond(g->broker->core, req, "{s:s}", "members", s);
}

static void tell_watchers(struct groups *g, const struct map *old)
{
    const flux_msg_t *req = flux_msglist_first(g->watchers);
    const char *name;

    for (; req; req = flux_msglist_next(g->watchers)) {
        if (flux_msg_unpack(req, "{s:s}", "name", &name) == 0 &&
            !same(map_get(old, name), map_get(g->all, name)))
            respond(g, req, map_get(g->all, name));
    }
}

static cJSON *encode(const struct map *all)
{
    cJSON *o = cJSON_CreateObject();
    const char *name;
    void *ids;

    for (size_t it = 0; o && map_next(all, &it, &name, &ids);) {
        AUTOFREE char *s = idset_encode(ids, IDSET_FLAG_RANGE);

        cJSON_AddItemToObject(o, name, s ? json_new_str(s) : NULL);
    }
    return o;
}

static void tell_parent(struct groups *g)
{
    flux_t *h = g->broker->h;
    flux_future_t *f;

    if (g->broker->rank == 0 || !h)
        return;
    f = flux_rpc_pack(h, "groups.update", FLUX_NODEID_UPSTREAM, FLUX_RPC_NORESPONSE,
                      "{s:o}", "groups", encode(g->all));
    flux_future_destroy(f);
}

static void kick_cb(struct watcher *w, int revents, void *arg)
{
    struct groups *g = arg;
    struct map *old = g->all, *all = add_up(g);

    if (!all) {
        log_printf(g->broker->log, LOG_ERR, "groups: out of memory");
        return;
    }
    if (all_same(old, all)) {
        map_free(all);
        return;
    }
    g->all = all;
    tell_parent(g);
    tell_watchers(g, old);
    map_free(old);
    if (g->changed)
        g->changed(g->changed_arg);
}

static void touch(struct groups *g)
{
    watcher_kick(g->kick);
}

/* ---- what changes them ---- */

int groups_set(struct groups *g, const char *name, bool member)
{
    char *self = member ? strdup("") : NULL;
    int rc = 0;

    if (!member)
        map_del(g->mine, name);
    else if (!self)
        rc = -ENOMEM;
    else if ((rc = map_set(g->mine, name, self)) < 0)
        free(self);
    touch(g);
    return rc;
}

void groups_parent_up(struct groups *g)
{
    if (map_count(g->all) > 0)
        tell_parent(g);
}

void groups_child_gone(struct groups *g, uint32_t rank)
{
    if (umap_del(g->below, rank))
        touch(g);
}

void groups_tree_changed(struct groups *g)
{
    struct idset *torpid = peers_torpid(g->broker->peers);

    if (!torpid || same(torpid, g->torpid)) {
        idset_destroy(torpid);
        return;
    }
    idset_destroy(g->torpid);
    g->torpid = torpid;
    touch(g);
}

/* ---- services ---- */

static int decode(const cJSON *o, struct map **ret)
{
    struct map *map = map_new(free_idset);
    const cJSON *item;

    if (!map)
        return -ENOMEM;
    cJSON_ArrayForEach(item, o)
    {
        struct idset *ids = json_str(item) ? idset_decode(json_str(item)) : NULL;

        if (!ids || map_set(map, item->string, ids) < 0) {
            idset_destroy(ids);
            map_free(map);
            return -EPROTO;
        }
    }
    *ret = map;
    return 0;
}

static void update_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct groups *g = arg;
    struct map *map;
    uint32_t rank;
    cJSON *o;
    int rc;

    if (!peers_child_rank(from, &rank))
        core_error(g->broker->core, msg, EPERM, "brokers tell their groups");
    else if (flux_msg_unpack(msg, "{s:o}", "groups", &o) < 0)
        core_error(g->broker->core, msg, errno, NULL);
    else if ((rc = decode(o, &map)) < 0 || (rc = umap_set(g->below, rank, map)) < 0)
        core_error(g->broker->core, msg, rc, NULL);
    else {
        touch(g);
        core_respond(g->broker->core, msg, NULL);
    }
}

static void join_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct groups *g = arg;
    struct core *core = g->broker->core;
    const char *name, *who = flux_msg_route_first(msg);
    char *copy;

    if (flux_msg_unpack(msg, "{s:s}", "name", &name) < 0)
        core_error(core, msg, errno, NULL);
    else if (!from || from->kind != ENDPOINT_LOCAL)
        core_error(core, msg, EINVAL, "ask the broker that you are connected to");
    else if (map_get(g->mine, name))
        core_errorf(core, msg, EEXIST, "broker %u is in group %s already",
                    (unsigned)g->broker->rank, name);
    else if (!(copy = strdup(who ? who : "")) || map_add(g->mine, name, copy) < 0) {
        free(copy);
        core_error(core, msg, ENOMEM, NULL);
    } else {
        touch(g);
        core_respond(core, msg, NULL);
    }
}

static void leave_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct groups *g = arg;
    struct core *core = g->broker->core;
    const char *name;

    if (flux_msg_unpack(msg, "{s:s}", "name", &name) < 0)
        core_error(core, msg, errno, NULL);
    else if (!map_del(g->mine, name))
        core_errorf(core, msg, ENOENT, "broker %u is not in group %s",
                    (unsigned)g->broker->rank, name);
    else {
        touch(g);
        core_respond(core, msg, NULL);
    }
}

static void get_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct groups *g = arg;
    struct core *core = g->broker->core;
    const char *name;

    if (flux_msg_unpack(msg, "{s:s}", "name", &name) < 0) {
        core_error(core, msg, errno, NULL);
        return;
    }
    if (flux_msg_is_streaming(msg) && flux_msglist_append(g->watchers, msg) < 0)
        core_error(core, msg, errno, NULL);
    else
        respond(g, msg, map_get(g->all, name));
}

static void cancel_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct groups *g = arg;

    core_cancel(g->broker->core, g->watchers, msg);
}

static void disconnect_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct groups *g = arg;
    const char *name, *who = flux_msg_route_first(msg);
    void *joiner;

    core_drop(g->watchers, msg);
    for (size_t it = 0; who && map_next(g->mine, &it, &name, &joiner);) {
        if (!strcmp(joiner, who)) {
            map_del(g->mine, name);
            touch(g);
        }
    }
}

static const struct core_method methods[] = {
    {"groups.join", 0, join_cb},
    {"groups.leave", 0, leave_cb},
    {"groups.update", 0, update_cb},
    {"groups.get", FLUX_ROLE_USER, get_cb, true},
    {"groups.cancel", FLUX_ROLE_USER, cancel_cb, true},
    {"groups.disconnect", FLUX_ROLE_USER, disconnect_cb},
};

int groups_serve(struct groups *g)
{
    return core_add(g->broker->core, methods, ARRAY_SIZE(methods), g);
}

int groups_new(struct broker *b, struct groups **ret)
{
    struct groups *g = calloc(1, sizeof(*g));
    int rc = -ENOMEM;

    if (!g)
        return -ENOMEM;
    g->broker = b;
    if (!(g->mine = map_new(free)) || !(g->below = umap_new(free_map)) ||
        !(g->all = map_new(free_idset)) || !(g->watchers = flux_msglist_create()) ||
        (rc = watcher_new_async(b->loop, kick_cb, g, &g->kick)) < 0) {
        groups_free(g);
        return rc;
    }
    watcher_start(g->kick);
    *ret = g;
    return 0;
}

void groups_free(struct groups *g)
{
    if (!g)
        return;
    watcher_free(g->kick);
    map_free(g->mine);
    umap_free(g->below);
    map_free(g->all);
    idset_destroy(g->torpid);
    flux_msglist_destroy(g->watchers);
    free(g);
}

const struct idset *groups_members(const struct groups *g, const char *name)
{
    return map_get(g->all, name);
}

void groups_on_change(struct groups *g, void (*fn)(void *arg), void *arg)
{
    g->changed = fn;
    g->changed_arg = arg;
}
