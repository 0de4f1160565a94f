/* The resource module: where resources are known from, drain, status. */
#include <check.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "env/file.h"
#include "resource_world.h"

/* -- where resources are known from -- */

START_TEST(test_cores_are_taken_at_their_word)
{
    struct world *w = world_new(true);

    ck_assert_int_eq(start(w, "{}", "64"), 0);
    struct rset *rs = get_R(w);
    ck_assert_uint_eq(rset_nnodes(rs), 1);
    ck_assert_uint_eq(rset_ncores(rs), 64);
    ck_assert_str_eq(rset_node(rs, 0)->host, "h0");
    rset_free(rs);
    world_free(w);
}
END_TEST

START_TEST(a_fake_cluster_is_all_online)
{
    struct world *w = world_new(true);

    ck_assert_int_eq(start(w,
                           "{\"fake-resources\":{\"nnodes\":100,\"cores-per-node\":32,"
                           "\"gpus-per-node\":2,\"host-prefix\":\"sim\"}}",
                           NULL),
                     0);
    struct rset *rs = get_R(w);
    ck_assert_uint_eq(rset_ncores(rs), 3200);
    ck_assert_uint_eq(rset_ngpus(rs), 200);
    ck_assert_str_eq(rset_node(rs, 99)->host, "sim99");
    rset_free(rs);
    status_is(w, "online", "0-99");
    status_is(w, "offline", "");
    world_free(w);
}
END_TEST

START_TEST(configured_hosts_become_ranks_in_their_order)
{
    struct world *w = world_new(true);

    ck_assert_int_eq(
        start(w,
              "{\"resource\":{\"noverify\":true,\"exclude\":\"h1\",\"config\":["
              "{\"hosts\":\"h[0-2]\",\"cores\":\"0-7\",\"gpus\":\"0\"},"
              "{\"hosts\":\"big\",\"cores\":\"0-63\"},"
              "{\"hosts\":\"h[1-2],big\",\"properties\":[\"fast\",\"amd\"]}]}}",
              NULL),
        0);
    struct rset *rs = get_R(w); /* without the excluded one */
    ck_assert_uint_eq(rset_nnodes(rs), 3);
    ck_assert_uint_eq(rset_ncores(rs), 80);
    ck_assert_uint_eq(rset_ngpus(rs), 2);
    ck_assert_str_eq(rset_find(rs, 3)->host, "big");
    ck_assert_str_eq(json_str(json_get(rset_properties(rs), "fast")), "2-3");
    rset_free(rs);
    status_is(w, "exclude", "1");
    status_is(w, "online", "0"); /* one broker is all there is */
    status_is(w, "offline", "1-3");
    world_free(w);
}
END_TEST

START_TEST(R_is_read_from_a_file)
{
    struct world *w = world_new(true);
    static const char R[] =
        "{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"0\",\"children\":{"
        "\"core\":"
        "\"4-6\"}}],\"nodelist\":[\"h0\"],\"starttime\":5,\"expiration\":9}}";

    ck_assert_int_eq(file_replace(w->env, "/R", R, strlen(R), 0600), 0);
    ck_assert_int_eq(start(w, "{\"resource\":{\"path\":\"/R\",\"noverify\":true}}", NULL),
                     0);
    struct rset *rs = get_R(w);
    ck_assert_uint_eq(rset_ncores(rs), 3);
    ck_assert(idset_test(rset_node(rs, 0)->cores, 4));
    ck_assert(rset_expiration(rs) == 0.);
    rset_free(rs);
    world_free(w);
}
END_TEST

START_TEST(this_host_is_discovered)
{
    struct world *w = world_new(false);

    ck_assert_int_eq(start(w, "{}", NULL), 0);
    struct rset *rs = get_R(w);
    ck_assert_uint_eq(rset_nnodes(rs), 1);
    ck_assert_uint_ge(rset_ncores(rs), 1);
    rset_free(rs);
    world_free(w);
}
END_TEST

static const struct {
    const char *conf, *test_cores;
} bad[] = {
    {"{\"resource\":{\"path\":\"/missing\"}}", NULL},
    {"{\"resource\":{\"config\":[{\"hosts\":\"a[\",\"cores\":\"0\"}]}}", NULL},
    {"{\"resource\":{\"config\":[{\"hosts\":\"a\",\"cores\":\"x\"}]}}", NULL},
    {"{\"resource\":{\"config\":[{\"hosts\":\"a\"}]}}", NULL},
    {"{\"resource\":{\"config\":{}}}", NULL},
    {"{\"resource\":{\"exclude\":\"nobody\"}}", "4"},
    {"{\"fake-resources\":{\"nnodes\":0}}", NULL},
    {"{\"fake-resources\":{\"nnodes\":\"x\"}}", NULL},
    {"{}", "0"},
    {"{}", "many"},
    {"{}", "100000000"},
};

START_TEST(bad_configurations_are_refused)
{
    struct world *w = world_new(true);

    ck_assert_int_lt(start(w, bad[_i].conf, bad[_i].test_cores), 0);
    world_free(w);
}
END_TEST

/* -- drain -- */

START_TEST(drained_nodes_are_down_for_the_scheduler)
{
    struct world *w = world_new(true);
    cJSON *o;

    ck_assert_int_eq(start(w, "{\"fake-resources\":{\"nnodes\":4}}", NULL), 0);
    follow(w, "resource.acquire");
    ck_assert_str_eq(json_str(json_get(w->last, "up")), "0-3");
    ck_assert_ptr_nonnull(json_get(w->last, "resources"));
    ck_assert_int_eq(ask(w, w->owner, "resource.drain",
                         "{\"targets\":\"fake[1-2]\",\"reason\":\"hot\"}", NULL),
                     0);
    ck_assert_str_eq(json_str(json_get(w->last, "down")), "1-2");
    ck_assert_int_eq(ask(w, w->guest, "resource.status", NULL, &o), 0);
    ck_assert_str_eq(json_str(json_get(json_get(json_get(o, "drain"), "1-2"), "reason")),
                     "hot");
    json_free(o);
    ck_assert_int_eq(ask(w, w->owner, "resource.undrain", "{\"targets\":\"2\"}", NULL),
                     0);
    ck_assert_str_eq(json_str(json_get(w->last, "up")), "2");
    ck_assert_uint_eq(w->nanswers, 3);
    world_free(w);
}
END_TEST

START_TEST(drain_refuses_what_makes_no_sense)
{
    struct world *w = world_new(true);
    cJSON *o;

    ck_assert_int_eq(start(w, "{\"fake-resources\":{\"nnodes\":4}}", NULL), 0);
    static const char *const topics[] = {"resource.drain", "resource.undrain"};
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(ask(w, w->owner, topics[i], "{\"targets\":\"9\"}", &o), EINVAL);
        ck_assert_str_eq(json_str(o), "rank 9: no such rank (there are 4)");
        json_free(o);
        ck_assert_int_eq(ask(w, w->owner, topics[i], "{\"targets\":\"nohost\"}", &o),
                         EINVAL);
        ck_assert_str_eq(json_str(o), "nohost: no such host");
        json_free(o);
        ck_assert_int_eq(ask(w, w->owner, topics[i], "{}", NULL), EPROTO);
        ck_assert_int_eq(ask(w, w->guest, topics[i], "{\"targets\":\"0\"}", NULL), EPERM);
    }
    ck_assert_int_eq(ask(w, w->owner, "resource.undrain", "{\"targets\":\"0\"}", &o),
                     ENOENT);
    ck_assert_str_eq(json_str(o), "rank 0 not drained");
    json_free(o);
    ck_assert_int_eq(ask(w, w->owner, "resource.drain", "{\"targets\":\"0-1\"}", NULL),
                     0);
    ck_assert_int_eq(ask(w, w->owner, "resource.drain", "{\"targets\":\"1-2\"}", NULL),
                     EEXIST);
    status_is(w, "online", "0-3");
    ck_assert_int_eq(ask(w, w->owner, "resource.drain",
                         "{\"targets\":\"0-2\",\"mode\":\"update\",\"reason\":\"b\"}",
                         NULL),
                     0);
    ck_assert_int_eq(ask(w, w->owner, "resource.drain",
                         "{\"targets\":\"0\",\"mode\":\"overwrite\",\"reason\":\"c\"}",
                         NULL),
                     0);
    ck_assert_int_eq(ask(w, w->guest, "resource.status", NULL, &o), 0);
    const cJSON *d = json_get(o, "drain");
    ck_assert_str_eq(json_str(json_get(json_get(d, "0"), "reason")), "c");
    ck_assert_str_eq(json_str(json_get(json_get(d, "2"), "reason")), "b");
    json_free(o);
    world_free(w);
}
END_TEST

/* -- status, log, reload -- */

START_TEST(without_a_scheduler_nothing_is_allocated)
{
    struct world *w = world_new(true);
    struct rset *rs;
    cJSON *o;

    ck_assert_int_eq(start(w, "{\"fake-resources\":{\"nnodes\":4}}", NULL), 0);
    ask(w, w->owner, "resource.drain", "{\"targets\":\"3\"}", NULL);
    ck_assert_int_eq(ask(w, w->guest, "resource.sched-status", NULL, &o), 0);
    ck_assert_int_eq(rset_decode(json_get(o, "down"), &rs, NULL), 0);
    ck_assert_uint_eq(rset_nnodes(rs), 1);
    rset_free(rs);
    ck_assert_int_eq(rset_decode(json_get(o, "allocated"), &rs, NULL), 0);
    ck_assert_uint_eq(rset_nnodes(rs), 0);
    rset_free(rs);
    json_free(o);
    world_free(w);
}
END_TEST

START_TEST(the_journal_tells_the_past_and_then_the_present)
{
    struct world *w = world_new(true);
    cJSON *o;

    ck_assert_int_eq(start(w, "{}", "4"), 0);
    ask(w, w->owner, "resource.drain", "{\"targets\":\"0\",\"reason\":\"x\"}", NULL);
    follow(w, "resource.journal");
    ck_assert_uint_eq(w->nanswers, 2); /* the past, and its end */
    ck_assert_int_eq(cJSON_GetArraySize(json_get(w->last, "events")), 0);
    ask(w, w->owner, "resource.undrain", "{\"targets\":\"0\"}", NULL);
    ck_assert_uint_eq(w->nanswers, 3);
    ck_assert_str_eq(
        json_str(json_get(cJSON_GetArrayItem(json_get(w->last, "events"), 0), "name")),
        "undrain");
    ck_assert_int_eq(ask(w, w->owner, "resource.eventlog", NULL, &o), 0);
    const char *log = json_str(json_get(o, "eventlog"));
    ck_assert(strstr(log, "resource-define") && strstr(log, "\"test-cores\""));
    ck_assert(strstr(log, "\"drain\"") && strstr(log, "\"undrain\""));
    json_free(o);
    world_free(w);
}
END_TEST

START_TEST(a_new_configuration_reaches_the_scheduler)
{
    struct world *w = world_new(true);
    cJSON *o;

    ck_assert_int_eq(start(w, "{\"fake-resources\":{\"nnodes\":4}}", NULL), 0);
    ask(w, w->owner, "resource.drain", "{\"targets\":\"3\"}", NULL);
    follow(w, "resource.acquire");
    ck_assert_int_eq(ask(w, w->owner, "resource.config-reload",
                         "{\"fake-resources\":{\"nnodes\":0}}", &o),
                     EINVAL);
    json_free(o);
    ck_assert_uint_eq(w->nanswers, 1);
    ck_assert_int_eq(ask(w, w->owner, "resource.config-reload",
                         "{\"fake-resources\":{\"nnodes\":3},\"resource\":{\"exclude\":"
                         "\"0\"}}",
                         NULL),
                     0);
    ck_assert_str_eq(json_str(json_get(w->last, "up")), "1-2");
    ck_assert_ptr_nonnull(json_get(w->last, "resources"));
    ck_assert_int_eq(ask(w, w->guest, "resource.status", NULL, &o), 0);
    ck_assert_ptr_null(json_get(o, "drain")->child); /* rank 3 is gone */
    json_free(o);
    world_free(w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("resource");
    TCase *t = tcase_create("resource");

    tcase_set_timeout(t, 30);
    tcase_add_test(t, test_cores_are_taken_at_their_word);
    tcase_add_test(t, a_fake_cluster_is_all_online);
    tcase_add_test(t, configured_hosts_become_ranks_in_their_order);
    tcase_add_test(t, R_is_read_from_a_file);
    tcase_add_test(t, this_host_is_discovered);
    tcase_add_loop_test(t, bad_configurations_are_refused, 0, ARRAY_SIZE(bad));
    tcase_add_test(t, drained_nodes_are_down_for_the_scheduler);
    tcase_add_test(t, drain_refuses_what_makes_no_sense);
    tcase_add_test(t, without_a_scheduler_nothing_is_allocated);
    tcase_add_test(t, the_journal_tells_the_past_and_then_the_present);
    tcase_add_test(t, a_new_configuration_reaches_the_scheduler);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
