/* Ten thousand strangers at the door of a broker that is at work: rubbish, wrong keys,
 * words cut short, silence. Nothing is disturbed, and nothing stays behind.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "fake.h"

#define GREETING "fluxlnk1"
#define STRANGERS 10000
#define WAITING 300 /* that many hang on at a time */

static struct tree t;

static int count_fds(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static int raw_connect(const char *address)
{
    int fd;
    if (strncmp(address, "tcp://", 6) == 0) {
        struct sockaddr_in in = {.sin_family = AF_INET};
        in.sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1));
        in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ck_assert_int_eq(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
        return fd;
    }
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    snprintf(un.sun_path, sizeof(un.sun_path), "%s", address + 6);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&un, sizeof(un)), 0);
    return fd;
}

static void say(int fd, const void *data, size_t len)
{
    if (len > 0)
        send(fd, data, len, MSG_NOSIGNAL);
}

/* A hello as it should be, but for the key. */
static size_t wrong_hello(char out[512])
{
    struct handshake *h;
    unsigned char random[HANDSHAKE_RANDOM] = {1};
    struct buf note = {0};
    handshake_new((const unsigned char *)"someone else's key of right size", true, random,
                  &h);
    ck_assert_int_eq(handshake_hello(h, "1.2.3", &note), 0);
    memcpy(out, GREETING "\0\0\0", 11);
    out[11] = (char)note.len;
    memcpy(out + 12, note.data, note.len);
    size_t len = 12 + note.len;
    buf_free(&note);
    handshake_free(h);
    return len;
}

static int stranger(const char *address, int kind)
{
    static const char rubbish[] = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    static char hello[512];
    static size_t len;
    int fd = raw_connect(address);
    if (len == 0)
        len = wrong_hello(hello);
    switch (kind) {
    case 0: /* nothing at all */
        break;
    case 1:
        say(fd, rubbish, sizeof(rubbish) - 1);
        break;
    case 2: /* a wrong key */
        say(fd, hello, len);
        break;
    case 3: /* stops halfway */
        say(fd, hello, len / 2);
        break;
    case 4: /* announces a lot */
        say(fd, GREETING "\x04\0\0\0", 12);
        break;
    case 5: /* the wrong note */
        say(fd, GREETING "\0\0\0\3\x10xx", 15);
        break;
    }
    return fd;
}

/* Let the world turn, and work be done: each message is answered. */
static void work(int turns)
{
    struct node *root = &t.nodes[0];
    static uint32_t seq;
    for (int i = 0; i < turns; i++) {
        ck_assert_int_eq(node_send(root, overlay_child(root->ov, 1), seq++, 1000), 0);
        loop_run(t.loop, LOOP_NOWAIT);
    }
}

static void start_pair(int net)
{
    tree_init(&t, net, "kary:2", 3);
    t.conf.heartbeat = 0.05; /* links soon see that it is quiet, and let memory go */
    node_start(&t, 0);
    node_start(&t, 1);
    UNTIL(&t, t.nodes[1].ups == 1);
    t.nodes[1].echo = true;
}

/* nng closes behind our back, soon. */
static void await_fds(int expected)
{
    for (int i = 0; count_fds() > expected; i++) {
        ck_assert_int_lt(i, 10000);
        loop_run(t.loop, LOOP_NOWAIT);
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
}

/* All messages are answered, and no stranger is left. */
static void settle(int fds)
{
    await_fds(fds);
    UNTIL(&t, (uint64_t)t.nodes[0].n == overlay_stats(t.nodes[0].ov)->sent);
    double until = tree_now(&t) + 1;
    UNTIL(&t, tree_now(&t) > until);
}

/* What is in use comes down to that. */
static void await_memory(size_t limit)
{
    for (int i = 0; mallinfo2().uordblks > limit; i++) {
        ck_assert_msg(i < 600, "%zu bytes in use, not %zu", mallinfo2().uordblks, limit);
        tree_turn(&t);
    }
}

static void come_and_go(const char *address, int n)
{
    static int fds[WAITING];
    memset(fds, -1, sizeof(fds));
    for (int i = 0; i < n; i++) {
        int *fd = &fds[i % WAITING];
        if (*fd >= 0)
            close(*fd);
        *fd = stranger(address, i % 6);
        work(1);
    }
    for (int i = 0; i < WAITING; i++) {
        if (fds[i] >= 0)
            close(fds[i]);
    }
}

START_TEST(strangers_disturb_nobody_and_leave_nothing_behind)
{
    start_pair(_i ? NET_TCP_ENCRYPTED : NET_IPC);
    struct node *root = &t.nodes[0];
    int fds = count_fds();
    come_and_go(root->address, 600); /* what is taken once and for all */
    settle(fds);
    uint64_t before = overlay_stats(root->ov)->accepted;
    size_t memory = mallinfo2().uordblks;
    come_and_go(root->address, STRANGERS / 2);
    settle(fds);
    ck_assert_uint_eq(overlay_stats(root->ov)->accepted - before, STRANGERS / 2);
    ck_assert_int_eq(root->downs, 0);
    ck_assert_int_eq(t.nodes[1].downs, 0);
    ck_assert_int_eq(root->admits, 1);
    ck_assert_int_eq(root->ups, 1);
    await_memory(memory + 100000);
    /* The next one who belongs here has no trouble. */
    node_start(&t, 2);
    UNTIL(&t, overlay_status(root->ov) == OVERLAY_FULL);
    tree_fini(&t);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("overlay/strangers");
    TCase *tc = tcase_create("strangers");
    tcase_set_timeout(tc, 200);
    tcase_add_loop_test(tc, strangers_disturb_nobody_and_leave_nothing_behind, 0, 2);
    suite_add_tcase(s, tc);
    return tree_main(s);
}
