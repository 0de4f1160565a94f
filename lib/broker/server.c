/* The listening socket and what its clients share. Clients with output are on a list that
 * is walked once in each turn of the loop, just before it waits; while the list is not
 * empty an idle watcher keeps the loop from waiting.
 *
 * Who may come in (SO_PEERCRED): the owner; root, as owner, when configured; guests, when
 * configured. The first byte to a client is 0, or the errno of the refusal.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "broker/conn.h"
#include "env/file.h"
#include "env/local.h"
#include "proto/frame.h"

/* Descriptors kept for the owner and the broker itself. */
#define RESERVED_FDS 64
#define ACCEPT_BATCH 64
#define RETRY_AFTER 0.25 /* seconds, when descriptors or memory ran out */
#define BACKLOG 1024
/* Lines in the log about clients, between two sweeps. */
#define COMPLAINTS 8

const struct server_limits server_limits_default = {
    .frame_owner = FRAME_MAX_OWNER,
    .frame_guest = FRAME_MAX_GUEST,
    .out_pause = 4u << 20,
    .out_owner = 256u << 20,
    .out_guest = 8u << 20,
    .calls_guest = 1024,
    .calls_bytes_guest = 8u << 20,
    .conns_guest = 256,
    .frame_timeout = 30,
};

void server_mark(struct server *s, struct conn *c)
{
    if (!list_empty(&c->dirty))
        return;
    if (list_empty(&s->dirty))
        watcher_start(s->awake);
    list_append(&s->dirty, &c->dirty);
}

void server_complain(struct server *s, uint32_t userid, int pid, const char *fmt, ...)
{
    char text[160];
    va_list ap;

    if (s->complaints++ >= COMPLAINTS)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    log_printf(s->log, LOG_WARNING, "client of user %u, process %d, hung up on: %s",
               (unsigned)userid, pid, text);
}

static void flush_all(struct server *s)
{
    struct list now;

    list_init(&now);
    list_splice(&now, &s->dirty);
    /* Closing one client may give others something to write: those are next. */
    while (!list_empty(&now)) {
        struct conn *c = list_first(&now, struct conn, dirty);

        list_del(&c->dirty);
        conn_flush(c);
    }
}

static void prepare_cb(struct watcher *w, int revents, void *arg)
{
    struct server *s = arg;

    for (int i = 0; i < 4 && !list_empty(&s->dirty); i++)
        flush_all(s);
    if (list_empty(&s->dirty))
        watcher_stop(s->awake);
}

static void awake_cb(struct watcher *w, int revents, void *arg)
{
}

static void sweep_cb(struct watcher *w, int revents, void *arg)
{
    struct server *s = arg;
    double now = env_monotonic(s->env);

    if (s->complaints > COMPLAINTS)
        log_printf(s->log, LOG_WARNING, "clients: %u more refused or hung up on",
                   s->complaints - COMPLAINTS);
    s->complaints = 0;
    list_each(c, &s->conns, struct conn, link)
    {
        if (conn_too_slow(c, now)) {
            s->stats.too_slow++;
            server_complain(s, c->ep.cred.userid, c->pid,
                            "half a message waited %.3gs for the rest",
                            s->limits.frame_timeout);
            conn_close(c);
        }
    }
}

static int guest_allowed(struct server *s, uint32_t uid, int fd)
{
    struct rlimit lim;

    if (!s->guests)
        return -EPERM;
    if ((uintptr_t)umap_get(s->guest_conns, uid) >= s->limits.conns_guest)
        return -EUSERS;
    if (getrlimit(RLIMIT_NOFILE, &lim) == 0 && lim.rlim_cur != RLIM_INFINITY &&
        (rlim_t)fd + RESERVED_FDS >= lim.rlim_cur)
        return -EMFILE;
    return 0;
}

/* A new socket buffer takes one byte without waiting. */
static void say(int fd, int errnum)
{
    unsigned char byte = (unsigned char)errnum;
    struct iovec iov = {&byte, 1};

    (void)local_writev(fd, &iov, 1);
}

static void count_guest(struct server *s, uint32_t uid)
{
    uintptr_t n = (uintptr_t)umap_get(s->guest_conns, uid);

    umap_set(s->guest_conns, uid, (void *)(n + 1));
}

static const char *refusal(int rc)
{
    if (rc == -EPERM)
        return "only the owner may connect (access.allow-guest-user is not set)";
    if (rc == -EUSERS)
        return "this user has too many connections";
    if (rc == -EMFILE)
        return "the last descriptors are kept for the owner";
    return strerror(-rc);
}

static void greet(struct server *s, int fd)
{
    struct local_peer peer;
    struct conn *c;
    bool owner;
    int rc;

    if ((rc = local_peer(fd, &peer)) < 0) {
        local_close(fd);
        return;
    }
    owner = peer.uid == s->owner || (peer.uid == 0 && s->root_is_owner);
    if ((!owner && (rc = guest_allowed(s, peer.uid, fd)) < 0) ||
        (rc = conn_new(s, fd, &peer, !owner, &c)) < 0) {
        s->stats.denied++;
        server_complain(s, peer.uid, peer.pid, "%s", refusal(rc));
        say(fd, -rc);
        local_close(fd);
        return;
    }
    if (!owner)
        count_guest(s, peer.uid);
    s->stats.accepted++;
    say(fd, 0);
}

static void accept_cb(struct watcher *w, int revents, void *arg)
{
    struct server *s = arg;

    for (int i = 0; i < ACCEPT_BATCH; i++) {
        int fd = local_accept(s->env, s->fd);

        if (fd == -EMFILE || fd == -ENFILE || fd == -ENOBUFS || fd == -ENOMEM) {
            /* The listening socket stays readable: look away for a while. */
            log_printf(s->log, LOG_ERR, "accept: %s: new clients have to wait",
                       strerror(-fd));
            watcher_stop(s->accept);
            watcher_timer_set(s->retry, RETRY_AFTER, 0);
            watcher_start(s->retry);
            return;
        }
        if (fd < 0)
            return;
        greet(s, fd);
    }
}

static void retry_cb(struct watcher *w, int revents, void *arg)
{
    struct server *s = arg;

    watcher_stop(w);
    watcher_start(s->accept);
}

static int make_watchers(struct server *s)
{
    double period = s->limits.frame_timeout / 6;
    int rc;

    if ((rc = watcher_new_fd(s->loop, s->fd, LOOP_IN, accept_cb, s, &s->accept)) < 0 ||
        (rc = watcher_new_timer(s->loop, RETRY_AFTER, 0, retry_cb, s, &s->retry)) < 0 ||
        (rc = watcher_new_prepare(s->loop, prepare_cb, s, &s->prepare)) < 0 ||
        (rc = watcher_new_idle(s->loop, awake_cb, s, &s->awake)) < 0 ||
        (rc = watcher_new_timer(s->loop, period, period, sweep_cb, s, &s->sweep)) < 0)
        return rc;
    watcher_start(s->prepare);
    return 0;
}

int server_new(struct loop *loop, struct router *router, struct log *log,
               const char *path, const struct server_limits *limits, struct server **ret)
{
    struct server *s = calloc(1, sizeof(*s));
    int rc = -ENOMEM;

    if (!s)
        return -ENOMEM;
    s->loop = loop;
    s->env = loop_env(loop);
    s->router = router;
    s->log = log;
    s->limits = limits ? *limits : server_limits_default;
    s->owner = router_owner(router);
    s->fd = -1;
    list_init(&s->conns);
    list_init(&s->dirty);
    if (!(s->path = strdup(path)) || !(s->rbuf = malloc(SERVER_READ_SIZE)) ||
        !(s->guest_conns = umap_new(NULL)))
        goto error;
    if ((rc = local_listen(s->env, path, BACKLOG)) < 0)
        goto error;
    s->fd = rc;
    if ((rc = make_watchers(s)) < 0)
        goto error;
    *ret = s;
    return 0;
error:
    server_free(s);
    return rc;
}

void server_open(struct server *s)
{
    watcher_start(s->accept);
    watcher_start(s->sweep);
}

void server_pause(struct server *s, bool paused)
{
    s->paused = paused;
    list_each(c, &s->conns, struct conn, link) server_mark(s, c);
}

void server_set_access(struct server *s, bool guests, bool root_is_owner)
{
    s->guests = guests;
    s->root_is_owner = root_is_owner;
}

const struct server_stats *server_stats(const struct server *s)
{
    return &s->stats;
}

void server_free(struct server *s)
{
    if (!s)
        return;
    flush_all(s);
    while (!list_empty(&s->conns))
        conn_close(list_first(&s->conns, struct conn, link));
    watcher_free(s->accept);
    watcher_free(s->retry);
    watcher_free(s->prepare);
    watcher_free(s->awake);
    watcher_free(s->sweep);
    if (s->fd >= 0) {
        local_close(s->fd);
        file_unlink(s->env, s->path);
    }
    umap_free(s->guest_conns);
    free(s->rbuf);
    free(s->path);
    free(s);
}
