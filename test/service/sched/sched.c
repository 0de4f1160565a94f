/* The sched module in a world that the test plays. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "router.h"
#include "sched_world.h"

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

START_TEST(a_node_that_goes_and_returns_keeps_its_jobs)
{
    struct world *w = world_ready(NULL);
    cJSON *o;

    submit(w, 1, 4, 0.);
    flux_respond(w->resource, w->acquire, "{\"down\":\"0-1\"}");
    settle(w);
    ck_assert_int_eq(ask(w, "sched.resource-status", NULL, &o), 0);
    ck_assert_uint_eq(ncores_of(json_get(o, "allocated")), 4);
    json_free(o);
    flux_respond(w->resource, w->acquire, "{\"up\":\"0-1\"}");
    settle(w);
    submit(w, 2, 5, 0.);
    ck_assert(!allocated(w, 2)); /* four are free */
    tell(w, "sched.free", "{\"ids\":[1]}");
    settle(w);
    ck_assert(allocated(w, 2));
    ck_assert_uint_eq(w->nraised, 0);
    world_free(w);
}
END_TEST

static const char R16[] =
    "{\"resources\":{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"0-3\","
    "\"children\":{\"core\":\"0-3\"}}],\"nodelist\":[\"n[0-3]\"],\"starttime\":0,"
    "\"expiration\":0}},\"up\":\"0-2\"}";

START_TEST(nodes_that_join_are_used_and_disturb_nobody)
{
    struct world *w = world_ready(NULL);
    cJSON *o;

    submit(w, 1, 6, 0.);
    ck_assert(allocated(w, 1));
    flux_respond(w->resource, w->acquire, R16);
    settle(w);
    submit(w, 3, 6, 0.);
    ck_assert(allocated(w, 3));
    submit(w, 2, 7, 0.); /* the last four cores are down */
    ck_assert(!allocated(w, 2));
    flux_respond(w->resource, w->acquire, "{\"up\":\"3\"}");
    settle(w);
    tell(w, "sched.free", "{\"ids\":[1]}");
    settle(w);
    ck_assert(allocated(w, 2));
    ck_assert_int_eq(ask(w, "sched.resource-status", NULL, &o), 0);
    ck_assert_uint_eq(ncores_of(json_get(o, "all")), 16);
    ck_assert_uint_eq(ncores_of(json_get(o, "allocated")), 13);
    json_free(o);
    ck_assert_uint_eq(w->nraised, 0);
    world_free(w);
}
END_TEST

/* A job over n nodes of the four: how many nodes and cores it got. */
static void place(struct world *w, int id, const char *shape, size_t nodes, size_t cores)
{
    struct buf out = {0};
    struct rset *rs;
    char text[512];

    snprintf(text, sizeof(text),
             "{\"jobs\":[{\"id\":%d,\"priority\":16,\"userid\":1000,\"t_submit\":1.5,"
             "\"duration\":0,\"gpus\":0,%s",
             id, shape);
    buf_adds(&out, text);
    buf_addc(&out, '}');
    send_jobs(w, &out);
    settle(w);
    ck_assert(allocated(w, id));
    ck_assert_int_eq(rset_decode(json_get(w->result[id].o, "R"), &rs, NULL), 0);
    ck_assert_uint_eq(rset_nnodes(rs), nodes);
    ck_assert_uint_eq(rset_ncores(rs), cores);
    for (size_t i = 1; i < nodes; i++) /* -N2 -n8: as many on each */
        ck_assert_uint_eq(idset_count(rset_node(rs, i)->cores),
                          idset_count(rset_node(rs, 0)->cores));
    rset_free(rs);
    snprintf(text, sizeof(text), "{\"ids\":[%d]}", id);
    tell(w, "sched.free", text);
    settle(w);
}

START_TEST(jobs_get_the_nodes_they_ask_for)
{
    struct world *w = world_new();

    w->R = "{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"0-3\",\"children\":{"
           "\"core\":\"0-3\"}}],\"nodelist\":[\"n[0-3]\"],\"starttime\":0,\"expiration\":"
           "0}}";
    w->up = "0-3";
    open_resource(w);
    open_manager(w);
    ck_assert_int_eq(open_sched(w, NULL), 0);
    settle(w);
    /* -N4 */
    place(w, 1, "\"nnodes\":4,\"nslots\":4,\"cores\":1,\"exclusive\":true", 4, 16);
    /* -N4 -n4 */
    place(w, 2, "\"nnodes\":4,\"nslots\":4,\"cores\":1,\"exclusive\":false", 4, 4);
    /* -N2 -n8 */
    place(w, 3, "\"nnodes\":2,\"nslots\":8,\"cores\":1,\"exclusive\":false", 2, 8);
    /* -N2 -n4 -c2 */
    place(w, 4, "\"nnodes\":2,\"nslots\":4,\"cores\":2,\"exclusive\":false", 2, 8);
    /* -N1 --exclusive */
    place(w, 5, "\"nnodes\":1,\"nslots\":1,\"cores\":1,\"exclusive\":true", 1, 4);
    /* -n16 */
    place(w, 6, "\"nnodes\":0,\"nslots\":16,\"cores\":1,\"exclusive\":false", 4, 16);
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
    ck_assert(
        cJSON_IsNull(json_get_path(w->result[2].o, "annotations.sched.t_estimate")));
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
        "{\"jobs\":[{\"id\":1}]}",
        "{\"jobs\":[5]}",
        "{\"jobs\":{}}",
        "{\"ids\":[\"x\"]}",
        "{}",
        "{\"jobs\":[{\"id\":0,\"nslots\":1,\"cores\":1}]}",
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
    tcase_add_test(t, a_node_that_goes_and_returns_keeps_its_jobs);
    tcase_add_test(t, nodes_that_join_are_used_and_disturb_nobody);
    tcase_add_test(t, jobs_get_the_nodes_they_ask_for);
    tcase_add_test(t, a_part_of_an_allocation_may_come_back_first);
    tcase_add_test(t, the_single_form_is_answered_by_responses);
    tcase_add_test(t, estimates_are_told_while_a_job_waits_and_taken_back_when_it_starts);
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
