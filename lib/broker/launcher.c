/* The launcher of test instances: processes, how they end, and what is left behind. */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <flux/hostlist.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/strv.h"
#include "broker/launcher_private.h"
#include "env/file.h"
#include "env/proc.h"
#include "env/room.h"

#define FILES_SPARE 64       /* descriptors of ours beside two a broker */
#define BROKER_FILES 48      /* of a broker */
#define BROKER_THREADS 14    /* of a broker, beside those that grow with the CPUs */
#define GIVE_UP_TIMEOUT 10.0 /* seconds that brokers have when it is all over */

void launcher_say(struct launcher *l, const char *fmt, ...)
{
    char text[300];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    l->conf.say(text, l->conf.arg);
}

static void signal_all(struct launcher *l, int signum)
{
    for (uint32_t i = 0; i < l->conf.size; i++) {
        if (l->members[i].pid)
            (void)proc_kill(l->members[i].pidfd, signum);
    }
}

static void end_after(struct launcher *l, double seconds)
{
    if (seconds < 0 || watcher_is_active(l->deadline))
        return;
    watcher_timer_set(l->deadline, seconds, 0);
    watcher_start(l->deadline);
}

/* They are told to end, so that the leader ends its program; then they are killed. */
static void tell_to_end(struct launcher *l)
{
    l->ending = true;
    signal_all(l, SIGTERM);
    watcher_timer_set(l->deadline, GIVE_UP_TIMEOUT, 0);
    watcher_start(l->deadline);
}

static void deadline_cb(struct watcher *w, int revents, void *arg)
{
    struct launcher *l = arg;

    launcher_say(l, "%u of %u brokers do not end: %s them", (unsigned)l->running,
                 (unsigned)l->conf.size, l->ending ? "killing" : "ending");
    if (l->ending)
        signal_all(l, SIGKILL);
    else
        tell_to_end(l);
}

/* ---- the end ---- */

static void clean_up(struct launcher *l)
{
    control_free(TAKE(l->control));
    if (l->rundir && (l->rundir_made || l->conf.rundir_cleanup))
        (void)dir_remove(l->env, l->rundir);
}

static void maybe_over(struct launcher *l)
{
    bool all_spawned =
        l->spawned == l->conf.size || l->conf.start_leader || l->failed || l->stops > 0;

    if (l->running > 0 || !all_spawned || l->over)
        return;
    l->over = true;
    watcher_stop(l->deadline);
    clean_up(l);
    loop_stop(l->loop);
}

static void maybe_over_cb(void *arg)
{
    maybe_over(arg);
}

void launcher_fail(struct launcher *l, const char *fmt, ...)
{
    char text[300];
    va_list ap;

    if (l->failed)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    launcher_say(l, "%s", text);
    l->failed = true;
    l->exit_code = l->exit_code ? l->exit_code : 1;
    tell_to_end(l);
    (void)loop_post(l->loop, maybe_over_cb, l);
}

static long tasks_of(uint32_t brokers)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    return brokers * (BROKER_THREADS + (cpus > 0 ? cpus : 1));
}

/* Brokers that cannot start mostly met a limit of the host; which one? */
static void explain(struct launcher *l)
{
    uint32_t missing = l->conf.size - l->running;
    flux_error_t err;

    if (room_check(l->env, tasks_of(missing), (long)missing * BROKER_FILES, &err) < 0)
        launcher_say(l, "there is no room for that many brokers here: %s", err.text);
}

/* The others would wait for it for ever. */
static void missed_meeting(struct member *m, const char *how, int code)
{
    struct launcher *l = m->l;

    if (!l->failed)
        explain(l);
    launcher_fail(l, "broker %u ended (%s %d) before all %u had met", (unsigned)m->rank,
                  how, code, (unsigned)l->conf.size);
}

static void note_exit(struct member *m, int status)
{
    struct launcher *l = m->l;
    bool killed = WIFSIGNALED(status);
    int code = killed ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    bool counts = m->rank == 0 || !l->conf.exit_leader;

    if (m->expected || l->ending)
        return;
    if (counts && code > l->exit_code)
        l->exit_code = code;
    if (killed && l->stops < 3)
        launcher_say(l, "broker %u was killed by signal %d", (unsigned)m->rank,
                     WTERMSIG(status));
    if (l->meeting && !l->met && !l->stops)
        missed_meeting(m, killed ? "signal" : "exit code",
                       killed ? WTERMSIG(status) : code);
    else if (counts && l->running > 0)
        end_after(l, l->conf.exit_timeout);
}

static void exit_cb(struct watcher *w, int revents, void *arg)
{
    struct member *m = arg;
    int status = 0;

    if (proc_reap(m->l->env, m->pidfd, m->pid, &status, NULL) == -EAGAIN)
        return;
    watcher_free(TAKE(m->exit));
    close(m->pidfd);
    m->pidfd = -1;
    m->pid = 0;
    m->l->running--;
    launcher_pmi_close(m);
    note_exit(m, status);
    maybe_over(m->l);
}

/* ---- the beginning ---- */

static int spawn(struct member *m, char **argv, int pmi_fd, flux_error_t *err)
{
    struct launcher *l = m->l;
    char **env = launcher_env(l, m->rank);
    const int fds[] = {m->rank == 0 ? 0 : -1, 1, 2, pmi_fd};
    struct proc_spec spec = {
        .path = argv[0],
        .argv = argv,
        .envp = env,
        .fdmap = fds,
        .nfds = LAUNCHER_FD + 1,
        /* Only the leader is the terminal's: what is typed there is not for the others. */
        .flags = PROC_SEARCH | (m->rank > 0 ? PROC_SETPGRP : 0),
    };
    const char *where = "spawn";
    int rc = env ? proc_spawn(l->env, &spec, &m->pid, &m->pidfd, &where) : -ENOMEM;

    strv_free(env);
    if (rc < 0)
        return error_set(err, -rc, "broker %u of %u: %s %s: %s", (unsigned)m->rank,
                         (unsigned)l->conf.size, where, argv[0], strerror(-rc));
    if ((rc = watcher_new_fd(l->loop, m->pidfd, LOOP_IN, exit_cb, m, &m->exit)) < 0) {
        (void)proc_kill(m->pidfd, SIGKILL);
        return error_set(err, -rc, "broker %u: %s", (unsigned)m->rank, strerror(-rc));
    }
    watcher_start(m->exit);
    l->running++;
    return 0;
}

/* Started again, it listens where it did before, so that the others find it. */
int launcher_spawn(struct launcher *l, uint32_t rank, bool again, flux_error_t *err)
{
    struct member *m = &l->members[rank];
    AUTOFREE char *old = again ? launcher_pmi_address(l, rank) : NULL;
    bool tcp = old && !strncmp(old, "tcp://", 6);
    char **argv = launcher_argv(l, rank, tcp ? old : NULL);
    int fd = -1, rc;

    if (!argv)
        return error_set(err, ENOMEM, "out of memory");
    if (again)
        pmi_server_again(l->pmi, (int)rank, l->met);
    m->expected = false;
    if ((rc = launcher_pmi_open(m, &fd)) < 0)
        error_set(err, -rc, "broker %u: %s", (unsigned)rank, strerror(-rc));
    else
        rc = spawn(m, argv, fd, err);
    if (fd >= 0)
        close(fd);
    if (rc < 0)
        launcher_pmi_close(m);
    strv_free(argv);
    return rc;
}

/* One a turn, so that those that are there are answered meanwhile. */
static void spawn_next(void *arg)
{
    struct launcher *l = arg;
    flux_error_t err;

    if (l->failed || l->stops > 0 || l->over)
        return;
    if (launcher_spawn(l, l->spawned, false, &err) < 0) {
        explain(l);
        launcher_fail(l, "%s", err.text);
        return;
    }
    l->spawned++;
    if (l->spawned < l->conf.size && !l->conf.start_leader)
        (void)loop_post(l->loop, spawn_next, l);
}

static int new_rundir(struct launcher *l, char **ret)
{
    const char *tmp = strv_getenv_set(l->conf.environment, "TMPDIR");

    if (asprintf(ret, "%s/flux-XXXXXX", tmp ? tmp : "/tmp") < 0) {
        *ret = NULL;
        return -ENOMEM;
    }
    return dir_make_temp(l->env, *ret);
}

/* Where it was the last time: the folder above that of rank 0, made again. So clients and
 * jobs that are still there find the new brokers. */
static char *old_rundir(struct launcher *l)
{
    char link[PATH_MAX], path[PATH_MAX], *slash;
    int n;

    if (!l->conf.statedir || l->conf.size == 1)
        return NULL;
    snprintf(link, sizeof(link), "%s/rundir", l->conf.statedir);
    n = file_readlink(l->env, link, path, sizeof(path));
    if (n < 0 || !(slash = strrchr(path, '/')) || strcmp(slash, "/0") != 0)
        return NULL;
    *slash = '\0';
    return dir_make(l->env, path, 0700) == 0 ? strdup(path) : NULL;
}

static int make_rundir(struct launcher *l, flux_error_t *err)
{
    const char *path = l->conf.rundir;
    AUTOFREE char *made = path ? NULL : old_rundir(l);
    int rc = 0;

    if (path && l->conf.rundir_must_exist)
        rc = -EEXIST;
    else if (path)
        rc = dir_make(l->env, path, 0700);
    else if (!made)
        rc = new_rundir(l, &made);
    if (!path)
        path = made;
    if (rc < 0 && rc != -EEXIST)
        return error_set(err, -rc, "rundir %s: %s", path ? path : "", strerror(-rc));
    l->rundir_made = rc == 0;
    if (!(l->rundir = realpath(path, NULL))) {
        rc = -errno;
        return error_set(err, -rc, "rundir %s: %s", path, strerror(-rc));
    }
    return 0;
}

/* Two descriptors a broker: its socket and the handle of its process. */
static int check_room(struct launcher *l, flux_error_t *err)
{
    long need = 2 * (long)l->conf.size + FILES_SPARE;
    int have = proc_raise_nofile(l->env, NULL), rc;
    flux_error_t why;

    if (have >= 0 && have < need)
        return error_set(err, EMFILE,
                         "your limit of open files is %d, and %u brokers need %ld: raise "
                         "it with ulimit -Hn",
                         have, (unsigned)l->conf.size, need);
    rc = room_check(l->env, tasks_of(l->conf.size), (long)l->conf.size * BROKER_FILES,
                    &why);
    if (rc < 0)
        return error_set(err, -rc, "no room for %u brokers: %s", (unsigned)l->conf.size,
                         why.text);
    return 0;
}

int launcher_start(struct launcher *l, flux_error_t *err)
{
    int rc;

    if ((rc = check_room(l, err)) < 0 || (rc = control_new(l, &l->control, err)) < 0)
        return rc;
    rc = loop_post(l->loop, spawn_next, l);
    return rc < 0 ? error_set(err, -rc, "%s", strerror(-rc)) : 0;
}

void launcher_signal(struct launcher *l, int signum)
{
    l->stops++;
    if (l->stops >= 3) {
        signal_all(l, SIGKILL);
        l->exit_code = 128 + signum;
    } else if ((l->met || !l->meeting) && l->members[0].pid)
        (void)proc_kill(l->members[0].pidfd, signum);
    else
        signal_all(l, SIGTERM);
    (void)loop_post(l->loop, maybe_over_cb, l);
}

bool launcher_is_over(const struct launcher *l)
{
    return l->over;
}

int launcher_exit_code(const struct launcher *l)
{
    return l->exit_code;
}

void launcher_each_command(struct launcher *l, void (*fn)(char *const *argv, void *arg),
                           void *arg)
{
    for (uint32_t rank = 0; rank < l->conf.size; rank++) {
        char **argv = launcher_argv(l, rank, NULL);

        if (argv)
            fn(argv, arg);
        strv_free(argv);
    }
}

/* ---- making it ---- */

static int take_hosts(struct launcher *l, flux_error_t *err)
{
    const char *text = l->conf.hosts;

    if (!text)
        return 0;
    if (!(l->hosts = hostlist_decode(text)))
        return error_set(err, EINVAL, "'%s' is no list of hosts", text);
    if (hostlist_count(l->hosts) != (int)l->conf.size)
        return error_set(err, EINVAL, "'%s' are %d hosts, but there are %u brokers", text,
                         hostlist_count(l->hosts), (unsigned)l->conf.size);
    return 0;
}

static int fill_in(struct launcher *l, flux_error_t *err)
{
    int rc = watcher_new_timer(l->loop, 0, 0, deadline_cb, l, &l->deadline);

    if (rc < 0)
        return rc;
    watcher_unref(l->deadline);
    if (!(l->members = calloc(l->conf.size, sizeof(*l->members))))
        return -ENOMEM;
    for (uint32_t i = 0; i < l->conf.size; i++)
        l->members[i] = (struct member){.l = l, .rank = i, .pidfd = -1, .fd = -1};
    if ((rc = take_hosts(l, err)) < 0 || (rc = make_rundir(l, err)) < 0 ||
        (rc = launcher_pmi_new(l, err)) < 0)
        return rc;
    if (asprintf(&l->uri, "local://%s/start", l->rundir) < 0) {
        l->uri = NULL;
        return -ENOMEM;
    }
    return launcher_take_env(l);
}

int launcher_new(const struct launcher_conf *conf, struct launcher **ret,
                 flux_error_t *err)
{
    struct launcher *l = calloc(1, sizeof(*l));
    flux_error_t why = {{0}};
    int rc;

    if (!l)
        return error_set(err, ENOMEM, "out of memory");
    l->conf = *conf;
    l->loop = conf->loop;
    l->env = loop_env(conf->loop);
    if ((rc = fill_in(l, &why)) < 0) {
        error_set(err, -rc, "%s", why.text[0] ? why.text : strerror(-rc));
        launcher_free(l);
        return rc;
    }
    *ret = l;
    return 0;
}

void launcher_free(struct launcher *l)
{
    if (!l)
        return;
    if (!l->over)
        clean_up(l);
    for (uint32_t i = 0; l->members && i < l->conf.size; i++) {
        if (l->pmi)
            launcher_pmi_close(&l->members[i]);
        watcher_free(l->members[i].exit);
    }
    watcher_free(l->deadline);
    pmi_server_free(l->pmi);
    hostlist_destroy(l->hosts);
    strv_free(l->common);
    free(l->members);
    free(l->mapping);
    free(l->rundir);
    free(l->uri);
    free(l);
}
