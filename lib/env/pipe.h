/* Pipes between this process and one that it spawns, and signals to process groups; for
 * both ways see local_pair(). Real only. Functions return 0 or more, or -errno.
 */
#ifndef FLUX_ENV_PIPE_H
#define FLUX_ENV_PIPE_H

#include <sys/types.h>

#include "env/env.h"

/* fds[0] is to be read here and does not block; fds[1] is the child's, and does. Both
 * are close-on-exec. */
int pipe_open(struct env *env, int fds[2]);
ssize_t pipe_read(int fd, void *buf, size_t len); /* 0: EOF; -EAGAIN: empty */
void pipe_close(int fd);                          /* harmless for -1 */

/* Signal a process group: safe while its leader has not been reaped. */
int group_kill(struct env *env, pid_t leader, int signum);

#endif
