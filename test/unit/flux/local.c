/* The local connector: admission, large messages, failure and reconnection. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

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

static int call(const char *topic)
{
    flux_future_t *f = flux_rpc(h, topic, NULL, FLUX_NODEID_ANY, 0);
    int rc = f ? flux_rpc_get(f, NULL) : -1;

    flux_future_destroy(f);
    return rc;
}

START_TEST(a_refusal_is_told)
{
    flux_error_t error;

    server = server_start(EPERM);
    FAILS_NULL(flux_open_ex(server_uri(server), 0, &error), EPERM);
    ck_assert_ptr_nonnull(strstr(error.text, server_uri(server)));
    ck_assert_ptr_nonnull(strstr(error.text, "another user"));
    server_stop(server);
}
END_TEST

START_TEST(a_large_message_passes_both_ways)
{
    size_t size = (size_t)12 << 20;
    char *data = malloc(size);
    flux_future_t *f;
    const void *back;
    size_t len;

    begin();
    memset(data, 'x', size - 1);
    data[size - 1] = '\0';
    f = flux_rpc_raw(h, "test.echo", data, size, FLUX_NODEID_ANY, 0);
    OK(flux_rpc_get_raw(f, &back, &len));
    ck_assert_uint_eq(len, size);
    ck_assert_mem_eq(back, data, size);
    flux_future_destroy(f);
    OK(call("test.ok"));
    free(data);
    end();
}
END_TEST

START_TEST(much_in_flight_does_not_lock_up_without_a_reactor)
{
    enum { N = 200 };
    size_t size = 100000;
    char *data = malloc(size);
    flux_future_t *f[N];
    size_t len;
    const void *back;

    begin();
    memset(data, 'x', size - 1);
    data[size - 1] = '\0';
    for (int i = 0; i < N; i++)
        f[i] = flux_rpc_raw(h, "test.echo", data, size, FLUX_NODEID_ANY, 0);
    for (int i = 0; i < N; i++) {
        OK(flux_rpc_get_raw(f[i], &back, &len));
        ck_assert_uint_eq(len, size);
        flux_future_destroy(f[i]);
    }
    free(data);
    end();
}
END_TEST

static void big_then(flux_future_t *f, void *arg)
{
    const void *back;
    size_t len;

    OK(flux_rpc_get_raw(f, &back, &len));
    ck_assert_uint_eq(len, 100000);
    ++*(int *)arg;
    flux_future_destroy(f);
}

static void send_many(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    static char data[100000];

    for (int i = 0; i < 200; i++)
        OK(flux_future_then(
            flux_rpc_raw(h, "test.echo", data, sizeof(data), FLUX_NODEID_ANY, 0), -1,
            big_then, arg));
    flux_watcher_destroy(w);
}

START_TEST(much_in_flight_on_the_reactor)
{
    int n = 0;

    begin();
    flux_watcher_start(flux_idle_watcher_create(flux_get_reactor(h), send_many, &n));
    ck_assert_int_eq(flux_reactor_run(flux_get_reactor(h), 0), 0);
    ck_assert_int_eq(n, 200);
    end();
}
END_TEST

static void answered(flux_future_t *f, void *arg)
{
    if (flux_rpc_get(f, NULL) == 0)
        ++*(int *)arg;
    else
        flux_reactor_stop(flux_get_reactor(h));
    flux_future_reset(f);
}

/* The answers come in one piece, and all of it is read for the first one. */
START_TEST(what_was_read_while_waiting_is_seen_on_the_reactor)
{
    flux_reactor_t *r;
    flux_future_t *silent, *f;
    int n = 0;

    begin();
    r = flux_get_reactor(h);
    silent = flux_rpc(h, "test.silent", NULL, FLUX_NODEID_ANY, 0);
    OK(flux_future_then(silent, -1, answered, &n));
    ck_assert_int_ge(flux_reactor_run(r, FLUX_REACTOR_NOWAIT), 0); /* it reads by now */
    f = flux_rpc_pack(h, "test.stream", FLUX_NODEID_ANY, FLUX_RPC_STREAMING, "{s:i}", "n",
                      3);
    OK(flux_future_then(f, -1, answered, &n));
    OK(flux_future_wait_for(f, -1));
    ck_assert_int_eq(n, 0);
    ck_assert_int_ge(flux_reactor_run(r, 0), 0);
    ck_assert_int_eq(n, 3);
    flux_future_destroy(f);
    flux_future_destroy(silent);
    end();
}
END_TEST

START_TEST(what_was_sent_leaves_before_the_close)
{
    flux_future_t *f;
    flux_t *h2;

    begin();
    f = flux_rpc(h, "test.last", NULL, FLUX_NODEID_ANY, FLUX_RPC_NORESPONSE);
    flux_future_destroy(f);
    flux_close(h);
    h2 = flux_open(server_uri(server), 0); /* served after the first one */
    h = h2;
    OK(call("test.ok"));
    ck_assert_int_eq(server_count(server, "test.last", NULL), 1);
    end();
}
END_TEST

START_TEST(even_much_leaves_before_the_close)
{
    size_t size = (size_t)8 << 20;
    char *data = calloc(1, size);
    flux_msg_t *msg = flux_request_encode_raw("test.big", data, size);

    begin();
    flux_msg_set_noresponse(msg);
    OK(flux_send_new(h, &msg, FLUX_O_NONBLOCK)); /* more than the socket takes at once */
    flux_close(h);
    h = flux_open(server_uri(server), 0);
    OK(call("test.ok"));
    ck_assert_int_eq(server_count(server, "test.big", NULL), 1);
    free(data);
    end();
}
END_TEST

START_TEST(a_lost_connection_fails_what_waits)
{
    begin();
    FAILS(call("test.hangup"), ECONNRESET);
    ck_assert_int_eq(call("test.ok"), -1);
    ck_assert_int_ne(flux_pollevents(h) & (FLUX_POLLERR | FLUX_POLLIN), 0);
    end();
}
END_TEST

static void ignore_then(flux_future_t *f, void *arg)
{
}

START_TEST(a_lost_connection_stops_the_reactor)
{
    flux_future_t *f;

    begin();
    f = flux_rpc(h, "test.hangup", NULL, FLUX_NODEID_ANY, 0);
    OK(flux_future_then(f, -1, ignore_then, NULL));
    FAILS(flux_reactor_run(flux_get_reactor(h), 0), ECONNRESET);
    end();
    flux_future_destroy(f);
}
END_TEST

/* The server writes more than fits, so it reads on, and hangs up, only once a send that has to
 * wait for it reads. Having asked for a descriptor to poll makes no difference. */
START_TEST(a_send_that_waits_hears_of_a_lost_connection)
{
    static char data[4 << 20];
    flux_future_t *stream, *hangup;
    int flags = FLUX_RPC_NORESPONSE;

    begin();
    ck_assert_int_ge(flux_pollfd(h), 0);
    stream =
        flux_rpc(h, "test.stream", "{\"n\":50000}", FLUX_NODEID_ANY, FLUX_RPC_STREAMING);
    hangup = flux_rpc(h, "test.hangup", NULL, FLUX_NODEID_ANY, flags);
    ck_assert_ptr_nonnull(stream);
    ck_assert_ptr_nonnull(hangup);
    ck_assert_ptr_null(
        flux_rpc_raw(h, "test.echo", data, sizeof(data), FLUX_NODEID_ANY, flags));
    ck_assert(errno == EPIPE || errno == ECONNRESET);
    flux_future_destroy(stream);
    flux_future_destroy(hangup);
    end();
}
END_TEST

START_TEST(reconnect_goes_on_with_a_new_connection)
{
    begin();
    FAILS(call("test.hangup"), ECONNRESET);
    OK(flux_reconnect(h));
    OK(call("test.ok"));
    end();
}
END_TEST

static int repair(flux_t *handle, void *arg)
{
    ++*(int *)arg;
    return flux_reconnect(handle);
}

static void want_reset(flux_future_t *f, void *arg)
{
    FAILS(flux_rpc_get(f, NULL), ECONNRESET);
    ++*(int *)arg;
    flux_future_destroy(f);
}

static void want_ok(flux_future_t *f, void *arg)
{
    OK(flux_rpc_get(f, NULL));
    ++*(int *)arg;
    flux_future_destroy(f);
}

static void again(flux_future_t *f, void *arg)
{
    want_reset(f, arg);
    OK(flux_future_then(flux_rpc(h, "test.ok", NULL, FLUX_NODEID_ANY, 0), -1, want_ok,
                        arg));
}

START_TEST(the_error_function_can_repair_the_connection_under_the_reactor)
{
    int repaired = 0, n = 0;

    begin();
    flux_comms_error_set(h, repair, &repaired);
    OK(flux_future_then(flux_rpc(h, "test.silent", NULL, FLUX_NODEID_ANY, 0), -1,
                        want_reset, &n));
    OK(flux_future_then(flux_rpc(h, "test.hangup", NULL, FLUX_NODEID_ANY, 0), -1, again,
                        &n));
    ck_assert_int_eq(flux_reactor_run(flux_get_reactor(h), 0), 0);
    ck_assert_int_eq(repaired, 1);
    ck_assert_int_eq(n, 3);
    end();
}
END_TEST

START_TEST(subscriptions_and_services_are_renewed)
{
    flux_future_t *f;
    int repaired = 0;

    begin();
    flux_comms_error_set(h, repair, &repaired);
    OK(flux_event_subscribe(h, "job-state"));
    OK(flux_event_subscribe(h, "gone"));
    OK(flux_event_unsubscribe(h, "gone"));
    f = flux_service_register(h, "mine");
    OK(flux_future_get(f, NULL));
    flux_future_destroy(f);
    FAILS(call("test.hangup"), ECONNRESET);
    OK(call("test.ok"));
    ck_assert_int_eq(repaired, 1);
    ck_assert_int_eq(server_count(server, "event.subscribe", "{\"topic\":\"job-state\"}"),
                     2);
    ck_assert_int_eq(server_count(server, "event.subscribe", "{\"topic\":\"gone\"}"), 1);
    ck_assert_int_eq(server_count(server, "service.add", "{\"service\":\"mine\"}"), 2);
    end();
}
END_TEST

START_TEST(credentials_under_test_are_sent)
{
    uint32_t userid = 42, rolemask = FLUX_ROLE_USER;

    begin();
    OK(flux_opt_set(h, FLUX_OPT_TESTING_USERID, &userid, sizeof(userid)));
    OK(flux_opt_set(h, FLUX_OPT_TESTING_ROLEMASK, &rolemask, sizeof(rolemask)));
    FAILS(flux_opt_set(h, "nonsense", &userid, sizeof(userid)), EINVAL);
    OK(call("test.ok"));
    end();
}
END_TEST

START_TEST(recv_gives_up_after_its_timeout)
{
    double timeout = 0.01, got = -1;
    flux_future_t *f;
    flux_msg_t *msg;

    begin();
    OK(flux_opt_get(h, FLUX_OPT_RECV_TIMEOUT, &got, sizeof(got)));
    ck_assert(got < 0);
    OK(flux_opt_set(h, FLUX_OPT_RECV_TIMEOUT, &timeout, sizeof(timeout)));
    OK(flux_opt_get(h, FLUX_OPT_RECV_TIMEOUT, &got, sizeof(got)));
    ck_assert(got == timeout);
    FAILS_NULL(flux_recv(h, FLUX_MATCH_ANY, 0), ETIMEDOUT);
    /* An event is there in time, and what is no message for us does not prolong it. */
    f = flux_rpc(h, "test.event", NULL, FLUX_NODEID_ANY, 0);
    OK(flux_rpc_get(f, NULL));
    flux_future_destroy(f);
    FAILS_NULL(flux_recv(h, FLUX_MATCH_REQUEST, 0), ETIMEDOUT);
    msg = flux_recv(h, FLUX_MATCH_EVENT, 0);
    ck_assert_ptr_nonnull(msg);
    flux_msg_destroy(msg);
    end();
}
END_TEST

SUITE_MAIN("flux/local", a_refusal_is_told, a_large_message_passes_both_ways,
           much_in_flight_does_not_lock_up_without_a_reactor,
           much_in_flight_on_the_reactor,
           what_was_read_while_waiting_is_seen_on_the_reactor,
           what_was_sent_leaves_before_the_close, even_much_leaves_before_the_close,
           a_lost_connection_fails_what_waits, a_lost_connection_stops_the_reactor,
           a_send_that_waits_hears_of_a_lost_connection,
           reconnect_goes_on_with_a_new_connection,
           the_error_function_can_repair_the_connection_under_the_reactor,
           subscriptions_and_services_are_renewed, credentials_under_test_are_sent,
           recv_gives_up_after_its_timeout)
