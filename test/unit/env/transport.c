/* Links between brokers, in the simulated world: the contract of env/transport.h. */
#include "env/transport.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

static struct env *env;
static struct loop *l;

/* What an end of a link has lived through. */
struct end {
    struct link *link, *peer; /* peer: what a listener accepted last */
    struct end *for_accepted;
    char text[128];
    int n, writable, closed, error;
    size_t bytes;
    bool close_on_message;
};

static void on_accepted(struct link *listener, struct link *link, void *arg)
{
    struct end *e = arg;
    e->n++;
    e->peer = link;
    if (e->for_accepted) {
        e->for_accepted->link = link;
        link_set_arg(link, NULL, e->for_accepted);
    }
}

static void on_message(struct link *link, const void *data, size_t len, void *arg)
{
    struct end *e = arg;
    ck_assert_ptr_eq(link, e->link);
    e->n++;
    e->bytes += len;
    size_t at = strlen(e->text);
    if (at + len < sizeof(e->text))
        memcpy(e->text + at, data, len);
    if (e->close_on_message) {
        link_close(link);
        e->link = NULL;
    }
}

static void on_writable(struct link *link, void *arg)
{
    ((struct end *)arg)->writable++;
}

static void on_closed(struct link *link, int error, void *arg)
{
    struct end *e = arg;
    e->closed++;
    e->error = error;
}

static const struct link_cb callbacks = {
    .accepted = on_accepted,
    .message = on_message,
    .writable = on_writable,
    .closed = on_closed,
};

static struct link_conf conf_for(struct end *e)
{
    return (struct link_conf){
        .cb = &callbacks, .arg = e, .max_message = 1000, .max_queue = 2000};
}

static void setup(void)
{
    env = world_new(SIM);
    ck_assert_int_eq(loop_new(env, &l), 0);
}

static void teardown(void)
{
    ck_assert_int_eq(loop_run(l, 0), 0); /* nothing is left open */
    loop_unref(l);
    env_unref(env);
}

static void settle(void)
{
    env_sim_run(env, env_monotonic(env) + 1);
}

static int send_text(struct link *link, const char *text)
{
    struct iovec part = {(void *)text, strlen(text)};
    return link_send(link, &part, 1);
}

/* A listener and one connected pair. */
struct trio {
    struct end listener, server, client;
};

static void trio_init(struct trio *t)
{
    memset(t, 0, sizeof(*t));
    t->listener.for_accepted = &t->server;
    struct link_conf conf = conf_for(&t->listener);
    ck_assert_int_eq(transport_listen(l, "sim://0", &conf, &t->listener.link), 0);
    conf = conf_for(&t->client);
    ck_assert_int_eq(transport_dial(l, "sim://0", &conf, &t->client.link), 0);
    settle();
    ck_assert_ptr_nonnull(t->server.link);
    ck_assert_int_eq(t->client.writable, 1);
}

static void trio_fini(struct trio *t)
{
    link_close(t->client.link);
    link_close(t->server.link);
    link_close(t->listener.link);
}

START_TEST(messages_go_both_ways_whole_and_in_order)
{
    struct trio t;
    struct iovec parts[] = {{"o", 1}, {NULL, 0}, {"ne ", 3}};
    trio_init(&t);
    ck_assert_str_eq(link_address(t.listener.link), "sim://0");
    ck_assert_int_eq(link_send(t.client.link, parts, 3), 0);
    ck_assert_int_eq(send_text(t.client.link, "two "), 0);
    ck_assert_int_eq(send_text(t.client.link, "three"), 0);
    ck_assert_int_eq(link_queued(t.client.link), 4 + 4 + 5);
    ck_assert_int_eq(send_text(t.server.link, "back"), 0);
    ck_assert_int_eq(t.server.n, 0); /* no callback inside a call */
    settle();
    ck_assert_str_eq(t.server.text, "one two three");
    ck_assert_int_eq(t.server.n, 3);
    ck_assert_str_eq(t.client.text, "back");
    ck_assert_int_eq(link_queued(t.client.link), 0);
    trio_fini(&t);
}
END_TEST

START_TEST(order_holds_for_every_seed)
{
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct trio t;
        loop_unref(l);
        env_unref(env);
        env_new_sim(seed, &env);
        loop_new(env, &l);
        trio_init(&t);
        for (char c = 'a'; c <= 'z'; c++)
            send_text(t.client.link, (char[]){c, 0});
        settle();
        ck_assert_str_eq(t.server.text, "abcdefghijklmnopqrstuvwxyz");
        trio_fini(&t);
        loop_run(l, 0);
    }
}
END_TEST

START_TEST(messages_may_be_sent_before_the_connection)
{
    struct end listener = {0}, server = {0}, client = {0};
    listener.for_accepted = &server;
    struct link_conf conf = conf_for(&client);
    ck_assert_int_eq(transport_dial(l, "sim://x", &conf, &client.link), 0);
    ck_assert_int_eq(send_text(client.link, "early "), 0);
    ck_assert_int_eq(send_text(client.link, "bird"), 0);
    conf = conf_for(&listener);
    ck_assert_int_eq(transport_listen(l, "sim://x", &conf, &listener.link), 0);
    settle();
    ck_assert_str_eq(server.text, "early bird");
    link_close(client.link);
    link_close(server.link);
    link_close(listener.link);
}
END_TEST

START_TEST(a_dial_to_nobody_is_refused)
{
    struct end client = {0};
    struct link_conf conf = conf_for(&client);
    ck_assert_int_eq(transport_dial(l, "sim://nobody", &conf, &client.link), 0);
    settle();
    ck_assert_int_eq(client.closed, 1);
    ck_assert_int_eq(client.error, -ECONNREFUSED);
    ck_assert_int_eq(send_text(client.link, "x"), -EPIPE);
    link_close(client.link);
}
END_TEST

START_TEST(an_address_is_taken_once)
{
    struct trio t;
    struct link *second;
    trio_init(&t);
    struct link_conf conf = conf_for(&t.listener);
    ck_assert_int_eq(transport_listen(l, "sim://0", &conf, &second), -EADDRINUSE);
    link_close(t.listener.link);
    ck_assert_int_eq(transport_listen(l, "sim://0", &conf, &t.listener.link), 0);
    /* The accepted link outlived its listener. */
    send_text(t.client.link, "still here");
    settle();
    ck_assert_str_eq(t.server.text, "still here");
    trio_fini(&t);
}
END_TEST

START_TEST(close_is_seen_after_what_was_sent)
{
    struct trio t;
    trio_init(&t);
    send_text(t.client.link, "last words");
    link_close(t.client.link);
    t.client.link = NULL;
    ck_assert_int_eq(t.server.closed, 0);
    settle();
    ck_assert_str_eq(t.server.text, "last words");
    ck_assert_int_eq(t.server.closed, 1);
    ck_assert_int_eq(t.server.error, 0);
    ck_assert_int_eq(t.client.closed, 0); /* no callback after one's own close */
    ck_assert_int_eq(send_text(t.server.link, "x"), -EPIPE);
    trio_fini(&t);
}
END_TEST

START_TEST(a_link_may_be_closed_in_its_callback)
{
    struct trio t;
    trio_init(&t);
    t.server.close_on_message = true;
    send_text(t.client.link, "a");
    send_text(t.client.link, "b");
    settle();
    ck_assert_str_eq(t.server.text, "a");
    ck_assert_int_eq(t.client.closed, 1);
    trio_fini(&t);
}
END_TEST

START_TEST(limits_are_kept)
{
    struct trio t;
    char big[1001];
    struct iovec part = {big, sizeof(big)};
    memset(big, 'x', sizeof(big));
    trio_init(&t);
    ck_assert_int_eq(link_send(t.client.link, &part, 1), -EMSGSIZE);
    part.iov_len = 1000;
    ck_assert_int_eq(link_send(t.client.link, &part, 1), 0);
    ck_assert_int_eq(link_send(t.client.link, &part, 1), 0);
    ck_assert_int_eq(send_text(t.client.link, "x"), -ENOBUFS);
    settle();
    ck_assert_int_eq(t.server.bytes, 2000);
    ck_assert_int_eq(t.client.writable, 2); /* connected; room again */
    ck_assert_int_eq(send_text(t.client.link, "x"), 0);
    ck_assert_int_eq(send_text(t.listener.link, "x"), -EINVAL);
    trio_fini(&t);
}
END_TEST

START_TEST(a_message_too_big_for_the_receiver_ends_the_link)
{
    struct end listener = {0}, server = {0}, client = {0};
    char big[500];
    struct iovec part = {big, sizeof(big)};
    memset(big, 'x', sizeof(big));
    listener.for_accepted = &server;
    struct link_conf conf = conf_for(&listener);
    conf.max_message = 100;
    transport_listen(l, "sim://x", &conf, &listener.link);
    conf = conf_for(&client);
    transport_dial(l, "sim://x", &conf, &client.link);
    ck_assert_int_eq(link_send(client.link, &part, 1), 0);
    settle();
    ck_assert_int_eq(server.n, 0);
    ck_assert_int_eq(server.error, -EMSGSIZE);
    ck_assert_int_eq(client.error, -ECONNRESET);
    link_close(client.link);
    link_close(server.link);
    link_close(listener.link);
}
END_TEST

START_TEST(a_listener_closed_at_any_moment_leaves_no_peer_in_doubt)
{
    for (int us = 0; us < 1200; us += 7) {
        struct end listener = {0}, server = {0}, client = {0};
        listener.for_accepted = &server;
        struct link_conf conf = conf_for(&listener);
        transport_listen(l, "sim://x", &conf, &listener.link);
        conf = conf_for(&client);
        transport_dial(l, "sim://x", &conf, &client.link);
        send_text(client.link, "hello");
        env_sim_run(env, env_monotonic(env) + us * 1e-6);
        link_close(listener.link);
        settle();
        if (server.link)
            ck_assert_str_eq(server.text, "hello");
        else
            ck_assert_int_eq(client.closed, 1);
        ck_assert_int_eq(server.closed, 0);
        link_close(client.link);
        link_close(server.link);
        settle();
    }
}
END_TEST

START_TEST(open_links_keep_the_run_going)
{
    struct end listener = {0};
    struct link_conf conf = conf_for(&listener);
    transport_listen(l, "sim://x", &conf, &listener.link);
    ck_assert_int_eq(loop_run(l, 0), -EDEADLK); /* it would wait for a peer */
    link_close(listener.link);
    link_close(NULL);
}
END_TEST

START_TEST(bad_arguments_are_refused)
{
    struct end e = {0};
    struct link_conf conf = conf_for(&e);
    struct link_cb deaf = {.message = on_message, .closed = on_closed};
    ck_assert_int_eq(env_set_transport(env, NULL), -EBUSY);
    conf.max_message = 0;
    ck_assert_int_eq(transport_dial(l, "sim://x", &conf, &e.link), -EINVAL);
    conf = conf_for(&e);
    conf.cb = &deaf;
    ck_assert_int_eq(transport_listen(l, "sim://x", &conf, &e.link), -EINVAL);
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
    tcase_add_test(tc, messages_go_both_ways_whole_and_in_order);
    tcase_add_test(tc, order_holds_for_every_seed);
    tcase_add_test(tc, messages_may_be_sent_before_the_connection);
    tcase_add_test(tc, a_dial_to_nobody_is_refused);
    tcase_add_test(tc, an_address_is_taken_once);
    tcase_add_test(tc, close_is_seen_after_what_was_sent);
    tcase_add_test(tc, a_link_may_be_closed_in_its_callback);
    tcase_add_test(tc, limits_are_kept);
    tcase_add_test(tc, a_message_too_big_for_the_receiver_ends_the_link);
    tcase_add_test(tc, a_listener_closed_at_any_moment_leaves_no_peer_in_doubt);
    tcase_add_test(tc, open_links_keep_the_run_going);
    tcase_add_test(tc, bad_arguments_are_refused);
    suite_add_tcase(s, tc);
    return run_suite(s);
}
