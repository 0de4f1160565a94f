/* Pipes and process groups (pipe.h). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "env/pipe.h"

int pipe_open(struct env *env, int fds[2])
{
    if (env_is_sim(env))
        return -ENOTSUP;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    if (fcntl(fds[0], F_SETFL, O_NONBLOCK) < 0) {
        int rc = -errno;
        close(fds[0]);
        close(fds[1]);
        return rc;
    }
    return 0;
}

ssize_t pipe_read(int fd, void *buf, size_t len)
{
    ssize_t n;
    do {
        n = read(fd, buf, len);
    } while (n < 0 && errno == EINTR);
    return n < 0 ? -errno : n;
}

void pipe_close(int fd)
{
    if (fd >= 0)
        close(fd);
}

int group_kill(struct env *env, pid_t leader, int signum)
{
    if (env_is_sim(env))
        return -ENOTSUP;
    return kill(-leader, signum) < 0 ? -errno : 0;
}
