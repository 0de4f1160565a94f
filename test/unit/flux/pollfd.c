/* flux_pollfd(): a host with a loop of its own, which knows nothing but one descriptor. */
#include <errno.h>
#include <poll.h>

#include <flux/core.h>

#include "server.h"
#include "suite.h"

static struct server *server;
static flux_t *h;

static void begin(void)
{
    server = server_start(0);
    h = flux_open(server_uri(server), 0);
    ck_assert_ptr_nonnull(h);
}

static void end(void)
{
    flux_close(h);
    server_stop(server);
}

static int is_readable(int fd, int ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, ms);
}

/* The host's loop: sleep on the descriptor, then let the reactor work. */
static void host(int *n, int want)
{
    int fd = flux_pollfd(h);

    while (*n < want) {
        ck_assert_int_eq(is_readable(fd, 10000), 1);
        ck_assert_int_ge(flux_reactor_run(flux_get_reactor(h), FLUX_REACTOR_NOWAIT), 0);
    }
}

static void count_then(flux_future_t *f, void *arg)
{
    OK(flux_rpc_get(f, NULL));
    ++*(int *)arg;
    flux_future_destroy(f);
}

static flux_future_t *echo(void)
{
    return flux_rpc(h, "test.echo", "{}", FLUX_NODEID_ANY, 0);
}

START_TEST(answers_come_through_one_descriptor)
{
    int n = 0, fd;

    begin();
    fd = flux_pollfd(h); /* before there is a reactor */
    for (int i = 0; i < 10; i++)
        OK(flux_future_then(echo(), -1, count_then, &n));
    ck_assert_int_eq(flux_pollfd(h), fd);
    host(&n, 10);
    flux_reactor_run(flux_get_reactor(h), FLUX_REACTOR_NOWAIT);
    ck_assert_int_eq(is_readable(fd, 0), 0);
    end();
}
END_TEST

static void timer_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    ++*(int *)arg;
}

START_TEST(timers_come_through_the_same_descriptor)
{
    flux_watcher_t *w;
    int n = 0;

    begin();
    w = flux_timer_watcher_create(flux_get_reactor(h), 0.005, 0.005, timer_cb, &n);
    flux_watcher_start(w);
    host(&n, 3);
    flux_watcher_destroy(w);
    end();
}
END_TEST

static void fulfilled(flux_future_t *f, void *arg)
{
    ++*(int *)arg;
}

START_TEST(a_continuation_that_is_due_makes_it_readable)
{
    flux_future_t *f;
    int n = 0;

    begin();
    f = flux_future_create(NULL, NULL);
    flux_future_set_flux(f, h);
    OK(flux_future_then(f, -1, fulfilled, &n));
    flux_pollfd(h);
    flux_reactor_run(flux_get_reactor(h), FLUX_REACTOR_NOWAIT);
    flux_future_fulfill(f, NULL, NULL);
    host(&n, 1);
    flux_future_destroy(f);
    end();
}
END_TEST

START_TEST(the_descriptor_stays_through_a_reconnect)
{
    flux_future_t *f;
    int n = 0, fd;

    begin();
    fd = flux_pollfd(h);
    f = flux_rpc(h, "test.hangup", NULL, FLUX_NODEID_ANY, 0);
    FAILS(flux_rpc_get(f, NULL), ECONNRESET);
    flux_future_destroy(f);
    OK(flux_reconnect(h));
    ck_assert_int_eq(flux_pollfd(h), fd);
    OK(flux_future_then(echo(), -1, count_then, &n));
    host(&n, 1);
    end();
}
END_TEST

SUITE_MAIN("flux/pollfd", answers_come_through_one_descriptor,
           timers_come_through_the_same_descriptor,
           a_continuation_that_is_due_makes_it_readable,
           the_descriptor_stays_through_a_reconnect)
