/* Futures: results, errors, waiting, continuations. */
#include <errno.h>
#include <string.h>

#include <flux/core.h>

#include "suite.h"

static int value = 42;
static int freed;

static void count_free(void *arg)
{
    freed++;
}

START_TEST(a_result_is_given_and_freed_with_the_future)
{
    flux_future_t *f = flux_future_create(NULL, NULL);
    const void *result;

    freed = 0;
    ck_assert(!flux_future_is_ready(f));
    flux_future_fulfill(f, &value, count_free);
    ck_assert(flux_future_is_ready(f));
    ck_assert(!flux_future_has_error(f));
    ck_assert_ptr_null(flux_future_error_string(f));
    OK(flux_future_get(f, &result));
    ck_assert_ptr_eq(result, &value);
    OK(flux_future_get(f, NULL));
    ck_assert_int_eq(freed, 0);
    flux_future_destroy(f);
    ck_assert_int_eq(freed, 1);
}
END_TEST

START_TEST(an_error_has_a_number_and_a_text)
{
    flux_future_t *f = flux_future_create(NULL, NULL);

    flux_future_fulfill_error(f, ENOENT, NULL);
    FAILS(flux_future_get(f, NULL), ENOENT);
    ck_assert(flux_future_has_error(f));
    ck_assert_str_eq(flux_future_error_string(f), strerror(ENOENT));
    flux_future_reset(f);
    flux_future_fulfill_error(f, EPERM, "because");
    FAILS(flux_future_get(f, NULL), EPERM);
    ck_assert_str_eq(flux_future_error_string(f), "because");
    flux_future_destroy(f);
}
END_TEST

START_TEST(results_wait_in_line_and_reset_shows_the_next)
{
    flux_future_t *f = flux_future_create(NULL, NULL);
    const void *result;
    int n[3] = {0};

    for (int i = 0; i < 3; i++)
        flux_future_fulfill(f, &n[i], NULL);
    flux_future_fulfill_error(f, ENODATA, NULL);
    for (int i = 0; i < 3; i++) {
        OK(flux_future_get(f, &result));
        ck_assert_ptr_eq(result, &n[i]);
        flux_future_reset(f);
    }
    FAILS(flux_future_get(f, NULL), ENODATA);
    flux_future_reset(f);
    ck_assert(!flux_future_is_ready(f));
    flux_future_destroy(f);
}
END_TEST

START_TEST(a_fatal_error_stays)
{
    flux_future_t *f = flux_future_create(NULL, NULL);

    flux_future_fulfill(f, &value, NULL);
    flux_future_fatal_error(f, EIO, "broken");
    FAILS(flux_future_get(f, NULL), EIO);
    flux_future_reset(f);
    FAILS(flux_future_get(f, NULL), EIO);
    ck_assert_str_eq(flux_future_error_string(f), "broken");
    flux_future_fulfill(f, &value, NULL);
    FAILS(flux_future_get(f, NULL), EIO);
    flux_future_destroy(f);
}
END_TEST

START_TEST(waiting_for_what_nothing_can_fulfill_is_refused)
{
    flux_future_t *f = flux_future_create(NULL, NULL);

    FAILS(flux_future_get(f, NULL), EDEADLK);
    FAILS(flux_future_wait_for(f, 0), EDEADLK);
    FAILS(flux_future_then(f, -1, NULL, NULL), EINVAL);
    flux_future_destroy(f);
}
END_TEST

static void timer_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    flux_future_fulfill(arg, &value, NULL);
}

static void init_timer(flux_future_t *f, void *arg)
{
    flux_watcher_t *w =
        flux_timer_watcher_create(flux_future_get_reactor(f), 0.001, 0.001, timer_cb, f);

    ++*(int *)arg;
    ck_assert_ptr_nonnull(w);
    OK(flux_future_aux_set(f, NULL, w, (flux_free_f)flux_watcher_destroy));
    flux_watcher_start(w);
}

START_TEST(waiting_calls_init_once_and_runs_a_reactor_of_its_own)
{
    int inits = 0;
    flux_future_t *f = flux_future_create(init_timer, &inits);
    const void *result;

    ck_assert_int_eq(inits, 0);
    OK(flux_future_wait_for(f, 10));
    OK(flux_future_get(f, &result));
    ck_assert_ptr_eq(result, &value);
    flux_future_reset(f);
    OK(flux_future_get(f, NULL));
    ck_assert_int_eq(inits, 1);
    flux_future_destroy(f);
}
END_TEST

static void init_never(flux_future_t *f, void *arg)
{
    flux_watcher_t *w =
        flux_timer_watcher_create(flux_future_get_reactor(f), 1000, 0, timer_cb, f);

    OK(flux_future_aux_set(f, NULL, w, (flux_free_f)flux_watcher_destroy));
    flux_watcher_start(w);
}

START_TEST(waiting_ends_at_the_timeout)
{
    flux_future_t *f = flux_future_create(init_never, NULL);

    FAILS(flux_future_wait_for(f, 0), ETIMEDOUT);
    FAILS(flux_future_wait_for(f, 0.01), ETIMEDOUT);
    ck_assert(!flux_future_is_ready(f));
    flux_future_destroy(f);
}
END_TEST

static void count_then(flux_future_t *f, void *arg)
{
    ++*(int *)arg;
}

START_TEST(a_continuation_runs_on_the_reactor_not_at_once)
{
    flux_reactor_t *r = flux_reactor_create(0);
    flux_future_t *f = flux_future_create(NULL, NULL);
    int n = 0;

    flux_future_set_reactor(f, r);
    OK(flux_future_then(f, -1, count_then, &n));
    flux_future_fulfill(f, &value, NULL);
    ck_assert_int_eq(n, 0);
    ck_assert_int_eq(flux_reactor_run(r, 0), 0);
    ck_assert_int_eq(n, 1);
    ck_assert_int_eq(flux_reactor_run(r, 0), 0);
    ck_assert_int_eq(n, 1);
    flux_future_destroy(f);
    flux_reactor_destroy(r);
}
END_TEST

START_TEST(a_continuation_runs_for_a_result_that_was_there_before)
{
    flux_reactor_t *r = flux_reactor_create(0);
    flux_future_t *f = flux_future_create(NULL, NULL);
    int n = 0;

    flux_future_set_reactor(f, r);
    flux_future_fulfill(f, &value, NULL);
    OK(flux_future_then(f, -1, count_then, &n));
    flux_reactor_run(r, 0);
    ck_assert_int_eq(n, 1);
    flux_future_destroy(f);
    flux_reactor_destroy(r);
}
END_TEST

static void count_and_reset(flux_future_t *f, void *arg)
{
    ++*(int *)arg;
    flux_future_reset(f);
}

START_TEST(a_continuation_that_resets_gets_every_result)
{
    flux_reactor_t *r = flux_reactor_create(0);
    flux_future_t *f = flux_future_create(NULL, NULL);
    int n = 0;

    flux_future_set_reactor(f, r);
    OK(flux_future_then(f, -1, count_and_reset, &n));
    for (int i = 0; i < 1000; i++)
        flux_future_fulfill(f, &value, NULL);
    flux_reactor_run(r, 0);
    ck_assert_int_eq(n, 1000);
    flux_future_destroy(f);
    flux_reactor_destroy(r);
}
END_TEST

static void check_timeout(flux_future_t *f, void *arg)
{
    FAILS(flux_future_get(f, NULL), ETIMEDOUT);
    ++*(int *)arg;
}

START_TEST(a_continuation_with_a_timeout_gets_etimedout)
{
    flux_reactor_t *r = flux_reactor_create(0);
    flux_future_t *f = flux_future_create(NULL, NULL);
    int n = 0;

    flux_future_set_reactor(f, r);
    OK(flux_future_then(f, 0.001, check_timeout, &n));
    ck_assert_int_eq(flux_reactor_run(r, 0), 0);
    ck_assert_int_eq(n, 1);
    flux_future_destroy(f);
    flux_reactor_destroy(r);
}
END_TEST

static void destroy_then(flux_future_t *f, void *arg)
{
    ++*(int *)arg;
    flux_future_destroy(f);
}

START_TEST(a_continuation_may_destroy_the_future)
{
    flux_reactor_t *r = flux_reactor_create(0);
    flux_future_t *f = flux_future_create(NULL, NULL);
    int n = 0;

    flux_future_set_reactor(f, r);
    OK(flux_future_then(f, 100, destroy_then, &n));
    flux_future_fulfill(f, &value, NULL);
    flux_future_fulfill(f, &value, NULL);
    ck_assert_int_eq(flux_reactor_run(r, 0), 0);
    ck_assert_int_eq(n, 1);
    flux_reactor_destroy(r);
}
END_TEST

START_TEST(destroying_a_future_takes_back_its_continuation)
{
    flux_reactor_t *r = flux_reactor_create(0);
    flux_future_t *f = flux_future_create(NULL, NULL);
    int n = 0;

    flux_future_set_reactor(f, r);
    OK(flux_future_then(f, -1, count_then, &n));
    flux_future_fulfill(f, &value, NULL);
    flux_future_destroy(f);
    flux_reactor_run(r, 0);
    ck_assert_int_eq(n, 0);
    flux_reactor_destroy(r);
}
END_TEST

START_TEST(a_future_can_take_anothers_result)
{
    flux_future_t *f = flux_future_create(NULL, NULL);
    flux_future_t *p = flux_future_create(NULL, NULL);
    const void *result;

    FAILS(flux_future_fulfill_with(f, p), EAGAIN);
    OK(flux_future_aux_set(p, "x", &value, NULL));
    flux_future_fulfill(p, &value, NULL);
    OK(flux_future_fulfill_with(f, p));
    flux_future_destroy(p);
    OK(flux_future_get(f, &result));
    ck_assert_ptr_eq(result, &value);
    ck_assert_ptr_eq(flux_future_aux_get(f, "x"), &value);
    flux_future_destroy(f);
}
END_TEST

START_TEST(a_future_can_take_anothers_error)
{
    flux_future_t *f = flux_future_create(NULL, NULL);
    flux_future_t *p = flux_future_create(NULL, NULL);

    flux_future_fulfill_error(p, EBUSY, "later");
    OK(flux_future_fulfill_with(f, p));
    flux_future_destroy(p);
    FAILS(flux_future_get(f, NULL), EBUSY);
    ck_assert_str_eq(flux_future_error_string(f), "later");
    flux_future_destroy(f);
}
END_TEST

START_TEST(references_keep_a_future)
{
    flux_future_t *f = flux_future_create(NULL, NULL);

    freed = 0;
    flux_future_fulfill(f, &value, count_free);
    flux_future_incref(f);
    flux_future_destroy(f);
    ck_assert_int_eq(freed, 0);
    flux_future_decref(f);
    ck_assert_int_eq(freed, 1);
}
END_TEST

SUITE_MAIN("flux/future", a_result_is_given_and_freed_with_the_future,
           an_error_has_a_number_and_a_text,
           results_wait_in_line_and_reset_shows_the_next, a_fatal_error_stays,
           waiting_for_what_nothing_can_fulfill_is_refused,
           waiting_calls_init_once_and_runs_a_reactor_of_its_own,
           waiting_ends_at_the_timeout, a_continuation_runs_on_the_reactor_not_at_once,
           a_continuation_runs_for_a_result_that_was_there_before,
           a_continuation_that_resets_gets_every_result,
           a_continuation_with_a_timeout_gets_etimedout,
           a_continuation_may_destroy_the_future,
           destroying_a_future_takes_back_its_continuation,
           a_future_can_take_anothers_result, a_future_can_take_anothers_error,
           references_keep_a_future)
