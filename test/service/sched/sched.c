/* The sched module with a resource service and a job manager that the test plays, on
 * virtual time.
 */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>
#include <flux/module.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "env/env.h"
#include "modules/sched/sched.h"
#include "router.h"

extern const struct flux_module sched_module;

enum { MAX = 2000 };

static const char R8[] =
    "{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"0-1\",\"children\":{\"core\":"
    "\"0-3\"}}],\"nodelist\":[\"n[0-1]\"],\"starttime\":0,\"expiration\":0,"
    "\"properties\":{\"fast\":\"1\"}}}";

struct result {
    int type;
    cJSON *o; /* the last one of its kind */
};

struct world {
    struct env *env;
    flux_reactor_t *r;
    struct router *rt;
    flux_t *sched, *resource, *manager, *client;
    void *ctx;
    const char *R, *up, *running; /* running: text of a hello entry, or NULL */
    const flux_msg_t *acquire;
    unsigned nhello, nready, nmessages, nraised;
    struct result result[MAX]; /* by id */
    unsigned counts[4];        /* by type */
};

/* -- resource and job-manager, as played -- */

static void acquire_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
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
    ck_assert(id > 0 && id < MAX && type >= 0 && type < 4);
    json_free(w->result[id].o);
    w->result[id] = (struct result){type, json_copy(o)};
    w->counts[type]++;
}

static void results_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
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

static struct world *world_new(void)
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

static void open_resource(struct world *w)
{
    static flux_msg_handler_t **mh;

    w->resource = router_open(w->rt, "resource", 1000, FLUX_ROLE_OWNER);
    flux_msg_handler_addvec(w->resource, resource_handlers, w, &mh);
    flux_aux_set(w->resource, "mh", mh, (flux_free_f)flux_msg_handler_delvec);
}

static void open_manager(struct world *w)
{
    static flux_msg_handler_t **mh;

    w->manager = router_open(w->rt, "job-manager", 1000, FLUX_ROLE_OWNER);
    flux_msg_handler_addvec(w->manager, manager_handlers, w, &mh);
    flux_aux_set(w->manager, "mh", mh, (flux_free_f)flux_msg_handler_delvec);
}

static int open_sched(struct world *w, char *arg)
{
    char *argv[] = {arg, NULL};

    w->sched = router_open(w->rt, "sched", 1000, FLUX_ROLE_OWNER);
    flux_set_conf_new(w->sched, flux_conf_create());
    return sched_module.init(w->sched, arg ? 1 : 0, argv, &w->ctx);
}

static void world_free(struct world *w)
{
    if (w->ctx)
        sched_module.fini(w->sched, w->ctx);
    for (int i = 0; i < MAX; i++)
        json_free(w->result[i].o);
    flux_msg_decref(w->acquire);
    router_free(w->rt);
    flux_reactor_destroy(w->r);
    env_unref(w->env);
    free(w);
}

/* Let everything that is due happen; the clock stands nearly still. */
static void settle(struct world *w)
{
    for (int i = 0; i < 200; i++)
        flux_reactor_run(w->r, FLUX_REACTOR_NOWAIT);
}

static void alarm_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    flux_reactor_stop(r);
}

static void pass_time(struct world *w, double seconds)
{
    flux_watcher_t *t = flux_timer_watcher_create(w->r, seconds, 0., alarm_cb, NULL);

    flux_watcher_start(t);
    flux_reactor_run(w->r, 0);
    flux_watcher_destroy(t);
    settle(w);
}

static struct world *world_ready(char *arg)
{
    struct world *w = world_new();

    open_resource(w);
    open_manager(w);
    ck_assert_int_eq(open_sched(w, arg), 0);
    settle(w);
    ck_assert_uint_eq(w->nready, 1);
    return w;
}

static void tell(struct world *w, const char *topic, const char *payload)
{
    flux_future_t *f =
        flux_rpc(w->manager, topic, payload, FLUX_NODEID_ANY, FLUX_RPC_NORESPONSE);

    ck_assert_ptr_nonnull(f);
    flux_future_destroy(f);
}

static void add_job(struct buf *out, int id, int priority, int nslots, int cores,
                    double duration, const char *more)
{
    buf_addf(out,
             "%s{\"id\":%d,\"priority\":%d,\"userid\":1000,\"t_submit\":%d.5,"
             "\"duration\":%g,\"nnodes\":0,\"nslots\":%d,\"cores\":%d,\"gpus\":0,"
             "\"exclusive\":false%s}",
             out->len ? "," : "{\"jobs\":[", id, priority, id, duration, nslots, cores, more);
}

static void send_jobs(struct world *w, struct buf *out)
{
    buf_adds(out, "]}");
    tell(w, "sched.alloc", out->data);
    buf_free(out);
}

static void submit(struct world *w, int id, int nslots, double duration)
{
    struct buf out = {0};

    add_job(&out, id, 16, nslots, 1, duration, "");
    send_jobs(w, &out);
    settle(w);
}

static bool allocated(const struct world *w, int id)
{
    return w->result[id].o && w->result[id].type == RESULT_ALLOC;
}

/* A request that is answered: 0 or its errno, the answer in *ret (yours). */
static int ask(struct world *w, const char *topic, const char *payload, cJSON **ret)
{
    flux_future_t *f = flux_rpc(w->client, topic, payload, FLUX_NODEID_ANY, 0);
    const char *s;
    int rc = 0;

    ck_assert_ptr_nonnull(f);
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

static size_t ncores_of(const cJSON *R)
{
    struct rset *rs;

    ck_assert_int_eq(rset_decode(R, &rs, NULL), 0);
    size_t n = rset_ncores(rs);
    rset_free(rs);
    return n;
}

/* -- tests -- */

START_TEST(it_waits_for_the_services_it_needs)
{
    struct world *w = world_new();

    ck_assert_int_eq(open_sched(w, NULL), 0);
    pass_time(w, 1.);
    open_resource(w);
    pass_time(w, 1.);
    ck_assert_ptr_nonnull(w->acquire);
    ck_assert_uint_eq(w->nhello, 0);
    open_manager(w);
    pass_time(w, 1.);
    ck_assert_uint_eq(w->nhello, 1);
    ck_assert_uint_eq(w->nready, 1);
    world_free(w);
}
END_TEST

START_TEST(jobs_of_a_message_are_answered_in_a_message)
{
    struct world *w = world_ready(NULL);
    struct buf out = {0};

    for (int id = 1; id <= 10; id++)
        add_job(&out, id, 16, 1, 1, 60., "");
    send_jobs(w, &out);
    settle(w);
    ck_assert_uint_eq(w->counts[RESULT_ALLOC], 8);
    ck_assert_uint_eq(w->nmessages, 1);
    ck_assert(allocated(w, 8) && !allocated(w, 9));
    tell(w, "sched.free", "{\"ids\":[3,5]}");
    settle(w);
    ck_assert(allocated(w, 9) && allocated(w, 10));
    ck_assert_uint_eq(w->nmessages, 2);
    world_free(w);
}
END_TEST

START_TEST(R_says_what_where_and_how_long)
{
    struct world *w = world_ready(NULL);
    struct rset *rs;

    submit(w, 1, 3, 60.);
    ck_assert_int_eq(rset_decode(json_get(w->result[1].o, "R"), &rs, NULL), 0);
    ck_assert_uint_eq(rset_nnodes(rs), 1);
    ck_assert_uint_eq(rset_ncores(rs), 3);
    ck_assert_uint_eq(rset_nslots(rs), 3);
    ck_assert_str_eq(rset_node(rs, 0)->host, rset_node(rs, 0)->rank ? "n1" : "n0");
    double lasts = rset_expiration(rs) - rset_starttime(rs);
    ck_assert(lasts > 59.99 && lasts < 60.01);
    rset_free(rs);
    submit(w, 2, 5, 0.);
    ck_assert_int_eq(rset_decode(json_get(w->result[2].o, "R"), &rs, NULL), 0);
    ck_assert_uint_eq(rset_nnodes(rs), 2);
    ck_assert(rset_expiration(rs) == 0.);
    rset_free(rs);
    world_free(w);
}
END_TEST

START_TEST(what_can_never_run_is_denied_with_the_reason)
{
    struct world *w = world_ready(NULL);
    struct buf out = {0};

    add_job(&out, 1, 16, 9, 1, 0., "");
    add_job(&out, 2, 16, 1, 5, 0., "");
    add_job(&out, 3, 16, 1, 1, 0., ",\"constraint\":{\"properties\":[\"slow\"]}");
    add_job(&out, 4, 16, 1, 1, 0., ",\"constraint\":{\"nonsense\":[]}");
    add_job(&out, 5, 16, 1, 1, 0., ",\"constraint\":{\"properties\":[\"fast\"]}");
    send_jobs(w, &out);
    settle(w);
    ck_assert_uint_eq(w->counts[RESULT_DENY], 4);
    ck_assert_str_eq(json_str(json_get(w->result[1].o, "note")),
                     "unsatisfiable request: 9 cores requested, this instance has 8");
    ck_assert(strstr(json_str(json_get(w->result[2].o, "note")), "largest node has 4"));
    ck_assert(strstr(json_str(json_get(w->result[4].o, "note")), "invalid constraint"));
    struct rset *rs;
    ck_assert(allocated(w, 5));
    ck_assert_int_eq(rset_decode(json_get(w->result[5].o, "R"), &rs, NULL), 0);
    ck_assert_uint_eq(rset_node(rs, 0)->rank, 1);
    rset_free(rs);
    world_free(w);
}
END_TEST

START_TEST(cancelled_and_reordered_jobs)
{
    struct world *w = world_ready("policy=fcfs");

    submit(w, 1, 8, 0.);
    submit(w, 2, 8, 0.);
    submit(w, 3, 8, 0.);
    submit(w, 4, 8, 0.);
    tell(w, "sched.prioritize", "{\"jobs\":[[4,31],[99,5]]}");
    tell(w, "sched.cancel", "{\"ids\":[2,77]}");
    settle(w);
    ck_assert_uint_eq(w->counts[RESULT_CANCEL], 1);
    ck_assert_int_eq(w->result[2].type, RESULT_CANCEL);
    tell(w, "sched.free", "{\"ids\":[1]}");
    settle(w);
    ck_assert(allocated(w, 4) && !allocated(w, 3));
    tell(w, "sched.cancel", "{\"id\":3}");
    settle(w);
    ck_assert_int_eq(w->result[3].type, RESULT_CANCEL);
    world_free(w);
}
END_TEST

START_TEST(running_jobs_keep_their_cores_over_a_restart)
{
    struct world *w = world_new();
    cJSON *o;

    w->running = "{\"id\":1,\"priority\":16,\"userid\":1000,\"t_submit\":1.0,\"R\":{"
                 "\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"0\",\"children\":{"
                 "\"core\":\"1-3\"}}],\"nodelist\":[\"n0\"],\"starttime\":0,"
                 "\"expiration\":0}}}";
    open_resource(w);
    open_manager(w);
    ck_assert_int_eq(open_sched(w, NULL), 0);
    settle(w);
    ck_assert_int_eq(ask(w, "sched.resource-status", NULL, &o), 0);
    ck_assert_uint_eq(ncores_of(json_get(o, "all")), 8);
    ck_assert_uint_eq(ncores_of(json_get(o, "allocated")), 3);
    ck_assert_uint_eq(ncores_of(json_get(o, "down")), 0);
    json_free(o);
    submit(w, 2, 6, 0.);
    ck_assert(!allocated(w, 2));
    tell(w, "sched.free", "{\"id\":1,\"R\":{},\"final\":true}");
    settle(w);
    ck_assert(allocated(w, 2));
    ck_assert_uint_eq(w->nraised, 0);
    world_free(w);
}
END_TEST

START_TEST(a_running_job_on_resources_that_are_gone_gets_an_exception)
{
    struct world *w = world_new();

    w->running = "{\"id\":1,\"priority\":16,\"userid\":1000,\"t_submit\":1.0,\"R\":{"
                 "\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"7\",\"children\":{"
                 "\"core\":\"1-3\"}}],\"nodelist\":[\"n7\"],\"starttime\":0,"
                 "\"expiration\":0}}}";
    open_resource(w);
    open_manager(w);
    ck_assert_int_eq(open_sched(w, NULL), 0);
    settle(w);
    ck_assert_uint_eq(w->nraised, 1);
    ck_assert_uint_eq(w->nready, 1);
    world_free(w);
}
END_TEST

START_TEST(nothing_starts_on_nodes_that_are_down)
{
    struct world *w = world_ready(NULL);
    cJSON *o;

    flux_respond(w->resource, w->acquire, "{\"down\":\"0-1\"}");
    settle(w);
    submit(w, 1, 1, 0.);
    ck_assert(!allocated(w, 1));
    ck_assert_int_eq(ask(w, "sched.resource-status", NULL, &o), 0);
    ck_assert_uint_eq(ncores_of(json_get(o, "down")), 8);
    json_free(o);
    flux_respond(w->resource, w->acquire, "{\"up\":\"1\"}");
    settle(w);
    ck_assert(allocated(w, 1));
    world_free(w);
}
END_TEST

START_TEST(a_part_of_an_allocation_may_come_back_first)
{
    struct world *w = world_ready(NULL);

    submit(w, 1, 8, 0.);
    submit(w, 2, 4, 0.);
    tell(w, "sched.free",
         "{\"id\":1,\"R\":{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"1\","
         "\"children\":{\"core\":\"0-3\"}}],\"nodelist\":[\"n1\"],\"starttime\":0,"
         "\"expiration\":0}}}");
    settle(w);
    ck_assert(allocated(w, 2));
    submit(w, 3, 4, 0.);
    ck_assert(!allocated(w, 3));
    tell(w, "sched.free", "{\"id\":1,\"R\":{},\"final\":true}");
    settle(w);
    ck_assert(allocated(w, 3));
    world_free(w);
}
END_TEST

/* A job manager that knows RFC 27 only: one job a message, answered by response. */
START_TEST(the_single_form_is_answered_by_responses)
{
    struct world *w = world_ready(NULL);
    static const char job[] =
        "{\"id\":5,\"priority\":16,\"userid\":1000,\"t_submit\":1.0,\"jobspec\":{"
        "\"version\":1,\"resources\":[{\"type\":\"slot\",\"count\":%d,\"label\":\"task\","
        "\"with\":[{\"type\":\"core\",\"count\":1}]}],\"tasks\":[{\"command\":[\"true\"],"
        "\"slot\":\"task\",\"count\":{\"per_slot\":1}}],\"attributes\":{\"system\":{"
        "\"duration\":0}}}}";
    char text[1000];
    cJSON *o;

    snprintf(text, sizeof(text), job, 2);
    ck_assert_int_eq(ask(w, "sched.alloc", text, &o), 0);
    ck_assert_uint_eq(ncores_of(json_get(o, "R")), 2);
    json_free(o);
    tell(w, "sched.free", "{\"id\":5,\"R\":{},\"final\":true}");
    snprintf(text, sizeof(text), job, 9);
    ck_assert_int_eq(ask(w, "sched.alloc", text, &o), 0);
    ck_assert(json_str(json_get(o, "note")));
    json_free(o);
    ck_assert_uint_eq(w->nmessages, 0);
    world_free(w);
}
END_TEST

START_TEST(estimates_are_told_while_a_job_waits_and_taken_back_when_it_starts)
{
    struct world *w = world_ready(NULL);
    const cJSON *o;
    double t;

    submit(w, 1, 8, 100.);
    submit(w, 2, 8, 100.);
    ck_assert_uint_eq(w->counts[RESULT_ANNOTATE], 0);
    pass_time(w, 3.);
    ck_assert_uint_eq(w->counts[RESULT_ANNOTATE], 1);
    o = json_get_path(w->result[2].o, "annotations.sched.t_estimate");
    ck_assert_int_eq(json_real(o, &t), 0);
    double left = t - flux_reactor_now(w->r);
    ck_assert(left > 90. && left < 100.);
    tell(w, "sched.free", "{\"ids\":[1]}");
    settle(w);
    ck_assert(allocated(w, 2));
    ck_assert(cJSON_IsNull(json_get_path(w->result[2].o, "annotations.sched.t_estimate")));
    world_free(w);
}
END_TEST

START_TEST(the_policy_is_swapped_under_a_waiting_queue)
{
    struct world *w = world_ready("plugin=sched.fcfs");
    cJSON *o;

    submit(w, 1, 6, 100.);
    submit(w, 2, 8, 100.);
    submit(w, 3, 2, 10.);
    ck_assert(!allocated(w, 3));
    ck_assert_int_eq(ask(w, "sched.policy-set", "{\"policy\":\"nonesuch\"}", &o), ENOENT);
    ck_assert_str_eq(json_str(o), "no such policy 'nonesuch' (policies: hybrid, fcfs)");
    json_free(o);
    ck_assert_int_eq(ask(w, "sched.policy-set", "{\"policy\":\"hybrid\"}", NULL), 0);
    ck_assert(allocated(w, 3));
    ck_assert_int_eq(
        ask(w, "sched.policy-set", "{\"options\":{\"reserve-depth\":0}}", NULL), EINVAL);
    ck_assert_int_eq(ask(w, "sched.policy-get", NULL, &o), 0);
    ck_assert_str_eq(json_str(json_get(o, "policy")), "hybrid");
    json_free(o);
    world_free(w);
}
END_TEST

START_TEST(bad_arguments_keep_it_from_starting)
{
    static char *const bad[] = {"policy=nonesuch", "hello", "reserve-depth=none",
                                "policy=/nonexistent/policy.so"};
    struct world *w = world_new();

    ck_assert_int_lt(open_sched(w, bad[_i]), 0);
    world_free(w);
}
END_TEST

static const struct flux_msg_handler_spec feasibility_handlers[] = {
    {FLUX_MSGTYPE_REQUEST, "feasibility.check", sched_feasibility_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

START_TEST(feasibility_is_answered_with_the_reason)
{
    struct world *w = world_ready(NULL);
    flux_t *h = router_open(w->rt, "feasibility", 1000, FLUX_ROLE_OWNER);
    flux_msg_handler_t **mh;
    static const char spec[] =
        "{\"jobspec\":{\"version\":1,\"resources\":[{\"type\":\"node\",\"count\":%d,"
        "\"with\":[{\"type\":\"slot\",\"count\":1,\"label\":\"task\",\"with\":[{\"type\":"
        "\"core\",\"count\":1}]}]}],\"tasks\":[{\"command\":[\"true\"],\"slot\":\"task\","
        "\"count\":{\"per_slot\":1}}],\"attributes\":{\"system\":{\"duration\":0}}}}";
    char text[1000];
    cJSON *o;

    flux_msg_handler_addvec(h, feasibility_handlers, w->ctx, &mh);
    snprintf(text, sizeof(text), spec, 2);
    ck_assert_int_eq(ask(w, "feasibility.check", text, NULL), 0);
    snprintf(text, sizeof(text), spec, 3);
    ck_assert_int_eq(ask(w, "feasibility.check", text, &o), EINVAL);
    ck_assert_str_eq(json_str(o),
                     "unsatisfiable request: 3 nodes requested, this instance has 2");
    json_free(o);
    flux_msg_handler_delvec(mh);
    world_free(w);
}
END_TEST

START_TEST(garbage_disturbs_nobody)
{
    static const char *const garbage[] = {
        "{\"jobs\":[{\"id\":1}]}", "{\"jobs\":[5]}", "{\"jobs\":{}}", "{\"ids\":[\"x\"]}",
        "{}", "{\"jobs\":[{\"id\":0,\"nslots\":1,\"cores\":1}]}",
        "{\"id\":1,\"R\":{\"version\":9}}"};
    static const char *const topics[] = {"sched.alloc", "sched.free", "sched.cancel",
                                         "sched.prioritize", "sched.expiration"};
    struct world *w = world_ready(NULL);

    for (size_t t = 0; t < ARRAY_SIZE(topics); t++)
        for (size_t i = 0; i < ARRAY_SIZE(garbage); i++)
            tell(w, topics[t], garbage[i]);
    settle(w);
    submit(w, 2, 8, 0.);
    ck_assert(allocated(w, 2));
    world_free(w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("sched");
    TCase *t = tcase_create("sched");

    tcase_set_timeout(t, 30);
    tcase_add_test(t, it_waits_for_the_services_it_needs);
    tcase_add_test(t, jobs_of_a_message_are_answered_in_a_message);
    tcase_add_test(t, R_says_what_where_and_how_long);
    tcase_add_test(t, what_can_never_run_is_denied_with_the_reason);
    tcase_add_test(t, cancelled_and_reordered_jobs);
    tcase_add_test(t, running_jobs_keep_their_cores_over_a_restart);
    tcase_add_test(t, a_running_job_on_resources_that_are_gone_gets_an_exception);
    tcase_add_test(t, nothing_starts_on_nodes_that_are_down);
    tcase_add_test(t, a_part_of_an_allocation_may_come_back_first);
    tcase_add_test(t, the_single_form_is_answered_by_responses);
    tcase_add_test(t,
                   estimates_are_told_while_a_job_waits_and_taken_back_when_it_starts);
    tcase_add_test(t, the_policy_is_swapped_under_a_waiting_queue);
    tcase_add_loop_test(t, bad_arguments_keep_it_from_starting, 0, 4);
    tcase_add_test(t, feasibility_is_answered_with_the_reason);
    tcase_add_test(t, garbage_disturbs_nobody);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
