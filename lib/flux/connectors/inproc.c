/* The inproc connector: a handle whose other end, the port, is in the same process.
 *
 * The port belongs to the thread of its reactor. The handle end may be on another
 * thread: then the queues between them are locked, and a wake-up is a kick of the
 * other loop (or the inbox's descriptor, for a thread that blocks). When the handle
 * gets a reactor on the port's own thread, both ends are `direct`: no lock, no
 * descriptor, the messages of a turn are handled in one go before the loop waits.
 *
 * A thread that waits for a message on a port it serves itself would wait for ever:
 * instead it hands what it sent to the port's owner there and then, and if no answer
 * is there after that, gets EDEADLK.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "env/local.h"
#include "flux/connectors/inbox.h"
#include "flux/handle_private.h"

struct flux_port {
    atomic_int refs; /* the two ends, and calls under way */
    pthread_mutex_t lock;

    /* Guarded by the lock unless direct. */
    struct inbox down; /* to the handle */
    struct msgq up;    /* to the port */
    bool port_gone, handle_gone;
    struct watcher *up_kick, *down_kick;

    /* Of the port's thread. */
    pthread_t thread;
    flux_reactor_t *r;
    struct task up_task;
    flux_port_recv_f recv;
    flux_port_closed_f closed;
    void *arg;
    bool closed_told;

    /* Of the handle's thread; set once. */
    flux_t *h;
    struct msgq taken; /* moved out of `down` in one go */
    bool direct; /* both ends are on one thread, */
    bool shared; /* and on one reactor: that is not to stop because one of them goes */
};

static int fail(int errnum)
{
    errno = errnum;
    return -1;
}

static void lock(struct flux_port *p)
{
    if (!p->direct)
        pthread_mutex_lock(&p->lock);
}

static void unlock(struct flux_port *p)
{
    if (!p->direct)
        pthread_mutex_unlock(&p->lock);
}

static void port_unref(struct flux_port *p)
{
    if (atomic_fetch_sub(&p->refs, 1) > 1)
        return;
    inbox_fini(&p->down);
    msgq_clear(&p->up);
    msgq_clear(&p->taken);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static bool on_port_thread(const struct flux_port *p)
{
    return p->direct || pthread_equal(pthread_self(), p->thread);
}

/* A message that the other end may change and free. */
static flux_msg_t *own(flux_msg_t **msg)
{
    flux_msg_t *copy;

    if ((*msg)->refs == 1)
        return TAKE(*msg);
    if ((copy = flux_msg_copy(*msg, true))) {
        flux_msg_decref(*msg);
        *msg = NULL;
    }
    return copy;
}

/* ---- the port end ---- */

static void tell_closed(struct flux_port *p)
{
    if (p->closed_told || p->port_gone)
        return;
    p->closed_told = true;
    if (p->closed)
        p->closed(p, p->arg);
}

static flux_msg_t *next_up(struct flux_port *p)
{
    flux_msg_t *msg;

    lock(p);
    msg = msgq_pop(&p->up);
    unlock(p);
    return msg;
}

/* Hand over what the handle sent so far. The receiver may make the handle's owner wait
 * for an answer, which brings us here again: the order holds all the same. */
static void port_receive(struct flux_port *p)
{
    flux_msg_t *msg;
    size_t count;
    bool gone;

    lock(p);
    count = p->up.count;
    gone = p->handle_gone;
    unlock(p);
    atomic_fetch_add(&p->refs, 1);
    for (; count > 0 && !p->port_gone && (msg = next_up(p)); count--)
        p->recv(p, msg, p->arg);
    if (gone)
        tell_closed(p);
    port_unref(p);
}

static void on_up_task(struct task *t)
{
    port_receive(list_entry(t, struct flux_port, up_task));
}

static void on_up_kick(struct watcher *w, int revents, void *arg)
{
    port_receive(arg);
}

/* Something is there for the handle's thread. Locked. */
static void wake_handle(struct flux_port *p)
{
    if (p->direct) {
        if (p->h)
            flux_handle_kick(p->h);
    } else if (p->down_kick) {
        watcher_kick(p->down_kick);
    }
}

static int port_put(struct flux_port *p, flux_msg_t *msg)
{
    int rc;

    lock(p);
    rc = p->handle_gone ? -EPIPE : inbox_push(&p->down, msg);
    if (rc == 0)
        wake_handle(p);
    unlock(p);
    return rc;
}

int flux_port_send_new(struct flux_port *p, flux_msg_t **msg)
{
    flux_msg_t *m;
    int rc;

    if (!p || !msg || !*msg)
        return fail(EINVAL);
    if (p->direct)
        m = TAKE(*msg); /* one thread: sharing is harmless */
    else if (!(m = own(msg)))
        return -1;
    if ((rc = port_put(p, m)) < 0) {
        *msg = m;
        return fail(-rc);
    }
    return 0;
}

int flux_port_send(struct flux_port *p, const flux_msg_t *msg)
{
    flux_msg_t *m;

    if (!p || !msg)
        return fail(EINVAL);
    m = p->direct ? (flux_msg_t *)flux_msg_incref(msg) : flux_msg_copy(msg, true);
    if (!m)
        return -1;
    if (flux_port_send_new(p, &m) < 0) {
        flux_msg_decref(m);
        return -1;
    }
    return 0;
}

void flux_port_destroy(struct flux_port *p)
{
    int saved_errno = errno;

    if (!p || p->port_gone)
        return;
    lock(p);
    p->port_gone = true;
    watcher_free(p->up_kick);
    p->up_kick = NULL;
    msgq_clear(&p->up);
    msgq_clear(&p->down.q);
    inbox_ring(&p->down);
    if (!p->shared)
        wake_handle(p);
    unlock(p);
    task_cancel(&p->up_task);
    flux_reactor_decref(p->r);
    p->r = NULL;
    port_unref(p);
    errno = saved_errno;
}

/* ---- the handle end ---- */

static void wake_port(struct flux_port *p)
{
    if (p->direct)
        reactor_defer(p->r, &p->up_task);
    else
        watcher_kick(p->up_kick);
}

static int inproc_send(void *impl, flux_msg_t **msg, int flags)
{
    struct flux_port *p = impl;
    flux_msg_t *m;
    int rc;

    if (!(m = own(msg)))
        return -1;
    lock(p);
    rc = p->port_gone ? -ECONNRESET : msgq_push(&p->up, m);
    if (rc == 0)
        wake_port(p);
    unlock(p);
    if (rc < 0) {
        *msg = m;
        return fail(-rc);
    }
    return 0;
}

/* Move what has come to our side; 0 or more, -ECONNRESET when nothing ever will. */
static int take(struct flux_port *p)
{
    struct msgq empty = p->taken;
    int rc = 0;

    lock(p);
    if (p->down.q.count > 0) {
        p->taken = p->down.q;
        p->down.q = empty;
    } else {
        inbox_pop(&p->down); /* nothing: silence the descriptor */
        if (p->port_gone)
            rc = -ECONNRESET;
    }
    unlock(p);
    return rc;
}

static flux_msg_t *inproc_recv(void *impl, int flags)
{
    struct flux_port *p = impl;
    int rc = p->taken.count == 0 ? take(p) : 0;
    flux_msg_t *msg = msgq_pop(&p->taken);

    if (!msg)
        errno = rc == -ECONNRESET && !p->shared ? ECONNRESET : EAGAIN;
    return msg;
}

static int inproc_pollfd(void *impl)
{
    struct flux_port *p = impl;
    int fd;

    lock(p);
    fd = inbox_fd(&p->down);
    if (p->taken.count > 0 || p->port_gone)
        inbox_ring(&p->down);
    unlock(p);
    return fd < 0 ? fail(-fd) : fd;
}

static int inproc_pollevents(void *impl)
{
    struct flux_port *p = impl;
    int events;

    lock(p);
    events = p->port_gone ? FLUX_POLLERR : FLUX_POLLOUT;
    if (p->taken.count > 0 || p->down.q.count > 0)
        events |= FLUX_POLLIN;
    unlock(p);
    return events;
}

static int wait_descriptor(struct flux_port *p, double timeout)
{
    int fd = inproc_pollfd(p);
    int rc;

    if (fd < 0)
        return -1;
    rc = local_wait(fd, LOOP_IN, timeout);
    if (rc < 0)
        return fail(-rc);
    return rc == 0 ? fail(ETIMEDOUT) : 0;
}

static int inproc_wait(void *impl, int events, double timeout)
{
    struct flux_port *p = impl;

    if (!on_port_thread(p))
        return events == 0 ? 0 : wait_descriptor(p, timeout);
    if (events != 0 && !p->port_gone) {
        port_receive(p);
        if (p->down.q.count > 0 || p->taken.count > 0)
            return 0;
    }
    return fail(EDEADLK);
}

static void on_down_kick(struct watcher *w, int revents, void *arg)
{
    struct flux_port *p = arg;

    flux_handle_kick(p->h);
}

/* From now on the handle is used on this thread. */
static int inproc_attach(void *impl, flux_t *h, flux_reactor_t *r)
{
    struct flux_port *p = impl;
    struct watcher *kick = NULL;
    int rc;

    p->h = h;
    if (pthread_equal(pthread_self(), p->thread)) {
        p->direct = true;
        p->shared = r == p->r;
        if (p->up.count > 0 && !p->port_gone)
            reactor_defer(p->r, &p->up_task);
        return 1;
    }
    if ((rc = watcher_new_async(r->loop, on_down_kick, p, &kick)) < 0)
        return fail(-rc);
    watcher_unref(kick);
    watcher_start(kick);
    lock(p);
    p->down_kick = kick;
    unlock(p);
    return 1;
}

static void inproc_destroy(void *impl)
{
    struct flux_port *p = impl;
    struct watcher *kick;

    lock(p);
    p->handle_gone = true;
    p->h = NULL;
    kick = p->down_kick;
    p->down_kick = NULL;
    if (!p->port_gone)
        wake_port(p);
    unlock(p);
    watcher_free(kick);
    port_unref(p);
}

static const struct flux_handle_ops inproc_ops = {
    .pollfd = inproc_pollfd,
    .pollevents = inproc_pollevents,
    .send = inproc_send,
    .recv = inproc_recv,
    .attach = inproc_attach,
    .wait = inproc_wait,
    .destroy = inproc_destroy,
};

static struct flux_port *port_new(flux_reactor_t *r)
{
    struct flux_port *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    pthread_mutex_init(&p->lock, NULL);
    inbox_init(&p->down);
    task_init(&p->up_task, on_up_task);
    atomic_init(&p->refs, 1);
    p->thread = pthread_self();
    if (watcher_new_async(r->loop, on_up_kick, p, &p->up_kick) < 0) {
        port_unref(p);
        return NULL;
    }
    p->r = r;
    flux_reactor_incref(r);
    return p;
}

int flux_port_create(flux_reactor_t *r, flux_port_recv_f recv, flux_port_closed_f closed,
                     void *arg, struct flux_port **ret_port, flux_t **ret_h)
{
    struct flux_port *p;
    flux_t *h;

    if (!r || !recv || !ret_port || !ret_h)
        return fail(EINVAL);
    if (!(p = port_new(r)))
        return fail(ENOMEM);
    p->recv = recv;
    p->closed = closed;
    p->arg = arg;
    if (!(h = flux_handle_create(p, &inproc_ops, 0))) {
        flux_port_destroy(p);
        return -1;
    }
    atomic_fetch_add(&p->refs, 1);
    watcher_start(p->up_kick);
    *ret_port = p;
    *ret_h = h;
    return 0;
}
