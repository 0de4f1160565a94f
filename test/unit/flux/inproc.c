/* The inproc connector: a router's ports, with the handle on the same and on another
 * thread. The router here answers r.echo with the payload, r.hang never, and sends all
 * other requests back to the port `peer`.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include <flux/core.h>

#include "env/env.h"
#include "suite.h"

static flux_reactor_t *router;
static int closed;
static struct flux_port *peer;

static void answer(struct flux_port *port, const flux_msg_t *req)
{
    flux_msg_t *msg = flux_response_derive(req, 0);
    const char *s = NULL;

    flux_msg_get_string(req, &s);
    if (s)
        flux_msg_set_string(msg, s);
    if (flux_port_send_new(port, &msg) < 0)
        flux_msg_destroy(msg);
}

static void recv_cb(struct flux_port *port, flux_msg_t *msg, void *arg)
{
    const char *topic;

    OK(flux_msg_get_topic(msg, &topic));
    flux_msg_set_rolemask(msg, FLUX_ROLE_OWNER);
    if (!strcmp(topic, "r.echo"))
        answer(port, msg);
    else if (!strcmp(topic, "r.stop"))
        flux_reactor_stop(router);
    else if (strcmp(topic, "r.hang") != 0)
        OK(flux_port_send(peer, msg));
    flux_msg_destroy(msg);
}

static void closed_cb(struct flux_port *port, void *arg)
{
    closed++;
    flux_port_destroy(port);
    if (arg)
        flux_reactor_stop(router);
}

static flux_t *open_port(struct flux_port **port, void *arg)
{
    flux_t *h;

    OK(flux_port_create(router, recv_cb, closed_cb, arg, port, &h));
    return h;
}

static void begin(void)
{
    router = flux_reactor_create(0);
    closed = 0;
}

static flux_future_t *echo(flux_t *h, int n)
{
    return flux_rpc_pack(h, "r.echo", FLUX_NODEID_ANY, 0, "{s:i}", "n", n);
}

static int number(flux_future_t *f)
{
    int n = -1;

    OK(flux_rpc_get_unpack(f, "{s:i}", "n", &n));
    return n;
}

/* ---- on one thread ---- */

static void count_then(flux_future_t *f, void *arg)
{
    OK(flux_rpc_get(f, NULL));
    ++*(int *)arg;
    flux_future_destroy(f);
}

START_TEST(a_module_on_the_routers_reactor)
{
    struct flux_port *port;
    flux_t *h;
    int n = 0;

    begin();
    h = open_port(&port, NULL);
    OK(flux_set_reactor(h, router));
    for (int i = 0; i < 1000; i++)
        OK(flux_future_then(echo(h, i), -1, count_then, &n));
    while (n < 1000)
        flux_reactor_run(router, FLUX_REACTOR_ONCE);
    flux_close(h);
    while (!closed)
        flux_reactor_run(router, FLUX_REACTOR_ONCE);
    ck_assert_int_eq(flux_reactor_run(router, 0), 0);
    flux_reactor_destroy(router);
}
END_TEST

static void service_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    flux_future_t *f = echo(h, 3);

    /* A question that the router answers itself can be waited for. */
    ck_assert_int_eq(number(f), 3);
    flux_future_destroy(f);
    f = flux_rpc(h, "r.hang", NULL, FLUX_NODEID_ANY, 0);
    FAILS(flux_rpc_get(f, NULL), EDEADLK);
    flux_future_destroy(f);
    ++*(int *)arg;
    flux_reactor_stop(flux_get_reactor(h));
}

START_TEST(waiting_on_the_routers_own_thread_is_no_hang)
{
    struct flux_port *port;
    flux_msg_handler_t *mh;
    flux_future_t *f;
    flux_t *h;
    int n = 0;

    begin();
    h = open_port(&port, NULL);
    peer = port;
    OK(flux_set_reactor(h, router));
    mh = flux_msg_handler_create(h, FLUX_MATCH_REQUEST, service_cb, &n);
    flux_msg_handler_start(mh);
    f = flux_rpc(h, "svc", NULL, FLUX_NODEID_ANY, FLUX_RPC_NORESPONSE);
    flux_future_destroy(f);
    flux_reactor_run(router, 0);
    ck_assert_int_eq(n, 1);
    flux_msg_handler_destroy(mh);
    flux_port_destroy(port);
    flux_close(h);
    flux_reactor_destroy(router);
}
END_TEST

static void inner_then(flux_future_t *f, void *arg)
{
    OK(flux_future_fulfill_with(arg, f));
}

static void init_echo(flux_future_t *f, void *arg)
{
    flux_future_t *g = echo(flux_future_get_flux(f), 9);

    OK(flux_future_aux_set(f, NULL, g, (flux_free_f)flux_future_destroy));
    OK(flux_future_then(g, -1, inner_then, f));
}

START_TEST(waiting_for_a_future_with_init_on_the_routers_thread)
{
    struct flux_port *port;
    flux_future_t *f;
    flux_t *h;

    begin();
    h = open_port(&port, NULL);
    OK(flux_set_reactor(h, router));
    f = flux_future_create(init_echo, NULL);
    flux_future_set_flux(f, h);
    ck_assert_int_eq(number(f), 9);
    flux_future_destroy(f);
    flux_port_destroy(port);
    flux_close(h);
    flux_reactor_destroy(router);
}
END_TEST

START_TEST(a_port_that_went_first_refuses_what_is_sent)
{
    struct flux_port *port;
    flux_t *h;

    begin();
    h = open_port(&port, NULL);
    flux_port_destroy(port);
    ck_assert_int_eq(flux_pollevents(h) & FLUX_POLLERR, FLUX_POLLERR);
    FAILS_NULL(flux_rpc(h, "r.echo", NULL, FLUX_NODEID_ANY, 0), ECONNRESET);
    flux_close(h);
    flux_reactor_destroy(router);
}
END_TEST

START_TEST(a_message_sent_to_many_is_not_changed)
{
    struct flux_port *port;
    flux_msg_t *event = flux_event_encode("e", "{}"), *msg;
    flux_t *h;

    begin();
    h = open_port(&port, NULL);
    OK(flux_port_send(port, event));
    OK(flux_port_send(port, event));
    for (int i = 0; i < 2; i++) {
        ck_assert_ptr_nonnull(msg = flux_recv(h, FLUX_MATCH_EVENT, FLUX_O_NONBLOCK));
        flux_msg_destroy(msg);
    }
    flux_msg_destroy(event);
    flux_port_destroy(port);
    flux_close(h);
    flux_reactor_destroy(router);
}
END_TEST

START_TEST(a_module_in_a_simulated_world)
{
    struct flux_port *port;
    struct env *env;
    flux_t *h;
    int n = 0;

    OK(env_new_sim(7, &env));
    router = flux_reactor_create_env(env);
    ck_assert_ptr_nonnull(router);
    env_unref(env);
    closed = 0;
    h = open_port(&port, NULL);
    OK(flux_set_reactor(h, router));
    for (int i = 0; i < 100; i++)
        OK(flux_future_then(echo(h, i), 1000, count_then, &n));
    while (n < 100)
        ck_assert_int_ge(flux_reactor_run(router, FLUX_REACTOR_ONCE), 0);
    flux_close(h);
    flux_port_destroy(port);
    flux_reactor_destroy(router);
}
END_TEST

/* ---- on a thread of its own ---- */

static struct env_thread *start(void (*fn)(void *arg), void *arg)
{
    struct env_thread *t;
    struct env *env;

    OK(env_new_real(&env));
    OK(env_thread_start(env, "module", fn, arg, &t));
    env_unref(env);
    return t;
}

static void blocking_client(void *arg)
{
    flux_t *h = arg;
    flux_future_t *f[200];

    for (int i = 0; i < 500; i++) {
        f[0] = echo(h, i);
        ck_assert_int_eq(number(f[0]), i);
        flux_future_destroy(f[0]);
    }
    for (int i = 0; i < 200; i++)
        f[i] = echo(h, i);
    for (int i = 199; i >= 0; i--) {
        ck_assert_int_eq(number(f[i]), i);
        flux_future_destroy(f[i]);
    }
    f[0] = flux_rpc(h, "r.hang", NULL, FLUX_NODEID_ANY, 0);
    FAILS(flux_future_wait_for(f[0], 0.01), ETIMEDOUT);
    flux_future_destroy(f[0]);
    flux_close(h);
}

START_TEST(a_thread_that_only_makes_blocking_calls)
{
    struct flux_port *port;
    struct env_thread *t;

    begin();
    t = start(blocking_client, open_port(&port, &port));
    flux_reactor_run(router, 0);
    env_thread_join(t);
    ck_assert_int_eq(closed, 1);
    flux_reactor_destroy(router);
}
END_TEST

static void reactor_client(void *arg)
{
    flux_reactor_t *r = flux_reactor_create(0);
    flux_t *h = arg;
    flux_future_t *f;
    int n = 0;

    OK(flux_set_reactor(h, r));
    for (int i = 0; i < 2000; i++)
        OK(flux_future_then(echo(h, i), -1, count_then, &n));
    ck_assert_int_eq(flux_reactor_run(r, 0), 0);
    ck_assert_int_eq(n, 2000);
    f = echo(h, 5);
    ck_assert_int_eq(number(f), 5);
    flux_future_destroy(f);
    flux_close(h);
    flux_reactor_destroy(r);
}

START_TEST(a_thread_with_a_reactor)
{
    struct flux_port *port;
    struct env_thread *t;

    begin();
    t = start(reactor_client, open_port(&port, &port));
    flux_reactor_run(router, 0);
    env_thread_join(t);
    ck_assert_int_eq(closed, 1);
    flux_reactor_destroy(router);
}
END_TEST

static void serve_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    int n;

    if (flux_request_unpack(msg, NULL, "{s:i}", "n", &n) == 0)
        ++*(int *)arg;
}

static void service_thread(void *arg)
{
    flux_t *h = arg;
    flux_msg_handler_t *mh;
    int n = 0;

    mh = flux_msg_handler_create(h, FLUX_MATCH_REQUEST, serve_cb, &n);
    flux_msg_handler_start(mh);
    flux_future_destroy(
        flux_rpc(h, "r.stop", NULL, FLUX_NODEID_ANY, FLUX_RPC_NORESPONSE));
    /* Ends when the router takes the port away. */
    FAILS(flux_reactor_run(flux_get_reactor(h), 0), ECONNRESET);
    ck_assert_int_le(n, 1000);
    flux_msg_handler_destroy(mh);
    flux_close(h);
}

START_TEST(a_service_on_a_thread_ends_with_its_port)
{
    struct flux_port *port, *port2;
    struct env_thread *t;
    flux_future_t *f;
    flux_t *h;

    begin();
    t = start(service_thread, open_port(&peer, NULL));
    h = open_port(&port2, NULL);
    port = peer;
    OK(flux_set_reactor(h, router));
    for (int i = 0; i < 1000; i++) {
        f = flux_rpc_pack(h, "svc.x", FLUX_NODEID_ANY, FLUX_RPC_NORESPONSE, "{s:i}", "n",
                          i);
        flux_future_destroy(f);
    }
    flux_reactor_run(router, 0);
    flux_port_destroy(port);
    env_thread_join(t);
    flux_port_destroy(port2);
    flux_close(h);
    flux_reactor_destroy(router);
}
END_TEST

static void waiting_client(void *arg)
{
    flux_t *h = arg;
    flux_future_t *f = flux_rpc(h, "r.stop", NULL, FLUX_NODEID_ANY, 0);

    FAILS(flux_rpc_get(f, NULL), ECONNRESET);
    flux_future_destroy(f);
    flux_close(h);
}

START_TEST(a_thread_that_waits_when_its_port_goes)
{
    struct flux_port *port;
    struct env_thread *t;

    begin();
    t = start(waiting_client, open_port(&port, NULL));
    flux_reactor_run(router, 0);
    flux_port_destroy(port);
    env_thread_join(t);
    flux_reactor_destroy(router);
}
END_TEST

static void polling_client(void *arg)
{
    flux_t *h = arg;
    struct pollfd p = {.fd = flux_pollfd(h), .events = POLLIN};
    flux_msg_t *msg = flux_request_encode("r.echo", "{}");

    ck_assert_int_ge(p.fd, 0);
    flux_msg_set_matchtag(msg, flux_matchtag_alloc(h));
    OK(flux_send_new(h, &msg, 0));
    while (!(msg = flux_recv(h, FLUX_MATCH_RESPONSE, FLUX_O_NONBLOCK))) {
        ck_assert_int_eq(errno, EAGAIN);
        ck_assert_int_eq(poll(&p, 1, 10000), 1);
    }
    flux_msg_destroy(msg);
    flux_close(h);
}

START_TEST(a_thread_that_polls)
{
    struct flux_port *port;
    struct env_thread *t;

    begin();
    t = start(polling_client, open_port(&port, &port));
    flux_reactor_run(router, 0);
    env_thread_join(t);
    flux_reactor_destroy(router);
}
END_TEST

SUITE_MAIN("flux/inproc", a_module_on_the_routers_reactor,
           waiting_on_the_routers_own_thread_is_no_hang,
           waiting_for_a_future_with_init_on_the_routers_thread,
           a_port_that_went_first_refuses_what_is_sent,
           a_message_sent_to_many_is_not_changed, a_module_in_a_simulated_world,
           a_thread_that_only_makes_blocking_calls, a_thread_with_a_reactor,
           a_service_on_a_thread_ends_with_its_port,
           a_thread_that_waits_when_its_port_goes, a_thread_that_polls)
