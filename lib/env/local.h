/* Local stream sockets (AF_UNIX), non-blocking and close-on-exec. Real only.
 * Functions return 0 or more (a descriptor), or -errno.
 */
#ifndef FLUX_ENV_LOCAL_H
#define FLUX_ENV_LOCAL_H

#include <sys/types.h>
#include <sys/uio.h>

#include "env/env.h"

struct local_peer {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

/* Bind and listen on path (mode 0777 under a private folder); unlinks a dead
 * socket of the same name first. -EADDRINUSE when somebody answers there. */
int local_listen(struct env *env, const char *path, int backlog);
int local_accept(struct env *env, int listen_fd); /* -EAGAIN, -EMFILE, ... */
int local_connect(struct env *env, const char *path);
int local_peer(int fd, struct local_peer *ret); /* SO_PEERCRED */
/* Two connected sockets: fds[0] does not block, fds[1] does (a child's); both are
 * close-on-exec. */
int local_pair(struct env *env, int fds[2]);
/* Paths over 107 bytes are handled (through /proc/self/fd). */

ssize_t local_read(int fd, void *buf, size_t len);            /* 0: EOF */
ssize_t local_writev(int fd, const struct iovec *iov, int n); /* never SIGPIPE */
int local_wait(int fd, int events, double timeout); /* blocking poll; LOOP_IN.. */
void local_close(int fd);

#endif
