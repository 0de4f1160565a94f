/* A world for the sched module; see sched_world.h. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/module.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "router.h"
#include "sched_world.h"

extern const struct flux_module sched_module;

static const char R8[] =
    "{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"0-1\",\"children\":{\"core\":"
    "\"0-3\"}}],\"nodelist\":[\"n[0-1]\"],\"starttime\":0,\"expiration\":0,"
    "\"properties\":{\"fast\":\"1\"}}}";

/* -- resource and job-manager, as played -- */

static void acquire_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    struct world *w = arg;
    struct buf out = {0};

    flux_msg_decref(w->acquire);
    w->acquire = flux_msg_incref(msg);
    buf_addf(&out, "{\"resources\":%s,\"up\":\"%s\"}", w->R, w->up);
    ck_assert_int_eq(flux_respond(h, msg, out.data), 0);
    buf_free(&out);
}

static void hello_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct world *w = arg;

    w->nhello++;
    if (w->running)
        flux_respond(h, msg, w->running);
    flux_respond_error(h, msg, ENODATA, NULL);
}

static void ready_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct world *w = arg;
    const char *mode;
    int batch;

    ck_assert_int_eq(
        flux_request_unpack(msg, NULL, "{s:s s:b}", "mode", &mode, "batch", &batch), 0);
    ck_assert_str_eq(mode, "unlimited");
    ck_assert(batch);
    w->nready++;
    flux_respond_pack(h, msg, "{s:i}", "count", 0);
}

static void take_result(struct world *w, const cJSON *o)
{
    int64_t id;
    int type;

    ck_assert_int_eq(json_unpack(o, NULL, "{s:I s:i}", "id", &id, "type", &type), 0);
    ck_assert(id > 0 && id < WORLD_JOBS && type >= 0 && type < 4);
    json_free(w->result[id].o);
    w->result[id] = (struct result){type, json_copy(o)};
    w->counts[type]++;
}

static void results_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    struct world *w = arg;
    cJSON *list, *o;

    ck_assert_int_eq(flux_request_unpack(msg, NULL, "{s:o}", "results", &list), 0);
    ck_assert(flux_msg_is_noresponse(msg));
    cJSON_ArrayForEach(o, list) take_result(w, o);
    w->nmessages++;
}

static void raise_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    ((struct world *)arg)->nraised++;
}

static const struct flux_msg_handler_spec resource_handlers[] = {
    {FLUX_MSGTYPE_REQUEST, "resource.acquire", acquire_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};
static const struct flux_msg_handler_spec manager_handlers[] = {
    {FLUX_MSGTYPE_REQUEST, "job-manager.sched-hello", hello_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.sched-ready", ready_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.sched-results", results_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "job-manager.raise", raise_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

/* -- the world -- */

struct world *world_new(void)
{
    struct world *w = calloc(1, sizeof(*w));

    w->R = R8;
    w->up = "0-1";
    ck_assert_int_eq(env_new_sim(1, &w->env), 0);
    w->r = flux_reactor_create_env(w->env);
    w->rt = router_new(w->r);
    w->client = router_open(w->rt, NULL, 1000, FLUX_ROLE_OWNER);
    return w;
}

void open_resource(struct world *w)
{
    static flux_msg_handler_t **mh;

    w->resource = router_open(w->rt, "resource", 1000, FLUX_ROLE_OWNER);
    flux_msg_handler_addvec(w->resource, resource_handlers, w, &mh);
    flux_aux_set(w->resource, "mh", mh, (flux_free_f)flux_msg_handler_delvec);
}

void open_manager(struct world *w)
{
    static flux_msg_handler_t **mh;

    w->manager = router_open(w->rt, "job-manager", 1000, FLUX_ROLE_OWNER);
    flux_msg_handler_addvec(w->manager, manager_handlers, w, &mh);
    flux_aux_set(w->manager, "mh", mh, (flux_free_f)flux_msg_handler_delvec);
}

int open_sched(struct world *w, char *arg)
{
    char *argv[] = {arg, NULL};

    w->sched = router_open(w->rt, "sched", 1000, FLUX_ROLE_OWNER);
    flux_set_conf_new(w->sched, flux_conf_create());
    return sched_module.init(w->sched, arg ? 1 : 0, argv, &w->ctx);
}

void world_free(struct world *w)
{
    if (w->ctx)
        sched_module.fini(w->sched, w->ctx);
    for (int i = 0; i < WORLD_JOBS; i++)
        json_free(w->result[i].o);
    flux_msg_decref(w->acquire);
    router_free(w->rt);
    flux_reactor_destroy(w->r);
    env_unref(w->env);
    free(w);
}

/* Let everything that is due happen; the clock stands nearly still. */
void settle(struct world *w)
{
    for (int i = 0; i < 200; i++)
        flux_reactor_run(w->r, FLUX_REACTOR_NOWAIT);
}

static void alarm_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    flux_reactor_stop(r);
}

void pass_time(struct world *w, double seconds)
{
    flux_watcher_t *t = flux_timer_watcher_create(w->r, seconds, 0., alarm_cb, NULL);

    flux_watcher_start(t);
    flux_reactor_run(w->r, 0);
    flux_watcher_destroy(t);
    settle(w);
}

struct world *world_ready(char *arg)
{
    struct world *w = world_new();

    open_resource(w);
    open_manager(w);
    ck_assert_int_eq(open_sched(w, arg), 0);
    settle(w);
    ck_assert_uint_eq(w->nready, 1);
    return w;
}

void tell(struct world *w, const char *topic, const char *payload)
{
    flux_future_t *f =
        flux_rpc(w->manager, topic, payload, FLUX_NODEID_ANY, FLUX_RPC_NORESPONSE);

    ck_assert_ptr_nonnull(f);
    flux_future_destroy(f);
}

void add_job(struct buf *out, int id, int priority, int nslots, int cores,
             double duration, const char *more)
{
    buf_addf(out,
             "%s{\"id\":%d,\"priority\":%d,\"userid\":1000,\"t_submit\":%d.5,"
             "\"duration\":%g,\"nnodes\":0,\"nslots\":%d,\"cores\":%d,\"gpus\":0,"
             "\"exclusive\":false%s}",
             out->len ? "," : "{\"jobs\":[", id, priority, id, duration, nslots, cores,
             more);
}

void send_jobs(struct world *w, struct buf *out)
{
    buf_adds(out, "]}");
    tell(w, "sched.alloc", out->data);
    buf_free(out);
}

void submit(struct world *w, int id, int nslots, double duration)
{
    struct buf out = {0};

    add_job(&out, id, 16, nslots, 1, duration, "");
    send_jobs(w, &out);
    settle(w);
}

bool allocated(const struct world *w, int id)
{
    return w->result[id].o && w->result[id].type == RESULT_ALLOC;
}

static void answered_cb(flux_future_t *f, void *arg)
{
}

/* A request that is answered: 0 or its errno, the answer in *ret (yours). */
int ask(struct world *w, const char *topic, const char *payload, cJSON **ret)
{
    flux_future_t *f = flux_rpc(w->client, topic, payload, FLUX_NODEID_ANY, 0);
    const char *s;
    int rc = 0;

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(flux_future_then(f, -1., answered_cb, NULL), 0);
    settle(w);
    ck_assert(flux_future_is_ready(f));
    if (flux_rpc_get(f, &s) < 0) {
        rc = errno;
        if (ret)
            *ret = json_new_str(flux_future_error_string(f));
    } else if (ret) {
        ck_assert_int_eq(json_parse(s ? s : "{}", s ? strlen(s) : 2, NULL, ret, NULL), 0);
    }
    flux_future_destroy(f);
    return rc;
}

size_t ncores_of(const cJSON *R)
{
    struct rset *rs;

    ck_assert_int_eq(rset_decode(R, &rs, NULL), 0);
    size_t n = rset_ncores(rs);
    rset_free(rs);
    return n;
}
