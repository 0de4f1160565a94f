/* A world for the resource module; see resource_world.h. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/module.h>

#include "resource_world.h"
#include "router.h"

extern const struct flux_module resource_module;

/* -- the broker, as played -- */

static void groups_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct world *w = arg;
    const char *name;

    ck_assert_int_eq(flux_request_unpack(msg, NULL, "{s:s}", "name", &name), 0);
    bool online = strcmp(name, "broker.online") == 0;
    const flux_msg_t **req = online ? &w->online_req : &w->torpid_req;
    flux_msg_decref(*req);
    *req = flux_msg_incref(msg);
    flux_respond_pack(h, msg, "{s:s}", "members", online ? w->online : w->torpid);
}

static void wait_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct world *w = arg;

    flux_msg_decref(w->wait_req);
    w->wait_req = flux_msg_incref(msg);
    if (w->running)
        flux_respond(h, msg, NULL);
}

static const struct flux_msg_handler_spec groups_handlers[] = {
    {FLUX_MSGTYPE_REQUEST, "groups.get", groups_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};
static const struct flux_msg_handler_spec state_handlers[] = {
    {FLUX_MSGTYPE_REQUEST, "state-machine.wait", wait_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

static void change(flux_t *h, const flux_msg_t *req, const char *members)
{
    ck_assert_ptr_nonnull(req);
    flux_respond_pack(h, req, "{s:s}", "members", members);
}

void set_online(struct world *w, const char *members)
{
    change(w->groups, w->online_req, members);
    settle(w);
}

void set_torpid(struct world *w, const char *members)
{
    change(w->groups, w->torpid_req, members);
    settle(w);
}

void set_running(struct world *w)
{
    flux_respond(w->state, w->wait_req, NULL);
    settle(w);
}

/* -- other brokers -- */

static void topo_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct remote *r = arg;
    const char *cpus = NULL;

    r->nasked++;
    flux_msg_decref(r->msg);
    r->msg = flux_msg_incref(msg);
    flux_request_unpack(msg, NULL, "{s?s}", "cpus", &cpus);
    if (cpus && r->cpus && strcmp(cpus, r->cpus) == 0) {
        flux_respond(h, msg, "{\"same\":true}");
        return;
    }
    r->nlooked++;
    if (r->answer)
        flux_respond(h, msg, r->answer);
}

static const struct flux_msg_handler_spec remote_handlers[] = {
    {FLUX_MSGTYPE_REQUEST, "resource.topo-get", topo_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

struct remote *world_add_remote(struct world *w, unsigned rank, const char *answer)
{
    struct remote *r = &w->remote[rank];

    r->w = w;
    r->answer = answer;
    r->h = router_open(w->rt, "resource", OWNER, FLUX_ROLE_OWNER);
    router_set_rank(w->rt, r->h, rank);
    ck_assert_int_eq(flux_msg_handler_addvec(r->h, remote_handlers, r, &r->mh), 0);
    return r;
}

void remote_answer(struct remote *r, const char *answer)
{
    ck_assert_ptr_nonnull(r->msg);
    flux_respond(r->h, r->msg, answer);
    settle(r->w);
}

/* -- the world -- */

void settle(struct world *w)
{
    for (int i = 0; i < 100; i++)
        flux_reactor_run(w->r, FLUX_REACTOR_NOWAIT);
}

struct world *world_new(bool sim)
{
    struct world *w = calloc(1, sizeof(*w));
    struct store_options opts = {.durability = STORE_NONE, .uuid = "u"};

    ck_assert_int_eq(sim ? env_new_sim(1, &w->env) : env_new_real(&w->env), 0);
    w->r = flux_reactor_create_env(w->env);
    w->rt = router_new(w->r);
    w->owner = router_open(w->rt, NULL, OWNER, FLUX_ROLE_OWNER);
    w->guest = router_open(w->rt, NULL, GUEST, FLUX_ROLE_USER);
    w->groups = router_open(w->rt, "groups", OWNER, FLUX_ROLE_OWNER);
    w->state = router_open(w->rt, "state-machine", OWNER, FLUX_ROLE_OWNER);
    ck_assert_int_eq(
        flux_msg_handler_addvec(w->groups, groups_handlers, w, &w->groups_mh), 0);
    ck_assert_int_eq(flux_msg_handler_addvec(w->state, state_handlers, w, &w->state_mh),
                     0);
    ck_assert_int_eq(store_open(flux_reactor_loop(w->r), &opts, &w->store, NULL), 0);
    w->online = "0";
    w->torpid = "";
    w->running = true;
    world_set_brokers(w, 1, "h0");
    return w;
}

/* The handle that the broker would give the module. */
static void open_module(struct world *w)
{
    w->res = router_open(w->rt, "resource", OWNER, FLUX_ROLE_OWNER);
    flux_aux_set(w->res, "flux::env", w->env, NULL);
    flux_aux_set(w->res, "flux::store", w->store, NULL);
    flux_attr_set_cacheonly(w->res, "rank", "0");
    flux_attr_set_cacheonly(w->res, "hostname", "h0");
}

void world_set_brokers(struct world *w, unsigned size, const char *hostlist)
{
    char text[16];

    if (!w->res)
        open_module(w);
    snprintf(text, sizeof(text), "%u", size);
    flux_attr_set_cacheonly(w->res, "size", text);
    flux_attr_set_cacheonly(w->res, "hostlist", hostlist);
}

static flux_conf_t *conf_of(const char *json)
{
    cJSON *o;

    ck_assert_int_eq(json_parse(json, strlen(json), NULL, &o, NULL), 0);
    return flux_conf_pack("o", o);
}

int start(struct world *w, const char *conf, const char *test_cores)
{
    flux_set_conf_new(w->res, conf_of(conf));
    flux_attr_set_cacheonly(w->res, "test.cores", test_cores);
    int rc = resource_module.init(w->res, 0, NULL, &w->ctx);
    if (rc == 0)
        settle(w);
    return rc;
}

void stop(struct world *w)
{
    if (w->ctx)
        resource_module.fini(w->res, w->ctx);
    w->ctx = NULL;
    settle(w);
    router_close(w->rt, w->res, false);
    w->res = NULL;
}

void world_free(struct world *w)
{
    stop(w);
    flux_future_destroy(w->stream);
    json_free(w->last);
    flux_msg_handler_delvec(w->groups_mh);
    flux_msg_handler_delvec(w->state_mh);
    flux_msg_decref(w->online_req);
    flux_msg_decref(w->torpid_req);
    flux_msg_decref(w->wait_req);
    for (int i = 0; i < WORLD_BROKERS; i++) {
        flux_msg_handler_delvec(w->remote[i].mh);
        flux_msg_decref(w->remote[i].msg);
    }
    store_close(w->store);
    router_free(w->rt);
    flux_reactor_destroy(w->r);
    env_unref(w->env);
    free(w);
}

/* -- asking -- */

static void answered_cb(flux_future_t *f, void *arg)
{
}

static void tick_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
}

/* Records take their time. */
static void await(struct world *w, flux_future_t *f)
{
    flux_watcher_t *tick = flux_timer_watcher_create(w->r, 0.01, 0.01, tick_cb, NULL);

    flux_watcher_start(tick);
    for (int i = 0; i < 1000 && !flux_future_is_ready(f); i++)
        flux_reactor_run(w->r, FLUX_REACTOR_ONCE);
    flux_watcher_destroy(tick);
    settle(w);
}

int ask(struct world *w, flux_t *h, const char *topic, const char *payload, cJSON **ret)
{
    flux_future_t *f = flux_rpc(h, topic, payload, FLUX_NODEID_ANY, 0);
    const char *s;
    int rc = 0;

    ck_assert_int_eq(flux_future_then(f, -1., answered_cb, NULL), 0);
    await(w, f);
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

struct rset *get_R(struct world *w)
{
    struct rset *rs;
    cJSON *o;

    ck_assert_int_eq(ask(w, w->guest, "resource.get", NULL, &o), 0);
    ck_assert_int_eq(rset_decode(json_get(o, "R"), &rs, NULL), 0);
    json_free(o);
    return rs;
}

void status_is(struct world *w, const char *key, const char *want)
{
    cJSON *o;

    ck_assert_int_eq(ask(w, w->guest, "resource.status", NULL, &o), 0);
    ck_assert_str_eq(json_str(json_get(o, key)), want);
    json_free(o);
}

static void stream_cb(flux_future_t *f, void *arg)
{
    struct world *w = arg;
    const char *s;

    if (flux_rpc_get(f, &s) < 0)
        return;
    json_free(w->last);
    ck_assert_int_eq(json_parse(s, strlen(s), NULL, &w->last, NULL), 0);
    w->nanswers++;
    flux_future_reset(f);
}

void follow(struct world *w, const char *topic)
{
    flux_future_destroy(w->stream);
    w->stream = flux_rpc(w->owner, topic, NULL, FLUX_NODEID_ANY, FLUX_RPC_STREAMING);
    ck_assert_int_eq(flux_future_then(w->stream, -1., stream_cb, w), 0);
    settle(w);
}

const char *last_str(const struct world *w, const char *key)
{
    return json_str(json_get(w->last, key));
}
