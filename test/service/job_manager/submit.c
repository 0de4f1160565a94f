/* Submission through job-ingest: what is refused and why, what the configuration adds,
 * and requests that come twice. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "proto/sign.h"
#include "world.h"

static struct world *w;

/* A resource service with two nodes of four cores. */
static flux_t *resource;
static flux_msg_handler_t **resource_handlers;
static unsigned asked;

static void resource_status(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                            void *arg)
{
    asked++;
    flux_respond(h, msg,
                 "{\"R\":{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"0-1\","
                 "\"children\":{\"core\":\"0-3\"}}],\"starttime\":0.0,\"expiration\":0.0,"
                 "\"nodelist\":[\"n[0-1]\"]}}}");
}

static const struct flux_msg_handler_spec resource_requests[] = {
    {FLUX_MSGTYPE_REQUEST, "resource.status", resource_status, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

static void setup(void)
{
    w = world_new(1);
    asked = 0;
    resource = router_open(w->rt, "resource", getuid(), FLUX_ROLE_OWNER);
    ck_assert_int_eq(
        flux_msg_handler_addvec(resource, resource_requests, NULL, &resource_handlers),
        0);
}

static void teardown(void)
{
    flux_msg_handler_delvec(resource_handlers);
    world_free(w);
}

/* Submit any text as jobspec; errno, or 0. */
static int submit_text(flux_t *h, const char *jobspec, int urgency, int flags,
                       char **text)
{
    flux_future_t *f = flux_job_submit(h, jobspec, urgency, flags);
    flux_jobid_t id;
    int rc = 0;

    world_wait(w, f);
    if (flux_job_submit_get_id(f, &id) < 0)
        rc = errno;
    if (text)
        *text = strdup(rc ? flux_future_error_string(f) : "");
    flux_future_destroy(f);
    return rc;
}

static const char *shape(const char *resources)
{
    static char text[1024];

    snprintf(text, sizeof(text),
             "{\"version\":1,\"resources\":[%s],\"tasks\":[{\"command\":[\"true\"],"
             "\"slot\":\"task\",\"count\":{\"per_slot\":1}}],\"attributes\":{\"system\":"
             "{\"duration\":0}}}",
             resources);
    return text;
}

START_TEST(malformed_jobspecs_are_refused_by_key)
{
    static const struct {
        const char *jobspec, *names;
    } bad[] = {
        {"{}", "version"},
        {"{\"version\":1", "jobspec"},
        {"[]", ""},
        {"{\"version\":1,\"resources\":[{\"type\":\"slot\",\"count\":1,\"label\":"
         "\"task\","
         "\"with\":[{\"type\":\"core\",\"count\":1}]}],\"attributes\":{\"system\":"
         "{\"duration\":0}}}",
         "tasks"},
    };

    world_start(w);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTOFREE char *text = NULL;

        ck_assert_int_ne(submit_text(w->client, bad[i].jobspec, 16, 0, &text), 0);
        ck_assert_msg(strstr(text, bad[i].names), "%s: %s", bad[i].jobspec, text);
    }
    /* Nothing of them is left. */
    ck_assert_uint_eq(world_submit(w, NULL, 16, 0), 1);
    world_drain(w);
}
END_TEST

START_TEST(unsatisfiable_requests_are_refused_at_once)
{
    static const struct {
        const char *resources, *text;
    } bad[] = {
        {"{\"type\":\"node\",\"count\":3,\"with\":[{\"type\":\"slot\",\"count\":1,"
         "\"label\":\"task\",\"with\":[{\"type\":\"core\",\"count\":1}]}]}",
         "unsatisfiable request: 3 nodes requested, this instance has 2"},
        {"{\"type\":\"slot\",\"count\":9,\"label\":\"task\",\"with\":[{\"type\":\"core\","
         "\"count\":1}]}",
         "unsatisfiable request: 9 cores requested, this instance has 8"},
        {"{\"type\":\"slot\",\"count\":1,\"label\":\"task\",\"with\":[{\"type\":\"core\","
         "\"count\":5}]}",
         "unsatisfiable request: 1 slots of 5 cores and 0 gpus requested, this "
         "instance's "
         "nodes hold 0"},
        {"{\"type\":\"slot\",\"count\":1,\"label\":\"task\",\"with\":[{\"type\":\"core\","
         "\"count\":1},{\"type\":\"gpu\",\"count\":1}]}",
         "unsatisfiable request: 1 gpu requested, this instance has 0"},
    };

    world_start(w);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        AUTOFREE char *text = NULL;
        unsigned before;

        world_turns(w, 20);
        before = asked;
        ck_assert_int_eq(submit_text(w->client, shape(bad[i].resources), 16, 0, &text),
                         EINVAL);
        ck_assert_str_eq(text, bad[i].text);
        /* Not on old knowledge. */
        ck_assert_uint_eq(asked, before + 1);
    }
}
END_TEST

START_TEST(owner_can_skip_feasibility_and_guests_cannot)
{
    const char *nine = shape("{\"type\":\"slot\",\"count\":9,\"label\":\"task\",\"with\":"
                             "[{\"type\":\"core\",\"count\":1}]}");
    AUTOFREE char *text = NULL;

    world_start(w);
    w->sched_paused = true;
    ck_assert_int_eq(submit_text(w->client, nine, 16, FLUX_JOB_NOVALIDATE, NULL), 0);
    ck_assert_int_eq(submit_text(w->guest, nine, 16, FLUX_JOB_NOVALIDATE, &text), EPERM);
}
END_TEST

/* A request signed as userid. */
static int submit_as(flux_t *h, uint32_t userid, int urgency, int flags, char **text)
{
    const char *jobspec = world_jobspec(NULL);
    struct buf J = {0};
    flux_future_t *f;
    int rc = 0;

    ck_assert_int_eq(sign_wrap_none(jobspec, strlen(jobspec), userid, &J), 0);
    f = flux_rpc_pack(h, "job-ingest.submit", FLUX_NODEID_ANY, 0, "{s:s s:i s:i}", "J",
                      J.data, "urgency", urgency, "flags", flags);
    world_wait(w, f);
    if (flux_rpc_get(f, NULL) < 0)
        rc = errno;
    *text = strdup(rc ? flux_future_error_string(f) : "");
    flux_future_destroy(f);
    buf_free(&J);
    return rc;
}

START_TEST(guests_submit_in_their_own_name_only)
{
    AUTOFREE char *text = NULL;
    uint32_t me = getuid(), guest = me + 1;

    world_start(w);
    ck_assert_int_eq(submit_as(w->guest, me, 16, 0, &text), EPERM);
    ck_assert_ptr_nonnull(strstr(text, "signer="));
    free(TAKE(text));
    ck_assert_int_eq(submit_as(w->client, guest, 16, 0, &text), EPERM);
    free(TAKE(text));
    ck_assert_int_eq(submit_as(w->guest, guest, 17, 0, &text), EINVAL);
    free(TAKE(text));
    ck_assert_int_eq(submit_as(w->guest, guest, 16, FLUX_JOB_WAITABLE, &text), EINVAL);
    free(TAKE(text));
    ck_assert_int_eq(submit_as(w->guest, guest, 16, 0, &text), 0);
    world_drain(w);
}
END_TEST

START_TEST(malformed_requests_are_refused)
{
    static const char *const bad[] = {
        "{}",
        "{\"J\":1,\"urgency\":16,\"flags\":0}",
        "{\"J\":\"x\",\"urgency\":16}",
        "{\"J\":\"x\",\"urgency\":\"16\",\"flags\":0}",
        "{\"J\":\"x\",\"urgency\":16,\"flags\":0}",
        "{\"J\":\"\",\"urgency\":16,\"flags\":0}",
    };

    world_start(w);
    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++)
        ck_assert_int_ne(world_rpc(w, w->client, "job-ingest.submit", bad[i], NULL), 0);
    ck_assert_int_ne(world_rpc(w, w->client, "job-ingest.submit", NULL, NULL), 0);
    ck_assert_int_ne(world_rpc(w, w->client, "job-manager.submit", "{\"jobs\":1}", NULL),
                     0);
}
END_TEST

START_TEST(job_manager_takes_plain_jobspecs_and_answers_each)
{
    AUTOFREE char *answer = NULL;
    char payload[8192];

    world_start(w);
    snprintf(payload, sizeof(payload),
             "{\"jobs\":[{\"userid\":5,\"urgency\":16,\"flags\":0,\"jobspec\":%s},"
             "{\"userid\":5,\"urgency\":99,\"flags\":0,\"jobspec\":{}},"
             "{\"userid\":5,\"urgency\":16,\"flags\":0,\"jobspec\":{}}]}",
             world_jobspec(NULL));
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.submit", payload, &answer), 0);
    ck_assert_int_eq(
        strncmp(answer,
                "{\"ids\":[1,{\"errnum\":22,\"errstr\":\"urgency value is out "
                "of range\"},{\"errnum\":22,",
                strlen("{\"ids\":[1,{\"errnum\":22,\"errstr\":\"urgency value is "
                       "out of range\"},{\"errnum\":22,")),
        0);
    world_drain(w);
    ck_assert_int_eq(world_check(w, 1).status, 0);
}
END_TEST

static flux_jobid_t submit_once(const char *nonce)
{
    flux_future_t *f = flux_job_submit_once(w->client, world_jobspec(NULL), 16, 0, nonce);
    flux_jobid_t id;

    world_wait(w, f);
    ck_assert_msg(flux_job_submit_get_id(f, &id) == 0, "%s", flux_future_error_string(f));
    flux_future_destroy(f);
    return id;
}

START_TEST(same_nonce_same_job)
{
    flux_future_t *f[2];
    flux_jobid_t id[2];

    world_start(w);
    world_turns(w, 20);
    /* Both on their way. */
    for (int i = 0; i < 2; i++)
        f[i] = flux_job_submit_once(w->client, world_jobspec(NULL), 16, 0, "a");
    for (int i = 0; i < 2; i++) {
        world_wait(w, f[i]);
        ck_assert_int_eq(flux_job_submit_get_id(f[i], &id[i]), 0);
        flux_future_destroy(f[i]);
    }
    ck_assert_uint_eq(id[0], 1);
    ck_assert_uint_eq(id[1], 1);
    /* While it runs, when it has ended, and after a restart. */
    ck_assert_uint_eq(submit_once("a"), 1);
    world_drain(w);
    ck_assert_uint_eq(submit_once("a"), 1);
    ck_assert_uint_eq(submit_once("b"), 2);
    world_crash(w);
    world_start(w);
    ck_assert_uint_eq(submit_once("b"), 2);
    ck_assert_uint_eq(submit_once("a"), 1);
    ck_assert_uint_eq(submit_once("c"), 3);
    world_drain(w);
}
END_TEST

START_TEST(defaults_of_the_configuration_are_used)
{
    flux_future_t *f;
    double duration;

    w->conf = flux_conf_pack("{s:{s:{s:{s:{s:s}}}}}", "policy", "jobspec", "defaults",
                             "system", "duration", "5m");
    world_start(w);
    w->sched_paused = true;
    world_submit(w, NULL, 16, 0);
    f = flux_rpc_pack(w->client, "job-manager.list", FLUX_NODEID_ANY, FLUX_RPC_STREAMING,
                      "{s:[s]}", "attrs", "duration");
    world_wait(w, f);
    ck_assert_int_eq(flux_rpc_get_unpack(f, "{s:[{s:f}]}", "jobs", "duration", &duration),
                     0);
    ck_assert(duration == 300);
    flux_future_destroy(f);
}
END_TEST

START_TEST(limits_of_the_configuration_are_kept)
{
    const char *two = "{\"type\":\"slot\",\"count\":2,\"label\":\"task\",\"with\":[{"
                      "\"type\":\"core\",\"count\":1}]}";
    AUTOFREE char *text = NULL;
    const char *why;

    w->conf = flux_conf_pack("{s:{s:{s:s s:{s:{s:i}}}}}", "policy", "limits", "duration",
                             "1h", "job-size", "max", "ncores", 1);
    world_start(w);
    ck_assert_int_eq(world_submit_fails(w, NULL, &why), EINVAL);
    ck_assert_str_eq(why, "requested duration exceeds policy limit of 1h");
    ck_assert_int_eq(submit_text(w->client, shape(two), 16, 0, &text), EINVAL);
    ck_assert_str_eq(text, "requested ncores (2) exceeds policy limit of 1");
}
END_TEST

START_TEST(unknown_queue_is_said)
{
    AUTOFREE char *text = NULL;

    world_start(w);
    ck_assert_int_eq(
        submit_text(w->client, world_jobspec("\"queue\":\"x\","), 16, 0, &text), EINVAL);
    ck_assert_str_eq(text, "no such queue \"x\" (this instance has none)");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("job-manager/submit");
    TCase *tc = tcase_create("submit");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, malformed_jobspecs_are_refused_by_key);
    tcase_add_test(tc, unsatisfiable_requests_are_refused_at_once);
    tcase_add_test(tc, owner_can_skip_feasibility_and_guests_cannot);
    tcase_add_test(tc, guests_submit_in_their_own_name_only);
    tcase_add_test(tc, malformed_requests_are_refused);
    tcase_add_test(tc, job_manager_takes_plain_jobspecs_and_answers_each);
    tcase_add_test(tc, same_nonce_same_job);
    tcase_add_test(tc, defaults_of_the_configuration_are_used);
    tcase_add_test(tc, limits_of_the_configuration_are_kept);
    tcase_add_test(tc, unknown_queue_is_said);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
