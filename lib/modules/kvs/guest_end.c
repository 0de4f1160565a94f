/* The end of a job's own namespace: nobody writes to it any more; when all that was written
 * is durable its root is stored and becomes a directory of the primary tree; then the
 * namespace goes. Each step can be done again, which happens if one fails or the service
 * ends meanwhile.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <syslog.h>

#include "base/json.h"
#include "modules/kvs/commit.h"
#include "modules/kvs/guest_private.h"
#include "modules/kvs/loader.h"
#include "modules/kvs/save.h"
#include "proto/jobkey.h"
#include "proto/redo.h"

static struct ns *primary(const struct guests *gs)
{
    return ns_find(gs->kvs, KVS_PRIMARY_NAMESPACE);
}

static void failed(struct guest *g, int rc)
{
    g->ending = false;
    if (rc == -ECANCELED || rc == -ENOSYS) /* the service ends */
        return;
    flux_log(g->gs->kvs->h, LOG_ERR,
             "namespace job-%" PRIu64 " cannot be put into the tree: %s", g->id,
             kvs_strerror(g->gs->kvs, -rc));
    guests_retry(g->gs);
}

static void in_tree(int rc, void *arg)
{
    struct guest *g = arg;
    struct ns *ns = guest_ns(g);

    if (rc < 0) {
        failed(g, rc);
        return;
    }
    if (ns)
        commit_remove(g->gs->kvs, NULL, ns);
    guest_free(g);
}

/* The root is stored. */
static int put_into_tree(struct guest *g, const struct obj *root)
{
    struct slice value, key;
    struct buf ref = {0}, ops = {0};
    char name[JOBKEY_SIZE + sizeof("." JOBKEY_GUEST)];

    jobkey_print(g->id, name);
    strcat(name, "." JOBKEY_GUEST);
    key = slice_of(name);
    redo_ref_add(&ref, root->hash, root->count);
    value = (struct slice){ref.data, ref.len};
    redo_add(&ops, REDO_DIRREF, key, value);
    buf_free(&ref);
    return commit_own(g->gs->kvs, primary(g->gs), &ops, 1, in_tree, g);
}

static void saved(int rc, void *arg)
{
    struct guest *g = arg;
    struct ns *ns = guest_ns(g);

    if (rc == 0 && !ns)
        in_tree(0, g);
    else if (rc < 0 || (rc = put_into_tree(g, ns->now.root)) < 0)
        failed(g, rc);
}

static void store_root(struct guest *g);

static void loaded(int rc, void *arg)
{
    if (rc < 0)
        failed(arg, rc);
    else
        store_root(arg);
}

static void store_root(struct guest *g)
{
    struct ns *ns = guest_ns(g);
    struct kvs *kvs = g->gs->kvs;
    struct need need = {0};
    struct obj *root;
    int rc;

    if (!ns) {
        in_tree(0, g);
        return;
    }
    rc = ns_root(ns, &need, &root);
    if (rc == -EAGAIN)
        rc = loader_get(kvs->loader, &need, loaded, g);
    else if (rc == 0 && root->count == 0)
        in_tree(0, g); /* there is nothing to keep */
    else if (rc == 0)
        rc = save_start(kvs, root, saved, g);
    if (rc < 0)
        failed(g, rc);
}

/* All that was written before is durable. */
static void settled(int rc, void *arg)
{
    if (rc < 0)
        failed(arg, rc);
    else
        store_root(arg);
}

void guest_end(struct guest *g)
{
    struct ns *ns = guest_ns(g);
    struct buf none = {0};
    int rc;

    if (g->ending || g->making)
        return;
    if (!ns) {
        if (list_empty(&g->requests))
            guest_free(g);
        return;
    }
    g->ending = true;
    ns->sealed = true;
    if ((rc = commit_own(g->gs->kvs, ns, &none, 0, settled, g)) < 0)
        failed(g, rc);
}

/* ---- jobs that are no more ---- */

static bool is_left(struct guests *gs, struct ns *ns, struct slice key)
{
    struct need need = {0};
    struct place p = {0};
    struct obj *root;
    int rc = ns_root(ns, &need, &root);

    if (rc == 0)
        rc = tree_walk(&gs->kvs->os, root, key, WALK_STOP, &need, &p);
    place_fini(&p);
    return rc == 0 || rc == -EAGAIN;
}

static void purged(int rc, void *arg)
{
    struct guests *gs = arg;

    if (rc < 0 && rc != -ENOSYS)
        flux_log(gs->kvs->h, LOG_ERR, "what purged jobs left in the tree stays: %s",
                 kvs_strerror(gs->kvs, -rc));
}

void guests_purge(struct guests *gs, const flux_msg_t *event)
{
    struct ns *ns = primary(gs);
    struct buf ops = {0};
    const cJSON *jobs, *o;
    char key[JOBKEY_SIZE];
    unsigned n = 0;
    int64_t id;

    if (flux_event_unpack(event, NULL, "{s:o}", "jobs", &jobs) < 0 || !ns ||
        !is_left(gs, ns, slice_of(JOBKEY_DIR)))
        return;
    cJSON_ArrayForEach(o, jobs)
    {
        if (json_int64(o, &id) < 0)
            continue;
        jobkey_print((uint64_t)id, key);
        if (is_left(gs, ns, slice_of(key))) {
            redo_add(&ops, REDO_UNLINK, slice_of(key), SLICE_NONE);
            n++;
        }
    }
    if (n > 0)
        commit_own(gs->kvs, ns, &ops, n, purged, gs);
    buf_free(&ops);
}
