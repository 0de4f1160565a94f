/* What the system knows of processes: their children, start times, environments;
 * and signals, limits and subreaping (proc.h).
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "env/impl.h"

int proc_open(pid_t pid, int *ret_pidfd)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd < 0)
        return -errno;
    *ret_pidfd = fd; /* close-on-exec by nature */
    return 0;
}

int proc_kill(int pidfd, int signum)
{
    return syscall(SYS_pidfd_send_signal, pidfd, signum, NULL, 0) < 0 ? -errno : 0;
}

/* Append all of a small file under /proc. A process that is gone is -ESRCH. */
static int slurp(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? -ESRCH : -errno;
    ssize_t n = 0;
    do {
        out->len += (size_t)n;
        n = buf_reserve(out, 4096) < 0 ? -1 : read(fd, out->data + out->len, 4095);
    } while (n > 0);
    int rc = n < 0 ? (out->failed ? -ENOMEM : -errno) : 0;
    close(fd);
    if (out->data)
        out->data[out->len] = '\0';
    return rc;
}

/* Field n (from 3) of /proc/PID/stat. */
static int stat_field(pid_t pid, int n, char *ret, size_t size)
{
    char path[64];
    struct buf buf = {0};
    snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
    int rc = slurp(path, &buf);
    /* The name, field 2, may hold anything, but its ')' is the last one. */
    const char *p = rc == 0 && buf.data ? strrchr(buf.data, ')') : NULL;
    for (int field = 2; p && field < n; field++)
        p = strchr(p + 1, ' ');
    if (p)
        snprintf(ret, size, "%.*s", (int)strcspn(p + 1, " \n"), p + 1);
    else if (rc == 0)
        rc = -ESRCH;
    buf_free(&buf);
    return rc;
}

int proc_start_time(pid_t pid, uint64_t *ret)
{
    char ticks[32];
    int rc = stat_field(pid, 22, ticks, sizeof(ticks));
    if (rc == 0)
        *ret = strtoull(ticks, NULL, 10);
    return rc;
}

/* Why an environment is empty: the process is dead, or is in the middle of exec
 * (its place is not known yet), or it has none. */
static int empty_environ(pid_t pid)
{
    char state[4], end[32];
    int rc = stat_field(pid, 3, state, sizeof(state));
    if (rc == 0)
        rc = stat_field(pid, 51, end, sizeof(end));
    if (rc < 0)
        return rc;
    if (strchr("ZXx", state[0]))
        return -ESRCH;
    return strcmp(end, "0") == 0 ? -EAGAIN : -ENOENT;
}

static const char *find_entry(const struct buf *all, const char *name)
{
    size_t n = strlen(name);
    for (size_t at = 0; at < all->len; at += strlen(all->data + at) + 1) {
        const char *entry = all->data + at;
        if (strncmp(entry, name, n) == 0 && entry[n] == '=')
            return entry + n + 1;
    }
    return NULL;
}

static int read_environ(pid_t pid, struct buf *out)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/environ", (int)pid);
    int rc = slurp(path, out);
    if (rc < 0 || out->len > 0)
        return rc;
    rc = empty_environ(pid);
    /* It may have left exec since. */
    return rc == -ENOENT ? slurp(path, out) : rc;
}

int proc_getenv(pid_t pid, const char *name, char *buf, size_t size)
{
    struct buf all = {0};
    int rc = read_environ(pid, &all);
    const char *value = rc == 0 ? find_entry(&all, name) : NULL;
    if (rc == 0 && !value)
        rc = -ENOENT;
    if (rc == 0 && strlen(value) >= size)
        rc = -EOVERFLOW;
    if (rc == 0)
        strcpy(buf, value);
    buf_free(&all);
    return rc;
}

static int parse_pids(const char *s, pid_t *pids, int max)
{
    int n = 0;
    while (s && n < max) {
        char *end;
        long pid = strtol(s, &end, 10);
        if (end == s)
            break;
        pids[n++] = (pid_t)pid;
        s = end;
    }
    return n;
}

static int thread_children(const char *tid, pid_t *pids, int max)
{
    char path[64];
    struct buf buf = {0};
    snprintf(path, sizeof(path), "/proc/self/task/%.20s/children", tid);
    int rc = slurp(path, &buf);
    int n = rc == 0 ? parse_pids(buf.data, pids, max) : rc;
    buf_free(&buf);
    return n == -ESRCH ? 0 : n; /* the thread has just ended */
}

int proc_children(struct env *env, pid_t *pids, int max)
{
    if (!env->ops->proc)
        return -ENOTSUP;
    DIR *dir = opendir("/proc/self/task");
    if (!dir)
        return -errno;
    int n = 0, rc = 0;
    struct dirent *e;
    while (rc >= 0 && (e = readdir(dir))) {
        if (!isdigit((unsigned char)e->d_name[0]))
            continue;
        rc = thread_children(e->d_name, pids + n, max - n);
        n += rc > 0 ? rc : 0;
    }
    closedir(dir);
    return rc < 0 ? rc : n;
}

int proc_set_subreaper(struct env *env)
{
    if (!env->ops->proc)
        return -ENOTSUP;
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0 ? -errno : 0;
}

int proc_raise_nofile(struct env *env, rlim_t *ret_was)
{
    struct rlimit lim;
    if (!env->ops->proc)
        return -ENOTSUP;
    if (getrlimit(RLIMIT_NOFILE, &lim) < 0)
        return -errno;
    rlim_t was = lim.rlim_cur;
    if (lim.rlim_cur != lim.rlim_max) {
        lim.rlim_cur = lim.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &lim) < 0)
            return -errno;
    }
    if (ret_was)
        *ret_was = was;
    return lim.rlim_cur > INT_MAX ? INT_MAX : (int)lim.rlim_cur;
}
