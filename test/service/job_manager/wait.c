/* Waiting for jobs, and the journal. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/json.h"
#include "world.h"

static struct world *w;

static void setup(void)
{
    w = world_new(1);
    world_start(w);
}

static void teardown(void)
{
    world_free(w);
}

/* 0 or errno; the id that was waited for, and the error text (yours). */
static int wait_for(flux_jobid_t id, flux_jobid_t *got, char **errstr)
{
    flux_future_t *f = flux_job_wait(w->client, id);
    const char *s = "";
    bool success;
    int rc = 0;

    world_wait(w, f);
    if (flux_job_wait_get_status(f, &success, &s) < 0) {
        rc = errno;
        s = flux_future_error_string(f);
    } else {
        ck_assert_int_eq(flux_job_wait_get_id(f, got), 0);
        ck_assert(success == (s[0] == '\0'));
    }
    if (errstr)
        *errstr = strdup(s);
    flux_future_destroy(f);
    return rc;
}

START_TEST(waitable_jobs_are_waited_for_once)
{
    AUTOFREE char *text = NULL;
    flux_jobid_t got;

    for (int i = 0; i < 3; i++)
        world_submit(w, NULL, 16, FLUX_JOB_WAITABLE);
    world_submit(w, NULL, 16, 0);
    ck_assert_int_eq(wait_for(2, &got, NULL), 0);
    ck_assert_uint_eq(got, 2);
    ck_assert_int_eq(wait_for(2, &got, NULL), ECHILD);
    ck_assert_int_eq(wait_for(4, &got, NULL), ECHILD);
    ck_assert_int_eq(wait_for(FLUX_JOBID_ANY, &got, NULL), 0);
    ck_assert_uint_eq(got, 1);
    ck_assert_int_eq(wait_for(FLUX_JOBID_ANY, &got, NULL), 0);
    ck_assert_uint_eq(got, 3);
    ck_assert_int_eq(wait_for(FLUX_JOBID_ANY, &got, &text), ECHILD);
    ck_assert_str_eq(text, "there are no more waitable jobs");
}
END_TEST

START_TEST(wait_tells_how_a_job_failed)
{
    AUTOFREE char *text = NULL;
    flux_jobid_t got;

    w->refuse_end = true;
    world_submit(w, NULL, 16, FLUX_JOB_WAITABLE);
    world_submit(w, NULL, 16, FLUX_JOB_WAITABLE);
    world_turns(w, 100);
    ck_assert_int_eq(
        world_rpc(w, w->client, "job-manager.kill", "{\"id\":1,\"signum\":9}", NULL), 0);
    ck_assert_int_eq(wait_for(1, &got, &text), 0);
    ck_assert_str_eq(text, "task(s) Killed");
    free(TAKE(text));
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.raise",
                               "{\"id\":2,\"severity\":0,\"type\":\"cancel\",\"note\":"
                               "\"enough\"}",
                               NULL),
                     0);
    ck_assert_int_eq(wait_for(2, &got, &text), 0);
    ck_assert_str_eq(text, "Fatal exception type=cancel enough");
}
END_TEST

START_TEST(ended_waitable_jobs_survive_a_restart)
{
    flux_jobid_t got;

    for (int i = 0; i < 4; i++)
        world_submit(w, NULL, 16, FLUX_JOB_WAITABLE);
    world_drain(w);
    world_crash(w);
    world_start(w);
    ck_assert_int_eq(wait_for(2, &got, NULL), 0);
    /* That it was waited for is written with the next commit. */
    world_turns(w, 20);
    world_crash(w);
    world_start(w);
    ck_assert_int_eq(wait_for(2, &got, NULL), ECHILD);
    ck_assert_int_eq(wait_for(3, &got, NULL), 0);
    ck_assert_int_eq(wait_for(FLUX_JOBID_ANY, &got, NULL), 0);
    ck_assert_uint_eq(got, 1);
    ck_assert_int_eq(wait_for(FLUX_JOBID_ANY, &got, NULL), 0);
    ck_assert_uint_eq(got, 4);
    ck_assert_int_eq(wait_for(FLUX_JOBID_ANY, &got, NULL), ECHILD);
}
END_TEST

/* All events that a journal listener got, "id:name" in their order by job. */
struct journal {
    flux_future_t *f;
    struct buf events[8];
    uint32_t next[8]; /* expected seq */
    unsigned messages;
    bool sentinel, R, jobspec;
    bool filtered; /* the numbers have gaps */
};

static void journal_one(struct journal *j, const cJSON *o, int64_t id, int64_t seq,
                        const cJSON *events)
{
    const cJSON *e;

    if (id == -1) {
        j->sentinel = true;
        return;
    }
    ck_assert_int_lt(id, 8);
    if (!j->filtered)
        ck_assert_int_eq(seq, j->next[id]);
    j->R |= json_get(o, "R") != NULL;
    j->jobspec |= json_get(o, "jobspec") != NULL;
    cJSON_ArrayForEach(e, events)
    {
        buf_addf(&j->events[id], "%s%s", j->events[id].len ? "," : "",
                 json_str(json_get(e, "name")));
        j->next[id]++;
    }
}

static void journal_cb(flux_future_t *f, void *arg)
{
    struct journal *j = arg;
    cJSON *o, *events, *jobs, *one;
    int64_t id, seq = 0;

    if (flux_rpc_get_unpack(f, "o", &o) < 0)
        return;
    j->messages++;
    jobs = json_get(o, "jobs");
    cJSON_ArrayForEach(one, jobs)
    {
        ck_assert_int_eq(json_unpack(one, NULL, "{s:I s:o s?I}", "id", &id, "events",
                                     &events, "seq", &seq),
                         0);
        journal_one(j, one, id, seq, events);
    }
    if (!jobs) {
        ck_assert_int_eq(json_unpack(o, NULL, "{s:I s:o s?I}", "id", &id, "events",
                                     &events, "seq", &seq),
                         0);
        journal_one(j, o, id, seq, events);
    }
    flux_future_reset(f);
}

static void listen_to(struct journal *j, const char *payload)
{
    *j = (struct journal){0};
    j->f = flux_rpc(w->client, "job-manager.events-journal", payload, FLUX_NODEID_ANY,
                    FLUX_RPC_STREAMING);
    ck_assert_int_eq(flux_future_then(j->f, -1., journal_cb, j), 0);
}

static void journal_end(struct journal *j)
{
    flux_future_destroy(j->f);
    for (int i = 0; i < 8; i++)
        buf_free(&j->events[i]);
}

#define NORMAL "submit,validate,depend,priority,alloc,start,finish,release,free,clean"

START_TEST(journal_has_past_and_future_without_gap_or_repetition)
{
    /* At every moment of some jobs' lives. */
    for (int turns = 0; turns < 120; turns++) {
        struct journal j;

        w->cores = 2;
        w->run_time = 0.002;
        for (int i = 0; i < 5; i++)
            flux_future_destroy(world_submit_async(w, NULL, 16, 0));
        world_turns(w, turns % 24);
        listen_to(&j, "{\"full\":true}");
        world_turns(w, 20);
        world_drain(w);
        world_turns(w, 20);
        while (!j.sentinel)
            flux_reactor_run(w->r, FLUX_REACTOR_ONCE);
        world_turns(w, 20);
        for (int i = 1; i <= 5; i++)
            ck_assert_str_eq(j.events[i].data, NORMAL);
        ck_assert(j.R && j.jobspec);
        journal_end(&j);
        teardown();
        /* Seed 0 is real time, where the store's threads have a time of their own. */
        w = world_new(turns % 2 ? (uint64_t)turns : 0);
        world_start(w);
    }
}
END_TEST

START_TEST(journal_filters_by_name)
{
    struct journal allow, deny;

    listen_to(&allow, "{\"allow\":{\"start\":1,\"clean\":1},\"backlog\":false}");
    listen_to(&deny, "{\"deny\":{\"submit\":1,\"clean\":1}}");
    allow.filtered = deny.filtered = true;
    world_submit(w, NULL, 16, 0);
    world_drain(w);
    world_turns(w, 20);
    ck_assert_str_eq(allow.events[1].data, "start,clean");
    ck_assert_str_eq(deny.events[1].data,
                     "validate,depend,priority,alloc,start,finish,release,free");
    journal_end(&allow);
    journal_end(&deny);
}
END_TEST

START_TEST(journal_in_batches_has_the_same_events)
{
    struct journal j;

    listen_to(&j, "{\"batch\":true}");
    for (int i = 0; i < 5; i++)
        flux_future_destroy(world_submit_async(w, NULL, 16, 0));
    world_turns(w, 20);
    world_drain(w);
    world_turns(w, 20);
    for (int i = 1; i <= 5; i++)
        ck_assert_str_eq(j.events[i].data, NORMAL);
    ck_assert_uint_lt(j.messages, 5 * 5);
    journal_end(&j);
}
END_TEST

START_TEST(journal_is_the_owners)
{
    ck_assert_int_eq(world_rpc(w, w->guest, "job-manager.events-journal", "{}", NULL),
                     EPERM);
    ck_assert_int_eq(world_rpc(w, w->client, "job-manager.events-journal", "{}", NULL),
                     EPROTO);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("job-manager/wait");
    TCase *tc = tcase_create("wait");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, waitable_jobs_are_waited_for_once);
    tcase_add_test(tc, wait_tells_how_a_job_failed);
    tcase_add_test(tc, ended_waitable_jobs_survive_a_restart);
    tcase_add_test(tc, journal_has_past_and_future_without_gap_or_repetition);
    tcase_add_test(tc, journal_filters_by_name);
    tcase_add_test(tc, journal_in_batches_has_the_same_events);
    tcase_add_test(tc, journal_is_the_owners);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
