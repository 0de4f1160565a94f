/* No process outlives its job: see reaper.h. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <syslog.h>
#include <string.h>

#include "base/cleanup.h"
#include "env/pipe.h"
#include "shell/shell_private.h"

#define PATROL 5.0   /* seconds between looks at what running jobs shed */
#define GIVE_UP 10.0 /* seconds after which a job ends beside an unkillable orphan */

struct orphan {
    pid_t pid;
    flux_jobid_t id; /* 0: not marked as one of ours */
    uint64_t seen;   /* the shell's seq when it was first seen */
    bool here;       /* seen in this turn */
    bool dying;      /* was sent a SIGKILL */
    int pidfd;
    struct watcher *exit;
};

struct reaper {
    struct shell *sh;
    struct umap *orphans; /* pid -> struct orphan */
    struct watcher *patrol;
    pid_t *pids;
    int max;
    bool due;
};

static void orphan_free(void *arg)
{
    struct orphan *o = arg;
    watcher_free(o->exit);
    if (o->pidfd >= 0)
        pipe_close(o->pidfd);
    free(o);
}

static void on_exit_of(struct watcher *w, int revents, void *arg)
{
    watcher_stop(w);
    ((struct reaper *)arg)->due = true;
}

static void on_patrol(struct watcher *w, int revents, void *arg)
{
    struct reaper *r = arg;
    r->due = true;
    if (r->sh->active == 0 && umap_count(r->orphans) == 0)
        watcher_stop(w);
}

int reaper_new(struct shell *sh, struct reaper **ret)
{
    struct reaper *r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->sh = sh;
    r->max = 256;
    r->pids = calloc((size_t)r->max, sizeof(*r->pids));
    r->orphans = umap_new(orphan_free);
    if (!r->pids || !r->orphans ||
        watcher_new_timer(sh->loop, PATROL, PATROL, on_patrol, r, &r->patrol) < 0) {
        reaper_free(r);
        return -ENOMEM;
    }
    watcher_unref(r->patrol);
    *ret = r;
    return 0;
}

void reaper_free(struct reaper *r)
{
    if (!r)
        return;
    watcher_free(r->patrol);
    umap_free(r->orphans);
    free(r->pids);
    free(r);
}

/* Which job the mark in a process's environment names; 0: none of this journal. */
static flux_jobid_t marked_job(const struct reaper *r, pid_t pid)
{
    char mark[80];
    const char *uuid = journal_uuid(r->sh->journal);
    size_t n = strlen(uuid);
    flux_jobid_t id;
    if (proc_getenv(pid, TASKENV_MARK, mark, sizeof(mark)) < 0 ||
        strncmp(mark, uuid, n) != 0 || sscanf(mark + n, ".%" SCNu64, &id) != 1)
        return 0;
    return id;
}

static struct orphan *add_orphan(struct reaper *r, pid_t pid)
{
    struct orphan *o = calloc(1, sizeof(*o));
    if (!o)
        return NULL;
    o->pid = pid;
    o->id = marked_job(r, pid);
    o->seen = r->sh->seq;
    o->pidfd = -1;
    if (umap_add(r->orphans, (uint64_t)pid, o) < 0) {
        orphan_free(o);
        return NULL;
    }
    return o;
}

static bool is_over(const struct reaper *r, const struct orphan *o)
{
    if (o->id) {
        const struct job *job = shell_job(r->sh, o->id);
        return !job || job->state >= JOB_ENDING;
    }
    const struct job *oldest = list_first(&r->sh->running, struct job, link);
    return !oldest || oldest->seq > o->seen;
}

static void kill_orphan(struct reaper *r, struct orphan *o)
{
    if (o->pidfd < 0) {
        if (proc_open(o->pid, &o->pidfd) < 0) {
            r->due = true; /* gone, or no descriptor left: look again */
            return;
        }
        if (watcher_new_fd(r->sh->loop, o->pidfd, LOOP_IN, on_exit_of, r, &o->exit) == 0)
            watcher_start(o->exit);
    }
    o->dying = proc_kill(o->pidfd, SIGKILL) == 0;
}

/* Bring the list up to date with what this process's children are now. */
static void look(struct reaper *r)
{
    int n;
    size_t it = 0;
    uint64_t pid;
    void *value;
    proc_reap_orphans(r->sh->env);
    while ((n = proc_children(r->sh->env, r->pids, r->max)) == r->max) {
        pid_t *pids = realloc(r->pids, (size_t)r->max * 2 * sizeof(*pids));
        if (!pids)
            break;
        r->pids = pids;
        r->max *= 2;
    }
    while (umap_next(r->orphans, &it, &pid, &value))
        ((struct orphan *)value)->here = false;
    for (int i = 0; i < n; i++) {
        pid = (uint64_t)r->pids[i];
        if (umap_get(r->sh->tasks, pid))
            continue;
        struct orphan *o = umap_get(r->orphans, pid);
        if (!o)
            o = add_orphan(r, r->pids[i]);
        if (o)
            o->here = true;
    }
    for (it = 0; umap_next(r->orphans, &it, &pid, &value);)
        if (!((struct orphan *)value)->here || umap_get(r->sh->tasks, pid))
            umap_del(r->orphans, pid);
}

/* Is something dying that may be the job's? */
static bool has_orphan(const struct reaper *r, flux_jobid_t id)
{
    size_t it = 0;
    uint64_t pid;
    void *value;
    while (umap_next(r->orphans, &it, &pid, &value)) {
        const struct orphan *o = value;
        if (o->dying && (o->id == id || o->id == 0))
            return true;
    }
    return false;
}

static void finish_clean(struct reaper *r)
{
    struct shell *sh = r->sh;
    double now = env_monotonic(sh->env);
    list_each(job, &sh->ending, struct job, link)
    {
        if (has_orphan(r, job->id)) {
            if (now - job->ended_at < GIVE_UP)
                continue;
            stream_log(job->stream, LOG_ERR, "a process of this job cannot be killed");
        }
        job_finish(job);
    }
}

void reaper_turn(struct reaper *r)
{
    struct shell *sh = r->sh;
    size_t it = 0;
    uint64_t pid;
    void *value;
    if (sh->active > 0 && !watcher_is_active(r->patrol))
        watcher_start(r->patrol);
    if (list_empty(&sh->ending) && !r->due)
        return;
    r->due = false;
    look(r);
    while (umap_next(r->orphans, &it, &pid, &value))
        if (is_over(r, value))
            kill_orphan(r, value);
    finish_clean(r);
    if (!list_empty(&sh->ending) || r->due)
        shell_turn_again(sh, r->due ? 0.01 : 1.0);
}
