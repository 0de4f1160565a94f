/* Links over nng's streams, and peers that do not keep to the rules: strangers who
 * hang up, send rubbish, announce too much, stop halfway, or never read.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "real_net.h"

#define GREETING "fluxlnk1"

/* A listener, and one stranger connected to it. */
struct pair {
    struct end listener, server;
    int fd;
};

static void pair_init(struct pair *p, int i)
{
    memset(p, 0, sizeof(*p));
    p->listener.for_accepted = &p->server;
    listen_at(&p->listener, i);
    p->fd = raw_connect(link_address(p->listener.link));
    UNTIL(p->server.link);
}

static void pair_fini(struct pair *p)
{
    close(p->fd);
    link_close(p->server.link);
    link_close(p->listener.link);
}

static void await_greeting(int fd)
{
    char greeting[8];
    while (recv(fd, greeting, 8, MSG_DONTWAIT | MSG_PEEK) != 8) {
        loop_run(net_loop, LOOP_NOWAIT);
        nap();
    }
    ck_assert_int_eq(memcmp(greeting, GREETING, 8), 0);
}

/* Take it in. Left unread, it would make our end look like a reset. */
static void read_greeting(int fd)
{
    char greeting[8];
    await_greeting(fd);
    ck_assert_int_eq(recv(fd, greeting, 8, MSG_DONTWAIT), 8);
}

START_TEST(rubbish_is_no_greeting)
{
    struct pair p;
    pair_init(&p, _i);
    raw_write(p.fd, "GET / HTTP/1.1\r\n\r\n", 18);
    UNTIL(p.server.closed);
    ck_assert_int_eq(p.server.error, -EPROTO);
    ck_assert_int_eq(p.server.n, 0);
    pair_fini(&p);
}
END_TEST

START_TEST(the_first_wrong_byte_is_enough)
{
    struct pair p;
    pair_init(&p, _i);
    raw_write(p.fd, "fx", 2);
    UNTIL(p.server.closed);
    ck_assert_int_eq(p.server.error, -EPROTO);
    pair_fini(&p);
}
END_TEST

START_TEST(a_length_over_the_limit_is_refused_before_it_is_believed)
{
    static const char *const lengths[] = {"\xff\xff\xff\xff", "\x80\0\0\0",
                                          "\0\0\x03\xe9"};
    for (int i = 0; i < 3; i++) {
        struct pair p;
        pair_init(&p, _i);
        raw_write(p.fd, GREETING, 8);
        raw_write(p.fd, lengths[i], 4);
        UNTIL(p.server.closed);
        ck_assert_int_eq(p.server.error, -EMSGSIZE);
        pair_fini(&p);
    }
}
END_TEST

START_TEST(a_message_may_come_byte_by_byte)
{
    static const char bytes[] = GREETING "\0\0\0\5hello\0\0\0\0\0\0\0\3bye";
    struct pair p;
    pair_init(&p, _i);
    for (size_t i = 0; i < sizeof(bytes) - 1; i++) {
        raw_write(p.fd, bytes + i, 1);
        loop_run(net_loop, LOOP_NOWAIT);
    }
    UNTIL(p.server.n == 3);
    ck_assert_str_eq(p.server.text, "hellobye");
    pair_fini(&p);
}
END_TEST

START_TEST(an_end_between_messages_is_none_within_one)
{
    static const struct {
        const char *bytes;
        int len, n, error;
    } ends[] = {
        {GREETING, 0, 0, 0},
        {GREETING, 8, 0, 0},
        {GREETING, 5, 0, -ECONNRESET},
        {GREETING "\0\0\0\2hi", 14, 1, 0},
        {GREETING "\0\0\0\2hi\0\0", 16, 1, -ECONNRESET},
        {GREETING "\0\0\0\2hi\0\0\0\7partia", 24, 1, -ECONNRESET},
    };
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
        struct pair p;
        pair_init(&p, _i);
        read_greeting(p.fd);
        raw_write(p.fd, ends[i].bytes, (size_t)ends[i].len);
        shutdown(p.fd, SHUT_RDWR);
        UNTIL(p.server.closed);
        ck_assert_int_eq(p.server.error, ends[i].error);
        ck_assert_int_eq(p.server.n, ends[i].n);
        pair_fini(&p);
    }
}
END_TEST

START_TEST(all_that_was_sent_before_the_end_is_read)
{
    struct pair p;
    static char bytes[8 + 100 * 1004] = GREETING;
    for (int i = 0; i < 100; i++)
        memcpy(bytes + 8 + i * 1004, "\0\0\x03\xe8", 4);
    pair_init(&p, _i);
    read_greeting(p.fd);
    raw_write(p.fd, bytes, sizeof(bytes));
    close(p.fd);
    UNTIL(p.server.closed);
    ck_assert_uint_eq(p.server.bytes, 100 * 1000);
    ck_assert_int_eq(p.server.error, 0);
    p.fd = -1;
    pair_fini(&p);
}
END_TEST

/* Is the parent stopped? Its state is the letter after its name. */
static bool parent_is_stopped(void)
{
    char path[64], line[256] = "";
    snprintf(path, sizeof(path), "/proc/%d/stat", getppid());
    FILE *f = fopen(path, "r");
    if (f && !fgets(line, sizeof(line), f))
        line[0] = '\0';
    if (f)
        fclose(f);
    const char *name_end = strrchr(line, ')');
    return name_end && name_end[2] == 'T';
}

/* Say bye and hang up while this process is stopped, so that it learns of both in one;
 * with its greeting unread, which makes the end a reset. */
static void say_bye_meanwhile(int fd)
{
    static const char bytes[] = GREETING "\0\0\0\3bye";
    pid_t child = fork();
    if (child == 0) {
        while (!parent_is_stopped())
            nap();
        send(fd, bytes, sizeof(bytes) - 1, MSG_NOSIGNAL);
        close(fd);
        kill(getppid(), SIGCONT);
        _exit(0);
    }
    close(fd);
    raise(SIGSTOP);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

/* nng then tells of the end first. */
START_TEST(the_last_message_is_read_however_soon_the_end_comes)
{
    for (int i = 0; i < 5; i++) {
        struct pair p;
        pair_init(&p, _i);
        await_greeting(p.fd);
        say_bye_meanwhile(p.fd);
        p.fd = -1;
        UNTIL(p.server.closed);
        ck_assert_str_eq(p.server.text, "bye");
        ck_assert_int_eq(p.server.error, -ECONNRESET);
        pair_fini(&p);
    }
}
END_TEST

START_TEST(a_peer_that_never_reads_costs_no_more_than_the_cap)
{
    struct pair p;
    char big[1000];
    struct iovec part = {big, sizeof(big)};
    int full = 0, sent = 0;
    memset(big, 'x', sizeof(big));
    pair_init(&p, _i);
    /* Until the system's buffers are full too: a queue that stays full while nng's
     * threads had every opportunity. */
    while (full < 50) {
        int rc = link_send(p.server.link, &part, 1);
        ck_assert(rc == 0 || rc == -ENOBUFS);
        ck_assert_uint_le(link_queued(p.server.link), 2000);
        full = rc == 0 ? 0 : full + 1;
        sent += rc == 0;
        loop_run(net_loop, LOOP_NOWAIT);
        if (rc < 0)
            nap();
    }
    ck_assert_int_gt(sent, 2);
    ck_assert_uint_gt(link_queued(p.server.link), 1000);
    ck_assert_int_eq(p.server.closed, 0);
    pair_fini(&p);
}
END_TEST

/* Who accepts links only to close them when they die. */
struct door {
    int accepted, closed;
};

static void door_accepted(struct link *listener, struct link *link, void *arg)
{
    ((struct door *)arg)->accepted++;
}

static void door_message(struct link *link, const void *data, size_t len, void *arg)
{
    ck_assert_uint_eq(len, 5);
    link_send(link, &(struct iovec){(void *)data, len}, 1);
}

static void door_closed(struct link *link, int error, void *arg)
{
    ((struct door *)arg)->closed++;
    link_close(link);
}

START_TEST(strangers_who_hang_up_at_once_do_no_harm)
{
    static const struct link_cb cb = {
        .accepted = door_accepted, .message = door_message, .closed = door_closed};
    struct door door = {0};
    struct end client = {0};
    struct link *listener;
    struct link_conf conf = {.cb = &cb, .arg = &door, .max_message = 9, .max_queue = 9};
    int rc = transport_listen(net_loop, net->address(_i), &conf, &listener);
    ck_assert_int_eq(rc, 0);
    for (int i = 0; i < 2000; i++) {
        close(raw_connect(link_address(listener)));
        loop_run(net_loop, LOOP_NOWAIT);
    }
    dial_to(&client, link_address(listener));
    send_text(client.link, "hello");
    UNTIL(client.n == 1);
    UNTIL(door.closed == door.accepted - 1);
    ck_assert_int_eq(door.accepted, 2001);
    link_close(client.link);
    UNTIL(door.closed == 2001);
    link_close(listener);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("overlay/hostile");
    TCase *tc = tcase_create("hostile");
    tcase_add_checked_fixture(tc, real_net_setup, real_net_teardown);
    tcase_add_loop_test(tc, rubbish_is_no_greeting, 0, REAL_NETS);
    tcase_add_loop_test(tc, the_first_wrong_byte_is_enough, 0, REAL_NETS);
    tcase_add_loop_test(tc, a_length_over_the_limit_is_refused_before_it_is_believed, 0,
                        REAL_NETS);
    tcase_add_loop_test(tc, a_message_may_come_byte_by_byte, 0, REAL_NETS);
    tcase_add_loop_test(tc, an_end_between_messages_is_none_within_one, 0, REAL_NETS);
    tcase_add_loop_test(tc, all_that_was_sent_before_the_end_is_read, 0, REAL_NETS);
    tcase_add_loop_test(tc, the_last_message_is_read_however_soon_the_end_comes, 0,
                        REAL_NETS);
    tcase_add_loop_test(tc, a_peer_that_never_reads_costs_no_more_than_the_cap, 0,
                        REAL_NETS);
    tcase_add_loop_test(tc, strangers_who_hang_up_at_once_do_no_harm, 0, REAL_NETS);
    suite_add_tcase(s, tc);
    return real_net_main(s);
}
