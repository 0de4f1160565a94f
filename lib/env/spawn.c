/* The child's half of proc_spawn(), and the clone that makes it.
 *
 * The child shares the parent's memory while the calling thread is suspended
 * (CLONE_VM | CLONE_VFORK), so that the cost of a spawn does not grow with the
 * parent. Hence the rules here: system calls only (no locks, no allocation), and all
 * signals blocked until every handler is reset, so that no handler of the parent
 * runs in the child.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "env/spawn.h"

#define STACK_BYTES (32 * 1024)
#define NSIGNALS 64

/* The sanitizers' bookkeeping must not see two processes on one memory. */
#define CHILD_SIDE                                                                       \
    __attribute__((noinline, no_sanitize("address", "thread", "undefined")))

#ifdef __SANITIZE_THREAD__
/* The sanitizer's clone() takes the child for a fork with memory of its own. */
extern int __clone(int (*fn)(void *arg), void *stack, int flags, void *arg, ...);
#define clone __clone
#endif

typedef unsigned long kernel_sigset;

struct kernel_sigaction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)(void);
    kernel_sigset mask;
};

/* libc's own leaves its internal signals unblocked. */
CHILD_SIDE static void set_mask(const kernel_sigset *set, kernel_sigset *old)
{
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, set, old, sizeof(*set));
}

CHILD_SIDE static int fail(struct spawn *s, const char *where)
{
    s->error = errno;
    s->where = where;
    return -1;
}

CHILD_SIDE static void reset_signals(void)
{
    struct kernel_sigaction dfl = {0};
    for (int i = 1; i <= NSIGNALS; i++)
        syscall(SYS_rt_sigaction, i, &dfl, NULL, sizeof(dfl.mask));
}

/* A source below nfds would be overwritten before its turn: move it up first. */
CHILD_SIDE static int lift_sources(struct spawn *s)
{
    int n = (int)s->spec->nfds;
    for (int i = 0; i < n; i++) {
        int fd = s->spec->fdmap[i];
        s->sources[i] = fd;
        if (fd < 0 || fd >= n || fd == i)
            continue;
        s->sources[i] = (int)syscall(SYS_fcntl, fd, F_DUPFD, n);
        if (s->sources[i] < 0)
            return fail(s, "fds");
    }
    return 0;
}

CHILD_SIDE static int place_null(struct spawn *s, int i)
{
    int fd = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDWR, 0);
    if (fd < 0)
        return fail(s, "fds");
    if (fd == i)
        return 0;
    if (syscall(SYS_dup3, fd, i, 0) < 0)
        return fail(s, "fds");
    syscall(SYS_close, fd); /* a number that place_fd() has yet to fill, or is to close */
    return 0;
}

CHILD_SIDE static int place_fd(struct spawn *s, int i)
{
    int fd = s->sources[i];
    long rc;
    if (fd < 0 && i <= 2)
        return place_null(s, i);
    if (fd < 0) {
        syscall(SYS_close, i);
        return 0;
    }
    if (fd == i)
        rc = syscall(SYS_fcntl, fd, F_SETFD, 0);
    else
        rc = syscall(SYS_dup3, fd, i, 0);
    return rc < 0 ? fail(s, "fds") : 0;
}

CHILD_SIDE static int set_fds(struct spawn *s)
{
    int n = (int)s->spec->nfds;
    if (lift_sources(s) < 0)
        return -1;
    for (int i = 0; i < n; i++) {
        if (place_fd(s, i) < 0)
            return -1;
    }
    if (syscall(SYS_close_range, n, ~0U, 0) == 0)
        return 0;
    struct rlimit64 lim = {.rlim_cur = 1024};
    syscall(SYS_prlimit64, 0, RLIMIT_NOFILE, NULL, &lim);
    for (int i = n; i < (int)lim.rlim_cur; i++)
        syscall(SYS_close, i);
    return 0;
}

CHILD_SIDE static int set_rlimit(struct spawn *s, const struct proc_rlimit *want)
{
    struct rlimit64 was, lim = {want->soft, want->hard};
    if (lim.rlim_cur > lim.rlim_max)
        lim.rlim_cur = lim.rlim_max;
    if (syscall(SYS_prlimit64, 0, want->resource, &lim, NULL) == 0)
        return 0;
    if (errno != EPERM || syscall(SYS_prlimit64, 0, want->resource, NULL, &was) < 0)
        return fail(s, "rlimit");
    if (lim.rlim_max > was.rlim_max)
        lim.rlim_max = was.rlim_max;
    if (lim.rlim_cur > lim.rlim_max)
        lim.rlim_cur = lim.rlim_max;
    if (syscall(SYS_prlimit64, 0, want->resource, &lim, NULL) < 0)
        return fail(s, "rlimit");
    return 0;
}

CHILD_SIDE static int set_identity(struct spawn *s)
{
    if (s->spec->flags & PROC_SETSID) {
        if (syscall(SYS_setsid) < 0)
            return fail(s, "setsid");
    } else if (s->spec->flags & PROC_SETPGRP) {
        if (syscall(SYS_setpgid, 0, 0) < 0)
            return fail(s, "setpgid");
    }
    return 0;
}

/* As execvp: a program that may not be run does not end the search, but is what is
 * reported if nothing better comes. */
CHILD_SIDE static void exec_any(struct spawn *s)
{
    int error = ENOENT;
    for (char **path = s->paths; *path; path++) {
        syscall(SYS_execve, *path, s->spec->argv, s->envp);
        if (errno == ENOEXEC && s->sh_argv) {
            s->sh_argv[1] = *path;
            syscall(SYS_execve, s->sh_argv[0], s->sh_argv, s->envp);
            errno = ENOEXEC;
        }
        if (errno != ENOENT && errno != ENOTDIR)
            error = errno;
        if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
            break;
    }
    if (!s->paths[1]) /* no search: say what the only one said */
        error = errno;
    errno = error;
    fail(s, "exec");
}

CHILD_SIDE static int child_setup(struct spawn *s)
{
    const struct proc_spec *spec = s->spec;
    if (set_identity(s) < 0 || set_fds(s) < 0)
        return -1;
    for (unsigned i = 0; i < spec->nrlimits; i++) {
        if (set_rlimit(s, &spec->rlimits[i]) < 0)
            return -1;
    }
    if (spec->cwd && syscall(SYS_chdir, spec->cwd) < 0)
        return fail(s, "chdir");
    return 0;
}

CHILD_SIDE static int child_main(void *arg)
{
    struct spawn *s = arg;
    kernel_sigset none = 0;
    reset_signals();
    if (child_setup(s) == 0) {
        set_mask(&none, NULL);
        exec_any(s);
    }
    syscall(SYS_exit_group, 127);
    return 127;
}

pid_t spawn_child(struct spawn *s, struct birth *birth, int *ret_pidfd)
{
    char stack[STACK_BYTES] __attribute__((aligned(64)));
    kernel_sigset all = ~0UL, old;
    int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | CLONE_CHILD_SETTID | SIGCHLD;
    set_mask(&all, &old);
    pid_t pid = clone(child_main, stack + sizeof(stack), flags, s, ret_pidfd, NULL,
                      (pid_t *)&birth->pid);
    int error = errno;
    set_mask(&old, NULL);
    return pid < 0 ? -error : pid;
}
