/* A program of the broker. It shares the broker's stdin, stdout, stderr and process group, so
 * that a shell is interactive. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/strv.h"
#include "broker/broker.h"
#include "env/proc.h"

/* Seconds from SIGTERM to SIGHUP, which interactive shells heed, and on to SIGKILL. */
#define HUP_AFTER 1.0
#define KILL_AFTER 4.0

struct program {
    struct broker *broker;
    pid_t pid;
    int pidfd;
    struct watcher *exit, *kill;
    bool hup_sent;
    program_done_f done;
    void *arg;
};

/* Variables that an enclosing job or instance set for itself. FLUX_JOB_ID without its
 * companions makes Open MPI fail. */
static bool belongs_to_parent(const char *var)
{
    static const char *const names[] = {
        "FLUX_URI=",
        "FLUX_JOB_ID=",
        "FLUX_JOB_ID_PATH=",
        "FLUX_JOB_SIZE=",
        "FLUX_JOB_NNODES=",
        "FLUX_JOB_TMPDIR=",
        "FLUX_JOB_CC=",
        "FLUX_TASK_RANK=",
        "FLUX_TASK_LOCAL_ID=",
        "FLUX_KVS_NAMESPACE=",
        "FLUX_PMI_LIBRARY_PATH=",
        "PMI_",
        "PMIX_",
        "SLURM_",
        "FLUX_PROXY_REMOTE=",
    };

    if (!strncmp(var, "SLURM_CONF=", 11)) /* the user's, not the job's */
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (!strncmp(var, names[i], strlen(names[i])))
            return true;
    }
    return false;
}

char **child_environment(const struct broker *b)
{
    size_t n = 0, used = 0;
    char **env;

    while (b->environment && b->environment[n])
        n++;
    if (!(env = calloc(n + 2, sizeof(char *))))
        return NULL;
    for (size_t i = 0; i < n; i++) {
        if (belongs_to_parent(b->environment[i]))
            continue;
        if (!(env[used++] = strdup(b->environment[i])))
            goto error;
    }
    if (asprintf(&env[used], "FLUX_URI=%s", attrs_get(b->attrs, "local-uri")) < 0) {
        env[used] = NULL;
        goto error;
    }
    return env;
error:
    strv_free(env);
    return NULL;
}

static void exit_cb(struct watcher *w, int revents, void *arg)
{
    struct program *p = arg;
    int status = 0xff00; /* when somebody else in this process reaped it */

    if (proc_reap(p->broker->env, p->pidfd, p->pid, &status, NULL) == -EAGAIN)
        return;
    watcher_stop(p->exit);
    watcher_stop(p->kill);
    p->done(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status), p->arg);
}

static void kill_cb(struct watcher *w, int revents, void *arg)
{
    struct program *p = arg;

    proc_kill(p->pidfd, p->hup_sent ? SIGKILL : SIGHUP);
    p->hup_sent = true;
}

static int spawn(struct program *p, const char *const *argv, flux_error_t *err)
{
    struct broker *b = p->broker;
    const int fds[] = {0, 1, 2};
    char **env = child_environment(b);
    struct proc_spec spec = {
        .path = argv[0],
        .argv = (char *const *)argv,
        .envp = env,
        .fdmap = fds,
        .nfds = 3,
        .flags = PROC_SEARCH,
    };
    struct proc_rlimit nofile = {RLIMIT_NOFILE, b->nofile, b->nofile};
    const char *where = "exec";
    int rc;

    if (b->nofile) {
        spec.rlimits = &nofile;
        spec.nrlimits = 1;
    }
    if (!env)
        return -ENOMEM;
    rc = proc_spawn(b->env, &spec, &p->pid, &p->pidfd, &where);
    strv_free(env);
    if (rc < 0)
        return error_set(err, -rc, "initial program %s: %s", argv[0], strerror(-rc));
    return 0;
}

int program_start(struct broker *b, const char *const *argv, program_done_f done,
                  void *arg, struct program **ret, flux_error_t *err)
{
    struct program *p = calloc(1, sizeof(*p));
    int rc;

    if (!p)
        return -ENOMEM;
    p->broker = b;
    p->pidfd = -1;
    p->done = done;
    p->arg = arg;
    if ((rc = watcher_new_timer(b->loop, HUP_AFTER, KILL_AFTER, kill_cb, p, &p->kill)) <
            0 ||
        (rc = spawn(p, argv, err)) < 0 ||
        (rc = watcher_new_fd(b->loop, p->pidfd, LOOP_IN, exit_cb, p, &p->exit)) < 0) {
        program_free(p);
        return rc;
    }
    watcher_start(p->exit);
    *ret = p;
    return 0;
}

void program_stop(struct program *p)
{
    if (watcher_is_active(p->kill) || !watcher_is_active(p->exit))
        return;
    proc_kill(p->pidfd, SIGTERM);
    proc_kill(p->pidfd, SIGCONT);
    watcher_timer_set(p->kill, HUP_AFTER, KILL_AFTER);
    watcher_start(p->kill);
}

void program_free(struct program *p)
{
    if (!p)
        return;
    watcher_free(p->exit);
    watcher_free(p->kill);
    if (p->pidfd >= 0)
        close(p->pidfd);
    free(p);
}
