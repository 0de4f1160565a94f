/* A queue of messages with a descriptor: see inbox.h. */
#include "flux/connectors/inbox.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

void inbox_init(struct inbox *box)
{
    *box = (struct inbox){.fd = -1};
}

void inbox_fini(struct inbox *box)
{
    msgq_clear(&box->q);
    if (box->fd >= 0)
        close(box->fd);
    box->fd = -1;
}

void inbox_ring(struct inbox *box)
{
    if (box->fd >= 0)
        eventfd_write(box->fd, 1);
}

int inbox_push(struct inbox *box, flux_msg_t *msg)
{
    int rc = msgq_push(&box->q, msg);

    if (rc == 0 && box->q.count == 1)
        inbox_ring(box);
    return rc;
}

flux_msg_t *inbox_pop(struct inbox *box)
{
    flux_msg_t *msg = msgq_pop(&box->q);
    eventfd_t n;

    if (box->q.count == 0 && box->fd >= 0)
        eventfd_read(box->fd, &n);
    return msg;
}

int inbox_fd(struct inbox *box)
{
    if (box->fd < 0) {
        if ((box->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
            return -errno;
        if (box->q.count > 0)
            inbox_ring(box);
    }
    return box->fd;
}
