/* flux_pollfd(): one descriptor that polls readable when there may be something to
 * do, whatever the handle consists of by now: an epoll set of the connection, the
 * reactor's own descriptor, and an event descriptor that stands for messages set
 * aside in the handle. Nothing of it exists before somebody asks.
 */
#include "flux/handle_private.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

static int add(int epfd, int fd)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(epfd, EPOLL_CTL_ADD, fd, &ev) < 0 && errno != EEXIST)
        return -1;
    return 0;
}

/* errno stays: it may be that of what made the queue change. */
static void set_event(int fd, bool on)
{
    int saved_errno = errno;
    uint64_t n = 1;
    ssize_t rc;

    /* Write after read: one readable count at most, whatever it was before. */
    rc = read(fd, &n, sizeof(n));
    n = 1;
    if (on)
        rc = write(fd, &n, sizeof(n));
    (void)rc; /* EAGAIN: it was not set */
    errno = saved_errno;
}

void pollfd_queue_changed(flux_t *root)
{
    if (root->queuefd >= 0)
        set_event(root->queuefd, root->rx.count > 0);
    list_each(clone, &root->clones, flux_t, clone_link)
    {
        if (clone->queuefd >= 0)
            set_event(clone->queuefd, root->rx.count > 0);
    }
}

void pollfd_refresh(flux_t *h)
{
    int fd;

    if (h->epfd < 0)
        return;
    /* A closed descriptor has left the set by itself. */
    if (!h->kicked && (fd = handle_connfd(h)) >= 0)
        add(h->epfd, fd);
    if (h->reactor && (fd = loop_pollfd(h->reactor->loop)) >= 0)
        add(h->epfd, fd);
}

static int create(flux_t *h)
{
    int fd;

    if ((h->epfd = epoll_create1(EPOLL_CLOEXEC)) < 0)
        return -1;
    if ((h->queuefd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) < 0)
        return -1;
    if (add(h->epfd, h->queuefd) < 0)
        return -1;
    if ((fd = handle_connfd(h)) < 0 || add(h->epfd, fd) < 0)
        return -1;
    if (h->reactor) {
        if ((fd = loop_pollfd(h->reactor->loop)) < 0) {
            errno = -fd;
            return -1;
        }
        if (add(h->epfd, fd) < 0)
            return -1;
    }
    pollfd_queue_changed(h->root);
    return 0;
}

int flux_pollfd(flux_t *h)
{
    if (!h) {
        errno = EINVAL;
        return -1;
    }
    if (h->epfd < 0 && create(h) < 0) {
        int saved_errno = errno;

        pollfd_fini(h);
        errno = saved_errno;
    }
    return h->epfd;
}

void pollfd_fini(flux_t *h)
{
    if (h->epfd >= 0)
        close(h->epfd);
    if (h->queuefd >= 0)
        close(h->queuefd);
    h->epfd = h->queuefd = -1;
}
