/* A broker's life in a simulated world: up and down on virtual time, with the built-in
 * modules and without. */
#include <flux/connector.h>
#include <flux/rpc.h>

#include "broker/broker.h"
#include "fake.h"

static struct env *env;
static flux_reactor_t *reactor;
static struct broker *b;
static int ups, up_errnum;
static char up_text[160];

static void up_cb(int errnum, const flux_error_t *err, void *arg)
{
    ups++;
    up_errnum = errnum;
    snprintf(up_text, sizeof(up_text), "%s", err ? err->text : "");
    if (arg)
        broker_stop(arg);
}

static void setup(const char *const *modules, const char *const *attrs)
{
    struct flux_instance_options o = FLUX_INSTANCE_OPTIONS_INIT;
    flux_error_t err;

    o.modules = modules;
    o.attrs = attrs;
    o.config = "{\"fake-resources\":{\"nnodes\":4,\"cores-per-node\":8}}";
    ups = 0;
    ck_assert_int_eq(env_new_sim(1, &env), 0);
    ck_assert_ptr_nonnull(reactor = flux_reactor_create_env(env));
    ck_assert_msg(broker_new(env, reactor, &o, &b, &err) == 0, "%s", err.text);
}

static void run(void)
{
    while (!broker_is_down(b))
        ck_assert_int_ge(flux_reactor_run(reactor, 0), 0);
}

static void teardown(void)
{
    broker_free(b);
    flux_reactor_destroy(reactor);
    env_unref(env);
}

START_TEST(up_and_down_without_modules)
{
    static const char *const none[] = {NULL};

    setup(none, NULL);
    broker_start(b, up_cb, b);
    run();
    ck_assert_int_eq(ups, 1);
    ck_assert_int_eq(up_errnum, 0);
    ck_assert_int_eq(broker_exit_code(b), 0);
    ck_assert_int_eq(state_get(b->state), STATE_EXIT);
    teardown();
}
END_TEST

START_TEST(up_and_down_with_the_usual_modules)
{
    setup(NULL, NULL);
    broker_start(b, up_cb, b);
    run();
    ck_assert_int_eq(ups, 1);
    ck_assert_msg(up_errnum == 0, "%s", up_text);
    ck_assert_int_eq(broker_exit_code(b), 0);
    teardown();
}
END_TEST

START_TEST(a_module_that_does_not_load_takes_the_broker_down)
{
    static const char *const modules[] = {"heartbeat", "nosuch", NULL};

    setup(modules, NULL);
    broker_start(b, up_cb, NULL);
    run();
    ck_assert_int_eq(ups, 1);
    ck_assert_int_eq(up_errnum, ENOENT);
    ck_assert_ptr_nonnull(strstr(up_text, "nosuch"));
    ck_assert_int_eq(broker_exit_code(b), 1);
    teardown();
}
END_TEST

START_TEST(stopped_before_it_is_up)
{
    setup(NULL, NULL);
    broker_stop(b);
    broker_start(b, up_cb, NULL);
    run();
    ck_assert_int_eq(ups, 0);
    ck_assert_int_eq(broker_exit_code(b), 0);
    teardown();
}
END_TEST

START_TEST(modules_can_be_named_by_attribute)
{
    static const char *const attrs[] = {"broker.modules=heartbeat,resource", NULL};
    const char *s;
    flux_future_t *f;

    setup(NULL, attrs);
    broker_start(b, up_cb, NULL);
    while (ups == 0)
        flux_reactor_run(reactor, FLUX_REACTOR_ONCE);
    f = flux_rpc(b->h, "module.list", NULL, FLUX_NODEID_ANY, 0);
    ck_assert_int_eq(flux_rpc_get(f, &s), 0);
    ck_assert_ptr_nonnull(strstr(s, "\"heartbeat\""));
    ck_assert_ptr_nonnull(strstr(s, "\"resource\""));
    ck_assert_ptr_null(strstr(s, "\"sched\""));
    flux_future_destroy(f);
    broker_stop(b);
    run();
    teardown();
}
END_TEST

SUITE_MAIN("life", up_and_down_without_modules, up_and_down_with_the_usual_modules,
           a_module_that_does_not_load_takes_the_broker_down, stopped_before_it_is_up,
           modules_can_be_named_by_attribute)
