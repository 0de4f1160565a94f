/* A link that is full: clients of the broker wait, nothing else does. */
#include "cluster.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "broker/conn.h"
#include "proto/frame.h"

#define REQUESTS 60
#define SIZE (1u << 20)

static struct cluster c;

/* A client of a broker's socket, by hand: this thread runs the broker too. */
static int connect_to(int rank)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

    snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", c.m[rank].b->dirs.socket);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
    return fd;
}

static void say(int fd, const char *topic)
{
    flux_msg_t *msg = flux_request_encode(topic, "{}");
    struct buf out = {0};

    ck_assert_int_eq(flux_msg_set_matchtag(msg, 1), 0);
    ck_assert_int_eq(frame_encode(msg, &out), 0);
    ck_assert_int_eq(write(fd, out.data, out.len), (ssize_t)out.len);
    buf_free(&out);
    flux_msg_destroy(msg);
}

struct listener {
    int fd;
    size_t got;
};

static bool has_got(struct cluster *cl, void *arg)
{
    struct listener *l = arg;
    char data[4096];
    ssize_t n;

    while ((n = read(l->fd, data, sizeof(data))) > 0)
        l->got += (size_t)n;
    return l->got > 1; /* the first byte says "come in" */
}

static int answers;

static void answer_cb(flux_future_t *f, void *arg)
{
    ck_assert_int_eq(flux_future_get(f, NULL), 0);
    answers++;
    flux_future_destroy(f);
}

static bool is_paused(struct cluster *cl, void *arg)
{
    return c.m[1].b->server->paused;
}

static bool is_over(struct cluster *cl, void *arg)
{
    return answers == REQUESTS && !c.m[1].b->server->paused;
}

static void flood(void)
{
    char *pad = malloc(SIZE + 1);

    memset(pad, 'x', SIZE);
    pad[SIZE] = '\0';
    answers = 0;
    for (int i = 0; i < REQUESTS; i++) {
        flux_future_t *f = flux_rpc_pack(cluster_handle(&c, 1), "broker.ping", 0, 0,
                                         "{s:s}", "pad", pad);

        ck_assert_int_eq(flux_future_then(f, -1., answer_cb, NULL), 0);
    }
    free(pad);
}

START_TEST(clients_wait_while_a_link_is_full)
{
    struct listener l = {0};

    if (_i == 1) /* sockets are of the real world */
        return;
    cluster_init(&c, 2, "kary:2", -1);
    cluster_add_all(&c);
    cluster_until_up(&c);
    l.fd = connect_to(1);
    cluster_run(&c, 0.1);
    ck_assert(!is_paused(&c, NULL));
    flood();
    cluster_until(&c, is_paused, NULL);
    say(l.fd, "broker.ping");
    for (int i = 0; i < 3 && is_paused(&c, NULL); i++)
        ck_assert_int_ge(flux_reactor_run(c.r, FLUX_REACTOR_NOWAIT), 0);
    ck_assert(!is_paused(&c, NULL) || !has_got(&c, &l));
    cluster_until(&c, is_over, NULL);
    cluster_until(&c, has_got, &l);
    close(l.fd);
    cluster_stop(&c);
    cluster_fini(&c);
}
END_TEST

START_TEST(what_does_not_fit_fails_alone)
{
    size_t size = 70u << 20;
    flux_future_t *f;
    char *pad;

    cluster_init(&c, 2, "kary:2", WORLD);
    cluster_add_all(&c);
    cluster_until_up(&c);
    pad = calloc(1, size);
    f = flux_rpc_raw(cluster_handle(&c, 1), "broker.ping", pad, size, 0, 0);
    free(pad);
    cluster_wait(&c, f);
    ck_assert_int_lt(flux_future_get(f, NULL), 0);
    ck_assert_int_eq(errno, EMSGSIZE);
    flux_future_destroy(f);
    ck_assert_int_eq(cluster_rpc(&c, 1, "broker.ping", "{}", 0, NULL), 0);
    cluster_stop(&c);
    cluster_fini(&c);
}
END_TEST

CLUSTER_MAIN("congestion", clients_wait_while_a_link_is_full,
             what_does_not_fit_fails_alone)
