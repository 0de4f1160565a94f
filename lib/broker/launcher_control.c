/* The launcher's socket: a line in, a line out (launcher.h). */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/list.h"
#include "broker/launcher_private.h"
#include "env/local.h"
#include "env/proc.h"

#define LINE_MAX_BYTES 256

struct client {
    struct list link;
    struct control *control;
    int fd;
    struct watcher *io;
    struct buf in;
};

struct control {
    struct launcher *l;
    char *path;
    int fd;
    struct watcher *accept;
    struct list clients;
};

static void client_free(struct client *c)
{
    list_del(&c->link);
    watcher_free(c->io);
    local_close(c->fd);
    buf_free(&c->in);
    free(c);
}

/* ---- commands ---- */

static struct member *find(struct launcher *l, unsigned rank, struct buf *out)
{
    if (rank < l->conf.size)
        return &l->members[rank];
    buf_addf(out, "error there is no broker %u: the last is %u\n", rank,
             (unsigned)l->conf.size - 1);
    return NULL;
}

static void status(struct launcher *l, struct buf *out)
{
    buf_adds(out, "{\"procs\":[");
    for (uint32_t i = 0; i < l->conf.size; i++)
        buf_addf(out, "%s{\"rank\":%u,\"pid\":%d}", i ? "," : "", (unsigned)i,
                 (int)l->members[i].pid);
    buf_adds(out, "]}\n");
}

static void kill_member(struct launcher *l, unsigned rank, int signum, struct buf *out)
{
    struct member *m = find(l, rank, out);

    if (!m)
        return;
    if (m->pid == 0) {
        buf_addf(out, "error broker %u does not run\n", rank);
        return;
    }
    /* One that is stopped, or goes on, does not end. */
    if (signum != SIGSTOP && signum != SIGCONT)
        m->expected = true;
    int rc = proc_kill(m->pidfd, signum);
    if (rc < 0)
        buf_addf(out, "error broker %u: %s\n", rank, strerror(-rc));
    else
        buf_adds(out, "ok\n");
}

static void run_member(struct launcher *l, unsigned rank, struct buf *out)
{
    struct member *m = find(l, rank, out);
    flux_error_t err;

    if (!m)
        return;
    if (m->pid != 0)
        buf_addf(out, "error broker %u runs already\n", rank);
    else if (l->stops || l->failed)
        buf_adds(out, "error the instance is about to end\n");
    else if (launcher_spawn(l, rank, true, &err) < 0)
        buf_addf(out, "error %s\n", err.text);
    else
        buf_adds(out, "ok\n");
}

static void run_line(struct launcher *l, const char *line, struct buf *out)
{
    unsigned rank;
    int signum, end = 0;

    if (!strcmp(line, "status"))
        status(l, out);
    else if (sscanf(line, "kill %u %d%n", &rank, &signum, &end) == 2 && !line[end])
        kill_member(l, rank, signum, out);
    else if (sscanf(line, "run %u%n", &rank, &end) == 1 && !line[end])
        run_member(l, rank, out);
    else
        buf_adds(out, "error expected: status, kill RANK SIGNUM, or run RANK\n");
}

/* ---- connections ---- */

/* An answer that does not fit into the socket is cut off with the connection. */
static bool answer(struct client *c, const struct buf *out)
{
    struct iovec iov = {out->data, out->len};

    return !out->failed && local_writev(c->fd, &iov, 1) == (ssize_t)out->len;
}

static bool run_lines(struct client *c)
{
    char *nl;
    bool ok = true;

    while (ok && c->in.len > 0 && (nl = memchr(c->in.data, '\n', c->in.len))) {
        struct buf out = {0};

        *nl = '\0';
        run_line(c->control->l, c->in.data, &out);
        buf_consume(&c->in, nl + 1 - c->in.data);
        ok = answer(c, &out);
        buf_free(&out);
    }
    return ok && c->in.len < LINE_MAX_BYTES;
}

static void io_cb(struct watcher *w, int revents, void *arg)
{
    struct client *c = arg;
    char data[LINE_MAX_BYTES];
    ssize_t n = local_read(c->fd, data, sizeof(data));

    if (n == -EAGAIN)
        return;
    if (n <= 0 || buf_add(&c->in, data, n) < 0 || !run_lines(c))
        client_free(c);
}

static void accept_cb(struct watcher *w, int revents, void *arg)
{
    struct control *k = arg;
    struct local_peer peer;
    struct client *c;
    int fd = local_accept(k->l->env, k->fd);

    if (fd < 0)
        return;
    if (local_peer(fd, &peer) < 0 || peer.uid != geteuid() ||
        !(c = calloc(1, sizeof(*c)))) {
        local_close(fd);
        return;
    }
    c->control = k;
    c->fd = fd;
    list_append(&k->clients, &c->link);
    if (watcher_new_fd(k->l->loop, fd, LOOP_IN, io_cb, c, &c->io) < 0) {
        client_free(c);
        return;
    }
    watcher_unref(c->io);
    watcher_start(c->io);
}

int control_new(struct launcher *l, struct control **ret, flux_error_t *err)
{
    struct control *k = calloc(1, sizeof(*k));
    int rc = -ENOMEM;

    if (!k)
        return -ENOMEM;
    k->l = l;
    k->fd = -1;
    list_init(&k->clients);
    if (asprintf(&k->path, "%s/start", l->rundir) < 0)
        k->path = NULL;
    if (k->path && (rc = k->fd = local_listen(l->env, k->path, 8)) >= 0)
        rc = watcher_new_fd(l->loop, k->fd, LOOP_IN, accept_cb, k, &k->accept);
    if (rc < 0) {
        error_set(err, -rc, "socket %s/start: %s", l->rundir, strerror(-rc));
        control_free(k);
        return rc;
    }
    watcher_unref(k->accept);
    watcher_start(k->accept);
    *ret = k;
    return 0;
}

void control_free(struct control *k)
{
    if (!k)
        return;
    list_each(c, &k->clients, struct client, link) client_free(c);
    watcher_free(k->accept);
    if (k->fd >= 0) {
        local_close(k->fd);
        unlink(k->path);
    }
    free(k->path);
    free(k);
}
