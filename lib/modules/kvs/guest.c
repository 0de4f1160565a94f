/* From the first use of a job's own namespace to the end of the job. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "modules/kvs/commit.h"
#include "modules/kvs/guest_private.h"
#include "modules/kvs/namespace.h"
#include "proto/jobkey.h"

#define RETRY 1. /* seconds after which services that were not there are asked again */

struct guest_request {
    struct list link;
    const flux_msg_t *msg;
    guest_f fn;
    bool make;
};

struct ns *guest_ns(const struct guest *g)
{
    char name[JOBKEY_NAMESPACE_SIZE];

    jobkey_namespace(g->id, name);
    return ns_find(g->gs->kvs, name);
}

static void request_free(struct guest_request *r)
{
    list_del(&r->link);
    flux_msg_decref(r->msg);
    free(r);
}

static void fail_request(struct guest *g, struct guest_request *r, int errnum,
                         const char *why)
{
    char name[JOBKEY_NAMESPACE_SIZE];

    jobkey_namespace(g->id, name);
    if (errnum == EPERM)
        kvs_respond_error(g->gs->kvs, r->msg, EPERM, NULL);
    else
        kvs_respond_error(g->gs->kvs, r->msg, errnum, "no such namespace '%s'%s%s", name,
                          why ? ": " : "", why ? why : "");
    request_free(r);
}

static void fail_requests(struct guest *g, int errnum, const char *why)
{
    list_each(r, &g->requests, struct guest_request, link)
    {
        fail_request(g, r, errnum, why);
    }
}

/* ---- the journal ---- */

static void start_journal(struct guests *gs);

static void retry_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    start_journal(arg);
}

static void stop_journal(struct guests *gs)
{
    flux_future_destroy(gs->fence);
    gs->fence = NULL;
    gs->ready = false;
    flux_watcher_stop(gs->retry);
    if (!gs->journal)
        return;
    flux_future_destroy(flux_rpc_pack(gs->kvs->h, "job-manager.events-journal-cancel",
                                      FLUX_NODEID_ANY, FLUX_RPC_NORESPONSE, "{s:i}",
                                      "matchtag",
                                      (int)flux_rpc_get_matchtag(gs->journal)));
    flux_future_destroy(gs->journal);
    gs->journal = NULL;
}

void guests_retry(struct guests *gs)
{
    stop_journal(gs);
    flux_timer_watcher_reset(gs->retry, RETRY, 0.);
    flux_watcher_start(gs->retry);
}

static void journal_cb(flux_future_t *f, void *arg)
{
    struct guests *gs = arg;
    struct guest *g;
    const cJSON *events;
    int64_t id;

    if (flux_rpc_get_unpack(f, "{s:I s:o}", "id", &id, "events", &events) < 0) {
        flux_future_destroy(gs->journal);
        gs->journal = NULL;
        guests_retry(gs);
        return;
    }
    g = cJSON_GetArraySize(events) > 0 ? umap_get(gs->all, (uint64_t)id) : NULL;
    flux_future_reset(f);
    if (!g)
        return;
    g->ended = true;
    guest_end(g); /* it may have been the last */
}

static void ask(struct guest *g);

/* It cannot be known whether the jobs are active. */
static void give_up(struct guests *gs, const char *why)
{
    uint64_t id;
    void *value;

    guests_retry(gs);
    for (size_t it = 0; umap_next(gs->all, &it, &id, &value);) {
        fail_requests(value, ENOTSUP, why);
        if (!guest_ns(value))
            guest_free(value);
    }
}

/* The job manager has our request for the journal. */
static void fence_cb(flux_future_t *f, void *arg)
{
    struct guests *gs = arg;
    uint64_t id;
    void *value;
    int rc = flux_rpc_get(f, NULL);

    flux_future_destroy(f);
    gs->fence = NULL;
    if (rc < 0) {
        give_up(gs, "the job manager does not answer");
        return;
    }
    gs->ready = true;
    for (size_t it = 0; umap_next(gs->all, &it, &id, &value);)
        ask(value);
}

static void start_journal(struct guests *gs)
{
    if (gs->journal)
        return;
    flux_watcher_stop(gs->retry);
    gs->journal = flux_rpc_pack(gs->kvs->h, "job-manager.events-journal", FLUX_NODEID_ANY,
                                FLUX_RPC_STREAMING, "{s:{s:i} s:b}", "allow", "clean", 1,
                                "backlog", 0);
    gs->fence = flux_rpc(gs->kvs->h, "job-manager.getinfo", NULL, FLUX_NODEID_ANY, 0);
    if (!gs->journal || !gs->fence ||
        flux_future_then(gs->journal, -1., journal_cb, gs) < 0 ||
        flux_future_then(gs->fence, -1., fence_cb, gs) < 0)
        guests_retry(gs);
}

/* ---- life ---- */

static struct guest *guest_new(struct guests *gs, uint64_t id)
{
    struct guest *g = calloc(1, sizeof(*g));

    if (!g || umap_add(gs->all, id, g) < 0) {
        free(g);
        return NULL;
    }
    g->gs = gs;
    g->id = id;
    list_init(&g->requests);
    start_journal(gs);
    return g;
}

void guest_free(struct guest *g)
{
    struct guests *gs = g->gs;

    list_each(r, &g->requests, struct guest_request, link)
    {
        request_free(r);
    }
    flux_future_destroy(g->asked);
    umap_take(gs->all, g->id);
    free(g);
    if (umap_count(gs->all) == 0)
        stop_journal(gs);
}

int guests_new(struct kvs *kvs, struct guests **ret)
{
    struct guests *gs = calloc(1, sizeof(*gs));

    if (!gs)
        return -ENOMEM;
    gs->kvs = kvs;
    gs->all = umap_new(NULL);
    gs->retry = flux_timer_watcher_create(kvs->r, RETRY, 0., retry_cb, gs);
    if (!gs->all || !gs->retry) {
        guests_free(gs);
        return -ENOMEM;
    }
    flux_watcher_unref(gs->retry);
    *ret = gs;
    return 0;
}

void guests_free(struct guests *gs)
{
    uint64_t id;
    void *value;

    if (!gs)
        return;
    for (size_t it = 0; gs->all && umap_next(gs->all, &it, &id, &value);) {
        struct guest *g = value;

        list_each(r, &g->requests, struct guest_request, link)
        {
            kvs_respond_error(gs->kvs, r->msg, ENOSYS, NULL);
        }
        guest_free(g);
    }
    stop_journal(gs);
    flux_watcher_destroy(gs->retry);
    umap_free(gs->all);
    free(gs);
}

int guests_start(struct guests *gs)
{
    const char *name;
    void *value;
    uint64_t id;

    for (size_t it = 0; map_next(gs->kvs->ns_by_name, &it, &name, &value);)
        if (jobkey_namespace_parse(name, &id) == 0 && !guest_new(gs, id))
            return -ENOMEM;
    return 0;
}

/* ---- requests ---- */

static void go_on(struct guest *g, struct guest_request *r)
{
    guest_f fn = r->fn;
    const flux_msg_t *msg = flux_msg_incref(r->msg);
    struct kvs *kvs = g->gs->kvs;

    request_free(r);
    fn(kvs, msg);
    flux_msg_decref(msg);
}

/* Answer those that may not, or that only want to look. True: others remain. */
static bool sort_requests(struct guest *g)
{
    list_each(r, &g->requests, struct guest_request, link)
    {
        if (flux_msg_authorize(r->msg, g->userid) < 0)
            fail_request(g, r, EPERM, NULL);
        else if (!r->make)
            go_on(g, r);
    }
    return !list_empty(&g->requests);
}

static int make(struct guest *g)
{
    struct kvs *kvs = g->gs->kvs;
    char name[JOBKEY_NAMESPACE_SIZE];
    struct ns *ns;
    int rc;

    jobkey_namespace(g->id, name);
    if (!(ns = ns_new(kvs, name, commits_next_seq(kvs->commits), g->userid, 0)))
        return -ENOMEM;
    if ((rc = namespace_make(kvs, NULL, ns, NULL)) < 0)
        ns_free(ns);
    g->making = rc == 0;
    return rc;
}

void guest_made(struct guests *gs, struct ns *ns, int error)
{
    struct guest *g;
    uint64_t id;

    if (jobkey_namespace_parse(ns->name, &id) < 0)
        return;
    /* The owner may make one by hand. */
    if (!(g = umap_get(gs->all, id)) && (error || !(g = guest_new(gs, id))))
        return;
    g->making = false;
    if (error) {
        fail_requests(g, error, kvs_strerror(g->gs->kvs, error));
        guest_free(g);
        return;
    }
    list_each(r, &g->requests, struct guest_request, link)
    {
        go_on(g, r);
    }
    if (g->ended)
        guest_end(g);
    else if (gs->ready)
        ask(g);
}

/* ---- what job-info says of the job ---- */

static void is_active(struct guest *g)
{
    int rc;

    if (guest_ns(g) || g->making)
        return;
    if (!sort_requests(g))
        guest_free(g);
    else if ((rc = make(g)) < 0) {
        fail_requests(g, -rc, kvs_strerror(g->gs->kvs, -rc));
        guest_free(g);
    }
}

static void is_over(struct guest *g, const char *why)
{
    fail_requests(g, ENOTSUP, why);
    g->ended = true;
    if (!g->making)
        guest_end(g);
}

static void asked_cb(flux_future_t *f, void *arg)
{
    struct guest *g = arg;
    int64_t userid;
    int active, rc;

    rc = flux_rpc_get_unpack(f, "{s:I s:b}", "userid", &userid, "active", &active);
    rc = rc < 0 ? errno : 0;
    flux_future_destroy(f);
    g->asked = NULL;
    if (rc == 0) {
        g->userid = (uint32_t)userid;
        if (active)
            is_active(g);
        else
            is_over(g, "the job has ended");
    } else if (rc == ENOENT)
        is_over(g, NULL);
    else {
        fail_requests(g, ENOTSUP, "job-info does not answer");
        guests_retry(g->gs);
        if (!guest_ns(g))
            guest_free(g);
    }
}

static void ask(struct guest *g)
{
    if (g->asked || g->ending)
        return;
    g->asked = flux_rpc_pack(g->gs->kvs->h, "job-info.kvs-job", FLUX_NODEID_ANY, 0,
                             "{s:I}", "id", (int64_t)g->id);
    if (!g->asked || flux_future_then(g->asked, -1., asked_cb, g) < 0)
        guests_retry(g->gs);
}

bool guest_open(struct guests *gs, const char *name, const flux_msg_t *msg, guest_f fn,
                bool make)
{
    struct guest_request *r;
    struct guest *g;
    uint64_t id;

    if (jobkey_namespace_parse(name, &id) < 0)
        return false;
    if (!(r = calloc(1, sizeof(*r))) ||
        (!(g = umap_get(gs->all, id)) && !(g = guest_new(gs, id)))) {
        free(r);
        kvs_respond_error(gs->kvs, msg, ENOMEM, NULL);
        return true;
    }
    list_init(&r->link);
    r->msg = flux_msg_incref(msg);
    r->fn = fn;
    r->make = make;
    list_append(&g->requests, &r->link);
    if (gs->ready && !g->making)
        ask(g);
    return true;
}
