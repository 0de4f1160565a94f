/* Child processes, by pidfd. Real world only (-ENOTSUP in the simulated one:
 * there, jobs are mock).
 *
 * Functions return 0 or more, or -errno. Pure spawning calls touch no loop and
 * may run on any thread.
 */
#ifndef FLUX_ENV_PROC_H
#define FLUX_ENV_PROC_H

#include <sys/types.h>
#include <sys/resource.h>

#include "env/loop.h"

enum {
    PROC_SETSID = 1,  /* new session */
    PROC_SETPGRP = 2, /* new process group */
    PROC_SEARCH = 4,  /* look `path` up in envp's PATH (or ours, when it has none) */
};

struct proc_rlimit {
    int resource; /* RLIMIT_x */
    rlim_t soft, hard;
};

struct proc_spec {
    const char *path;  /* program */
    char *const *argv; /* NULL-terminated */
    char *const *envp; /* NULL-terminated; NULL: ours */
    const char *cwd;   /* NULL: ours */
    /* Descriptors of the child: child fd i is our fd map[i]; -1 is /dev/null for
     * 0..2 and closed above. Everything else is closed. */
    const int *fdmap;
    unsigned nfds;
    const struct proc_rlimit *rlimits; /* hard is raised or cut to what is allowed */
    unsigned nrlimits;
    int flags;
};

/* Start a process: signals unblocked and default in the child, all other
 * descriptors closed. Blocks until the child has exec'd; the child's failure
 * (-ENOENT, -EACCES, -ENOTDIR of cwd, ...) is the return value, and `ret_where` (may be
 * NULL) then says what failed: "exec", "chdir", "rlimit", "fds", "setsid", "setpgid",
 * or "spawn" (there was no child). With PROC_SEARCH a program without #! line is given
 * to /bin/sh, as execvp() does. `cwd` applies before the program is looked for. */
int proc_spawn(struct env *env, const struct proc_spec *spec, pid_t *ret_pid,
               int *ret_pidfd, const char **ret_where);

/* Reap: the wait status and resource usage of an exited child. -EAGAIN when it
 * still runs; -ECHILD when somebody else in this process reaped it. */
int proc_reap(struct env *env, int pidfd, pid_t pid, int *ret_status,
              struct rusage *ret_usage);

/* Readable pidfd => exited; watch it with watcher_new_fd(). For a process that
 * is not ours to reap. */
int proc_open(pid_t pid, int *ret_pidfd);
int proc_kill(int pidfd, int signum);

/* Start time of a process, clock ticks since boot (/proc/PID/stat field 22), to
 * tell a process from a later one of the same number. -ESRCH. */
int proc_start_time(pid_t pid, uint64_t *ret);
/* Value of `name` in the process's initial environment. -ENOENT, -ESRCH, -EOVERFLOW
 * (does not fit); -EAGAIN when the process is in the middle of exec, as it still may
 * be just after proc_spawn(). */
int proc_getenv(pid_t pid, const char *name, char *buf, size_t size);
/* Direct children of this process, all threads. Returns how many were written. */
int proc_children(struct env *env, pid_t *pids, int max);
/* Make this process the parent of orphaned descendants. */
int proc_set_subreaper(struct env *env);
/* Reap exited children that no one in this env spawned. Returns how many. */
int proc_reap_orphans(struct env *env);
/* Raise the soft descriptor limit to the hard one; returns the new limit and, in
 * `ret_was`, the one that tasks should get. */
int proc_raise_nofile(struct env *env, rlim_t *ret_was);

#endif
