/* Child processes (proc.h). Spawning: the parent prepares everything, spawn.c has
 * the child's half. Reaping is by pidfd; each child of proc_spawn() is in the env's
 * table until proc_reap() takes it, so that proc_reap_orphans() leaves it alone.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/strv.h"
#include "env/real.h"
#include "env/spawn.h"

#define PATH_DEFAULT "/usr/local/bin:/usr/bin:/bin"

/* ---- where the program may be ---- */

/* Add "dir/name", unless it is absolute and plainly not there: a failed exec costs
 * more than a look. (A relative one depends on the child's cwd.) */
static int add_candidate(char **paths, size_t *n, const char *dir, size_t len,
                         const char *name)
{
    char *path;
    struct stat st;
    if (len == 0)
        path = strdup(name);
    else if (asprintf(&path, "%.*s/%s", (int)len, dir, name) < 0)
        path = NULL;
    if (!path)
        return -ENOMEM;
    if (path[0] == '/' && stat(path, &st) < 0 && (errno == ENOENT || errno == ENOTDIR)) {
        free(path);
        return 0;
    }
    paths[(*n)++] = path;
    return 0;
}

static int search_paths(const char *name, const char *search, char **paths)
{
    size_t n = 0;
    for (const char *dir = search;;) {
        size_t len = strcspn(dir, ":");
        int rc = add_candidate(paths, &n, dir, len, name);
        if (rc < 0)
            return rc;
        if (!dir[len])
            return 0;
        dir += len + 1;
    }
}

static size_t count_dirs(const char *search)
{
    size_t n = 1;
    for (; *search; search++)
        n += *search == ':';
    return n;
}

static int list_paths(struct spawn *s)
{
    const struct proc_spec *spec = s->spec;
    bool search = (spec->flags & PROC_SEARCH) && !strchr(spec->path, '/');
    const char *dirs = search ? strv_getenv(s->envp, "PATH") : NULL;
    if (search && !dirs)
        dirs = strv_getenv(environ, "PATH");
    if (search && !dirs)
        dirs = PATH_DEFAULT;
    s->paths = calloc((search ? count_dirs(dirs) : 1) + 1, sizeof(char *));
    if (!s->paths)
        return -ENOMEM;
    if (search)
        return search_paths(spec->path, dirs, s->paths);
    s->paths[0] = strdup(spec->path);
    return s->paths[0] ? 0 : -ENOMEM;
}

/* "/bin/sh PROGRAM ARGS...", for a program that turns out to be a plain script. */
static int list_sh_argv(struct spawn *s)
{
    size_t n = 0;
    if (!(s->spec->flags & PROC_SEARCH))
        return 0;
    while (s->spec->argv[n])
        n++;
    s->sh_argv = calloc(n + 3, sizeof(char *));
    if (!s->sh_argv)
        return -ENOMEM;
    s->sh_argv[0] = (char *)"/bin/sh";
    for (size_t i = 1; i < n; i++)
        s->sh_argv[i + 1] = s->spec->argv[i];
    return 0;
}

/* ---- spawn ---- */

static int prepare(struct spawn *s, const char **ret_where)
{
    const struct proc_spec *spec = s->spec;
    if (!spec->path || !spec->argv || !spec->argv[0] || spec->nfds > 65536)
        return -EINVAL;
    s->envp = spec->envp ? spec->envp : environ;
    s->sources = calloc(spec->nfds + 1, sizeof(int));
    if (!s->sources)
        return -ENOMEM;
    int rc = list_paths(s);
    if (rc == 0)
        rc = list_sh_argv(s);
    if (rc == 0 && !s->paths[0]) {
        *ret_where = "exec";
        rc = -ENOENT;
    }
    return rc;
}

static void reap_now(int pidfd)
{
    siginfo_t si;
    while (waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED) < 0 && errno == EINTR)
        ;
    close(pidfd);
}

static int start(struct real_env *env, struct spawn *s, pid_t *ret_pid, int *ret_pidfd)
{
    struct birth birth;
    int pidfd = -1;
    children_begin(&env->children, &birth);
    pid_t pid = spawn_child(s, &birth, &pidfd);
    if (pid > 0 && s->error)
        reap_now(pidfd);
    int rc = children_end(&env->children, &birth, s->error ? 0 : pid);
    if (pid < 0)
        return pid;
    if (s->error)
        return -s->error;
    if (rc < 0) {
        syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
        reap_now(pidfd);
        return rc;
    }
    *ret_pid = pid;
    *ret_pidfd = pidfd;
    return 0;
}

static int real_spawn(struct env *env, const struct proc_spec *spec, pid_t *ret_pid,
                      int *ret_pidfd, const char **ret_where)
{
    struct spawn s = {.spec = spec, .where = "spawn"};
    int rc = prepare(&s, &s.where);
    if (rc == 0)
        rc = start(real_env(env), &s, ret_pid, ret_pidfd);
    if (rc < 0 && ret_where)
        *ret_where = s.where;
    strv_free(s.paths);
    free(s.sh_argv);
    free(s.sources);
    return rc;
}

/* ---- reap ---- */

static int wait_status(const siginfo_t *si)
{
    if (si->si_code == CLD_EXITED)
        return (si->si_status & 0xff) << 8;
    return (si->si_status & 0x7f) | (si->si_code == CLD_DUMPED ? 0x80 : 0);
}

/* The system call, for the usage that libc's waitid() cannot give. 0 or -errno;
 * -EAGAIN when there is nothing to reap. */
static int wait_one(int type, int id, siginfo_t *si, struct rusage *usage)
{
    long rc;
    si->si_pid = 0;
    do {
        rc = syscall(SYS_waitid, type, id, si, WEXITED | WNOHANG, usage);
    } while (rc < 0 && errno == EINTR);
    if (rc < 0)
        return -errno;
    return si->si_pid == 0 ? -EAGAIN : 0;
}

/* Under the lock, so that a new child of the same number is not forgotten. */
static int real_reap(struct env *env, int pidfd, pid_t pid, int *ret_status,
                     struct rusage *ret_usage)
{
    struct children *c = &real_env(env)->children;
    struct rusage usage;
    siginfo_t si;
    pthread_mutex_lock(&c->lock);
    int rc = wait_one(P_PIDFD, pidfd, &si, &usage);
    if (rc == 0 || rc == -ECHILD)
        children_forget(c, pid);
    pthread_mutex_unlock(&c->lock);
    if (rc < 0)
        return rc;
    if (ret_status)
        *ret_status = wait_status(&si);
    if (ret_usage)
        *ret_usage = usage;
    return 0;
}

static int reap_unknown(struct children *c, pid_t pid)
{
    siginfo_t si;
    int reaped = 0;
    pthread_mutex_lock(&c->lock);
    if (!children_known(c, pid))
        reaped = wait_one(P_PID, pid, &si, NULL) == 0;
    pthread_mutex_unlock(&c->lock);
    return reaped;
}

static int real_reap_orphans(struct env *env)
{
    int max = 256, n;
    AUTOFREE pid_t *pids = NULL;
    do {
        max *= 2;
        pid_t *more = reallocarray(pids, (size_t)max, sizeof(pid_t));
        if (!more)
            return -ENOMEM;
        pids = more;
        n = proc_children(env, pids, max);
    } while (n == max);
    int reaped = 0;
    for (int i = 0; i < n; i++)
        reaped += reap_unknown(&real_env(env)->children, pids[i]);
    return n < 0 ? n : reaped;
}

const struct proc_ops real_proc_ops = {
    .spawn = real_spawn,
    .reap = real_reap,
    .reap_orphans = real_reap_orphans,
};

/* ---- the door ---- */

int proc_spawn(struct env *env, const struct proc_spec *spec, pid_t *ret_pid,
               int *ret_pidfd, const char **ret_where)
{
    if (!env->ops->proc)
        return -ENOTSUP;
    return env->ops->proc->spawn(env, spec, ret_pid, ret_pidfd, ret_where);
}

int proc_reap(struct env *env, int pidfd, pid_t pid, int *ret_status,
              struct rusage *ret_usage)
{
    if (!env->ops->proc)
        return -ENOTSUP;
    return env->ops->proc->reap(env, pidfd, pid, ret_status, ret_usage);
}

int proc_reap_orphans(struct env *env)
{
    return env->ops->proc ? env->ops->proc->reap_orphans(env) : -ENOTSUP;
}
