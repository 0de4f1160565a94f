/* Links over nng's streams: what is true of all links, and large traffic. */
#include "overlay/transport.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "real_net.h"

START_TEST(a_listener_tells_the_port_that_it_got)
{
    struct trio t;
    int port = 0, peer_port = 0;
    trio_init(&t, TCP);
    sscanf(link_address(t.listener.link), "tcp://127.0.0.1:%d", &port);
    sscanf(link_address(t.server.link), "tcp://127.0.0.1:%d", &peer_port);
    ck_assert_int_gt(port, 0);
    ck_assert_int_gt(peer_port, 0);
    ck_assert_int_ne(peer_port, port);
    trio_fini(&t);
}
END_TEST

START_TEST(what_is_no_address_is_refused)
{
    static const char *const bad[] = {"",
                                      "tcp://",
                                      "tcp://127.0.0.1",
                                      "tcp://:",
                                      "tcp://127.0.0.1:",
                                      "ipc://",
                                      "sim://0",
                                      "ws://127.0.0.1:0",
                                      "inproc://x",
                                      "127.0.0.1:80",
                                      "tcp://127.0.0.1:http:x",
                                      "tls+tcp://127.0.0.1:0"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct end e = {0};
        struct link_conf conf = conf_for(&e);
        int rc = transport_listen(net_loop, bad[i], &conf, &e.link);
        ck_assert_msg(rc == -EINVAL, "%s: %d", bad[i], rc);
        rc = transport_dial(net_loop, bad[i], &conf, &e.link);
        ck_assert_msg(rc == -EINVAL || e.link, "%s: %d", bad[i], rc);
        link_close(e.link);
    }
}
END_TEST

START_TEST(a_folder_that_is_not_there_is_told)
{
    struct end e = {0};
    struct link_conf conf = conf_for(&e);
    int rc = transport_listen(net_loop, "ipc:///nonexistent/sock", &conf, &e.link);
    ck_assert_int_eq(rc, -ENOENT);
    conf.cb = NULL;
    rc = transport_dial(net_loop, "ipc:///nonexistent/sock", &conf, &e.link);
    ck_assert_int_eq(rc, -EINVAL);
}
END_TEST

/* Numbered messages of varied length, some of them longer than any buffer. */
struct flow {
    struct link *link;
    int sent, got, goal;
    bool closed;
    struct flow *for_accepted;
};

enum { BIG = 400000 };
static char filler[BIG];

static size_t length_of(int i)
{
    return i % 1000 == 7 ? BIG : (size_t)(i * 37 % 300);
}

static void pump(struct flow *f)
{
    while (f->sent < f->goal) {
        struct iovec parts[] = {{&f->sent, sizeof(f->sent)},
                                {filler, length_of(f->sent)}};
        int rc = link_send(f->link, parts, 2);
        if (rc == -ENOBUFS)
            return;
        ck_assert_int_eq(rc, 0);
        f->sent++;
    }
}

static void flow_accepted(struct link *listener, struct link *link, void *arg)
{
    struct flow *f = ((struct flow *)arg)->for_accepted;
    f->link = link;
    link_set_arg(link, NULL, f);
    pump(f);
}

static void flow_message(struct link *link, const void *data, size_t len, void *arg)
{
    struct flow *f = arg;
    int i;
    memcpy(&i, data, sizeof(i));
    ck_assert_int_eq(i, f->got);
    ck_assert_uint_eq(len, sizeof(i) + length_of(i));
    ck_assert_int_eq(memcmp((const char *)data + sizeof(i), filler, len - sizeof(i)), 0);
    f->got++;
}

static void flow_writable(struct link *link, void *arg)
{
    pump(arg);
}

static void flow_closed(struct link *link, int error, void *arg)
{
    ((struct flow *)arg)->closed = true;
}

static const struct link_cb flow_cb = {
    .accepted = flow_accepted,
    .message = flow_message,
    .writable = flow_writable,
    .closed = flow_closed,
};

START_TEST(ten_thousand_messages_go_both_ways_in_order)
{
    struct flow server = {.goal = 10000}, client = {.goal = 10000};
    struct flow listener = {.for_accepted = &server};
    struct link_conf conf = {
        .cb = &flow_cb, .arg = &listener, .max_message = 1 << 20, .max_queue = 1 << 20};
    for (int i = 0; i < BIG; i++)
        filler[i] = (char)(i * 31);
    int rc = transport_listen(net_loop, net->address(_i), &conf, &listener.link);
    ck_assert_int_eq(rc, 0);
    conf.arg = &client;
    rc = transport_dial(net_loop, link_address(listener.link), &conf, &client.link);
    ck_assert_int_eq(rc, 0);
    pump(&client);
    UNTIL(server.got == 10000 && client.got == 10000);
    UNTIL(link_queued(client.link) == 0 && link_queued(server.link) == 0);
    /* A million bytes at once, and away: what the system takes still goes. */
    link_close(client.link);
    UNTIL(server.closed);
    link_close(server.link);
    link_close(listener.link);
}
END_TEST

/* A callback that runs the loop sees the next message inside of the first. */
struct nest {
    int depth, deepest, got;
    struct link *accepted;
    char text[8];
};

static void nest_accepted(struct link *listener, struct link *link, void *arg)
{
    ((struct nest *)arg)->accepted = link;
}

static void nest_message(struct link *link, const void *data, size_t len, void *arg)
{
    struct nest *n = arg;
    char mine = *(const char *)data;
    n->text[n->got++] = mine;
    if (++n->depth > n->deepest)
        n->deepest = n->depth;
    while (n->got < 3)
        loop_run(net_loop, LOOP_ONCE);
    n->depth--;
    ck_assert_int_eq(*(const char *)data, mine); /* still there */
}

static void nest_closed(struct link *link, int error, void *arg)
{
}

START_TEST(a_callback_may_run_the_loop)
{
    static const struct link_cb cb = {
        .accepted = nest_accepted, .message = nest_message, .closed = nest_closed};
    struct nest n = {0};
    struct end client = {0};
    struct link *listener;
    struct link_conf conf = {.cb = &cb, .arg = &n, .max_message = 10, .max_queue = 10};
    int rc = transport_listen(net_loop, net->address(_i), &conf, &listener);
    ck_assert_int_eq(rc, 0);
    dial_to(&client, link_address(listener));
    UNTIL(n.accepted);
    send_text(client.link, "a"); /* the three arrive together */
    send_text(client.link, "b");
    send_text(client.link, "c");
    UNTIL(n.got == 3);
    ck_assert_str_eq(n.text, "abc");
    ck_assert_int_eq(n.deepest, 3);
    link_close(client.link);
    link_close(n.accepted);
    link_close(listener);
}
END_TEST

START_TEST(a_listener_closed_at_any_moment_leaves_no_peer_in_doubt)
{
    for (int turns = 0; turns < 12; turns++) {
        struct trio t = {.listener.for_accepted = &t.server};
        listen_at(&t.listener, _i);
        dial_to(&t.client, link_address(t.listener.link));
        send_text(t.client.link, "hello");
        for (int i = 0; i < turns; i++)
            loop_run(net_loop, LOOP_NOWAIT);
        link_close(t.listener.link);
        if (t.server.link) {
            UNTIL(t.server.n == 1);
            ck_assert_int_eq(t.client.closed, 0);
        } else {
            UNTIL(t.client.closed);
        }
        link_close(t.client.link);
        link_close(t.server.link);
    }
}
END_TEST

/* The mask of blocked signals of one thread. */
static unsigned long long blocked(const char *task)
{
    char file[300], line[200];
    unsigned long long mask = 0;
    snprintf(file, sizeof(file), "/proc/self/task/%s/status", task);
    FILE *f = fopen(file, "r");
    while (f && fgets(line, sizeof(line), f))
        sscanf(line, "SigBlk: %llx", &mask);
    if (f)
        fclose(f);
    return mask;
}

START_TEST(no_thread_of_nng_takes_a_signal)
{
    int others = 0;
    char self[32];
    struct dirent *e;
    snprintf(self, sizeof(self), "%d", getpid());
    DIR *d = opendir("/proc/self/task");
    while ((e = readdir(d))) {
        if (e->d_name[0] == '.')
            continue;
        bool int_blocked = blocked(e->d_name) & 1u << 1; /* SIGINT is 2: bit 1 */
        bool term_blocked = blocked(e->d_name) & 1u << 14;
        bool main_thread = strcmp(e->d_name, self) == 0;
        ck_assert_int_eq(int_blocked, !main_thread);
        ck_assert_int_eq(term_blocked, !main_thread);
        others += !main_thread;
    }
    closedir(d);
    ck_assert_int_gt(others, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("overlay/transport");
    TCase *tc = tcase_create("transport");
    tcase_add_checked_fixture(tc, real_net_setup, real_net_teardown);
    link_cases_add(tc, REAL_NETS);
    tcase_add_test(tc, a_listener_tells_the_port_that_it_got);
    tcase_add_test(tc, what_is_no_address_is_refused);
    tcase_add_test(tc, a_folder_that_is_not_there_is_told);
    tcase_add_loop_test(tc, ten_thousand_messages_go_both_ways_in_order, 0, REAL_NETS);
    tcase_add_loop_test(tc, a_callback_may_run_the_loop, 0, REAL_NETS);
    tcase_add_loop_test(tc, a_listener_closed_at_any_moment_leaves_no_peer_in_doubt, 0,
                        REAL_NETS);
    tcase_add_test(tc, no_thread_of_nng_takes_a_signal);
    suite_add_tcase(s, tc);
    return real_net_main(s);
}
