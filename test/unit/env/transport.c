/* Links between brokers, in the simulated world: the contract of env/transport.h, and
 * what only a simulated network promises.
 */
#include <errno.h>

#include "link_cases.h"

static struct env *env;

static const char *sim_address(int i)
{
    return "sim://0";
}

static const char *sim_nobody(int i)
{
    return "sim://nobody";
}

static void settle(void)
{
    env_sim_run(env, env_monotonic(env) + 1);
}

/* A second is more than any simulated journey takes: what is still awaited after many
 * will not come. */
static void sim_turn(struct loop *l)
{
    static int turns;
    ck_assert_int_lt(turns++, 1000);
    settle();
}

static const struct net sim_net = {
    .n = 1, .address = sim_address, .nobody = sim_nobody, .turn = sim_turn};

static void setup(void)
{
    env = world_new(SIM);
    net = &sim_net;
    ck_assert_int_eq(loop_new(env, &net_loop), 0);
}

static void teardown(void)
{
    ck_assert_int_eq(loop_run(net_loop, 0), 0); /* nothing is left open */
    loop_unref(net_loop);
    env_unref(env);
}

START_TEST(order_holds_for_every_seed)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct trio t;
        loop_unref(net_loop);
        env_unref(env);
        env_new_sim(seed, &env);
        loop_new(env, &net_loop);
        trio_init(&t, 0);
        for (char c = 'a'; c <= 'z'; c++)
            send_text(t.client.link, (char[]){c, 0});
        settle();
        ck_assert_str_eq(t.server.text, "abcdefghijklmnopqrstuvwxyz");
        trio_fini(&t);
        loop_run(net_loop, 0);
    }
}
END_TEST

START_TEST(a_listener_may_come_while_the_dial_is_under_way)
{
    struct trio t = {.listener.for_accepted = &t.server};
    dial_to(&t.client, "sim://0");
    send_text(t.client.link, "early bird");
    listen_at(&t.listener, 0);
    ck_assert_str_eq(link_address(t.listener.link), "sim://0");
    settle();
    ck_assert_str_eq(t.server.text, "early bird");
    trio_fini(&t);
}
END_TEST

START_TEST(the_sender_of_too_much_sees_a_reset)
{
    struct trio t = {.listener.for_accepted = &t.server};
    struct link_conf conf = conf_for(&t.listener);
    conf.max_message = 4;
    transport_listen(net_loop, "sim://0", &conf, &t.listener.link);
    dial_to(&t.client, "sim://0");
    send_text(t.client.link, "12345");
    settle();
    ck_assert_int_eq(t.server.error, -EMSGSIZE);
    ck_assert_int_eq(t.client.error, -ECONNRESET);
    trio_fini(&t);
}
END_TEST

START_TEST(a_listener_closed_at_any_moment_leaves_no_peer_in_doubt)
{
    for (int us = 0; us < 1200; us += 7) {
        struct trio t = {.listener.for_accepted = &t.server};
        listen_at(&t.listener, 0);
        dial_to(&t.client, "sim://0");
        send_text(t.client.link, "hello");
        env_sim_run(env, env_monotonic(env) + us * 1e-6);
        link_close(t.listener.link);
        settle();
        if (t.server.link)
            ck_assert_str_eq(t.server.text, "hello");
        else
            ck_assert_int_eq(t.client.closed, 1);
        ck_assert_int_eq(t.server.closed, 0);
        link_close(t.client.link);
        link_close(t.server.link);
        settle();
    }
}
END_TEST

START_TEST(open_links_keep_the_run_going)
{
    struct end listener = {0};
    listen_at(&listener, 0);
    ck_assert_int_eq(loop_run(net_loop, 0), -EDEADLK); /* it would wait for a peer */
    link_close(listener.link);
    link_close(NULL);
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    struct end e = {0};
    struct link_conf conf = conf_for(&e);
    struct link_cb deaf = end_callbacks;
    deaf.accepted = NULL;
    ck_assert_int_eq(env_set_transport(env, NULL), -EBUSY);
    conf.max_message = 0;
    ck_assert_int_eq(transport_dial(net_loop, "sim://0", &conf, &e.link), -EINVAL);
    conf = conf_for(&e);
    conf.cb = &deaf;
    ck_assert_int_eq(transport_listen(net_loop, "sim://0", &conf, &e.link), -EINVAL);
    struct loop *real = world_loop(REAL);
    conf = conf_for(&e);
    ck_assert_int_eq(transport_dial(real, "tcp://x", &conf, &e.link), -ENOTSUP);
    loop_unref(real);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("env/transport");
    TCase *tc = tcase_create("transport");
    tcase_add_checked_fixture(tc, setup, teardown);
    link_cases_add(tc, sim_net.n);
    tcase_add_test(tc, order_holds_for_every_seed);
    tcase_add_test(tc, a_listener_may_come_while_the_dial_is_under_way);
    tcase_add_test(tc, the_sender_of_too_much_sees_a_reset);
    tcase_add_test(tc, a_listener_closed_at_any_moment_leaves_no_peer_in_doubt);
    tcase_add_test(tc, open_links_keep_the_run_going);
    tcase_add_test(tc, bad_arguments_are_refused);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
