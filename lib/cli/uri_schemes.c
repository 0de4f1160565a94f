/* URIs of instances by process and by Slurm job; see uri.h. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "cli/uri.h"

/* -- processes -- */

static int read_proc(unsigned long pid, const char *name, struct buf *out)
{
    char path[64], data[4096];
    size_t n;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%lu/%s", pid, name);
    if (!(f = fopen(path, "re")))
        return -errno;
    while ((n = fread(data, 1, sizeof(data), f)) > 0)
        buf_add(out, data, n);
    int rc = ferror(f) ? -EIO : out->failed ? -ENOMEM : 0;
    fclose(f);
    return rc;
}

/* Is the inode that of one of its sockets? */
static bool has_socket(unsigned long pid, unsigned long inode)
{
    char path[64], link[64], want[64];
    struct dirent *e;
    bool found = false;
    DIR *dir;

    snprintf(path, sizeof(path), "/proc/%lu/fd", pid);
    snprintf(want, sizeof(want), "socket:[%lu]", inode);
    if (!(dir = opendir(path)))
        return false;
    while (!found && (e = readdir(dir))) {
        ssize_t n = readlinkat(dirfd(dir), e->d_name, link, sizeof(link) - 1);
        link[n > 0 ? n : 0] = '\0';
        found = n > 0 && strcmp(link, want) == 0;
    }
    closedir(dir);
    return found;
}

/* The socket that a broker listens at: .../local-RANK. */
static int find_listener(unsigned long pid, char **ret)
{
    CLEANUP(buf_free) struct buf text = {0};
    char *save = NULL;
    int rc = read_proc(pid, "net/unix", &text);

    if (rc < 0)
        return rc;
    for (char *line = strtok_r(text.data, "\n", &save); line;
         line = strtok_r(NULL, "\n", &save)) {
        unsigned flags, type, state;
        unsigned long inode;
        char path[PATH_MAX] = "";

        if (sscanf(line, "%*s %*x %*x %x %x %x %lu %4095s", &flags, &type, &state, &inode,
                   path) == 5 &&
            (flags & 0x10000) && strstr(path, "/local-") && has_socket(pid, inode))
            return asprintf(ret, "local://%s", path) < 0 ? -ENOMEM : 0;
    }
    return -ENOENT;
}

/* A broker's own environment tells of the instance around its own. */
static bool is_broker(unsigned long pid)
{
    CLEANUP(buf_free) struct buf text = {0};

    return read_proc(pid, "comm", &text) == 0 && text.data &&
           strncmp(text.data, "flux-broker", 11) == 0;
}

static int find_in_environ(unsigned long pid, char **ret)
{
    CLEANUP(buf_free) struct buf text = {0};
    int rc = is_broker(pid) ? -ENOENT : read_proc(pid, "environ", &text);

    if (rc < 0)
        return rc;
    buf_addc(&text, '\0');
    for (const char *p = text.data; text.data && p < text.data + text.len;
         p += strlen(p) + 1)
        if (strncmp(p, "FLUX_URI=", 9) == 0)
            return (*ret = strdup(p + 9)) ? 0 : -ENOMEM;
    return -ENOENT;
}

int uri_of_process(const char *arg, char **ret, flux_error_t *err)
{
    char *end;
    unsigned long pid = strtoul(arg, &end, 10);
    int rc;

    if (!isdigit((unsigned char)*arg) || *end)
        return error_set(err, EINVAL, "pid:%s: not a process id", arg);
    if ((rc = find_listener(pid, ret)) == -ENOENT)
        rc = find_in_environ(pid, ret);
    if (rc == -ENOENT && access("/proc/self", F_OK) == 0) {
        char path[64];
        snprintf(path, sizeof(path), "/proc/%lu", pid);
        return error_set(err, ENOENT,
                         access(path, F_OK) == 0
                             ? "process %lu belongs to no instance of Flux"
                             : "there is no process %lu",
                         pid);
    }
    return rc < 0 ? error_set(err, -rc, "process %lu: %s", pid, strerror(-rc)) : 0;
}

/* -- Slurm -- */

/* On the job's first node: the first process of the job that is a broker. */
static const char script[] =
    "srun --overlap --jobid=%s -N1 -n1 --quiet sh -c '"
    "for p in $(scontrol listpids %s 2>/dev/null | while read pid rest; do "
    "case $pid in *[!0-9]*|\"\") ;; *) echo $pid ;; esac; done); do "
    "case $(cat /proc/$p/comm 2>/dev/null) in flux-broker*) "
    "exec %s/flux uri --remote pid:$p ;; esac; done; exit 3' 2>/dev/null";

int uri_of_slurm_job(const char *arg, char **ret, flux_error_t *err)
{
    char bin[PATH_MAX], command[2 * PATH_MAX], line[PATH_MAX] = "";
    ssize_t n = readlink("/proc/self/exe", bin, sizeof(bin) - 1);
    FILE *p;

    for (const char *s = arg; *s; s++)
        if (!isalnum((unsigned char)*s) && !strchr("_.+", *s))
            arg = "";
    if (!*arg)
        return error_set(err, EINVAL, "slurm: a Slurm job id is needed");
    bin[n > 0 ? n : 0] = '\0';
    bin[strrchr(bin, '/') ? (size_t)(strrchr(bin, '/') - bin) : 0] = '\0';
    snprintf(command, sizeof(command), script, arg, arg, bin);
    if (!(p = popen(command, "re")))
        return error_set(err, errno, "slurm job %s: %s", arg, strerror(errno));
    if (fgets(line, sizeof(line), p))
        line[strcspn(line, "\n")] = '\0';
    int status = pclose(p);
    if (status != 0 || !strstr(line, "://"))
        return error_set(err, ENOENT, "slurm job %s: no instance of Flux is found in it",
                         arg);
    return (*ret = strdup(line)) ? 0 : -ENOMEM;
}
