/* Futures made of futures. */
#include <errno.h>
#include <string.h>

#include <flux/core.h>

#include "suite.h"

static int value = 1;

static void timer_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    flux_future_fulfill(arg, &value, NULL);
}

/* arg: seconds, a double; < 0 fails at once. */
static void init_timer(flux_future_t *f, void *arg)
{
    double seconds = *(double *)arg;
    flux_watcher_t *w;

    if (seconds < 0) {
        flux_future_fulfill_error(f, EPERM, "no");
        return;
    }
    w = flux_timer_watcher_create(flux_future_get_reactor(f), seconds, 0, timer_cb, f);
    OK(flux_future_aux_set(f, NULL, w, (flux_free_f)flux_watcher_destroy));
    flux_watcher_start(w);
}

static double soon = 0.001, later = 0.003, never = 1000, fails = -1;

static flux_future_t *timer(double *seconds)
{
    return flux_future_create(init_timer, seconds);
}

START_TEST(children_are_found_by_name_and_in_order)
{
    flux_future_t *cf = flux_future_wait_all_create();
    flux_future_t *a = flux_future_create(NULL, NULL);
    flux_future_t *b = flux_future_create(NULL, NULL);

    OK(flux_future_push(cf, "a", a));
    OK(flux_future_push(cf, "b", b));
    FAILS(flux_future_push(cf, "a", b), EEXIST);
    FAILS(flux_future_push(cf, "c", NULL), EINVAL);
    FAILS(flux_future_push(a, "c", b), EINVAL);
    ck_assert_ptr_eq(flux_future_get_child(cf, "b"), b);
    FAILS_NULL(flux_future_get_child(cf, "x"), ENOENT);
    ck_assert_str_eq(flux_future_first_child(cf), "a");
    ck_assert_str_eq(flux_future_next_child(cf), "b");
    ck_assert_ptr_null(flux_future_next_child(cf));
    flux_future_destroy(cf);
}
END_TEST

START_TEST(all_is_ready_when_every_child_is)
{
    flux_future_t *cf = flux_future_wait_all_create();

    OK(flux_future_push(cf, "a", timer(&soon)));
    OK(flux_future_push(cf, "b", timer(&later)));
    OK(flux_future_get(cf, NULL));
    ck_assert(flux_future_is_ready(flux_future_get_child(cf, "a")));
    ck_assert(flux_future_is_ready(flux_future_get_child(cf, "b")));
    flux_future_destroy(cf);
}
END_TEST

START_TEST(all_waits_no_longer_than_told)
{
    flux_future_t *cf = flux_future_wait_all_create();

    OK(flux_future_push(cf, "a", timer(&soon)));
    OK(flux_future_push(cf, "b", timer(&never)));
    FAILS(flux_future_wait_for(cf, 0.02), ETIMEDOUT);
    flux_future_destroy(cf);
}
END_TEST

START_TEST(all_fails_with_the_error_of_a_child)
{
    flux_future_t *cf = flux_future_wait_all_create();

    OK(flux_future_push(cf, NULL, timer(&soon)));
    OK(flux_future_push(cf, NULL, timer(&fails)));
    FAILS(flux_future_get(cf, NULL), EPERM);
    ck_assert_str_eq(flux_future_error_string(cf), "no");
    ck_assert(flux_future_is_ready(flux_future_get_child(cf, "f0")));
    flux_future_destroy(cf);
}
END_TEST

START_TEST(all_of_none_is_ready)
{
    flux_future_t *cf = flux_future_wait_all_create();

    OK(flux_future_get(cf, NULL));
    flux_future_destroy(cf);
}
END_TEST

START_TEST(any_is_ready_with_the_first_child)
{
    flux_future_t *cf = flux_future_wait_any_create();
    const void *result;

    OK(flux_future_push(cf, "a", timer(&never)));
    OK(flux_future_push(cf, "b", timer(&soon)));
    OK(flux_future_get(cf, &result));
    ck_assert_ptr_eq(result, &value);
    ck_assert(!flux_future_is_ready(flux_future_get_child(cf, "a")));
    ck_assert(flux_future_is_ready(flux_future_get_child(cf, "b")));
    flux_future_destroy(cf);
}
END_TEST

static void stop_then(flux_future_t *f, void *arg)
{
    ++*(int *)arg;
    flux_reactor_stop(flux_future_get_reactor(f));
}

START_TEST(a_composite_can_have_a_continuation_and_be_nested)
{
    flux_reactor_t *r = flux_reactor_create(0);
    flux_future_t *all = flux_future_wait_all_create();
    flux_future_t *any = flux_future_wait_any_create();
    int n = 0;

    OK(flux_future_push(any, "never", timer(&never)));
    OK(flux_future_push(any, "soon", timer(&soon)));
    OK(flux_future_push(all, "any", any));
    OK(flux_future_push(all, "later", timer(&later)));
    flux_future_set_reactor(all, r);
    OK(flux_future_then(all, -1, stop_then, &n));
    flux_reactor_run(r, 0);
    ck_assert_int_eq(n, 1);
    flux_future_destroy(all);
    flux_reactor_destroy(r);
}
END_TEST

SUITE_MAIN("flux/composite", children_are_found_by_name_and_in_order,
           all_is_ready_when_every_child_is, all_waits_no_longer_than_told,
           all_fails_with_the_error_of_a_child, all_of_none_is_ready,
           any_is_ready_with_the_first_child,
           a_composite_can_have_a_continuation_and_be_nested)
