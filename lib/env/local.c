/* Local stream sockets (local.h). A path that does not fit an address is reached
 * through its folder's descriptor under /proc/self/fd.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "env/impl.h"
#include "env/local.h"

struct address {
    struct sockaddr_un un;
    int folder; /* kept open while the address is used, or -1 */
};

static int long_address(struct address *a, const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t n = slash ? (size_t)(slash - path) : 0;
    if (!slash || n >= sizeof(folder))
        return -ENAMETOOLONG;
    memcpy(folder, path, n);
    folder[n] = '\0';
    a->folder = open(n ? folder : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (a->folder < 0)
        return -errno;
    n = (size_t)snprintf(a->un.sun_path, sizeof(a->un.sun_path), "/proc/self/fd/%d/%s",
                         a->folder, slash + 1);
    if (n < sizeof(a->un.sun_path))
        return 0;
    close(a->folder);
    return -ENAMETOOLONG;
}

static int address_init(struct address *a, const char *path)
{
    memset(a, 0, sizeof(*a));
    a->un.sun_family = AF_UNIX;
    a->folder = -1;
    if (!path[0])
        return -EINVAL;
    if (strlen(path) >= sizeof(a->un.sun_path))
        return long_address(a, path);
    strcpy(a->un.sun_path, path);
    return 0;
}

static void address_fini(struct address *a)
{
    if (a->folder >= 0)
        close(a->folder);
}

static int new_socket(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    return fd < 0 ? -errno : fd;
}

static int connect_to(const struct address *a)
{
    int fd = new_socket();
    if (fd < 0)
        return fd;
    int rc;
    do {
        rc = connect(fd, (const struct sockaddr *)&a->un, sizeof(a->un));
    } while (rc < 0 && errno == EINTR);
    if (rc < 0) {
        rc = -errno;
        close(fd);
        return rc;
    }
    return fd;
}

/* A socket file is in the way: 0 when it was a dead one and is gone. */
static int clear_dead(const struct address *a)
{
    struct stat st;
    if (lstat(a->un.sun_path, &st) < 0)
        return errno == ENOENT ? 0 : -errno;
    if (!S_ISSOCK(st.st_mode))
        return -EADDRINUSE;
    int fd = connect_to(a);
    if (fd >= 0)
        close(fd);
    if (fd != -ECONNREFUSED)
        return -EADDRINUSE;
    return unlink(a->un.sun_path) < 0 && errno != ENOENT ? -errno : 0;
}

static int bind_to(int fd, const struct address *a)
{
    const struct sockaddr *sa = (const struct sockaddr *)&a->un;
    if (bind(fd, sa, sizeof(a->un)) == 0)
        return 0;
    if (errno != EADDRINUSE)
        return -errno;
    int rc = clear_dead(a);
    if (rc < 0)
        return rc;
    return bind(fd, sa, sizeof(a->un)) < 0 ? -errno : 0;
}

static int listen_at(const struct address *a, int backlog)
{
    int fd = new_socket();
    if (fd < 0)
        return fd;
    int rc = bind_to(fd, a);
    if (rc == 0 && (chmod(a->un.sun_path, 0777) < 0 || listen(fd, backlog) < 0))
        rc = -errno;
    if (rc < 0) {
        close(fd);
        return rc;
    }
    return fd;
}

int local_pair(struct env *env, int fds[2])
{
    if (env_is_sim(env))
        return -ENOTSUP;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    if (fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0) {
        int rc = -errno;
        close(fds[0]);
        close(fds[1]);
        return rc;
    }
    return 0;
}

int local_listen(struct env *env, const char *path, int backlog)
{
    struct address a;
    if (env_is_sim(env))
        return -ENOTSUP;
    int rc = address_init(&a, path);
    if (rc < 0)
        return rc;
    rc = listen_at(&a, backlog);
    address_fini(&a);
    return rc;
}

int local_connect(struct env *env, const char *path)
{
    struct address a;
    if (env_is_sim(env))
        return -ENOTSUP;
    int rc = address_init(&a, path);
    if (rc < 0)
        return rc;
    rc = connect_to(&a);
    address_fini(&a);
    return rc;
}

int local_accept(struct env *env, int listen_fd)
{
    int fd;
    if (env_is_sim(env))
        return -ENOTSUP;
    do {
        fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    } while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
    return fd < 0 ? -errno : fd;
}

int local_peer(int fd, struct local_peer *ret)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
        return -errno;
    ret->pid = cred.pid;
    ret->uid = cred.uid;
    ret->gid = cred.gid;
    return 0;
}

ssize_t local_read(int fd, void *buf, size_t len)
{
    ssize_t n;
    do {
        n = recv(fd, buf, len, 0);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

ssize_t local_writev(int fd, const struct iovec *iov, int n)
{
    struct msghdr msg = {.msg_iov = (struct iovec *)iov, .msg_iovlen = (size_t)n};
    ssize_t sent;
    do {
        sent = sendmsg(fd, &msg, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

static double now(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Milliseconds for poll(), rounded up so as not to return early. */
static int poll_ms(double seconds)
{
    if (seconds <= 0)
        return 0;
    return seconds > 1e6 ? 1000000000 : (int)(seconds * 1000.0 + 0.999);
}

int local_wait(int fd, int events, double timeout)
{
    struct pollfd p = {.fd = fd};
    double until = timeout < 0 ? 0 : now() + timeout;
    p.events =
        (short)((events & LOOP_IN ? POLLIN : 0) | (events & LOOP_OUT ? POLLOUT : 0));
    for (;;) {
        double left = timeout < 0 ? 0 : until - now();
        int rc = poll(&p, 1, timeout < 0 ? -1 : poll_ms(left));
        if (rc < 0 && errno != EINTR)
            return -errno;
        if (rc > 0)
            break;
        if (timeout >= 0 && now() >= until)
            return 0;
    }
    return (p.revents & (POLLIN | POLLHUP) ? LOOP_IN : 0) |
           (p.revents & POLLOUT ? LOOP_OUT : 0) |
           (p.revents & (POLLERR | POLLHUP | POLLNVAL) ? LOOP_ERR : 0);
}

void local_close(int fd)
{
    if (fd >= 0)
        close(fd);
}
