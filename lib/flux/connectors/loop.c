/* The loop connector, loop://: what is sent comes back. For tests. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "flux/connectors/inbox.h"
#include "flux/handle_private.h"

struct loopback {
    struct inbox box;
    flux_t *h; /* once it has a reactor */
    struct flux_msg_cred cred;
};

static int fail(int errnum)
{
    errno = errnum;
    return -1;
}

static int loop_pollfd_(void *impl)
{
    struct loopback *lb = impl;
    int fd = inbox_fd(&lb->box);

    return fd < 0 ? fail(-fd) : fd;
}

static int loop_pollevents(void *impl)
{
    struct loopback *lb = impl;

    return FLUX_POLLOUT | (lb->box.q.count > 0 ? FLUX_POLLIN : 0);
}

/* A message of unknown sender is ours. */
static void stamp(const struct loopback *lb, flux_msg_t *msg)
{
    if (msg->userid == FLUX_USERID_UNKNOWN)
        msg->userid = lb->cred.userid;
    if (msg->rolemask == FLUX_ROLE_NONE)
        msg->rolemask = lb->cred.rolemask;
}

static int loop_send(void *impl, flux_msg_t **msg, int flags)
{
    struct loopback *lb = impl;
    flux_msg_t *copy = *msg;

    /* What the sender may still hold must not change. */
    if (copy->refs > 1 && !(copy = flux_msg_copy(copy, true)))
        return -1;
    stamp(lb, copy);
    if (inbox_push(&lb->box, copy) < 0) {
        if (copy != *msg)
            flux_msg_destroy(copy);
        return fail(ENOMEM);
    }
    if (copy != *msg)
        flux_msg_decref(*msg);
    *msg = NULL;
    if (lb->h)
        flux_handle_kick(lb->h);
    return 0;
}

static flux_msg_t *loop_recv(void *impl, int flags)
{
    struct loopback *lb = impl;
    flux_msg_t *msg = inbox_pop(&lb->box);

    if (!msg)
        errno = EAGAIN;
    return msg;
}

static int loop_attach(void *impl, flux_t *h, flux_reactor_t *r)
{
    struct loopback *lb = impl;

    lb->h = h;
    return 1;
}

/* Nobody else could send anything. */
static int loop_wait(void *impl, int events, double timeout)
{
    struct loopback *lb = impl;

    if (events == 0 || lb->box.q.count > 0)
        return 0;
    return fail(EDEADLK);
}

static int loop_setopt(void *impl, const char *option, const void *val, size_t size)
{
    struct loopback *lb = impl;
    uint32_t *field = NULL;

    if (strcmp(option, FLUX_OPT_TESTING_USERID) == 0)
        field = &lb->cred.userid;
    else if (strcmp(option, FLUX_OPT_TESTING_ROLEMASK) == 0)
        field = &lb->cred.rolemask;
    if (!field || size != sizeof(*field))
        return fail(EINVAL);
    memcpy(field, val, size);
    return 0;
}

static int loop_getopt(void *impl, const char *option, void *val, size_t size)
{
    struct loopback *lb = impl;
    const uint32_t *field = NULL;

    if (strcmp(option, FLUX_OPT_TESTING_USERID) == 0)
        field = &lb->cred.userid;
    else if (strcmp(option, FLUX_OPT_TESTING_ROLEMASK) == 0)
        field = &lb->cred.rolemask;
    if (!field || size != sizeof(*field))
        return fail(EINVAL);
    memcpy(val, field, size);
    return 0;
}

static void loop_destroy(void *impl)
{
    struct loopback *lb = impl;

    inbox_fini(&lb->box);
    free(lb);
}

static const struct flux_handle_ops loop_ops = {
    .pollfd = loop_pollfd_,
    .pollevents = loop_pollevents,
    .send = loop_send,
    .recv = loop_recv,
    .attach = loop_attach,
    .wait = loop_wait,
    .setopt = loop_setopt,
    .getopt = loop_getopt,
    .destroy = loop_destroy,
};

static flux_t *loop_open(const char *path, int flags, flux_error_t *error)
{
    struct loopback *lb = calloc(1, sizeof(*lb));
    flux_t *h;

    if (!lb)
        return NULL;
    inbox_init(&lb->box);
    lb->cred.userid = getuid();
    lb->cred.rolemask = FLUX_ROLE_OWNER;
    if (!(h = flux_handle_create(lb, &loop_ops, flags)))
        loop_destroy(lb);
    return h;
}

const struct connector loop_connector = {"loop", loop_open};
