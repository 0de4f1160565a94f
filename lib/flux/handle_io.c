/* Sending and receiving: between the callers, the RPCs and the connection. */
#include "flux/handle_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <flux/attr.h>
#include <flux/msg_handler.h>

#include "env/local.h"

static int fail(int errnum)
{
    errno = errnum;
    return -1;
}

static bool valid_flags(int flags)
{
    return !(flags & ~(FLUX_O_TRACE | FLUX_O_NONBLOCK));
}

static void trace(flux_t *root, const flux_msg_t *msg)
{
    struct env *env = handle_env(root);

    flux_msg_fprint_ts(stderr, msg, env ? env_time(env) : 0);
}

static void count_tx(flux_msgcounters_t *c, int type)
{
    if (type == FLUX_MSGTYPE_REQUEST)
        c->request_tx++;
    else if (type == FLUX_MSGTYPE_RESPONSE)
        c->response_tx++;
    else if (type == FLUX_MSGTYPE_EVENT)
        c->event_tx++;
    else if (type == FLUX_MSGTYPE_CONTROL)
        c->control_tx++;
}

static void count_rx(flux_msgcounters_t *c, int type)
{
    if (type == FLUX_MSGTYPE_REQUEST)
        c->request_rx++;
    else if (type == FLUX_MSGTYPE_RESPONSE)
        c->response_rx++;
    else if (type == FLUX_MSGTYPE_EVENT)
        c->event_rx++;
    else if (type == FLUX_MSGTYPE_CONTROL)
        c->control_rx++;
}

unsigned handle_rx_count(const flux_t *root)
{
    const flux_msgcounters_t *c = &root->counters;

    return (unsigned)c->request_rx + c->response_rx + c->event_rx + c->control_rx;
}

int handle_failed(flux_t *root, int errnum)
{
    int rc;

    if (root->comms_error && !root->repairing) {
        root->repairing = true;
        errno = errnum;
        rc = root->comms_error(root, root->comms_error_arg);
        root->repairing = false;
        if (rc == 0)
            return 0;
    }
    rpc_fail_all(root, ECONNRESET);
    return -errnum;
}

/* ---- sending ---- */

/* While it waits it may read: what is in the connector then, no descriptor tells of. */
static int flush(flux_t *root)
{
    int rc = root->ops->flush(root->impl);

    handle_read_soon(root);
    return rc;
}

/* No flush will come by itself unless a reactor is running. */
static int push_out(flux_t *root, int flags)
{
    if (!root->ops->flush || (flags & FLUX_O_NONBLOCK) ||
        (root->reactor && reactor_is_running(root->reactor)))
        return 0;
    return flush(root);
}

static int send_once(flux_t *root, flux_msg_t **msg, int flags)
{
    if (root->ops->send(root->impl, msg, flags) == 0)
        return push_out(root, flags);
    if (errno != EAGAIN || (flags & FLUX_O_NONBLOCK) || !root->ops->flush)
        return -1;
    /* The queue is full: wait until it has gone. */
    if (flush(root) < 0)
        return -1;
    return root->ops->send(root->impl, msg, flags);
}

int flux_send_new(flux_t *h, flux_msg_t **msg, int flags)
{
    flux_t *root;

    if (!h || !msg || !*msg || (*msg)->type == FLUX_MSGTYPE_ANY || !valid_flags(flags))
        return fail(EINVAL);
    root = h->root;
    if (!root->ops->send)
        return fail(ENOSYS);
    flags |= root->flags & (FLUX_O_TRACE | FLUX_O_NONBLOCK);
    if (flags & FLUX_O_TRACE)
        trace(root, *msg);
    count_tx(&root->counters, (*msg)->type);
    while (send_once(root, msg, flags) < 0) {
        int rc;

        if (errno == EAGAIN || errno == EINVAL || errno == ENOMEM || errno == EMSGSIZE)
            return -1;
        if ((rc = handle_failed(root, errno)) < 0)
            return fail(-rc);
        /* Repaired. What had been taken over went down with the old connection, as
         * anything sent before the failure may have. */
        if (!*msg)
            break;
    }
    return 0;
}

int flux_send(flux_t *h, const flux_msg_t *msg, int flags)
{
    flux_msg_t *ref;

    if (!h || !msg)
        return fail(EINVAL);
    ref = (flux_msg_t *)flux_msg_incref(msg);
    if (flux_send_new(h, &ref, flags) < 0) {
        flux_msg_decref(ref);
        return -1;
    }
    return 0;
}

/* ---- receiving ---- */

int handle_take(flux_t *root, flux_msg_t **ret)
{
    flux_msg_t *msg;

    if (!root->ops->recv)
        return -ENOSYS;
    if (!(msg = root->ops->recv(root->impl, 0))) {
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return -EAGAIN;
        return handle_failed(root, errno); /* repaired: the RPCs know */
    }
    count_rx(&root->counters, msg->type);
    if (root->flags & FLUX_O_TRACE)
        trace(root, msg);
    if (msg->type == FLUX_MSGTYPE_RESPONSE && rpc_take_response(root, msg))
        return 0;
    *ret = msg;
    return 1;
}

int handle_connfd(flux_t *h)
{
    flux_t *root = h->root;

    if (!root->ops->pollfd)
        return fail(ENOSYS);
    return root->ops->pollfd(root->impl);
}

static int wait_input(flux_t *root, double timeout)
{
    int fd, rc;

    if (root->ops->flush && root->ops->flush(root->impl) < 0)
        return -errno;
    if (root->ops->wait)
        return root->ops->wait(root->impl, FLUX_POLLIN, timeout) < 0 ? -errno : 0;
    if ((fd = handle_connfd(root)) < 0)
        return -EDEADLK;
    if ((rc = local_wait(fd, LOOP_IN, timeout)) < 0)
        return rc;
    return rc == 0 ? -ETIMEDOUT : 0;
}

/* Seconds left; < 0: for ever. -ETIMEDOUT when there are none. */
static int time_left(flux_t *root, double deadline, double *ret)
{
    struct env *env;

    *ret = -1;
    if (deadline < 0)
        return 0;
    if (!(env = handle_env(root)))
        return -ENOMEM;
    *ret = deadline - env_monotonic(env);
    if (*ret < 0)
        *ret = 0;
    return 0;
}

/* handle_take(), waiting. Others' messages may have been read with the one that it takes:
 * whoever does not take all of them calls handle_read_soon(). */
static int take_wait(flux_t *root, double deadline, flux_msg_t **ret)
{
    for (;;) {
        double left;
        int rc = handle_take(root, ret);

        if (rc != -EAGAIN)
            return rc;
        if ((rc = time_left(root, deadline, &left)) < 0)
            return rc;
        rc = wait_input(root, left);
        if (rc == -ETIMEDOUT || rc == -EDEADLK || rc == -ENOMEM)
            return rc;
        if (rc < 0)
            return handle_failed(root, -rc);
    }
}

/* Keep a message for later: at the end of rx. Takes it over. */
static int set_aside(flux_t *root, flux_msg_t *msg)
{
    int rc = msgq_push(&root->rx, msg);

    if (rc < 0)
        flux_msg_decref(msg);
    return rc;
}

int handle_pump(flux_t *root, double deadline)
{
    flux_msg_t *msg = NULL;
    int rc = take_wait(root, deadline, &msg);

    if (rc == 1)
        rc = set_aside(root, msg);
    handle_read_soon(root);
    return rc;
}

static flux_msg_t *find_in_rx(flux_t *root, struct flux_match match)
{
    for (size_t i = 0; i < root->rx.count; i++) {
        flux_msg_t *msg;

        if (!flux_msg_cmp(msgq_peek(&root->rx, i), match))
            continue;
        msg = msgq_take(&root->rx, i);
        if (root->rx.count == 0)
            pollfd_queue_changed(root);
        return msg;
    }
    return NULL;
}

static int recv_deadline(flux_t *root, double *ret)
{
    struct env *env;

    *ret = -1;
    if (root->recv_timeout < 0)
        return 0;
    if (!(env = handle_env(root)))
        return -ENOMEM;
    *ret = env_monotonic(env) + root->recv_timeout;
    return 0;
}

static int recv_match(flux_t *root, struct flux_match match, int flags, flux_msg_t **ret)
{
    double deadline;
    int rc = recv_deadline(root, &deadline);

    if (rc < 0)
        return rc;
    for (;;) {
        flux_msg_t *msg = NULL;

        rc = flags & FLUX_O_NONBLOCK ? handle_take(root, &msg)
                                     : take_wait(root, deadline, &msg);

        if (rc < 0)
            return rc;
        if (rc == 0)
            continue;
        if (flux_msg_cmp(msg, match)) {
            *ret = msg;
            return 0;
        }
        if ((rc = set_aside(root, msg)) < 0)
            return rc;
    }
}

flux_msg_t *flux_recv(flux_t *h, struct flux_match match, int flags)
{
    flux_msg_t *msg;
    flux_t *root;
    int rc;

    if (!h || !valid_flags(flags)) {
        errno = EINVAL;
        return NULL;
    }
    root = h->root;
    flags |= root->flags & FLUX_O_NONBLOCK;
    if ((msg = find_in_rx(root, match)))
        return msg;
    rc = recv_match(root, match, flags, &msg);
    handle_read_soon(root);
    if (rc < 0) {
        errno = -rc;
        return NULL;
    }
    return msg;
}

int flux_requeue(flux_t *h, const flux_msg_t *msg, int flags)
{
    flux_msg_t *ref;
    int rc;

    if (!h || !msg || (flags != FLUX_RQ_HEAD && flags != FLUX_RQ_TAIL) ||
        (h->root->flags & FLUX_O_NOREQUEUE))
        return fail(EINVAL);
    h = h->root;
    ref = (flux_msg_t *)flux_msg_incref(msg);
    rc = flags == FLUX_RQ_HEAD ? msgq_push_front(&h->rx, ref) : msgq_push(&h->rx, ref);
    if (rc < 0) {
        flux_msg_decref(ref);
        return fail(-rc);
    }
    handle_read_soon(h);
    return 0;
}

int flux_dispatch_requeue(flux_t *h)
{
    flux_msg_t *msg;

    if (!h)
        return fail(EINVAL);
    if (h->unwanted.count == 0)
        return 0;
    while ((msg = msgq_pop_last(&h->unwanted))) {
        if (msgq_push_front(&h->root->rx, msg) < 0) {
            flux_msg_decref(msg);
            return fail(ENOMEM);
        }
    }
    handle_read_soon(h->root);
    return 0;
}

int flux_pollevents(flux_t *h)
{
    int events = 0;

    if (!h)
        return fail(EINVAL);
    h = h->root;
    if (h->ops->pollevents && (events = h->ops->pollevents(h->impl)) < 0)
        return -1;
    return h->rx.count > 0 ? events | FLUX_POLLIN : events;
}
