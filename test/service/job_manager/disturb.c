/* What happens around a job at the worst moments: services that go and come back,
 * requests that cross each other. Each case is tried at every turn of the loop, with
 * several orders of events; that nothing is shown too early is checked by the services
 * that the test plays. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "world.h"

#define SEEDS 6
#define TURNS 24

static struct world *w;

static void post(const char *topic, const char *payload)
{
    flux_future_destroy(
        flux_rpc(w->client, topic, payload, FLUX_NODEID_ANY, FLUX_RPC_NORESPONSE));
}

static void reload_exec(void)
{
    world_stop_exec(w);
    world_start_exec(w);
}

static void reload_sched(void)
{
    world_stop_sched(w);
    world_start_sched(w);
}

static void stop_and_start_queue(void)
{
    post("job-manager.queue-start", "{\"start\":false,\"all\":false}");
    world_turns(w, 1);
    post("job-manager.queue-start", "{\"start\":true,\"all\":false}");
}

static void memos(void)
{
    for (int i = 0; i < 4; i++) {
        post("job-manager.memo", "{\"id\":1,\"memo\":{\"a\":1}}");
        world_turns(w, 1);
    }
}

static void urgencies(void)
{
    post("job-manager.urgency", "{\"id\":1,\"urgency\":0}");
    world_turns(w, 1);
    post("job-manager.urgency", "{\"id\":1,\"urgency\":9}");
}

static void updates(void)
{
    post("job-manager.update",
         "{\"id\":1,\"updates\":{\"attributes.system.duration\":60}}");
}

static void both_services(void)
{
    reload_sched();
    world_turns(w, 1);
    reload_exec();
}

/* Seed 0 is real time, where the store's threads have a time of their own. */
static void try_all(void (*disturb)(void))
{
    for (uint64_t seed = 0; seed <= SEEDS; seed++)
        for (int turn = 0; turn < TURNS; turn++) {
            w = world_new(seed);
            w->run_time = 0.002;
            w->cores = 2;
            world_start(w);
            world_turns(w, 20);
            for (int i = 0; i < 3; i++)
                flux_future_destroy(world_submit_async(w, NULL, 16, 0));
            world_turns(w, turn);
            disturb();
            world_turns(w, 20);
            world_drain(w);
            for (flux_jobid_t id = 1; id <= 3; id++) {
                struct rfc21 r = world_check(w, id);

                ck_assert_int_eq(r.state, FLUX_JOB_STATE_INACTIVE);
                ck_assert_int_eq(r.status, 0);
                ck_assert(!r.doomed);
                ck_assert_int_eq(world_task(w, id)->runs, 1);
            }
            world_turns(w, 20);
            ck_assert_uint_eq(w->cores, 2);
            ck_assert_uint_eq(w->lost, 0);
            world_free(w);
        }
}

START_TEST(execution_service_reloaded_at_any_moment)
{
    try_all(reload_exec);
}
END_TEST

START_TEST(scheduler_reloaded_at_any_moment)
{
    try_all(reload_sched);
}
END_TEST

START_TEST(both_reloaded_at_any_moment)
{
    try_all(both_services);
}
END_TEST

START_TEST(queue_stopped_and_started_at_any_moment)
{
    try_all(stop_and_start_queue);
}
END_TEST

START_TEST(memos_at_any_moment)
{
    try_all(memos);
}
END_TEST

START_TEST(urgency_changed_at_any_moment)
{
    try_all(urgencies);
}
END_TEST

START_TEST(duration_changed_at_any_moment)
{
    try_all(updates);
}
END_TEST

START_TEST(cancelled_at_any_moment)
{
    for (uint64_t seed = 1; seed <= SEEDS; seed++)
        for (int turn = 0; turn < TURNS; turn++) {
            struct rfc21 r;

            w = world_new(seed);
            w->refuse_end = true;
            world_start(w);
            world_turns(w, 20);
            flux_future_destroy(world_submit_async(w, NULL, 16, 0));
            world_turns(w, turn);
            /* Before the job is there, it is unknown. */
            while (world_cancel(w, 1) != 0)
                ;
            world_drain(w);
            r = world_check(w, 1);
            ck_assert_int_eq(r.state, FLUX_JOB_STATE_INACTIVE);
            ck_assert_str_eq(r.exception, "cancel");
            world_turns(w, 20);
            ck_assert_uint_eq(w->cores, 4);
            ck_assert(!world_task(w, 1) || world_task(w, 1)->ended);
            world_free(w);
        }
}
END_TEST

START_TEST(allocation_that_crosses_a_cancel_is_given_back)
{
    w = world_new(1);
    world_start(w);
    w->sched_paused = true;
    world_submit(w, NULL, 16, 0);
    world_turns(w, 20);
    post("job-manager.raise", "{\"id\":1,\"severity\":0,\"type\":\"cancel\"}");
    world_sched_resume(w);
    world_drain(w);
    world_turns(w, 20);
    world_check_order(w, 1, "submit,validate,depend,priority,exception,clean");
    ck_assert_uint_eq(w->nallocs, 1);
    ck_assert_uint_eq(w->cores, 4);
    ck_assert_ptr_null(world_task(w, 1));
    world_free(w);
}
END_TEST

START_TEST(nonce_that_comes_again_at_any_moment)
{
    /* Seed 0 is real time, where the store's threads have a time of their own. */
    for (uint64_t seed = 0; seed <= SEEDS; seed++)
        for (int turn = 0; turn < TURNS; turn++) {
            flux_future_t *f[3];
            flux_jobid_t id;

            w = world_new(seed);
            w->run_time = 0.001;
            world_start(w);
            /* From now on the store has jobs, and is asked for nonces. */
            world_submit(w, NULL, 16, 0);
            world_drain(w);
            world_stop(w);
            world_start(w);
            world_turns(w, 20);
            for (int i = 0; i < 3; i++) {
                f[i] = flux_job_submit_once(w->client, world_jobspec(NULL), 16, 0, "n");
                world_turns(w, turn % 8 + (i == 1 ? turn / 8 : 0));
            }
            for (int i = 0; i < 3; i++) {
                world_wait(w, f[i]);
                ck_assert_int_eq(flux_job_submit_get_id(f[i], &id), 0);
                ck_assert_uint_eq(id, 2);
                flux_future_destroy(f[i]);
            }
            world_drain(w);
            world_free(w);
        }
}
END_TEST

static bool has_task(struct world *world, void *arg)
{
    return world_task(world, 1) != NULL;
}

START_TEST(cancel_of_a_job_whose_start_is_not_on_record)
{
    w = world_new(1);
    w->refuse_end = true;
    world_start(w);
    w->exec_mute = true;
    world_submit(w, NULL, 16, 0);
    ck_assert(world_until(w, has_task, NULL));
    world_crash(w);
    w->exec_mute = false;
    world_start(w);
    world_stop_exec(w);
    ck_assert_int_eq(world_cancel(w, 1), 0);
    world_turns(w, 50);
    /* It may be running: it is not over before the execution service says so. */
    world_check_order(w, 1, "submit,validate,depend,priority,alloc,exception");
    world_start_exec(w);
    world_drain(w);
    ck_assert(world_task(w, 1)->ended);
    ck_assert_int_eq(world_task(w, 1)->runs, 1);
    ck_assert_int_eq(world_check(w, 1).state, FLUX_JOB_STATE_INACTIVE);
    world_free(w);
}
END_TEST

START_TEST(started_job_that_nobody_knows_is_not_started_again)
{
    struct rfc21 r;

    w = world_new(1);
    w->refuse_end = true;
    world_start(w);
    world_submit(w, NULL, 16, 0);
    world_wait_event(w, 1, "start");
    world_crash(w);
    umap_del(w->tasks, 1);
    world_start(w);
    world_drain(w);
    ck_assert_uint_eq(w->lost, 1);
    ck_assert_ptr_null(world_task(w, 1));
    r = world_check(w, 1);
    ck_assert_str_eq(r.exception, "lost-shell");
    world_free(w);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("job-manager/disturb");
    TCase *tc = tcase_create("disturb");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, execution_service_reloaded_at_any_moment);
    tcase_add_test(tc, scheduler_reloaded_at_any_moment);
    tcase_add_test(tc, both_reloaded_at_any_moment);
    tcase_add_test(tc, queue_stopped_and_started_at_any_moment);
    tcase_add_test(tc, memos_at_any_moment);
    tcase_add_test(tc, urgency_changed_at_any_moment);
    tcase_add_test(tc, duration_changed_at_any_moment);
    tcase_add_test(tc, cancelled_at_any_moment);
    tcase_add_test(tc, allocation_that_crosses_a_cancel_is_given_back);
    tcase_add_test(tc, nonce_that_comes_again_at_any_moment);
    tcase_add_test(tc, cancel_of_a_job_whose_start_is_not_on_record);
    tcase_add_test(tc, started_job_that_nobody_knows_is_not_started_again);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
