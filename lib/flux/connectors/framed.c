/* A connection over a byte stream; see framed.h.
 *
 * Reading is by 64 KiB at a time. Writing: a message is encoded into one buffer, which
 * goes out at the end of the reactor's turn if a reactor is running, else at once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "env/local.h"
#include "flux/connectors/framed.h"
#include "proto/frame.h"

#define READ_SIZE (64u << 10)
#define KEEP_SIZE (1u << 20)    /* an empty buffer larger than this is freed */
#define WRITE_SOON (128u << 10) /* queued bytes that do not wait for the turn's end */
#define SEND_LIMIT ((size_t)96 << 20)
#define CLOSE_TIMEOUT 5.0 /* seconds to push out what is queued */

struct framed {
    const struct framed_kind *kind;
    void *arg;
    int fd;            /* -1: not connected */
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

static int await_admission(int fd, double timeout)
{
    unsigned char byte;
    int rc = local_wait(fd, LOOP_IN, timeout);
    ssize_t n;

    if (rc < 0)
        return rc;
    if (rc == 0)
        return -ETIMEDOUT;
    if ((n = local_read(fd, &byte, 1)) < 0)
        return (int)n;
    return n == 0 ? -ECONNRESET : -(int)byte;
}

static void hang_up(struct framed *l, int fd)
{
    local_close(fd);
    if (l->kind->hung_up)
        l->kind->hung_up(l->arg);
}

static int do_connect(struct framed *l)
{
    int fd = l->kind->connect(l->arg);
    int rc;

    if (fd < 0)
        return fd;
    if ((rc = await_admission(fd, l->kind->admit_timeout)) < 0) {
        hang_up(l, fd);
        return rc;
    }
    l->fd = fd;
    return 0;
}

static void disconnect(struct framed *l)
{
    task_cancel(&l->flush);
    watcher_free(l->outw);
    l->outw = NULL;
    if (l->fd >= 0)
        hang_up(l, l->fd);
    l->fd = -1;
    l->in_off = l->in_len = 0;
    l->drained = false;
    buf_free(&l->out);
    memset(&l->out, 0, sizeof(l->out));
    l->out_off = 0;
}

/* ---- reading ---- */

/* Make room for `need` bytes behind in_off. */
static int reserve(struct framed *l, size_t need)
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

static int fill(struct framed *l, size_t need)
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

static flux_msg_t *framed_recv(void *impl, int flags)
{
    struct framed *l = impl;

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

static size_t queued(const struct framed *l)
{
    return l->out.len - l->out_off;
}

static void written(struct framed *l, size_t n)
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

static int write_some(struct framed *l)
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
    struct framed *l = arg;

    /* A failure is seen by whoever reads: the other end has gone. */
    if (write_some(l) < 0 || queued(l) == 0)
        watcher_stop(l->outw);
}

static int write_and_watch(struct framed *l)
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
    write_and_watch(list_entry(t, struct framed, flush));
}

static void stamp(const struct framed *l, flux_msg_t *msg)
{
    if (l->cred.userid != FLUX_USERID_UNKNOWN)
        flux_msg_set_userid(msg, l->cred.userid);
    if (l->cred.rolemask != FLUX_ROLE_NONE)
        flux_msg_set_rolemask(msg, l->cred.rolemask);
}

static int encode(struct framed *l, const flux_msg_t *msg)
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

static int framed_send(void *impl, flux_msg_t **msg, int flags)
{
    struct framed *l = impl;
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
static int flush_until(struct framed *l, double timeout)
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

static int framed_flush(void *impl)
{
    struct framed *l = impl;
    int rc;

    if (l->fd < 0)
        return fail(ECONNRESET);
    rc = flush_until(l, -1);
    return rc < 0 ? fail(-rc) : 0;
}

/* ---- the other calls ---- */

static int framed_pollfd(void *impl)
{
    struct framed *l = impl;

    return l->fd < 0 ? fail(ECONNRESET) : l->fd;
}

static bool has_frame(const struct framed *l)
{
    size_t have = l->in_len - l->in_off;
    uint32_t size;

    if (have < 8)
        return false;
    memcpy(&size, l->in + l->in_off + 4, 4);
    return have - 8 >= __builtin_bswap32(size);
}

static int framed_pollevents(void *impl)
{
    struct framed *l = impl;
    int rc;

    if (l->fd < 0)
        return FLUX_POLLERR;
    if (has_frame(l))
        return FLUX_POLLIN | FLUX_POLLOUT;
    l->drained = false;
    rc = local_wait(l->fd, LOOP_IN | LOOP_OUT, 0);
    return rc < 0 ? fail(-rc) : rc;
}

static int framed_waitfor(void *impl, int events, double timeout)
{
    struct framed *l = impl;
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

static int framed_reconnect(void *impl)
{
    struct framed *l = impl;
    int rc;

    disconnect(l);
    rc = do_connect(l);
    return rc < 0 ? fail(-rc) : 0;
}

static int framed_attach(void *impl, flux_t *h, flux_reactor_t *r)
{
    struct framed *l = impl;

    l->r = r;
    return 0;
}

static int framed_setopt(void *impl, const char *option, const void *val, size_t size)
{
    struct framed *l = impl;
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

static int framed_getopt(void *impl, const char *option, void *val, size_t size)
{
    struct framed *l = impl;
    size_t n = queued(l) > 0;

    if (strcmp(option, FLUX_OPT_SEND_QUEUE_COUNT) != 0 || size != sizeof(n))
        return fail(EINVAL);
    memcpy(val, &n, size);
    return 0;
}

static void framed_destroy(void *impl)
{
    struct framed *l = impl;

    if (l->fd >= 0)
        flush_until(l, CLOSE_TIMEOUT);
    disconnect(l);
    l->kind->free(l->arg);
    free(l->in);
    free(l);
}

static const struct flux_handle_ops framed_ops = {
    .pollfd = framed_pollfd,
    .pollevents = framed_pollevents,
    .send = framed_send,
    .recv = framed_recv,
    .reconnect = framed_reconnect,
    .attach = framed_attach,
    .flush = framed_flush,
    .wait = framed_waitfor,
    .setopt = framed_setopt,
    .getopt = framed_getopt,
    .destroy = framed_destroy,
};

int framed_open(const struct framed_kind *kind, void *arg, int flags, flux_t **ret)
{
    struct framed *l = calloc(1, sizeof(*l));
    flux_t *h;
    int rc;

    if (!l) {
        kind->free(arg);
        return -ENOMEM;
    }
    l->kind = kind;
    l->arg = arg;
    l->fd = -1;
    l->cred.userid = FLUX_USERID_UNKNOWN;
    task_init(&l->flush, on_flush);
    if ((rc = do_connect(l)) < 0) {
        framed_destroy(l);
        return rc;
    }
    if (!(h = flux_handle_create(l, &framed_ops, flags))) {
        framed_destroy(l);
        return -ENOMEM;
    }
    *ret = h;
    return 0;
}
