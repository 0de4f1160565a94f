/* In-process endpoints on one reactor: handle to handle through the router. */
#include <flux/connector.h>
#include <flux/handle.h>
#include <flux/msg_handler.h>
#include <flux/request.h>
#include <flux/response.h>
#include <flux/rpc.h>

#include "broker/event.h"
#include "broker/port.h"
#include "fake.h"

static struct env *env;
static flux_reactor_t *reactor;
static struct router *r;
static struct core *core;
static struct events *events;
static struct port *pa, *pb;
static flux_t *a, *b;

static void setup(void)
{
    ck_assert_int_eq(env_new_real(&env), 0);
    reactor = flux_reactor_create_env(env);
    ck_assert_ptr_nonnull(reactor);
    ck_assert_int_eq(router_new(env, OWNER, &r), 0);
    ck_assert_int_eq(core_new(r, NULL, &core), 0);
    ck_assert_int_eq(events_new(r, core, &events), 0);
    ck_assert_int_eq(port_new(r, reactor, "a", NULL, NULL, &pa, &a), 0);
    ck_assert_int_eq(port_new(r, reactor, "b", NULL, NULL, &pb, &b), 0);
    ck_assert_int_eq(flux_set_reactor(a, reactor), 0);
    ck_assert_int_eq(flux_set_reactor(b, reactor), 0);
}

static void teardown(void)
{
    flux_close(a);
    flux_close(b);
    port_free(pa, ENOSYS);
    port_free(pb, ENOSYS);
    core_free(core);
    events_free(events);
    router_free(r);
    flux_reactor_destroy(reactor);
    env_unref(env);
}

static void double_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    int n;

    ck_assert_int_eq(flux_request_unpack(msg, NULL, "{s:i}", "n", &n), 0);
    ck_assert_int_eq(flux_respond_pack(h, msg, "{s:i}", "n", 2 * n), 0);
}

static int answers;

static void then_cb(flux_future_t *f, void *arg)
{
    int n;

    ck_assert_int_eq(flux_rpc_get_unpack(f, "{s:i}", "n", &n), 0);
    ck_assert_int_eq(n, 2 * answers);
    if (++answers == 1000)
        flux_reactor_stop(reactor);
    flux_future_destroy(f);
}

START_TEST(a_thousand_calls_in_order)
{
    static const struct flux_msg_handler_spec tab[] = {
        {FLUX_MSGTYPE_REQUEST, "svc.double", double_cb, 0},
        FLUX_MSGHANDLER_TABLE_END,
    };
    flux_msg_handler_t **handlers;

    setup();
    answers = 0;
    ck_assert_int_eq(flux_msg_handler_addvec(b, tab, NULL, &handlers), 0);
    ck_assert_int_eq(router_service_add(r, port_endpoint(pb), "svc"), 0);
    for (int i = 0; i < 1000; i++) {
        flux_future_t *f =
            flux_rpc_pack(a, "svc.double", FLUX_NODEID_ANY, 0, "{s:i}", "n", i);

        ck_assert_ptr_nonnull(f);
        ck_assert_int_eq(flux_future_then(f, 30, then_cb, NULL), 0);
    }
    ck_assert_int_ge(flux_reactor_run(reactor, 0), 0);
    ck_assert_int_eq(answers, 1000);
    flux_msg_handler_delvec(handlers);
    teardown();
}
END_TEST

START_TEST(the_brokers_own_services_answer_a_blocking_call_on_its_thread)
{
    flux_future_t *f;

    setup();
    f = flux_rpc_pack(a, "service.add", FLUX_NODEID_ANY, 0, "{s:s}", "service", "x");
    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(flux_rpc_get(f, NULL), 0);
    flux_future_destroy(f);
    ck_assert_ptr_eq(router_service_find(r, "x.y"), port_endpoint(pa));
    teardown();
}
END_TEST

START_TEST(a_closed_handle_frees_its_services)
{
    setup();
    ck_assert_int_eq(router_service_add(r, port_endpoint(pb), "svc"), 0);
    flux_close(b);
    b = NULL;
    for (int i = 0; i < 5 && router_service_find(r, "svc.x"); i++)
        flux_reactor_run(reactor, FLUX_REACTOR_NOWAIT);
    ck_assert_ptr_null(router_service_find(r, "svc.x"));
    teardown();
}
END_TEST

SUITE_MAIN("port", a_thousand_calls_in_order,
           the_brokers_own_services_answer_a_blocking_call_on_its_thread,
           a_closed_handle_frees_its_services)
