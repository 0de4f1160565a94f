/* How the module gets to work: acquire resources, learn from the job manager what runs
 * already, say that it is ready. Each step waits for the one before; a service that is not
 * there (yet, or any more) is asked again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <flux/flog.h>
#include <flux/reactor.h>

#include "base/cleanup.h"
#include "modules/sched/sched.h"

DEFINE_CLEANUP(struct idset *, idset_destroy)

#define RETRY_AFTER 0.1 /* seconds */

static void end_rpc(flux_future_t **f)
{
    flux_future_destroy(*f);
    *f = NULL;
}

static void retry_later(struct sched *sc)
{
    flux_watcher_stop(sc->retry);
    flux_timer_watcher_reset(sc->retry, RETRY_AFTER, 0.);
    flux_watcher_start(sc->retry);
}

/* -- job manager -- */

static void ready_cb(flux_future_t *f, void *arg)
{
    struct sched *sc = arg;

    if (flux_rpc_get(f, NULL) < 0) {
        flux_log(sc->h, LOG_ERR, "job-manager.sched-ready: %s",
                 flux_future_error_string(f));
        end_rpc(&sc->ready);
        sc->said_hello = false;
        retry_later(sc);
        return;
    }
    end_rpc(&sc->ready);
}

static void say_ready(struct sched *sc)
{
    sc->said_hello = true;
    sc->is_ready = true;
    sc->ready = flux_rpc_pack(sc->h, "job-manager.sched-ready", FLUX_NODEID_ANY, 0,
                              "{s:s s:b}", "mode", "unlimited", "batch", 1);
    if (!sc->ready || flux_future_then(sc->ready, -1., ready_cb, sc) < 0)
        flux_log_error(sc->h, "job-manager.sched-ready");
}

/* A job holds what this scheduler cannot give it. */
static void give_up(struct sched *sc, int64_t id, const char *why)
{
    flux_future_t *f =
        flux_rpc_pack(sc->h, "job-manager.raise", FLUX_NODEID_ANY, FLUX_RPC_NORESPONSE,
                      "{s:I s:i s:s s:s}", "id", id, "severity", 0, "type",
                      "scheduler-restart", "note", why);
    flux_log(sc->h, LOG_ERR, "job %jd: %s", (intmax_t)id, why);
    flux_future_destroy(f);
}

/* The request is not told; what matters for counting is whether nodes are whole. */
static struct request guess_request(const struct sched *sc, const struct grant *g,
                                    unsigned nslots)
{
    struct request r = {.nslots = nslots ? nslots : 1, .cores = 1};
    const struct rpool *p = engine_pool(sc->engine);

    for (uint32_t i = 0; i < g->nnodes; i++)
        if (grant_ncores(g, i) != p->node[grant_node(g, i)].ncores)
            return r;
    r.nnodes = g->nnodes;
    r.nslots = r.nslots < r.nnodes ? r.nnodes : r.nslots;
    r.flags = FLUX_SCHED_EXCLUSIVE;
    return r;
}

static void adopt(struct sched *sc, int64_t id, int64_t priority, uint32_t userid,
                  double t_submit, const struct rset *R, const char *released)
{
    CLEANUP(idset_destroy_p)
    struct idset *gone = released ? idset_decode(released) : NULL;
    double start = rset_starttime(R), end = rset_expiration(R);
    struct rset *part = NULL;
    struct grant *g;

    if (engine_find(sc->engine, (uint64_t)id)) /* from before the job manager restarted */
        return;
    if (gone && rset_reject(R, gone, &part) < 0)
        return;
    int rc = machine_grant(&sc->machine, sc->engine, part ? part : R, &g);
    rset_free(part);
    if (rc < 0) {
        give_up(sc, id, "its resources are no longer part of this instance");
        return;
    }
    struct engine_job job = {
        .id = (uint64_t)id,
        .priority = priority,
        .t_submit = to_usec(t_submit),
        .duration = end > 0 ? to_usec(end - start) : 0,
        .userid = userid,
        .req = guess_request(sc, g, rset_nslots(R)),
    };
    rc = engine_adopt(sc->engine, &job, g, to_usec(start),
                      end > 0 ? to_usec(end) : FLUX_SCHED_HORIZON);
    if (rc < 0)
        give_up(sc, id, "its resources are held by another job");
}

static void hello_cb(flux_future_t *f, void *arg)
{
    struct sched *sc = arg;
    int64_t id, priority, userid;
    double t_submit;
    const char *released = NULL;
    const cJSON *o = NULL;
    struct rset *R;
    flux_error_t err;

    if (flux_rpc_get_unpack(f, "{s:I s:I s:I s:f s?o s?s}", "id", &id, "priority",
                            &priority, "userid", &userid, "t_submit", &t_submit, "R", &o,
                            "free", &released) < 0) {
        int errnum = errno;
        end_rpc(&sc->hello);
        if (errnum == ENODATA)
            say_ready(sc);
        else
            retry_later(sc);
        return;
    }
    if (!o)
        give_up(sc, id, "its R is not known");
    else if (rset_decode(o, &R, &err) < 0)
        give_up(sc, id, err.text);
    else {
        adopt(sc, id, priority, (uint32_t)userid, t_submit, R, released);
        rset_free(R);
    }
    flux_future_reset(f);
}

static void say_hello(struct sched *sc)
{
    const struct entry *e;

    /* Whatever waits here, the job manager asks for again. */
    while ((e = engine_next_pending(sc->engine, NULL)))
        engine_cancel(sc->engine, e->id);
    sc->hello = flux_rpc_pack(sc->h, "job-manager.sched-hello", FLUX_NODEID_ANY,
                              FLUX_RPC_STREAMING, "{s:b}", "partial-ok", 1);
    if (!sc->hello || flux_future_then(sc->hello, -1., hello_cb, sc) < 0)
        flux_log_error(sc->h, "job-manager.sched-hello");
}

/* -- resources -- */

static int define(struct sched *sc, const cJSON *R, flux_error_t *err)
{
    struct rset *rs;
    int rc = rset_decode(R, &rs, err);

    return rc < 0 ? rc : machine_load(&sc->machine, sc->engine, rs);
}

static void set_up(struct sched *sc, const char *ranks, bool up)
{
    CLEANUP(idset_destroy_p) struct idset *ids = ranks ? idset_decode(ranks) : NULL;

    if (ids)
        machine_set_up(sc->engine, ids, up);
}

/* The resource service went away: nothing new starts, what runs is remembered. */
static void lost_resources(struct sched *sc, const char *why)
{
    const struct rpool *p = engine_pool(sc->engine);

    for (uint32_t i = 0; i < p->nnodes; i++)
        engine_set_up(sc->engine, i, false);
    if (p->nnodes > 0)
        flux_log(sc->h, LOG_ERR, "resource.acquire: %s: all nodes are taken for down",
                 why);
    retry_later(sc);
}

static void acquire_cb(flux_future_t *f, void *arg)
{
    struct sched *sc = arg;
    const cJSON *R = NULL;
    const char *up = NULL, *down = NULL, *shrink = NULL;
    flux_error_t err = {"out of memory"};

    if (flux_rpc_get_unpack(f, "{s?o s?s s?s s?s}", "resources", &R, "up", &up, "down",
                            &down, "shrink", &shrink) < 0) {
        AUTOFREE char *why = strdup(flux_future_error_string(f));
        end_rpc(&sc->acquire);
        lost_resources(sc, why ? why : "");
        return;
    }
    sched_touch(sc);
    if (R && define(sc, R, &err) < 0)
        flux_log(sc->h, LOG_ERR, "resource.acquire: %s", err.text);
    set_up(sc, up, true);
    set_up(sc, down, false);
    set_up(sc, shrink, false);
    flux_future_reset(f);
    if (!sc->said_hello && !sc->hello)
        say_hello(sc);
}

static void acquire(struct sched *sc)
{
    sc->acquire =
        flux_rpc(sc->h, "resource.acquire", NULL, FLUX_NODEID_ANY, FLUX_RPC_STREAMING);
    if (!sc->acquire || flux_future_then(sc->acquire, -1., acquire_cb, sc) < 0)
        flux_log_error(sc->h, "resource.acquire");
}

void sched_start_begin(struct sched *sc)
{
    if (!sc->acquire)
        acquire(sc);
    else if (!sc->said_hello && !sc->hello && sc->machine.rs)
        say_hello(sc);
}

void sched_start_end(struct sched *sc)
{
    end_rpc(&sc->acquire);
    end_rpc(&sc->hello);
    end_rpc(&sc->ready);
}
