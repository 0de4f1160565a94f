/* The tests that all networks share (link_cases.h). */
#include "link_cases.h"

#include <errno.h>

const struct net *net;
struct loop *net_loop;

static void on_accepted(struct link *listener, struct link *link, void *arg)
{
    struct end *e = arg;
    e->n++;
    ck_assert_ptr_nonnull(e->for_accepted);
    e->for_accepted->link = link;
    link_set_arg(link, NULL, e->for_accepted);
}

static void on_message(struct link *link, const void *data, size_t len, void *arg)
{
    struct end *e = arg;
    ck_assert_ptr_eq(link, e->link);
    ck_assert_int_eq(e->closed, 0);
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

const struct link_cb end_callbacks = {
    .accepted = on_accepted,
    .message = on_message,
    .writable = on_writable,
    .closed = on_closed,
};

struct link_conf conf_for(struct end *e)
{
    return (struct link_conf){
        .cb = &end_callbacks, .arg = e, .max_message = 1000, .max_queue = 2000};
}

void listen_at(struct end *e, int i)
{
    struct link_conf conf = conf_for(e);
    int rc = transport_listen(net_loop, net->address(i), &conf, &e->link);
    ck_assert_int_eq(rc, 0);
}

void dial_to(struct end *e, const char *address)
{
    struct link_conf conf = conf_for(e);
    ck_assert_int_eq(transport_dial(net_loop, address, &conf, &e->link), 0);
}

int send_text(struct link *link, const char *text)
{
    struct iovec part = {(void *)text, strlen(text)};
    return link_send(link, &part, 1);
}

void trio_init(struct trio *t, int i)
{
    memset(t, 0, sizeof(*t));
    t->listener.for_accepted = &t->server;
    listen_at(&t->listener, i);
    dial_to(&t->client, link_address(t->listener.link));
    UNTIL(t->server.link && t->client.writable > 0);
    ck_assert_int_eq(t->client.writable, 1);
    ck_assert_int_eq(t->server.writable, 0);
}

void trio_fini(struct trio *t)
{
    link_close(t->client.link);
    link_close(t->server.link);
    link_close(t->listener.link);
}

START_TEST(messages_go_both_ways_whole_and_in_order)
{
    struct trio t;
    struct iovec parts[] = {{"o", 1}, {NULL, 0}, {"ne ", 3}};
    trio_init(&t, _i);
    ck_assert_int_eq(link_send(t.client.link, parts, 3), 0);
    ck_assert_int_eq(send_text(t.client.link, "two "), 0);
    ck_assert_int_eq(send_text(t.client.link, ""), 0);
    ck_assert_int_eq(send_text(t.client.link, "three"), 0);
    ck_assert_uint_eq(link_queued(t.client.link), 4 + 4 + 5);
    ck_assert_int_eq(send_text(t.server.link, "back"), 0);
    ck_assert_int_eq(t.server.n, 0); /* no callback inside a call */
    UNTIL(t.server.n == 4 && t.client.n == 1 && link_queued(t.client.link) == 0);
    ck_assert_str_eq(t.server.text, "one two three");
    ck_assert_str_eq(t.client.text, "back");
    trio_fini(&t);
}
END_TEST

START_TEST(messages_may_be_sent_before_the_connection)
{
    struct trio t = {.listener.for_accepted = &t.server};
    listen_at(&t.listener, _i);
    dial_to(&t.client, link_address(t.listener.link));
    ck_assert_int_eq(send_text(t.client.link, "early "), 0);
    ck_assert_int_eq(send_text(t.client.link, "bird"), 0);
    UNTIL(t.server.n == 2);
    ck_assert_str_eq(t.server.text, "early bird");
    trio_fini(&t);
}
END_TEST

START_TEST(a_dial_to_nobody_is_refused)
{
    struct end client = {0};
    dial_to(&client, net->nobody(_i));
    UNTIL(client.closed);
    ck_assert_int_eq(client.error, -ECONNREFUSED);
    ck_assert_int_eq(client.writable, 0);
    ck_assert_int_eq(send_text(client.link, "x"), -EPIPE);
    link_close(client.link);
}
END_TEST

START_TEST(a_dial_may_be_called_off)
{
    struct end listener = {0}, server = {0}, client = {0};
    listener.for_accepted = &server;
    listen_at(&listener, _i);
    dial_to(&client, link_address(listener.link));
    link_close(client.link);
    link_close(listener.link);
    link_close(server.link);
    ck_assert_int_eq(client.writable + client.closed, 0);
}
END_TEST

START_TEST(an_address_is_taken_once)
{
    struct trio t;
    struct link *second = NULL;
    char address[256];
    trio_init(&t, _i);
    strcpy(address, link_address(t.listener.link));
    struct link_conf conf = conf_for(&t.listener);
    ck_assert_int_eq(transport_listen(net_loop, address, &conf, &second), -EADDRINUSE);
    link_close(t.listener.link);
    ck_assert_int_eq(transport_listen(net_loop, address, &conf, &t.listener.link), 0);
    ck_assert_str_eq(link_address(t.listener.link), address);
    /* The accepted link outlived its listener. */
    send_text(t.client.link, "still here");
    UNTIL(t.server.n == 1);
    ck_assert_str_eq(t.server.text, "still here");
    trio_fini(&t);
}
END_TEST

START_TEST(close_is_seen_after_what_was_sent)
{
    struct trio t;
    trio_init(&t, _i);
    send_text(t.client.link, "last words");
    link_close(t.client.link);
    t.client.link = NULL;
    ck_assert_int_eq(t.server.closed, 0);
    UNTIL(t.server.closed);
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
    trio_init(&t, _i);
    t.server.close_on_message = true;
    send_text(t.client.link, "a");
    send_text(t.client.link, "b");
    UNTIL(t.client.closed);
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
    trio_init(&t, _i);
    ck_assert_int_eq(link_send(t.client.link, &part, 1), -EMSGSIZE);
    part.iov_len = 1000;
    ck_assert_int_eq(link_send(t.client.link, &part, 1), 0);
    ck_assert_int_eq(link_send(t.client.link, &part, 1), 0);
    ck_assert_int_eq(send_text(t.client.link, "x"), -ENOBUFS);
    UNTIL(t.server.bytes == 2000 && t.client.writable == 2); /* room again */
    ck_assert_int_eq(send_text(t.client.link, "x"), 0);
    ck_assert_int_eq(send_text(t.listener.link, "x"), -EINVAL);
    UNTIL(t.server.n == 3);
    ck_assert_int_eq(t.client.writable, 2);
    trio_fini(&t);
}
END_TEST

START_TEST(a_message_too_big_for_the_receiver_ends_the_link)
{
    struct trio t = {.listener.for_accepted = &t.server};
    char big[500];
    struct iovec part = {big, sizeof(big)};
    memset(big, 'x', sizeof(big));
    struct link_conf conf = conf_for(&t.listener);
    conf.max_message = 100;
    transport_listen(net_loop, net->address(_i), &conf, &t.listener.link);
    dial_to(&t.client, link_address(t.listener.link));
    ck_assert_int_eq(link_send(t.client.link, &part, 1), 0);
    UNTIL(t.client.closed);
    ck_assert_int_eq(t.server.n, 0);
    ck_assert_int_eq(t.server.error, -EMSGSIZE);
    /* A real peer cannot always tell that the rest was not read. */
    ck_assert(t.client.error == 0 || t.client.error == -ECONNRESET);
    trio_fini(&t);
}
END_TEST

void link_cases_add(TCase *tc, int n)
{
    tcase_add_loop_test(tc, messages_go_both_ways_whole_and_in_order, 0, n);
    tcase_add_loop_test(tc, messages_may_be_sent_before_the_connection, 0, n);
    tcase_add_loop_test(tc, a_dial_to_nobody_is_refused, 0, n);
    tcase_add_loop_test(tc, a_dial_may_be_called_off, 0, n);
    tcase_add_loop_test(tc, an_address_is_taken_once, 0, n);
    tcase_add_loop_test(tc, close_is_seen_after_what_was_sent, 0, n);
    tcase_add_loop_test(tc, a_link_may_be_closed_in_its_callback, 0, n);
    tcase_add_loop_test(tc, limits_are_kept, 0, n);
    tcase_add_loop_test(tc, a_message_too_big_for_the_receiver_ends_the_link, 0, n);
}
