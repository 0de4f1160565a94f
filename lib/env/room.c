/* Limits of the host: how much is in use, and how much there may be. A number that cannot be
 * read is no limit. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "env/file.h"
#include "env/room.h"

#define FILE_MAX 65536

/* The first number in a file; -1: none ("max"). */
static long read_number(struct env *env, const char *path)
{
    AUTOFREE char *text = NULL;
    char *end;
    long v;

    if (file_read(env, path, FILE_MAX, &text, NULL) < 0)
        return -1;
    v = strtol(text, &end, 10);
    return end == text ? -1 : v;
}

/* Processes and threads that there are: the last number of "running/all". */
static long count_tasks(struct env *env)
{
    AUTOFREE char *text = NULL;
    const char *slash;

    if (file_read(env, "/proc/loadavg", FILE_MAX, &text, NULL) < 0 ||
        !(slash = strchr(text, '/')))
        return 0;
    return strtol(slash + 1, NULL, 10);
}

static int too_many(flux_error_t *err, const char *what, long limit, long used, long more,
                    const char *way_out)
{
    return error_set(err, EAGAIN, "%s is %ld, %ld in use, and this needs %ld more: %s",
                     what, limit, used, more, way_out);
}

static int check_kernel(struct env *env, long tasks, flux_error_t *err)
{
    static const struct {
        const char *path, *name, *way_out;
    } limits[] = {
        {"/proc/sys/kernel/pid_max", "kernel.pid_max",
         "sysctl -w kernel.pid_max=4194304"},
        {"/proc/sys/kernel/threads-max", "kernel.threads-max",
         "raise it with sysctl -w kernel.threads-max"},
    };
    long used = count_tasks(env);

    for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
        long max = read_number(env, limits[i].path);

        if (max >= 0 && used + tasks > max)
            return too_many(err, limits[i].name, max, used, tasks, limits[i].way_out);
    }
    return 0;
}

/* What the user has in use is not told; what is wanted alone may be too much. */
static int check_user(long tasks, flux_error_t *err)
{
    struct rlimit lim;

    if (geteuid() == 0 || getrlimit(RLIMIT_NPROC, &lim) < 0 ||
        lim.rlim_cur == RLIM_INFINITY || (long)lim.rlim_cur >= tasks)
        return 0;
    return error_set(
        err, EAGAIN,
        "your limit of processes and threads is %ld, and this needs %ld: raise "
        "it with ulimit -u",
        (long)lim.rlim_cur, tasks);
}

/* This process's folder below the hierarchy that counts pids. */
static int pids_folder(struct env *env, char *path, size_t size)
{
    AUTOFREE char *text = NULL;
    char *save = NULL;
    int n = -1;

    if (file_read(env, "/proc/self/cgroup", FILE_MAX, &text, NULL) < 0)
        return -ENOENT;
    for (char *s = strtok_r(text, "\n", &save); s; s = strtok_r(NULL, "\n", &save)) {
        char *name = strchr(s, ':'), *dir = name ? strchr(name + 1, ':') : NULL;

        if (!dir)
            continue;
        *dir++ = '\0';
        if (!strcmp(name, ":pids"))
            n = snprintf(path, size, "/sys/fs/cgroup/pids%s", dir);
        else if (!strcmp(name, ":") && n < 0)
            n = snprintf(path, size, "/sys/fs/cgroup%s", dir);
    }
    return n > 0 && n < (int)size ? 0 : -ENOENT;
}

/* Its own limit, and those of the groups around it. */
static int check_cgroup(struct env *env, long tasks, flux_error_t *err)
{
    char path[PATH_MAX], file[PATH_MAX + 16];

    if (pids_folder(env, path, sizeof(path)) < 0)
        return 0;
    while (strlen(path) > strlen("/sys/fs/cgroup")) {
        long max, used;

        snprintf(file, sizeof(file), "%s/pids.max", path);
        max = read_number(env, file);
        snprintf(file, sizeof(file), "%s/pids.current", path);
        used = read_number(env, file);
        if (max >= 0 && (used > 0 ? used : 0) + tasks > max) {
            snprintf(file, sizeof(file), "pids.max of the control group %.60s",
                     path + strlen("/sys/fs/cgroup"));
            return too_many(err, file, max, used, tasks, "raise it");
        }
        *strrchr(path, '/') = '\0';
    }
    return 0;
}

static int check_files(struct env *env, long files, flux_error_t *err)
{
    AUTOFREE char *text = NULL;
    long used, max;

    if (file_read(env, "/proc/sys/fs/file-nr", FILE_MAX, &text, NULL) < 0 ||
        sscanf(text, "%ld %*d %ld", &used, &max) != 2 || used + files <= max)
        return 0;
    return too_many(err, "fs.file-max", max, used, files, "raise it with sysctl");
}

int room_check(struct env *env, long tasks, long files, flux_error_t *err)
{
    int rc;

    if (env_is_sim(env))
        return 0;
    if ((rc = check_kernel(env, tasks, err)) < 0 || (rc = check_user(tasks, err)) < 0 ||
        (rc = check_cgroup(env, tasks, err)) < 0)
        return rc;
    return check_files(env, files, err);
}
