/* RPCs to a broker on a local socket, waited for and on a reactor. */
#include <errno.h>
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

static flux_future_t *echo(int n)
{
    flux_future_t *f = flux_rpc_pack(h, "test.echo", FLUX_NODEID_ANY, 0, "{s:i}", "n", n);

    ck_assert_ptr_nonnull(f);
    return f;
}

static int answer(flux_future_t *f)
{
    int n = -1;

    OK(flux_rpc_get_unpack(f, "{s:i}", "n", &n));
    return n;
}

START_TEST(a_response_can_be_waited_for)
{
    flux_future_t *f;
    const char *s;

    begin();
    f = echo(5);
    ck_assert_uint_eq(flux_rpc_get_matchtag(f), 1);
    ck_assert_uint_eq(flux_rpc_get_nodeid(f), FLUX_NODEID_ANY);
    ck_assert_int_eq(answer(f), 5);
    OK(flux_rpc_get(f, &s));
    ck_assert_str_eq(s, "{\"n\":5}");
    FAILS(flux_rpc_get_unpack(f, "{s:s}", "n", &s), EPROTO);
    flux_future_destroy(f);
    end();
}
END_TEST

START_TEST(the_forms_of_a_request_are_equal)
{
    flux_msg_t *msg = flux_request_encode("test.echo", "{}");
    flux_future_t *f[3];
    const char *s;
    const void *data;
    size_t len;

    begin();
    f[0] = flux_rpc(h, "test.echo", "{}", FLUX_NODEID_ANY, 0);
    f[1] = flux_rpc_raw(h, "test.echo", "{}", 3, FLUX_NODEID_ANY, 0);
    f[2] = flux_rpc_message(h, msg, FLUX_NODEID_ANY, 0);
    flux_msg_destroy(msg);
    for (int i = 0; i < 3; i++) {
        OK(flux_rpc_get(f[i], &s));
        ck_assert_str_eq(s, "{}");
        OK(flux_rpc_get_raw(f[i], &data, &len));
        ck_assert_uint_eq(len, 3);
        flux_future_destroy(f[i]);
    }
    f[0] = flux_rpc(h, "test.echo", NULL, FLUX_NODEID_ANY, 0);
    OK(flux_rpc_get(f[0], &s));
    ck_assert_ptr_null(s);
    flux_future_destroy(f[0]);
    FAILS_NULL(flux_rpc(h, NULL, NULL, FLUX_NODEID_ANY, 0), EINVAL);
    FAILS_NULL(flux_rpc(h, "x", NULL, FLUX_NODEID_ANY, 0x100), EINVAL);
    end();
}
END_TEST

START_TEST(answers_may_be_read_in_any_order)
{
    flux_future_t *f[100];

    begin();
    for (int i = 0; i < 100; i++)
        f[i] = echo(i);
    for (int i = 99; i >= 0; i--) {
        ck_assert_int_eq(answer(f[i]), i);
        flux_future_destroy(f[i]);
    }
    ck_assert_uint_eq(flux_matchtag_alloc(h), 1);
    end();
}
END_TEST

START_TEST(an_error_brings_its_text)
{
    flux_future_t *f;

    begin();
    f = flux_rpc(h, "test.fail", NULL, FLUX_NODEID_ANY, 0);
    FAILS(flux_rpc_get(f, NULL), EPERM);
    ck_assert_str_eq(flux_future_error_string(f), "not today");
    flux_future_destroy(f);
    end();
}
END_TEST

START_TEST(a_request_without_response_is_done_at_once)
{
    flux_future_t *f;

    begin();
    f = flux_rpc(h, "test.quiet", "{}", FLUX_NODEID_ANY, FLUX_RPC_NORESPONSE);
    ck_assert(flux_future_is_ready(f));
    OK(flux_rpc_get(f, NULL));
    ck_assert_uint_eq(flux_rpc_get_matchtag(f), FLUX_MATCHTAG_NONE);
    flux_future_destroy(f);
    f = echo(1); /* the answer comes after the server has read the other one */
    answer(f);
    ck_assert_int_eq(server_count(server, "test.quiet", "{}"), 1);
    flux_future_destroy(f);
    end();
}
END_TEST

START_TEST(waiting_ends_at_the_timeout)
{
    flux_future_t *f;

    begin();
    f = flux_rpc(h, "test.silent", NULL, FLUX_NODEID_ANY, 0);
    FAILS(flux_future_wait_for(f, 0), ETIMEDOUT);
    FAILS(flux_future_wait_for(f, 0.01), ETIMEDOUT);
    ck_assert(!flux_future_is_ready(f));
    flux_future_destroy(f);
    end();
}
END_TEST

START_TEST(a_tag_is_free_when_future_and_answer_are_gone)
{
    flux_future_t *f;

    begin();
    f = echo(1);
    flux_future_destroy(f); /* tag 1 waits for its late answer */
    f = echo(2);
    ck_assert_uint_eq(flux_rpc_get_matchtag(f), 2);
    ck_assert_int_eq(answer(f), 2); /* which has been read by now */
    flux_future_destroy(f);
    f = echo(3);
    ck_assert_uint_eq(flux_rpc_get_matchtag(f), 1);
    ck_assert_int_eq(answer(f), 3);
    flux_future_destroy(f);
    f = flux_rpc(h, "test.silent", NULL, FLUX_NODEID_ANY, 0);
    flux_future_destroy(f);
    f = echo(4);
    ck_assert_uint_eq(flux_rpc_get_matchtag(f), 2);
    ck_assert_int_eq(answer(f), 4);
    flux_future_destroy(f);
    end();
}
END_TEST

START_TEST(a_second_answer_is_ignored)
{
    flux_future_t *f;

    begin();
    f = flux_rpc(h, "test.late", "{}", FLUX_NODEID_ANY, 0);
    OK(flux_rpc_get(f, NULL));
    flux_future_reset(f);
    for (int i = 0; i < 3; i++) {
        flux_future_t *g = echo(i);

        ck_assert_int_eq(answer(g), i);
        flux_future_destroy(g);
    }
    ck_assert(!flux_future_is_ready(f));
    FAILS(flux_future_get(f, NULL), EDEADLK);
    flux_future_destroy(f);
    end();
}
END_TEST

static flux_future_t *stream(int n)
{
    flux_future_t *f = flux_rpc_pack(h, "test.stream", FLUX_NODEID_ANY,
                                     FLUX_RPC_STREAMING, "{s:i}", "n", n);

    ck_assert_ptr_nonnull(f);
    return f;
}

START_TEST(a_stream_is_read_until_enodata)
{
    flux_future_t *f;
    int i, n = 0;

    begin();
    f = stream(50);
    while (flux_rpc_get_unpack(f, "{s:i}", "i", &i) == 0) {
        ck_assert_int_eq(i, n++);
        flux_future_reset(f);
    }
    ck_assert_int_eq(errno, ENODATA);
    ck_assert_int_eq(n, 50);
    flux_future_destroy(f);
    ck_assert_uint_eq(flux_matchtag_alloc(h), 1);
    end();
}
END_TEST

static void stream_then(flux_future_t *f, void *arg)
{
    int *n = arg;
    int i;

    if (flux_rpc_get_unpack(f, "{s:i}", "i", &i) < 0) {
        ck_assert_int_eq(errno, ENODATA);
        return;
    }
    ck_assert_int_eq(i, (*n)++);
    flux_future_reset(f);
}

START_TEST(a_stream_on_the_reactor)
{
    flux_future_t *f;
    int n = 0;

    begin();
    f = stream(1000);
    OK(flux_future_then(f, -1, stream_then, &n));
    ck_assert_int_eq(flux_reactor_run(flux_get_reactor(h), 0), 0);
    ck_assert_int_eq(n, 1000);
    flux_future_destroy(f);
    end();
}
END_TEST

static void count_then(flux_future_t *f, void *arg)
{
    OK(flux_rpc_get(f, NULL));
    ++*(int *)arg;
    flux_future_destroy(f);
}

START_TEST(continuations_run_and_the_reactor_ends_with_the_last)
{
    int n = 0;

    begin();
    for (int i = 0; i < 1000; i++)
        OK(flux_future_then(echo(i), -1, count_then, &n));
    ck_assert_int_eq(flux_reactor_run(flux_get_reactor(h), 0), 0);
    ck_assert_int_eq(n, 1000);
    end();
}
END_TEST

static void timeout_then(flux_future_t *f, void *arg)
{
    FAILS(flux_rpc_get(f, NULL), ETIMEDOUT);
    ++*(int *)arg;
    flux_future_destroy(f);
}

START_TEST(a_continuation_can_time_out)
{
    flux_future_t *f;
    int n = 0;

    begin();
    f = flux_rpc(h, "test.silent", NULL, FLUX_NODEID_ANY, 0);
    OK(flux_future_then(f, 0.01, timeout_then, &n));
    ck_assert_int_eq(flux_reactor_run(flux_get_reactor(h), 0), 0);
    ck_assert_int_eq(n, 1);
    end();
}
END_TEST

static void nested_then(flux_future_t *f, void *arg)
{
    flux_future_t *g = echo(77);

    ck_assert_int_eq(answer(g), 77);
    flux_future_destroy(g);
    ++*(int *)arg;
    flux_future_destroy(f);
}

START_TEST(a_continuation_may_wait_for_another_rpc)
{
    int n = 0;

    begin();
    for (int i = 0; i < 10; i++)
        OK(flux_future_then(echo(i), -1, nested_then, &n));
    ck_assert_int_eq(flux_reactor_run(flux_get_reactor(h), 0), 0);
    ck_assert_int_eq(n, 10);
    end();
}
END_TEST

START_TEST(an_answer_read_before_then_is_not_lost)
{
    flux_future_t *f, *g;
    int n = 0;

    begin();
    f = echo(1);
    g = echo(2);
    ck_assert_int_eq(answer(g), 2);
    ck_assert(flux_future_is_ready(f));
    flux_future_destroy(g);
    OK(flux_future_then(f, -1, count_then, &n));
    flux_reactor_run(flux_get_reactor(h), 0);
    ck_assert_int_eq(n, 1);
    end();
}
END_TEST

START_TEST(all_can_be_waited_for)
{
    flux_future_t *all = flux_future_wait_all_create();
    flux_future_t *any = flux_future_wait_any_create();
    char name[16];

    begin();
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "%d", i);
        OK(flux_future_push(all, name, echo(i)));
    }
    OK(flux_future_get(all, NULL));
    for (int i = 0; i < 20; i++) {
        snprintf(name, sizeof(name), "%d", i);
        ck_assert_int_eq(answer(flux_future_get_child(all, name)), i);
    }
    OK(flux_future_push(any, "x", flux_rpc(h, "test.silent", NULL, FLUX_NODEID_ANY, 0)));
    OK(flux_future_push(any, "y", echo(3)));
    OK(flux_future_get(any, NULL));
    ck_assert_int_eq(answer(any), 3);
    flux_future_destroy(all);
    flux_future_destroy(any);
    end();
}
END_TEST

static void next_cb(flux_future_t *f, void *arg)
{
    OK(flux_future_continue(f, echo(answer(f) + 1)));
    flux_future_destroy(f);
}

static flux_future_t *chain(int length)
{
    flux_future_t *f = echo(0);

    for (int i = 0; i < length; i++)
        f = flux_future_and_then(f, next_cb, NULL);
    return f;
}

static void check_chain(flux_future_t *f, void *arg)
{
    ck_assert_int_eq(answer(f), 5);
    ++*(int *)arg;
}

START_TEST(a_chain_of_rpcs_waited_for_and_on_the_reactor)
{
    flux_future_t *f;
    int n = 0;

    begin();
    f = chain(5);
    ck_assert_int_eq(answer(f), 5);
    flux_future_destroy(f);
    f = chain(5);
    OK(flux_future_then(f, -1, check_chain, &n));
    flux_reactor_run(flux_get_reactor(h), 0);
    ck_assert_int_eq(n, 1);
    flux_future_destroy(f);
    end();
}
END_TEST

static void inner_then(flux_future_t *f, void *arg)
{
    OK(flux_future_fulfill_with(arg, f));
}

static void init_rpc(flux_future_t *f, void *arg)
{
    flux_future_t *g = flux_rpc_pack(flux_future_get_flux(f), "test.echo",
                                     FLUX_NODEID_ANY, 0, "{s:i}", "n", 9);

    OK(flux_future_aux_set(f, NULL, g, (flux_free_f)flux_future_destroy));
    OK(flux_future_then(g, -1, inner_then, f));
}

START_TEST(a_future_made_of_an_rpc_can_be_waited_for)
{
    flux_future_t *f;

    begin();
    f = flux_future_create(init_rpc, NULL);
    flux_future_set_flux(f, h);
    ck_assert_int_eq(answer(f), 9);
    flux_future_destroy(f);
    end();
}
END_TEST

START_TEST(a_future_that_outlives_its_handle_can_be_destroyed)
{
    flux_future_t *f, *g;

    begin();
    f = echo(1);
    g = flux_rpc(h, "test.silent", NULL, FLUX_NODEID_ANY, 0);
    answer(f);
    end();
    FAILS(flux_rpc_get(g, NULL), EDEADLK);
    flux_future_destroy(f);
    flux_future_destroy(g);
}
END_TEST

SUITE_MAIN("flux/rpc", a_response_can_be_waited_for, the_forms_of_a_request_are_equal,
           answers_may_be_read_in_any_order, an_error_brings_its_text,
           a_request_without_response_is_done_at_once, waiting_ends_at_the_timeout,
           a_tag_is_free_when_future_and_answer_are_gone, a_second_answer_is_ignored,
           a_stream_is_read_until_enodata, a_stream_on_the_reactor,
           continuations_run_and_the_reactor_ends_with_the_last,
           a_continuation_can_time_out, a_continuation_may_wait_for_another_rpc,
           an_answer_read_before_then_is_not_lost, all_can_be_waited_for,
           a_chain_of_rpcs_waited_for_and_on_the_reactor,
           a_future_made_of_an_rpc_can_be_waited_for,
           a_future_that_outlives_its_handle_can_be_destroyed)
