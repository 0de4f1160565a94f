/* The resource module with many brokers on several hosts. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/module.h>

#include "base/cleanup.h"
#include "resource_world.h"
#include "router.h"

extern const struct flux_module resource_module;

#define HAS(cores, host)                                                                 \
    "{\"cores\":\"" cores "\",\"host\":\"" host "\",\"cpus\":\"0-63\",\"bound\":false}"
/* Own host unbound, wherever the test runs. */
#define FREE_CONF "{\"resource\":{\"norestrict\":true}}"

static size_t cores_of(struct world *w, unsigned rank)
{
    struct rset *rs = get_R(w);
    const struct rset_node *n = rset_find(rs, rank);
    size_t count = n ? idset_count(n->cores) : 0;

    rset_free(rs);
    return count;
}

static size_t nodes_of(struct world *w)
{
    struct rset *rs = get_R(w);
    size_t n = rset_nnodes(rs);

    rset_free(rs);
    return n;
}

/* -- discovery -- */

START_TEST(a_host_is_looked_at_once_for_all_its_brokers)
{
    struct world *w = world_new(true);

    world_set_brokers(w, 8, "h0,h0,h0,h0,h0,h0,h0,h0");
    for (unsigned r = 1; r < 8; r++)
        world_add_remote(w, r, NULL);
    ck_assert_int_eq(start(w, FREE_CONF, NULL), 0);
    ck_assert_uint_eq(nodes_of(w), 8);
    status_is(w, "online", "0");
    status_is(w, "offline", "1-7");
    set_online(w, "0-7");
    for (unsigned r = 1; r < 8; r++)
        ck_assert_uint_eq(w->remote[r].nasked, 0);
    ck_assert_uint_eq(cores_of(w, 7), cores_of(w, 0));
    world_free(w);
}
END_TEST

START_TEST(one_broker_of_each_other_host_is_asked)
{
    struct world *w = world_new(true);

    world_set_brokers(w, 5, "h[0-1],h1,h1,h2");
    for (unsigned r = 1; r < 4; r++)
        world_add_remote(w, r, HAS("0-3", "h1"));
    world_add_remote(w, 4, HAS("0-7", "h2"));
    w->running = false;
    ck_assert_int_eq(start(w, FREE_CONF, NULL), 0);
    follow(w, "resource.acquire");
    ck_assert_uint_eq(w->nanswers, 0); /* two hosts are not known */
    set_online(w, "0,2-4");
    ck_assert_uint_eq(w->nanswers, 1);
    ck_assert_str_eq(last_str(w, "up"), "0,2-4");
    ck_assert_uint_eq(w->remote[1].nasked + w->remote[2].nasked + w->remote[3].nasked, 1);
    ck_assert_uint_eq(w->remote[4].nasked, 1);
    ck_assert_uint_eq(nodes_of(w), 5); /* rank 1 has what its neighbours have */
    ck_assert_uint_eq(cores_of(w, 1), 4);
    ck_assert_uint_eq(cores_of(w, 4), 8);
    set_online(w, "0-4");
    ck_assert_str_eq(last_str(w, "up"), "1");
    ck_assert_uint_eq(w->nanswers, 2);
    world_free(w);
}
END_TEST

/* srun -n with a binding: each broker has its own part of the host. */
START_TEST(bound_brokers_are_asked_for_their_part)
{
    struct world *w = world_new(true);
    static const char part0[] =
        "{\"cores\":\"0-1\",\"host\":\"h1\",\"cpus\":\"0-1\",\"bound\":true}";
    static const char part1[] =
        "{\"cores\":\"0-2\",\"host\":\"h1\",\"cpus\":\"2-4\",\"bound\":true}";

    world_set_brokers(w, 4, "h[0-1],h1,h1");
    world_add_remote(w, 1, part0);
    world_add_remote(w, 2, part0)->cpus = "0-1";
    world_add_remote(w, 3, part1)->cpus = "2-4";
    ck_assert_int_eq(start(w, FREE_CONF, NULL), 0);
    set_online(w, "0-3");
    ck_assert_uint_eq(nodes_of(w), 4);
    ck_assert_uint_eq(cores_of(w, 1), 2);
    ck_assert_uint_eq(cores_of(w, 2), 2);
    ck_assert_uint_eq(cores_of(w, 3), 3);
    ck_assert_uint_eq(w->remote[1].nlooked, 1);
    ck_assert_uint_eq(w->remote[2].nlooked, 0); /* the same cpus: not looked again */
    ck_assert_uint_eq(w->remote[3].nlooked, 1);
    world_free(w);
}
END_TEST

START_TEST(hosts_that_nobody_named_name_themselves)
{
    struct world *w = world_new(true);

    world_set_brokers(w, 2, NULL);
    world_add_remote(w, 1, HAS("0-3", "other"));
    ck_assert_int_eq(start(w, FREE_CONF, NULL), 0);
    set_online(w, "0-1");
    struct rset *rs = get_R(w);
    ck_assert_str_eq(rset_find(rs, 0)->host, "h0");
    ck_assert_str_eq(rset_find(rs, 1)->host, "other");
    rset_free(rs);
    world_free(w);
}
END_TEST

START_TEST(nodes_that_come_later_join)
{
    struct world *w = world_new(true);

    world_set_brokers(w, 3, "h[0-2]");
    world_add_remote(w, 1, HAS("0-3", "h1"));
    world_add_remote(w, 2, HAS("0-3", "h2"));
    ck_assert_int_eq(start(w, FREE_CONF, NULL), 0); /* it runs, with a quorum of one */
    follow(w, "resource.acquire");
    ck_assert_uint_eq(w->nanswers, 1);
    ck_assert_str_eq(last_str(w, "up"), "0");
    set_online(w, "0-2");
    ck_assert_ptr_nonnull(json_get(w->last, "resources"));
    ck_assert_str_eq(last_str(w, "up"), "0-2");
    ck_assert_uint_eq(nodes_of(w), 3);
    world_free(w);
}
END_TEST

START_TEST(a_broker_that_does_not_tell_is_left_out_and_asked_again)
{
    struct world *w = world_new(true);

    world_set_brokers(w, 3, "h[0-2]");
    world_add_remote(w, 1, "{\"cores\":5}");
    world_add_remote(w, 2, HAS("0-3", "h2"));
    ck_assert_int_eq(start(w, FREE_CONF, NULL), 0);
    set_online(w, "0-2");
    ck_assert_uint_eq(nodes_of(w), 2);
    w->remote[1].answer = HAS("0-3", "h1");
    set_online(w, "0-1");
    ck_assert_uint_eq(nodes_of(w), 3);
    ck_assert_uint_eq(w->remote[2].nasked, 1);
    world_free(w);
}
END_TEST

static void got_cb(flux_future_t *f, void *arg)
{
    ++*(int *)arg;
}

START_TEST(who_asks_too_early_waits)
{
    struct world *w = world_new(true);
    int got = 0;

    world_set_brokers(w, 2, "h[0-1]");
    world_add_remote(w, 1, NULL);
    w->online = "0-1";
    w->running = false;
    ck_assert_int_eq(start(w, FREE_CONF, NULL), 0);
    flux_future_t *f =
        flux_rpc(w->guest, "resource.sched-status", NULL, FLUX_NODEID_ANY, 0);
    ck_assert_int_eq(flux_future_then(f, -1., got_cb, &got), 0);
    settle(w);
    set_running(w);
    ck_assert_int_eq(got, 0); /* rank 1 is there, and has been asked */
    status_is(w, "online", "0-1");
    remote_answer(&w->remote[1], HAS("0-3", "h1"));
    ck_assert_int_eq(got, 1);
    ck_assert_int_eq(flux_future_get(f, NULL), 0);
    flux_future_destroy(f);
    world_free(w);
}
END_TEST

/* -- coming and going -- */

START_TEST(brokers_that_go_are_down_and_up_when_they_return)
{
    struct world *w = world_new(true);
    cJSON *o;

    world_set_brokers(w, 4, "h[0-3]");
    w->online = "0-3";
    ck_assert_int_eq(start(w, "{}", "4"), 0);
    follow(w, "resource.acquire");
    ck_assert_str_eq(last_str(w, "up"), "0-3");
    set_online(w, "0-1");
    ck_assert_str_eq(last_str(w, "down"), "2-3");
    status_is(w, "offline", "2-3");
    set_online(w, "0-2");
    ck_assert_str_eq(last_str(w, "up"), "2");
    ck_assert_ptr_null(json_get(w->last, "resources"));
    ck_assert_int_eq(ask(w, w->owner, "resource.eventlog", NULL, &o), 0);
    const char *log = json_str(json_get(o, "eventlog"));
    ck_assert(strstr(log, "\"offline\",\"context\":{\"idset\":\"2-3\",\"nodelist\":"
                          "\"h[2-3]\"}"));
    json_free(o);
    world_free(w);
}
END_TEST

START_TEST(torpid_brokers_get_nothing_new)
{
    struct world *w = world_new(true);

    world_set_brokers(w, 4, "h[0-3]");
    w->online = "0-3";
    ck_assert_int_eq(start(w, "{}", "4"), 0);
    follow(w, "resource.acquire");
    set_torpid(w, "1,3");
    ck_assert_str_eq(last_str(w, "down"), "1,3");
    status_is(w, "torpid", "1,3");
    status_is(w, "online", "0-3");
    set_torpid(w, "3");
    ck_assert_str_eq(last_str(w, "up"), "1");
    world_free(w);
}
END_TEST

/* -- over a restart -- */

START_TEST(drained_nodes_stay_drained_over_a_restart)
{
    struct world *w = world_new(true);
    cJSON *before, *after;

    world_set_brokers(w, 4, "h[0-3]");
    w->online = "0-3";
    ck_assert_int_eq(start(w, "{}", "4"), 0);
    ck_assert_int_eq(ask(w, w->owner, "resource.drain",
                         "{\"targets\":\"h[1-2]\",\"reason\":\"hot\"}", NULL),
                     0);
    ck_assert_int_eq(ask(w, w->owner, "resource.drain", "{\"targets\":\"3\"}", NULL), 0);
    ck_assert_int_eq(ask(w, w->owner, "resource.undrain", "{\"targets\":\"1\"}", NULL),
                     0);
    ck_assert_int_eq(ask(w, w->guest, "resource.status", NULL, &before), 0);
    stop(w);
    world_set_brokers(w, 4, "h[0-3]");
    ck_assert_int_eq(start(w, "{}", "4"), 0);
    ck_assert_int_eq(ask(w, w->guest, "resource.status", NULL, &after), 0);
    ck_assert(json_equal(json_get(before, "drain"), json_get(after, "drain")));
    ck_assert_str_eq(
        json_str(json_get(json_get(json_get(after, "drain"), "2"), "reason")), "hot");
    follow(w, "resource.acquire");
    ck_assert_str_eq(last_str(w, "up"), "0-1");
    json_free(before);
    json_free(after);
    world_free(w);
}
END_TEST

START_TEST(a_drained_node_is_found_again_by_its_name)
{
    struct world *w = world_new(true);
    cJSON *o;

    world_set_brokers(w, 4, "h[0-3]");
    ck_assert_int_eq(start(w, "{}", "4"), 0);
    ck_assert_int_eq(ask(w, w->owner, "resource.drain",
                         "{\"targets\":\"1,3\",\"reason\":\"hot\"}", NULL),
                     0);
    stop(w);
    world_set_brokers(w, 4, "h0,h2,h1,h4"); /* h3 is no more */
    ck_assert_int_eq(start(w, "{}", "4"), 0);
    ck_assert_int_eq(ask(w, w->guest, "resource.status", NULL, &o), 0);
    const cJSON *drain = json_get(o, "drain");
    ck_assert_int_eq(cJSON_GetArraySize(drain), 1);
    ck_assert_ptr_nonnull(json_get(drain, "2"));
    json_free(o);
    world_free(w);
}
END_TEST

START_TEST(what_was_found_is_known_after_a_restart)
{
    struct world *w = world_new(true);

    world_set_brokers(w, 3, "h[0-2]");
    world_add_remote(w, 1, HAS("0-3", "h1"));
    world_add_remote(w, 2, HAS("0-3", "h2"));
    w->online = "0-2";
    ck_assert_int_eq(start(w, FREE_CONF, NULL), 0);
    ck_assert_uint_eq(nodes_of(w), 3);
    stop(w);
    w->online = "0";
    w->running = false;
    world_set_brokers(w, 3, "h[0-1],x"); /* h2 is replaced */
    w->remote[1].answer = HAS("0-5", "h1");
    ck_assert_int_eq(start(w, FREE_CONF, NULL), 0);
    set_running(w);
    follow(w, "resource.acquire");
    ck_assert_uint_eq(w->nanswers, 1);
    ck_assert_uint_eq(nodes_of(w), 2);
    ck_assert_uint_eq(cores_of(w, 1), 4); /* as it was */
    ck_assert_uint_eq(w->remote[1].nasked, 1);
    set_online(w, "0-1");
    ck_assert_uint_eq(w->remote[1].nasked, 2);
    ck_assert_uint_eq(cores_of(w, 1), 6);
    ck_assert_ptr_nonnull(json_get(w->last, "resources"));
    world_free(w);
}
END_TEST

/* -- resources that were told -- */

START_TEST(a_configured_node_has_the_rank_of_its_broker)
{
    struct world *w = world_new(true);

    world_set_brokers(w, 2, "h0,h2");
    w->online = "0-1";
    ck_assert_int_eq(start(w,
                           "{\"resource\":{\"noverify\":true,\"config\":["
                           "{\"hosts\":\"h[1-2]\",\"cores\":\"0-7\",\"properties\":"
                           "[\"big\"]},{\"hosts\":\"h0\",\"cores\":\"0\"}]}}",
                           NULL),
                     0);
    struct rset *rs = get_R(w);
    ck_assert_str_eq(rset_find(rs, 0)->host, "h0");
    ck_assert_str_eq(rset_find(rs, 1)->host, "h2");
    ck_assert_str_eq(rset_find(rs, 2)->host, "h1"); /* has no broker */
    ck_assert_str_eq(json_str(json_get(rset_properties(rs), "big")), "1-2");
    rset_free(rs);
    status_is(w, "online", "0-1");
    status_is(w, "offline", "2");
    world_free(w);
}
END_TEST

START_TEST(a_node_with_less_than_configured_is_drained)
{
    struct world *w = world_new(true);
    cJSON *o;

    world_set_brokers(w, 2, "h[0-1]");
    world_add_remote(w, 1, HAS("0-3", "h1"));
    ck_assert_int_eq(
        start(w,
              "{\"resource\":{\"config\":[{\"hosts\":\"h0\",\"cores\":\"0\"},"
              "{\"hosts\":\"h1\",\"cores\":\"0-5\"}]}}",
              NULL),
        0);
    set_online(w, "0-1");
    ck_assert_int_eq(ask(w, w->guest, "resource.status", NULL, &o), 0);
    const cJSON *drain = json_get(o, "drain");
    ck_assert_int_eq(cJSON_GetArraySize(drain), 1);
    ck_assert_str_eq(json_str(json_get(json_get(drain, "1"), "reason")),
                     "missing resources: core4-5");
    json_free(o);
    world_free(w);
}
END_TEST

/* -- on the other ranks -- */

START_TEST(other_ranks_hand_requests_on_to_rank_0)
{
    struct world *w = world_new(true);
    flux_t *h = router_open(w->rt, "resource", OWNER, FLUX_ROLE_OWNER);
    void *ctx;

    world_set_brokers(w, 2, "h[0-1]");
    ck_assert_int_eq(start(w, "{}", "4"), 0);
    router_set_rank(w->rt, h, 1);
    flux_attr_set_cacheonly(h, "rank", "1");
    flux_attr_set_cacheonly(h, "hostname", "h1");
    flux_aux_set(h, "flux::env", w->env, NULL);
    ck_assert_int_eq(resource_module.init(h, 0, NULL, &ctx), 0);
    flux_future_t *f = flux_rpc(w->guest, "resource.status", NULL, 1, 0);
    int got = 0;
    flux_future_then(f, -1., got_cb, &got);
    flux_future_t *d = flux_rpc(w->guest, "resource.drain", "{\"targets\":\"0\"}", 1, 0);
    flux_future_then(d, -1., got_cb, &got);
    flux_future_t *s =
        flux_rpc(w->owner, "resource.acquire", NULL, 1, FLUX_RPC_STREAMING);
    flux_future_then(s, -1., got_cb, &got);
    flux_future_t *t =
        flux_rpc(w->guest, "resource.topo-get", "{\"restrict\":false}", 1, 0);
    flux_future_then(t, -1., got_cb, &got);
    settle(w);
    const char *offline, *host, *cores;
    ck_assert_int_eq(got, 4);
    ck_assert_int_eq(flux_rpc_get_unpack(f, "{s:s}", "offline", &offline), 0);
    ck_assert_str_eq(offline, "1");
    ck_assert(flux_future_get(d, NULL) < 0 && errno == EPERM);
    ck_assert(flux_future_get(s, NULL) < 0 && errno == EPROTO);
    ck_assert_int_eq(flux_rpc_get_unpack(t, "{s:s s:s}", "host", &host, "cores", &cores),
                     0);
    ck_assert_str_eq(host, "h1");
    ck_assert(*cores);
    flux_future_destroy(f);
    flux_future_destroy(d);
    flux_future_destroy(s);
    flux_future_destroy(t);
    resource_module.fini(h, ctx);
    world_free(w);
}
END_TEST

START_TEST(who_has_the_same_cpus_need_not_look)
{
    struct world *w = world_new(false);
    cJSON *first, *o;
    char payload[1024];

    ck_assert_int_eq(start(w, "{}", "4"), 0);
    ck_assert_int_eq(ask(w, w->guest, "resource.topo-get", NULL, &first), 0);
    ck_assert_ptr_null(json_get(first, "same"));
    snprintf(payload, sizeof(payload), "{\"cpus\":\"%s\"}",
             json_str(json_get(first, "cpus")));
    ck_assert_int_eq(ask(w, w->guest, "resource.topo-get", payload, &o), 0);
    ck_assert(cJSON_IsTrue(json_get(o, "same")));
    json_free(o);
    ck_assert_int_eq(ask(w, w->guest, "resource.topo-get", "{\"cpus\":\"4000\"}", &o), 0);
    ck_assert(json_equal(o, first));
    json_free(o);
    json_free(first);
    world_free(w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("resource_nodes");
    TCase *t = tcase_create("resource_nodes");

    tcase_set_timeout(t, 30);
    tcase_add_test(t, a_host_is_looked_at_once_for_all_its_brokers);
    tcase_add_test(t, one_broker_of_each_other_host_is_asked);
    tcase_add_test(t, bound_brokers_are_asked_for_their_part);
    tcase_add_test(t, hosts_that_nobody_named_name_themselves);
    tcase_add_test(t, nodes_that_come_later_join);
    tcase_add_test(t, a_broker_that_does_not_tell_is_left_out_and_asked_again);
    tcase_add_test(t, who_asks_too_early_waits);
    tcase_add_test(t, brokers_that_go_are_down_and_up_when_they_return);
    tcase_add_test(t, torpid_brokers_get_nothing_new);
    tcase_add_test(t, drained_nodes_stay_drained_over_a_restart);
    tcase_add_test(t, a_drained_node_is_found_again_by_its_name);
    tcase_add_test(t, what_was_found_is_known_after_a_restart);
    tcase_add_test(t, a_configured_node_has_the_rank_of_its_broker);
    tcase_add_test(t, a_node_with_less_than_configured_is_drained);
    tcase_add_test(t, other_ranks_hand_requests_on_to_rank_0);
    tcase_add_test(t, who_has_the_same_cpus_need_not_look);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
