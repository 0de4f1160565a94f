/* The job manager's automaton against the RFC 21 checker: every path of the automaton is
 * a possible log, and the states agree. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "modules/job-manager/state.h"
#include "proto/eventlog.h"
#include "rfc21.h"

static void add(struct buf *log, enum event_id id)
{
    const char *name = event_name(id);

    switch (id) {
    case EVENT_SUBMIT:
        eventlog_add(log, 1, name, "{s:i s:i s:i s:i}", "urgency", 16, "userid", 1,
                     "flags", 0, "version", 1);
        break;
    case EVENT_PRIORITY:
        eventlog_add(log, 1, name, "{s:i}", "priority", 16);
        break;
    case EVENT_FINISH:
        eventlog_add(log, 1, name, "{s:i}", "status", 0);
        break;
    case EVENT_RELEASE:
        eventlog_add(log, 1, name, "{s:s s:b}", "ranks", "all", "final", 1);
        break;
    case EVENT_EXCEPTION:
    case EVENT_EXCEPTION_FATAL:
        eventlog_add(log, 1, name, "{s:s s:i s:s}", "type", "test", "severity",
                     id == EVENT_EXCEPTION ? 1 : 0, "note", "");
        break;
    default:
        eventlog_add(log, 1, name, NULL);
    }
}

/* The usual life, interrupted by an exception after each of its events. */
static const enum event_id life[] = {
    EVENT_SUBMIT, EVENT_VALIDATE, EVENT_DEPEND,  EVENT_PRIORITY, EVENT_ALLOC,
    EVENT_START,  EVENT_FINISH,   EVENT_RELEASE, EVENT_FREE,     EVENT_CLEAN,
};
static const int states[] = {1, 2, 4, 8, 16, 16, 32, 32, 32, 64};

START_TEST(normal_life_passes_through_the_states)
{
    flux_job_state_t state = FLUX_JOB_STATE_NEW;
    struct buf log = {0};
    struct rfc21 r;

    for (unsigned i = 0; i < ARRAY_SIZE(life); i++) {
        state = state_after(state, life[i]);
        add(&log, life[i]);
        ck_assert_int_eq(state, states[i]);
        ck_assert_msg(rfc21_check(log.data, log.len, &r) == 0, "%s", r.why);
        ck_assert_int_eq(r.state, states[i]);
    }
    buf_free(&log);
}
END_TEST

START_TEST(fatal_exception_leads_to_cleanup_from_every_state)
{
    flux_job_state_t state = FLUX_JOB_STATE_NEW;

    for (unsigned i = 0; i + 1 < ARRAY_SIZE(life); i++) {
        state = state_after(state, life[i]);
        ck_assert_int_eq(state_after(state, EVENT_EXCEPTION_FATAL),
                         FLUX_JOB_STATE_CLEANUP);
        ck_assert_int_eq(state_after(state, EVENT_EXCEPTION), state);
    }
    ck_assert_int_eq(state_after(FLUX_JOB_STATE_INACTIVE, EVENT_EXCEPTION_FATAL),
                     FLUX_JOB_STATE_INACTIVE);
}
END_TEST

START_TEST(restart_and_update_send_a_waiting_job_back)
{
    ck_assert_int_eq(state_after(FLUX_JOB_STATE_SCHED, EVENT_FLUX_RESTART),
                     FLUX_JOB_STATE_PRIORITY);
    ck_assert_int_eq(state_after(FLUX_JOB_STATE_SCHED, EVENT_JOBSPEC_UPDATE),
                     FLUX_JOB_STATE_PRIORITY);
    ck_assert_int_eq(state_after(FLUX_JOB_STATE_DEPEND, EVENT_JOBSPEC_UPDATE),
                     FLUX_JOB_STATE_DEPEND);
    ck_assert_int_eq(state_after(FLUX_JOB_STATE_RUN, EVENT_FLUX_RESTART),
                     FLUX_JOB_STATE_RUN);
}
END_TEST

/* All walks of up to 9 events that the automaton moves along agree with the checker on
 * the state they end in, whenever the checker allows them. */
static unsigned walked;

static void walk(flux_job_state_t state, struct buf *log, unsigned depth)
{
    struct rfc21 r;

    for (enum event_id id = EVENT_VALIDATE; id <= EVENT_FLUX_RESTART && depth < 7; id++) {
        size_t before = log->len;
        flux_job_state_t next = state_after(state, id);

        if (id == EVENT_DEPENDENCY_ADD || id == EVENT_DEPENDENCY_REMOVE ||
            id == EVENT_INVALIDATE ||
            (id >= EVENT_PROLOG_START && id <= EVENT_PROLOG_FINISH) ||
            id == EVENT_EPILOG_START || id == EVENT_EPILOG_FINISH || id == EVENT_MEMO ||
            id == EVENT_SET_FLAGS || id == EVENT_RESOURCE_UPDATE || id == EVENT_URGENCY)
            continue;
        add(log, id);
        if (rfc21_check(log->data, log->len, &r) == 0) {
            ck_assert_int_eq(r.state, next);
            walked++;
            if (next != state)
                walk(next, log, depth + 1);
        }
        log->len = before;
    }
}

START_TEST(automaton_and_checker_agree_on_all_short_walks)
{
    struct buf log = {0};

    add(&log, EVENT_SUBMIT);
    walk(FLUX_JOB_STATE_NEW, &log, 0);
    ck_assert_uint_gt(walked, 100);
    buf_free(&log);
}
END_TEST

START_TEST(checker_finds_impossible_logs)
{
    static const enum event_id bad[][6] = {
        {EVENT_VALIDATE, EVENT_OTHER},
        {EVENT_SUBMIT, EVENT_DEPEND, EVENT_OTHER},
        {EVENT_SUBMIT, EVENT_VALIDATE, EVENT_ALLOC, EVENT_OTHER},
        {EVENT_SUBMIT, EVENT_VALIDATE, EVENT_DEPEND, EVENT_FREE, EVENT_OTHER},
        {EVENT_SUBMIT, EVENT_EXCEPTION_FATAL, EVENT_CLEAN, EVENT_START, EVENT_OTHER},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        struct buf log = {0};
        struct rfc21 r;

        for (unsigned k = 0; bad[i][k] != EVENT_OTHER; k++)
            add(&log, bad[i][k]);
        ck_assert_msg(rfc21_check(log.data, log.len, &r) < 0, "log %u passes", i);
        buf_free(&log);
    }
}
END_TEST

START_TEST(event_names_are_found_again)
{
    for (enum event_id id = 0; id < EVENT_OTHER; id++) {
        const char *name = event_name(id);

        if (id != EVENT_EXCEPTION_FATAL)
            ck_assert_int_eq(event_by_name(name, strlen(name)), id);
    }
    ck_assert_int_eq(event_by_name("debug.x", 7), EVENT_OTHER);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("job-manager/state");
    TCase *tc = tcase_create("state");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, normal_life_passes_through_the_states);
    tcase_add_test(tc, fatal_exception_leads_to_cleanup_from_every_state);
    tcase_add_test(tc, restart_and_update_send_a_waiting_job_back);
    tcase_add_test(tc, automaton_and_checker_agree_on_all_short_walks);
    tcase_add_test(tc, checker_finds_impossible_logs);
    tcase_add_test(tc, event_names_are_found_again);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
