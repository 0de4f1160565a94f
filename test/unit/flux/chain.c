/* Chains of futures. */
#include <errno.h>
#include <string.h>

#include <flux/core.h>

#include "suite.h"

static int value = 1, other = 2;

static void timer_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    flux_future_fulfill(arg, &value, NULL);
}

static void init_timer(flux_future_t *f, void *arg)
{
    flux_watcher_t *w =
        flux_timer_watcher_create(flux_future_get_reactor(f), 0.001, 0, timer_cb, f);

    OK(flux_future_aux_set(f, NULL, w, (flux_free_f)flux_watcher_destroy));
    flux_watcher_start(w);
}

static void init_fail(flux_future_t *f, void *arg)
{
    flux_future_fulfill_error(f, EPERM, "no");
}

static flux_future_t *good(void)
{
    return flux_future_create(init_timer, NULL);
}

static flux_future_t *bad(void)
{
    return flux_future_create(init_fail, NULL);
}

static void continue_cb(flux_future_t *f, void *arg)
{
    OK(flux_future_continue(f, good()));
    if (arg)
        ++*(int *)arg;
    flux_future_destroy(f);
}

static void value_cb(flux_future_t *f, void *arg)
{
    OK(flux_future_fulfill_next(f, arg, NULL));
    flux_future_destroy(f);
}

static void error_cb(flux_future_t *f, void *arg)
{
    flux_future_continue_error(f, EBUSY, "busy");
}

START_TEST(and_then_goes_on_with_another_future)
{
    int n = 0;
    flux_future_t *f = flux_future_and_then(good(), continue_cb, &n);
    const void *result;

    OK(flux_future_get(f, &result));
    ck_assert_ptr_eq(result, &value);
    ck_assert_int_eq(n, 1);
    flux_future_destroy(f);
}
END_TEST

START_TEST(and_then_can_give_a_value_or_an_error)
{
    flux_future_t *f = flux_future_and_then(good(), value_cb, &other);
    const void *result;

    OK(flux_future_get(f, &result));
    ck_assert_ptr_eq(result, &other);
    flux_future_destroy(f);
    f = flux_future_and_then(good(), error_cb, NULL);
    FAILS(flux_future_get(f, NULL), EBUSY);
    ck_assert_str_eq(flux_future_error_string(f), "busy");
    flux_future_destroy(f);
}
END_TEST

START_TEST(an_error_passes_by_and_then)
{
    int n = 0;
    flux_future_t *f = flux_future_and_then(bad(), continue_cb, &n);

    FAILS(flux_future_get(f, NULL), EPERM);
    ck_assert_str_eq(flux_future_error_string(f), "no");
    ck_assert_int_eq(n, 0);
    flux_future_destroy(f);
}
END_TEST

START_TEST(or_then_runs_on_errors_only)
{
    flux_future_t *f = flux_future_or_then(bad(), value_cb, &other);
    const void *result;

    OK(flux_future_get(f, &result));
    ck_assert_ptr_eq(result, &other);
    flux_future_destroy(f);
    f = flux_future_or_then(good(), value_cb, &other);
    OK(flux_future_get(f, &result));
    ck_assert_ptr_eq(result, &value);
    flux_future_destroy(f);
}
END_TEST

START_TEST(both_hooks_belong_to_one_next_future)
{
    flux_future_t *prev = bad();
    flux_future_t *f = flux_future_and_then(prev, error_cb, NULL);
    const void *result;

    ck_assert_ptr_eq(flux_future_or_then(prev, value_cb, &other), f);
    OK(flux_future_get(f, &result));
    ck_assert_ptr_eq(result, &other);
    flux_future_destroy(f);
}
END_TEST

START_TEST(chains_can_be_long)
{
    int n = 0;
    flux_future_t *f = good();

    for (int i = 0; i < 10; i++)
        f = flux_future_and_then(f, continue_cb, &n);
    OK(flux_future_get(f, NULL));
    ck_assert_int_eq(n, 10);
    flux_future_destroy(f);
}
END_TEST

static void stop_then(flux_future_t *f, void *arg)
{
    OK(flux_future_get(f, NULL));
    ++*(int *)arg;
    flux_reactor_stop(flux_future_get_reactor(f));
}

START_TEST(a_chain_can_have_a_continuation)
{
    flux_reactor_t *r = flux_reactor_create(0);
    flux_future_t *first = good(), *f;
    int n = 0, done = 0;

    flux_future_set_reactor(first, r);
    f = flux_future_and_then(first, continue_cb, &n);
    f = flux_future_and_then(f, continue_cb, &n);
    OK(flux_future_then(f, -1, stop_then, &done));
    flux_reactor_run(r, 0);
    ck_assert_int_eq(n, 2);
    ck_assert_int_eq(done, 1);
    flux_future_destroy(f);
    flux_reactor_destroy(r);
}
END_TEST

START_TEST(a_chain_never_run_is_freed_whole)
{
    flux_future_destroy(flux_future_and_then(good(), continue_cb, NULL));
}
END_TEST

START_TEST(only_links_of_a_chain_can_continue)
{
    flux_future_t *f = good();

    FAILS(flux_future_continue(f, f), EINVAL);
    FAILS(flux_future_fulfill_next(f, NULL, NULL), EINVAL);
    FAILS_NULL(flux_future_and_then(f, NULL, NULL), EINVAL);
    FAILS_NULL(flux_future_or_then(NULL, continue_cb, NULL), EINVAL);
    flux_future_destroy(f);
}
END_TEST

SUITE_MAIN("flux/chain", and_then_goes_on_with_another_future,
           and_then_can_give_a_value_or_an_error, an_error_passes_by_and_then,
           or_then_runs_on_errors_only, both_hooks_belong_to_one_next_future,
           chains_can_be_long, a_chain_can_have_a_continuation,
           a_chain_never_run_is_freed_whole, only_links_of_a_chain_can_continue)
