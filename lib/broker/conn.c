/* One client. Input: up to 64 KiB a turn into the server's buffer, whole frames straight
 * from there to the router; only the rest of a frame is kept. Output: encoded behind what
 * is queued, written once a turn. A client that does not read its answers is not read from
 * any more, and is hung up on when others (events, streams) go on filling its queue.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "broker/conn.h"
#include "env/local.h"
#include "proto/frame.h"

/* A buffer that grew beyond this is given back when it is empty. */
#define KEEP_SIZE (256u << 10)
/* What was written is cut off from a queue of this size once it is the larger half, so that
 * each byte is moved once at most, however long the queue. */
#define SHIFT_SIZE (1u << 20)
/* Half a frame must grow by this much within the time-out. */
#define PROGRESS (64u << 10)

static size_t queued(const struct conn *c)
{
    return c->out.len - c->out_sent;
}

static size_t conn_queued(const struct endpoint *ep)
{
    return queued((const struct conn *)ep);
}

static void hang_up(struct conn *c)
{
    c->closing = true;
    server_mark(c->server, c);
}

#define complain(c, ...)                                                                 \
    server_complain((c)->server, (c)->ep.cred.userid, (c)->pid, __VA_ARGS__)

static void conn_send(struct endpoint *ep, flux_msg_t *msg)
{
    struct conn *c = (struct conn *)ep;
    const struct server_limits *l = &c->server->limits;

    if (!c->closing) {
        if (frame_encode(msg, &c->out) < 0) {
            hang_up(c);
        } else if (queued(c) > (ep->guest ? l->out_guest : l->out_owner)) {
            c->server->stats.too_much++;
            complain(c, "it does not read its answers (%zu bytes)", queued(c));
            hang_up(c);
        } else
            server_mark(c->server, c);
    }
    flux_msg_destroy(msg);
}

static void drop_output(struct conn *c)
{
    c->out_sent = 0;
    if (c->out.size > KEEP_SIZE)
        buf_free(&c->out);
    else
        c->out.len = 0;
}

/* Write as much as the socket takes. -errno when it is broken. */
static int write_out(struct conn *c)
{
    while (queued(c) > 0) {
        struct iovec iov = {c->out.data + c->out_sent, queued(c)};
        ssize_t n = local_writev(c->fd, &iov, 1);

        if (n == -EAGAIN)
            break;
        if (n == -EINTR)
            continue;
        if (n < 0)
            return (int)n;
        c->out_sent += n;
    }
    if (queued(c) == 0)
        drop_output(c);
    else if (c->out_sent > SHIFT_SIZE && c->out_sent >= queued(c)) {
        buf_consume(&c->out, c->out_sent);
        c->out_sent = 0;
    }
    return 0;
}

void conn_flush(struct conn *c)
{
    size_t pause = c->server->limits.out_pause;
    bool stuck;

    if (c->closing || write_out(c) < 0) {
        conn_close(c);
        return;
    }
    stuck = queued(c) > 0;
    if (queued(c) > pause)
        c->paused = true;
    else if (queued(c) <= pause / 4)
        c->paused = false;
    watcher_fd_set_events(c->io, (c->paused || c->server->paused ? 0 : LOOP_IN) |
                                     (stuck ? LOOP_OUT : 0));
}

static size_t max_frame(const struct conn *c)
{
    const struct server_limits *l = &c->server->limits;

    return c->ep.guest ? l->frame_guest : l->frame_owner;
}

/* Hand on the whole frames of p[0..len). Returns how many bytes those were, or -errno. */
static ssize_t take_frames(struct conn *c, const char *p, size_t len)
{
    size_t max = max_frame(c), used = 0;

    while (used < len) {
        flux_msg_t *msg = NULL;
        ssize_t n = frame_decode(p + used, len - used, max, &msg, NULL);

        if (n < 0)
            return n;
        if (n == 0)
            break;
        used += n;
        router_recv(c->server->router, &c->ep, msg);
        if (c->closing)
            return -ECONNRESET;
    }
    return (ssize_t)used;
}

static void note_partial(struct conn *c)
{
    if (c->in.len == 0)
        c->partial_since = 0;
    else if (c->partial_since == 0 || c->in.len >= c->partial_mark + PROGRESS ||
             c->in.len < c->partial_mark) {
        c->partial_since = env_monotonic(c->server->env);
        c->partial_mark = c->in.len;
    }
}

bool conn_too_slow(struct conn *c, double now)
{
    return c->partial_since > 0 && !c->paused &&
           now - c->partial_since >= c->server->limits.frame_timeout;
}

/* n new bytes are in the server's buffer. */
static int take_input(struct conn *c, const char *data, size_t n)
{
    ssize_t used;

    if (c->in.len == 0) {
        if ((used = take_frames(c, data, n)) < 0)
            return (int)used;
        if ((size_t)used < n && buf_add(&c->in, data + used, n - used) < 0)
            return -ENOMEM;
    } else {
        if (buf_add(&c->in, data, n) < 0)
            return -ENOMEM;
        if ((used = take_frames(c, c->in.data, c->in.len)) < 0)
            return (int)used;
        if (used > 0) {
            buf_consume(&c->in, used);
            c->partial_since = 0;
        }
        if (c->in.len == 0 && c->in.size > SERVER_READ_SIZE)
            buf_free(&c->in);
    }
    note_partial(c);
    return 0;
}

static void read_in(struct conn *c)
{
    struct server *s = c->server;
    ssize_t n = local_read(c->fd, s->rbuf, SERVER_READ_SIZE);
    int rc;

    if (n == -EAGAIN || n == -EINTR)
        return;
    if (n <= 0) {
        hang_up(c);
        return;
    }
    rc = take_input(c, s->rbuf, n);
    if (rc < 0) {
        if (rc == -EPROTO || rc == -EMSGSIZE)
            s->stats.bad_frames++;
        if (rc == -EPROTO)
            complain(c, "it sent what is not a message");
        else if (rc == -EMSGSIZE)
            complain(c, "it announced a message of more than %zu bytes", max_frame(c));
        else if (rc == -ENOMEM)
            complain(c, "out of memory");
        hang_up(c);
    }
}

static void io_cb(struct watcher *w, int revents, void *arg)
{
    struct conn *c = arg;

    if ((revents & (LOOP_IN | LOOP_ERR)) && !c->closing &&
        (!c->server->paused || (revents & LOOP_ERR)))
        read_in(c);
    if (revents & LOOP_OUT)
        server_mark(c->server, c);
}

int conn_new(struct server *s, int fd, const struct local_peer *peer, bool guest,
             struct conn **ret)
{
    struct conn *c = calloc(1, sizeof(*c));
    int rc;

    if (!c)
        return -ENOMEM;
    c->server = s;
    c->fd = fd;
    c->ep.send = conn_send;
    c->ep.queued = conn_queued;
    c->ep.name = "client";
    c->ep.guest = guest;
    c->ep.calls_max = guest ? s->limits.calls_guest : 0;
    c->ep.calls_bytes_max = s->limits.calls_bytes_guest;
    c->ep.cred.userid = peer->uid;
    c->pid = peer->pid;
    c->ep.cred.rolemask = (guest ? FLUX_ROLE_USER : FLUX_ROLE_OWNER) | FLUX_ROLE_LOCAL;
    list_init(&c->dirty);
    if ((rc = watcher_new_fd(s->loop, fd, LOOP_IN, io_cb, c, &c->io)) < 0)
        goto error;
    if ((rc = router_attach(s->router, &c->ep, NULL)) < 0)
        goto error;
    list_append(&s->conns, &c->link);
    s->stats.conns++;
    watcher_start(c->io);
    *ret = c;
    return 0;
error:
    watcher_free(c->io);
    free(c);
    return rc;
}

static void forget_guest(struct server *s, uint32_t userid)
{
    uintptr_t n = (uintptr_t)umap_get(s->guest_conns, userid);

    if (n <= 1)
        umap_del(s->guest_conns, userid);
    else
        umap_set(s->guest_conns, userid, (void *)(n - 1));
}

void conn_close(struct conn *c)
{
    struct server *s = c->server;

    list_del(&c->link);
    list_del(&c->dirty);
    if (c->ep.guest)
        forget_guest(s, c->ep.cred.userid);
    c->closing = true;
    router_detach(s->router, &c->ep, EHOSTUNREACH);
    watcher_free(c->io);
    local_close(c->fd);
    buf_free(&c->in);
    buf_free(&c->out);
    s->stats.conns--;
    s->stats.closed++;
    free(c);
}
