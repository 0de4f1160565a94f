/* The local connector: a client of a broker's AF_UNIX socket, local://PATH.
 *
 * After the connection the broker sends one byte, 0 or an errno; then both sides send
 * frames (proto/frame.h). Reading is by 64 KiB at a time. Writing: a message is
 * encoded into one buffer, which goes out at the end of the reactor's turn if a
 * reactor is running, else at once.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/error.h"
#include "env/local.h"
#include "flux/handle_private.h"
#include "proto/frame.h"

#define READ_SIZE (64u << 10)
#define KEEP_SIZE (1u << 20)    /* an empty buffer larger than this is freed */
#define WRITE_SOON (128u << 10) /* queued bytes that do not wait for the turn's end */
#define SEND_LIMIT ((size_t)96 << 20)
#define ADMIT_TIMEOUT 30.0 /* seconds for the broker's first byte */
#define CLOSE_TIMEOUT 5.0  /* seconds to push out what is queued */
#define BUSY_TRIES 100     /* times 20 ms, when the broker's backlog is full */

struct local {
    int fd; /* -1: not connected */
    char *path;
    struct env *env;
    flux_reactor_t *r; /* borrowed from the handle */

    char *in;
    size_t in_off, in_len, in_size;
    bool drained; /* the last read took all there was */

    struct buf out;
    size_t out_off;
    struct watcher *outw;
    struct task flush;

    bool set_cred;
    struct flux_msg_cred cred; /* FLUX_OPT_TESTING_x */
};

static int fail(int errnum)
{
    errno = errnum;
    return -1;
}

/* ---- connecting ---- */

static int connect_patiently(struct local *l)
{
    for (int i = 0;; i++) {
        int fd = local_connect(l->env, l->path);

        if (fd != -EAGAIN || i == BUSY_TRIES)
            return fd;
        local_wait(-1, 0, 0.02);
    }
}

static int await_admission(int fd)
{
    unsigned char byte;
    int rc = local_wait(fd, LOOP_IN, ADMIT_TIMEOUT);
    ssize_t n;

    if (rc < 0)
        return rc;
    if (rc == 0)
        return -ETIMEDOUT;
    if ((n = local_read(fd, &byte, 1)) < 0)
        return (int)n;
    return n == 0 ? -ECONNRESET : -(int)byte;
}

static int do_connect(struct local *l)
{
    int fd = connect_patiently(l);
    int rc;

    if (fd < 0)
        return fd;
    if ((rc = await_admission(fd)) < 0) {
        local_close(fd);
        return rc;
    }
    l->fd = fd;
    return 0;
}

static void disconnect(struct local *l)
{
    task_cancel(&l->flush);
    watcher_free(l->outw);
    l->outw = NULL;
    local_close(l->fd);
    l->fd = -1;
    l->in_off = l->in_len = 0;
    l->drained = false;
    buf_free(&l->out);
    memset(&l->out, 0, sizeof(l->out));
    l->out_off = 0;
}

/* ---- reading ---- */

/* Make room for `need` bytes behind in_off. */
static int reserve(struct local *l, size_t need)
{
    size_t size = need < READ_SIZE ? READ_SIZE : need;
    char *in;

    if (l->in_off > 0) {
        memmove(l->in, l->in + l->in_off, l->in_len - l->in_off);
        l->in_len -= l->in_off;
        l->in_off = 0;
    }
    if (l->in_size >= size)
        return 0;
    if (!(in = realloc(l->in, size)))
        return -ENOMEM;
    l->in = in;
    l->in_size = size;
    return 0;
}

static int fill(struct local *l, size_t need)
{
    ssize_t n;
    size_t room;
    int rc;

    if (l->fd < 0)
        return -ENOTCONN;
    if (l->in_off == l->in_len)
        l->in_off = l->in_len = 0;
    if (l->in_len == 0 && l->in_size > KEEP_SIZE && need < KEEP_SIZE) {
        free(l->in);
        l->in = NULL;
        l->in_size = 0;
    }
    if ((l->in_size - l->in_len < need || l->in_size == 0) && (rc = reserve(l, need)) < 0)
        return rc;
    room = l->in_size - l->in_len;
    if ((n = local_read(l->fd, l->in + l->in_len, room)) < 0)
        return (int)n;
    if (n == 0)
        return -ECONNRESET;
    l->in_len += (size_t)n;
    l->drained = (size_t)n < room;
    return 0;
}

static flux_msg_t *local_recv(void *impl, int flags)
{
    struct local *l = impl;

    for (;;) {
        flux_msg_t *msg;
        size_t need = 0;
        ssize_t n = l->in_len - l->in_off > 0
                        ? frame_decode(l->in + l->in_off, l->in_len - l->in_off,
                                       FRAME_MAX_OWNER, &msg, &need)
                        : 0;
        int rc;

        if (n > 0) {
            l->in_off += (size_t)n;
            return msg;
        }
        /* A read that was cut short by lack of data need not be repeated at once. */
        if (n == 0 && l->drained) {
            l->drained = false;
            errno = EAGAIN;
            return NULL;
        }
        rc = n < 0 ? (int)n : fill(l, need);
        if (rc < 0) {
            errno = rc == -ENOTCONN ? ECONNRESET : -rc;
            return NULL;
        }
    }
}

/* ---- writing ---- */

static size_t queued(const struct local *l)
{
    return l->out.len - l->out_off;
}

static void written(struct local *l, size_t n)
{
    l->out_off += n;
    if (queued(l) > 0)
        return;
    l->out_off = l->out.len = 0;
    if (l->out.size > KEEP_SIZE) {
        buf_free(&l->out);
        memset(&l->out, 0, sizeof(l->out));
    }
}

static int write_some(struct local *l)
{
    while (queued(l) > 0) {
        struct iovec iov = {l->out.data + l->out_off, queued(l)};
        ssize_t n = local_writev(l->fd, &iov, 1);

        if (n == -EAGAIN)
            return 0;
        if (n < 0)
            return (int)n;
        written(l, (size_t)n);
    }
    return 0;
}

static void on_writable(struct watcher *w, int revents, void *arg)
{
    struct local *l = arg;

    /* A failure is seen by whoever reads: the other end has gone. */
    if (write_some(l) < 0 || queued(l) == 0)
        watcher_stop(l->outw);
}

static int write_and_watch(struct local *l)
{
    int rc = write_some(l);

    if (rc < 0 || queued(l) == 0 || !l->r)
        return rc;
    if (!l->outw &&
        (rc = watcher_new_fd(l->r->loop, l->fd, LOOP_OUT, on_writable, l, &l->outw)) < 0)
        return rc;
    watcher_start(l->outw);
    return 0;
}

static void on_flush(struct task *t)
{
    write_and_watch(list_entry(t, struct local, flush));
}

static void stamp(const struct local *l, flux_msg_t *msg)
{
    if (l->cred.userid != FLUX_USERID_UNKNOWN)
        flux_msg_set_userid(msg, l->cred.userid);
    if (l->cred.rolemask != FLUX_ROLE_NONE)
        flux_msg_set_rolemask(msg, l->cred.rolemask);
}

static int encode(struct local *l, const flux_msg_t *msg)
{
    flux_msg_t *copy;
    int rc;

    if (!l->set_cred)
        return frame_encode(msg, &l->out);
    if (!(copy = flux_msg_copy(msg, true)))
        return -ENOMEM;
    stamp(l, copy);
    rc = frame_encode(copy, &l->out);
    flux_msg_destroy(copy);
    return rc;
}

static int local_send(void *impl, flux_msg_t **msg, int flags)
{
    struct local *l = impl;
    int rc;

    if (l->fd < 0)
        return fail(ECONNRESET);
    if (queued(l) > SEND_LIMIT)
        return fail(EAGAIN);
    if ((rc = encode(l, *msg)) < 0)
        return fail(-rc);
    flux_msg_destroy(*msg);
    *msg = NULL;
    if (l->r && reactor_is_running(l->r) && queued(l) < WRITE_SOON) {
        reactor_defer_flush(l->r, &l->flush);
        return 0;
    }
    rc = write_and_watch(l);
    return rc < 0 ? fail(-rc) : 0;
}

/* Write, and read meanwhile, lest both sides wait for the other to read. */
static int flush_until(struct local *l, double timeout)
{
    while (queued(l) > 0) {
        int rc = write_some(l);

        if (rc < 0)
            return rc;
        if (queued(l) == 0)
            break;
        if ((rc = local_wait(l->fd, LOOP_IN | LOOP_OUT, timeout)) < 0)
            return rc;
        if (rc == 0)
            return -ETIMEDOUT;
        if ((rc & LOOP_IN) && (rc = fill(l, l->in_len - l->in_off + READ_SIZE)) < 0 &&
            rc != -EAGAIN)
            return rc;
    }
    return 0;
}

static int local_flush(void *impl)
{
    struct local *l = impl;
    int rc;

    if (l->fd < 0)
        return fail(ECONNRESET);
    rc = flush_until(l, -1);
    return rc < 0 ? fail(-rc) : 0;
}

/* ---- the other calls ---- */

static int local_pollfd(void *impl)
{
    struct local *l = impl;

    return l->fd < 0 ? fail(ECONNRESET) : l->fd;
}

static bool has_frame(const struct local *l)
{
    size_t have = l->in_len - l->in_off;
    uint32_t size;

    if (have < 8)
        return false;
    memcpy(&size, l->in + l->in_off + 4, 4);
    return have - 8 >= __builtin_bswap32(size);
}

static int local_pollevents(void *impl)
{
    struct local *l = impl;
    int rc;

    if (l->fd < 0)
        return FLUX_POLLERR;
    if (has_frame(l))
        return FLUX_POLLIN | FLUX_POLLOUT;
    l->drained = false;
    rc = local_wait(l->fd, LOOP_IN | LOOP_OUT, 0);
    return rc < 0 ? fail(-rc) : rc;
}

static int local_waitfor(void *impl, int events, double timeout)
{
    struct local *l = impl;
    int rc;

    if (events == 0)
        return 0;
    if (l->fd < 0)
        return fail(ECONNRESET);
    rc = local_wait(l->fd, events, timeout);
    if (rc < 0)
        return fail(-rc);
    l->drained = false;
    return rc == 0 ? fail(ETIMEDOUT) : 0;
}

static int local_reconnect(void *impl)
{
    struct local *l = impl;
    int rc;

    disconnect(l);
    rc = do_connect(l);
    return rc < 0 ? fail(-rc) : 0;
}

static int local_attach(void *impl, flux_t *h, flux_reactor_t *r)
{
    struct local *l = impl;

    l->r = r;
    return 0;
}

static int local_setopt(void *impl, const char *option, const void *val, size_t size)
{
    struct local *l = impl;
    uint32_t *field = NULL;

    if (strcmp(option, FLUX_OPT_TESTING_USERID) == 0)
        field = &l->cred.userid;
    else if (strcmp(option, FLUX_OPT_TESTING_ROLEMASK) == 0)
        field = &l->cred.rolemask;
    if (!field || size != sizeof(*field))
        return fail(EINVAL);
    memcpy(field, val, size);
    l->set_cred = true;
    return 0;
}

static int local_getopt(void *impl, const char *option, void *val, size_t size)
{
    struct local *l = impl;
    size_t n = queued(l) > 0;

    if (strcmp(option, FLUX_OPT_SEND_QUEUE_COUNT) != 0 || size != sizeof(n))
        return fail(EINVAL);
    memcpy(val, &n, size);
    return 0;
}

static void local_destroy(void *impl)
{
    struct local *l = impl;

    if (l->fd >= 0)
        flush_until(l, CLOSE_TIMEOUT);
    disconnect(l);
    env_unref(l->env);
    free(l->in);
    free(l->path);
    free(l);
}

static const struct flux_handle_ops local_ops = {
    .pollfd = local_pollfd,
    .pollevents = local_pollevents,
    .send = local_send,
    .recv = local_recv,
    .reconnect = local_reconnect,
    .attach = local_attach,
    .flush = local_flush,
    .wait = local_waitfor,
    .setopt = local_setopt,
    .getopt = local_getopt,
    .destroy = local_destroy,
};

static const char *hint(int errnum)
{
    switch (errnum) {
    case ENOENT:
        return " (no broker has its socket there)";
    case ECONNREFUSED:
        return " (the broker has gone)";
    case EPERM:
    case EACCES:
        return " (the instance belongs to another user)";
    default:
        return "";
    }
}

static struct local *local_new(const char *path)
{
    struct local *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    l->fd = -1;
    l->cred.userid = FLUX_USERID_UNKNOWN;
    task_init(&l->flush, on_flush);
    if (!(l->path = strdup(path)) || env_new_real(&l->env) < 0) {
        local_destroy(l);
        errno = ENOMEM;
        return NULL;
    }
    return l;
}

static flux_t *local_open(const char *path, int flags, flux_error_t *error)
{
    struct local *l = local_new(path);
    flux_t *h = NULL;
    int rc;

    if (!l)
        return NULL;
    if ((rc = do_connect(l)) < 0) {
        error_set(error, -rc, "cannot connect to local://%s: %s%s", path, strerror(-rc),
                  hint(-rc));
        local_destroy(l);
        errno = -rc;
        return NULL;
    }
    if (!(h = flux_handle_create(l, &local_ops, flags)))
        local_destroy(l);
    return h;
}

const struct connector local_connector = {"local", local_open};
