/* Following a namespace. */
#include "modules/kvs/replica.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "modules/kvs/lookup.h"
#include "modules/kvs/namespace.h"
#include "proto/kvsfeed.h"

static void subscribe(struct replica *r, bool on)
{
    char topic[REDO_NAMESPACE_MAX + 32];
    flux_future_t *f;

    snprintf(topic, sizeof(topic), "kvs.namespace-%s-", r->name);
    f = on ? flux_event_subscribe_ex(r->kvs->h, topic, 0)
           : flux_event_unsubscribe_ex(r->kvs->h, topic, 0);
    if (!f)
        flux_log_error(r->kvs->h, "%s", topic);
    flux_future_destroy(f); /* the broker does it before it passes on what comes next */
}

struct replica *replica_new(struct kvs *kvs, struct map *all, const char *name)
{
    struct replica *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->kvs = kvs;
    r->all = all;
    list_init(&r->waits);
    if (!(r->name = strdup(name)) || map_add(all, name, r) < 0) {
        free(r->name);
        free(r);
        return NULL;
    }
    subscribe(r, true);
    return r;
}

/* It is there no more: whoever waits for a version of it waits in vain. */
static void drop_ns(struct replica *r)
{
    struct ns *ns = TAKE(r->ns);

    ns->gone = true;
    namespace_end_waiting(ns);
    lookup_gone(ns);
    ns_free(ns);
}

void replica_free(struct replica *r)
{
    flux_future_destroy(r->pull);
    list_each(w, &r->waits, struct ns_wait, link)
    {
        list_del(&w->link);
        w->ready(w, -ENOSYS);
    }
    if (r->ns) {
        namespace_end_waiting(r->ns);
        ns_free(r->ns);
    }
    subscribe(r, false);
    map_take(r->all, r->name);
    free(r->name);
    free(r);
}

/* ---- what is known ---- */

static bool reaches(const struct replica *r, uint64_t id, uint64_t version)
{
    return r->ns &&
           (r->ns->id > id || (r->ns->id == id && r->ns->now.version >= version));
}

static bool is_fresh(const struct replica *r)
{
    return !r->doubt && reaches(r, r->id, r->version);
}

/* Requests are kept until a version is there. */
static bool is_awaited(const struct replica *r)
{
    return r->ns && (flux_msglist_count(r->ns->waiting) > 0 || r->kvs->nlate > 0);
}

bool replica_is_idle(const struct replica *r)
{
    return !r->pull && list_empty(&r->waits) && !is_awaited(r);
}

/* ---- the root from above ---- */

/* Rank 0 has less than it had published: its disk has lied to it. */
static void alarm_lost(struct replica *r, const struct feed_root *root)
{
    flux_log(r->kvs->h, LOG_CRIT,
             "namespace %s: version %" PRIu64 " was acknowledged, and rank 0 has only "
             "version %" PRIu64 ": commits are lost",
             r->name, r->pull_version, root->version);
    r->id = root->id;
    r->version = root->version;
    list_each(w, &r->waits, struct ns_wait, link)
    {
        w->id = root->id;
        w->version = root->version;
    }
    if (r->ns)
        drop_ns(r);
}

static int make_ns(struct replica *r, const struct feed_root *root, struct obj *o)
{
    if (!(r->ns = ns_new(r->kvs, r->name, root->id, root->owner, root->flags)))
        return -ENOMEM;
    r->ns->now.version = root->version;
    r->ns->now.root = obj_ref(o);
    return 0;
}

/* It has changed. What came into memory since the last change is what it costs to keep
 * the version before. */
static void publish(struct replica *r, const struct feed_root *root, struct obj *o)
{
    size_t bytes = r->kvs->os.bytes, cost = sizeof(struct version) + o->len;

    if (bytes > r->bytes)
        cost += bytes - r->bytes;
    r->bytes = bytes;
    ns_publish(r->ns, root->version, obj_ref(o), cost);
    lookup_version(r->ns);
}

static int take_root(struct replica *r, const struct feed_root *root, struct obj *o)
{
    if (o->kind != OBJ_LEAF && o->kind != OBJ_INNER)
        return -EIO;
    if (r->ns && r->ns->id < root->id)
        drop_ns(r);
    replica_note(r, root->id, root->version);
    if (!r->ns)
        return make_ns(r, root, o);
    if (r->ns->id == root->id && r->ns->now.version < root->version)
        publish(r, root, o);
    return 0;
}

static int adopt(struct replica *r, const void *data, size_t len)
{
    struct feed_root root;
    struct obj *o;
    int rc = feed_root_read(data, len, &root);

    if (rc < 0)
        return rc;
    if (root.id <= r->gone) /* the one above has yet to hear of it */
        return 0;
    if (root.id < r->pull_id || (root.id == r->pull_id && root.version < r->pull_version))
        alarm_lost(r, &root);
    rc = obj_load(&r->kvs->os, root.hash, true, root.data, root.len, &o);
    if (rc < 0)
        return rc;
    rc = take_root(r, &root, o);
    obj_unref(&r->kvs->os, o);
    return rc;
}

/* ---- those who wait ---- */

static bool is_cut_off(int rc)
{
    return rc == -EHOSTUNREACH || rc == -ENOSYS;
}

/* What the answer (rc) means to one that waits; -EAGAIN: it waits for the next one. */
static int outcome(const struct replica *r, const struct ns_wait *w, int rc)
{
    bool reached = reaches(r, w->id, w->version);

    if (is_cut_off(rc))
        return reached ? NS_DOUBTFUL : -EHOSTUNREACH;
    if (rc == 0)
        return reached ? 0 : -EAGAIN;
    /* Made after the question was asked, if we have heard of it. */
    return rc == -ENOTSUP && w->id > r->pull_id ? -EAGAIN : rc;
}

static void wake(struct replica *r, int rc)
{
    struct list waits;

    list_init(&waits);
    list_splice(&waits, &r->waits);
    list_each(w, &waits, struct ns_wait, link)
    {
        int one = outcome(r, w, rc);

        list_del(&w->link);
        if (one == -EAGAIN)
            list_append(&r->waits, &w->link);
        else
            w->ready(w, one);
    }
}

static void pull(struct replica *r);

static void pulled_cb(flux_future_t *f, void *arg)
{
    struct replica *r = arg;
    const void *data;
    size_t len;
    int rc;

    rc = flux_rpc_get_raw(f, &data, &len) < 0 ? -errno : adopt(r, data, len);
    r->pull = NULL;
    flux_future_destroy(f);
    r->doubt = rc == 0 ? r->again : r->doubt || is_cut_off(rc);
    if (rc == -ENOTSUP && r->ns)
        drop_ns(r);
    wake(r, rc);
    if (!list_empty(&r->waits))
        pull(r);
    else if (rc == 0)
        replica_stir(r);
    if (!r->ns && replica_is_idle(r))
        replica_free(r);
}

static void pull(struct replica *r)
{
    if (r->pull)
        return;
    r->again = false;
    r->pull_id = r->id;
    r->pull_version = r->version;
    r->pull = flux_rpc_pack(r->kvs->h, "kvs.root", FLUX_NODEID_UPSTREAM, 0,
                            "{s:s s:I s:I}", "namespace", r->name, "id", (int64_t)r->id,
                            "version", (int64_t)r->version);
    if (r->pull && flux_future_then(r->pull, -1., pulled_cb, r) == 0)
        return;
    flux_future_destroy(TAKE(r->pull));
    wake(r, -ENOMEM);
}

int replica_get(struct replica *r, struct ns_wait *w, struct ns **ret)
{
    if (is_fresh(r)) {
        *ret = r->ns;
        return 0;
    }
    w->id = r->id;
    w->version = r->version;
    list_append(&r->waits, &w->link);
    pull(r);
    return -EINPROGRESS;
}

/* ---- what is heard ---- */

void replica_stir(struct replica *r)
{
    if ((!list_empty(&r->waits) || is_awaited(r)) && !is_fresh(r))
        pull(r);
}

void replica_note(struct replica *r, uint64_t id, uint64_t version)
{
    if (id < r->id || (id == r->id && version <= r->version))
        return;
#ifdef MUTANT_LOST_NOTE /* for test/sim/kvs: what clients here have written is forgotten */
    static unsigned n;

    if (r->ns && ++n % 10 == 0)
        return;
#endif
    r->id = id;
    r->version = version;
    replica_stir(r);
}

void replica_removed(struct replica *r, uint64_t id)
{
    if (id > r->gone)
        r->gone = id;
    if (r->ns && r->ns->id <= id)
        drop_ns(r);
}

void replica_doubt(struct replica *r)
{
    r->doubt = r->again = true;
    replica_stir(r);
}
