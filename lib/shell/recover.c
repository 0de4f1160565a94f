/* After the death of a shell: its journal says which jobs ended (they are reported with
 * their own status) and which were under way. Of those every process is killed, the ones
 * that the journal names and the ones that bear the mark, and the job gets one exception
 * of type lost-shell. A job that the journal does not know was never started.
 */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "env/pipe.h"
#include "shell/shell_private.h"

#define INTERVAL 0.02 /* seconds between two looks */
#define QUIET_LOOKS 2 /* that find nothing: a process may be between fork and exec */
#define MAX_LOOKS 500
#define NOTE "flux-shell died while the job was running"

struct recovery {
    struct shell *sh;
    struct watcher *timer;
    struct list lost; /* jobs, by link */
    unsigned looks, quiet;
    unsigned found; /* processes, in this look */
};

static bool is_lost(const struct recovery *rec, flux_jobid_t id)
{
    const struct job *job = shell_job(rec->sh, id);
    return job && job->state == JOB_ENDING && !job->plan;
}

/* A task by number: only if it is still the one that the journal means. */
static void kill_task(struct shell *sh, const struct journal_task *t)
{
    uint64_t start;
    int pidfd;
    if (proc_open(t->pid, &pidfd) < 0)
        return;
    if (proc_start_time(t->pid, &start) == 0 && start == t->start) {
        (void)group_kill(sh->env, t->pid, SIGKILL);
        (void)proc_kill(pidfd, SIGKILL);
    }
    pipe_close(pidfd);
}

static int look_at(const char *name, void *arg)
{
    struct recovery *rec = arg;
    const char *uuid = journal_uuid(rec->sh->journal);
    size_t n = strlen(uuid);
    char mark[80], *end;
    flux_jobid_t id;
    int pidfd;
    pid_t pid = (pid_t)strtol(name, &end, 10);
    if (*end || pid <= 1 || proc_getenv(pid, TASKENV_MARK, mark, sizeof(mark)) < 0 ||
        strncmp(mark, uuid, n) != 0 || sscanf(mark + n, ".%" SCNu64, &id) != 1 ||
        !is_lost(rec, id) || proc_open(pid, &pidfd) < 0)
        return 0;
    rec->found++;
    (void)proc_kill(pidfd, SIGKILL);
    pipe_close(pidfd);
    return 0;
}

static void finish_all(struct recovery *rec)
{
    struct shell *sh = rec->sh;
    list_each(job, &rec->lost, struct job, link)
    {
        job_raise(job, 0, "lost-shell", NOTE);
        job_finish(job);
    }
    recovery_free(sh);
}

static void look(struct watcher *w, int revents, void *arg)
{
    struct recovery *rec = arg;
    rec->found = 0;
    rec->looks++;
    (void)dir_each(rec->sh->env, "/proc", look_at, rec);
    rec->quiet = rec->found ? 0 : rec->quiet + 1;
    if (rec->quiet >= QUIET_LOOKS || rec->looks >= MAX_LOOKS)
        finish_all(rec);
}

static int restore(struct shell *sh, struct recovery *rec,
                   const struct journal_job *saved)
{
    struct job *job;
    int rc = job_restore(sh, saved, &job);
    if (rc < 0 || job->state == JOB_DONE)
        return rc;
    list_append(&rec->lost, &job->link);
    for (unsigned i = 0; i < saved->ntasks; i++)
        kill_task(sh, &saved->tasks[i]);
    return 0;
}

int recovery_start(struct shell *sh, struct journal_log *log)
{
    size_t it = 0;
    uint64_t id;
    void *saved;
    int rc = 0;
    struct recovery *rec = calloc(1, sizeof(*rec));
    if (!rec)
        return -ENOMEM;
    rec->sh = sh;
    list_init(&rec->lost);
    sh->recovery = rec;
    while (rc == 0 && umap_next(log->jobs, &it, &id, &saved))
        rc = restore(sh, rec, saved);
    if (rc == 0 && !list_empty(&rec->lost))
        rc = watcher_new_timer(sh->loop, 0, INTERVAL, look, rec, &rec->timer);
    if (rc < 0 || list_empty(&rec->lost))
        recovery_free(sh);
    else
        watcher_start(rec->timer);
    return rc;
}

void recovery_free(struct shell *sh)
{
    if (!sh->recovery)
        return;
    watcher_free(sh->recovery->timer);
    free(sh->recovery);
    sh->recovery = NULL;
}
