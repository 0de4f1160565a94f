/* A scheduler and an execution service that speak RFC 27 and RFC 32 as written, one job
 * a message: what a user's own ones do. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "world.h"

static struct world *w;
static flux_t *sched, *exec;
static flux_msg_handler_t **sched_handlers, **exec_handlers;
static flux_future_t *hello;
static unsigned shown, most_shown, starts, frees;
static int64_t order[16];
static bool deny;
static const flux_msg_t *held; /* an alloc request that is not answered */
static bool hold;

static const char R[] =
    "{\"version\":1,\"execution\":{\"R_lite\":[{\"rank\":\"0\",\"children\":{\"core\":"
    "\"0\"}}],\"starttime\":0.0,\"expiration\":0.0,\"nodelist\":[\"n0\"]}}";

static void give(const flux_msg_t *msg)
{
    cJSON *o;
    int64_t id;

    flux_request_unpack(msg, NULL, "{s:I}", "id", &id);
    ck_assert_int_eq(json_parse(R, strlen(R), NULL, &o, NULL), 0);
    ck_assert_int_eq(
        flux_respond_pack(sched, msg, "{s:I s:i s:o}", "id", id, "type", 0, "R", o), 0);
}

static void alloc_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    int64_t id, priority, userid;
    uint32_t matchtag;
    double t_submit;
    cJSON *jobspec;

    ck_assert_int_eq(flux_request_unpack(msg, NULL, "{s:I s:I s:I s:f s:o}", "id", &id,
                                         "priority", &priority, "userid", &userid,
                                         "t_submit", &t_submit, "jobspec", &jobspec),
                     0);
    ck_assert_ptr_nonnull(json_get(jobspec, "resources"));
    ck_assert_int_eq(flux_msg_get_matchtag(msg, &matchtag), 0);
    ck_assert_uint_eq(matchtag, 0);
    if (++shown > most_shown)
        most_shown = shown;
    order[id] = priority;
    if (hold) {
        held = flux_msg_incref(msg);
        return;
    }
    shown--;
    if (deny)
        flux_respond_pack(h, msg, "{s:I s:i s:s}", "id", id, "type", 2, "note", "no");
    else
        give(msg);
}

static void free_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    cJSON *o;
    int64_t id;
    int final;

    ck_assert_int_eq(flux_request_unpack(msg, NULL, "{s:I s:o s:b}", "id", &id, "R", &o,
                                         "final", &final),
                     0);
    ck_assert_ptr_nonnull(json_get(o, "execution"));
    ck_assert(final);
    frees++;
}

static void cancel_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    int64_t id;

    ck_assert_int_eq(flux_request_unpack(msg, NULL, "{s:I}", "id", &id), 0);
    ck_assert_ptr_nonnull(held);
    flux_respond_pack(h, held, "{s:I s:i}", "id", id, "type", 3);
    flux_msg_decref(TAKE(held));
    shown--;
}

static void start_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    int64_t id, userid;
    int reattach;
    cJSON *jobspec, *o;

    ck_assert_int_eq(flux_request_unpack(msg, NULL, "{s:I s:I s:b s:o s:o}", "id", &id,
                                         "userid", &userid, "reattach", &reattach,
                                         "jobspec", &jobspec, "R", &o),
                     0);
    ck_assert_str_eq(
        json_str(json_get_path(jobspec, "attributes.system.environment.HOME")), "/");
    starts++;
    flux_respond_pack(h, msg, "{s:I s:s s:{}}", "id", id, "type", "start", "data");
    flux_respond_pack(h, msg, "{s:I s:s s:{s:i}}", "id", id, "type", "finish", "data",
                      "status", 0);
    flux_respond_pack(h, msg, "{s:I s:s s:{s:s s:b}}", "id", id, "type", "release",
                      "data", "ranks", "all", "final", 1);
}

static const struct flux_msg_handler_spec sched_requests[] = {
    {FLUX_MSGTYPE_REQUEST, "sched.alloc", alloc_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "sched.free", free_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "sched.cancel", cancel_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};
static const struct flux_msg_handler_spec exec_requests[] = {
    {FLUX_MSGTYPE_REQUEST, "my-exec.start", start_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

static void hello_cb(flux_future_t *f, void *arg)
{
    if (flux_rpc_get(f, NULL) == 0) {
        flux_future_reset(f);
        return;
    }
    ck_assert_int_eq(errno, ENODATA);
    flux_future_destroy(flux_rpc_pack(sched, "job-manager.sched-ready", FLUX_NODEID_ANY,
                                      FLUX_RPC_NORESPONSE, "{s:s s:i}", "mode", "limited",
                                      "limit", 1));
}

static void setup(void)
{
    w = world_new(1);
    world_start(w);
    world_stop_sched(w);
    world_stop_exec(w);
    shown = most_shown = starts = frees = 0;
    deny = hold = false;
    sched = router_open(w->rt, "sched", getuid(), FLUX_ROLE_OWNER);
    exec = router_open(w->rt, "my-exec", getuid(), FLUX_ROLE_OWNER);
    flux_msg_handler_addvec(sched, sched_requests, NULL, &sched_handlers);
    flux_msg_handler_addvec(exec, exec_requests, NULL, &exec_handlers);
    hello = flux_rpc_pack(sched, "job-manager.sched-hello", FLUX_NODEID_ANY,
                          FLUX_RPC_STREAMING, "{s:b}", "partial-ok", 1);
    flux_future_then(hello, -1., hello_cb, NULL);
    flux_future_destroy(flux_rpc_pack(exec, "job-manager.exec-hello", FLUX_NODEID_ANY,
                                      FLUX_RPC_NORESPONSE, "{s:s}", "service",
                                      "my-exec"));
    world_turns(w, 20);
}

static void teardown(void)
{
    flux_msg_decref(TAKE(held));
    flux_future_destroy(hello);
    flux_msg_handler_delvec(sched_handlers);
    flux_msg_handler_delvec(exec_handlers);
    world_free(w);
}

START_TEST(jobs_run_one_message_each)
{
    for (int i = 0; i < 5; i++)
        world_submit(w, NULL, 16, 0);
    world_drain(w);
    world_turns(w, 20);
    ck_assert_uint_eq(starts, 5);
    ck_assert_uint_eq(frees, 5);
    for (flux_jobid_t id = 1; id <= 5; id++) {
        struct rfc21 r = world_check(w, id);

        ck_assert_int_eq(r.state, FLUX_JOB_STATE_INACTIVE);
        ck_assert_int_eq(r.status, 0);
    }
}
END_TEST

START_TEST(limited_mode_shows_the_best_jobs_first)
{
    hold = true;
    world_submit(w, NULL, 10, 0);
    world_submit(w, NULL, 12, 0);
    world_submit(w, NULL, 14, 0);
    world_turns(w, 50);
    ck_assert_uint_eq(most_shown, 1);
    ck_assert_ptr_nonnull(held);
    /* The next one is the job of highest priority. */
    memset(order, 0, sizeof(order));
    shown--;
    give(held);
    flux_msg_decref(TAKE(held));
    world_turns(w, 50);
    ck_assert_int_eq(order[3], 14);
    ck_assert_int_eq(order[2], 0);
    ck_assert_uint_eq(most_shown, 1);
    hold = false;
    shown--;
    give(held);
    world_drain(w);
}
END_TEST

START_TEST(denied_job_fails_with_the_note)
{
    struct rfc21 r;

    deny = true;
    world_submit(w, NULL, 16, 0);
    world_drain(w);
    r = world_check(w, 1);
    ck_assert_str_eq(r.exception, "alloc");
}
END_TEST

START_TEST(cancel_is_answered_by_the_alloc_response)
{
    hold = true;
    world_submit(w, NULL, 16, 0);
    world_turns(w, 50);
    ck_assert_ptr_nonnull(held);
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.raise",
                               "{\"id\":1,\"severity\":0,\"type\":\"cancel\"}", NULL),
                     0);
    world_drain(w);
    ck_assert_uint_eq(shown, 0);
    ck_assert_str_eq(world_check(w, 1).exception, "cancel");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("job-manager/single");
    TCase *tc = tcase_create("single");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, jobs_run_one_message_each);
    tcase_add_test(tc, limited_mode_shows_the_best_jobs_first);
    tcase_add_test(tc, denied_job_fails_with_the_note);
    tcase_add_test(tc, cancel_is_answered_by_the_alloc_response);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
