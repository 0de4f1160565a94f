/* The shell: see shell.h and shell_private.h. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <flux/connector.h>
#include <flux/flog.h>
#include <flux/msglist.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "shell/shell_private.h"
#include "shell/sink.h"

#define KILL_TIMEOUT 5.0 /* seconds, until job-exec says otherwise */
#define YOUNG 0.05       /* seconds a task lives before it is worth a journal record */
#define RETRY 1.0        /* seconds to the next try when the journal cannot be written */

struct job *shell_job(const struct shell *sh, flux_jobid_t id)
{
    return umap_get(sh->jobs, id);
}

char *shell_output_path(const struct shell *sh, flux_jobid_t id)
{
    char *path;
    return asprintf(&path, "%s/%" PRIu64, sh->output_dir, id) < 0 ? NULL : path;
}

unsigned shell_active_jobs(const struct shell *sh)
{
    return sh->active;
}

void shell_quit(struct shell *sh)
{
    if (sh->active > 0)
        return;
    sh->done = true;
    flux_reactor_stop(sh->reactor);
}

bool shell_is_done(const struct shell *sh)
{
    return sh->done;
}

void shell_kill_all(struct shell *sh)
{
    size_t it = 0;
    uint64_t id;
    void *value;
    while (umap_next(sh->jobs, &it, &id, &value)) {
        job_cancel(value);
        (void)job_signal(value, SIGKILL);
    }
}

/* An active idle watcher keeps the loop from waiting; the turn's end stops it. */
void shell_poke(struct shell *sh)
{
    watcher_start(sh->awake);
}

static void nothing(struct watcher *w, int revents, void *arg)
{
}

void shell_stop(struct shell *sh)
{
    sh->stopping = true;
    shell_kill_all(sh);
    shell_poke(sh);
}

void shell_turn_again(struct shell *sh, double after)
{
    watcher_stop(sh->again);
    watcher_timer_set(sh->again, after, 0);
    watcher_start(sh->again);
}

/* -- a turn's end -- */

static void flush_streams(struct shell *sh)
{
    list_each(job, &sh->dirty, struct job, dirty)
    {
        list_del(&job->dirty);
        sink_flush(job);
    }
    keep_turn(sh);
}

static void start_jobs(struct shell *sh)
{
    struct spawn_list l;
    spawn_prepare(sh, &l);
    int rc = journal_flush(sh->journal);
    if (rc == 0) {
        spawn_launch(sh, &l);
        return;
    }
    flux_t *h = link_handle(sh->link);
    if (h)
        flux_log(h, LOG_ERR, "journal: %s; no job is started", strerror(-rc));
    spawn_undo(sh, &l);
    shell_turn_again(sh, RETRY);
}

/* While it is SPAWNING the tasks are the worker's. */
static void save_tasks(struct journal *j, const struct job *job)
{
    for (unsigned i = 0; job->state == JOB_RUNNING && i < job->ntasks; i++) {
        const struct task *task = &job->tasks[i];
        struct journal_task t = {.rank = task->rank, .pid = task->pid};
        if (task->running && proc_start_time(t.pid, &t.start) == 0)
            journal_task(j, job->id, &t);
    }
}

static void save_job(struct journal *j, const struct job *job)
{
    if (job->state == JOB_WAITING)
        return;
    journal_begin(j, job->id);
    save_tasks(j, job);
    if (job->exc_type)
        journal_exception(j, job->id, job->severity, job->exc_type, job->exc_note);
    if (job->state == JOB_DONE)
        journal_end(j, job->id, &job->end);
}

static void save_jobs(struct journal *j, void *arg)
{
    struct shell *sh = arg;
    size_t it = 0;
    uint64_t id;
    void *job;
    while (umap_next(sh->jobs, &it, &id, &job))
        save_job(j, job);
}

static void turn(struct watcher *w, int revents, void *arg)
{
    struct shell *sh = arg;
    watcher_stop(sh->awake);
    reaper_turn(sh->reaper);
    flush_streams(sh);
    start_jobs(sh);
    results_flush(sh);
    outlets_turn(sh->outlets);
    follow_turn(sh);
    /* Jobs being recovered have tasks that only the old journal names. */
    if (!sh->recovery && journal_is_large(sh->journal, sh->active == 0))
        (void)journal_rewrite(sh->journal, save_jobs, sh);
    if (!list_empty(&sh->young) && !watcher_is_active(sh->record))
        watcher_start(sh->record);
    if (sh->stopping)
        shell_quit(sh);
}

/* Tasks that have lived for a while: note their processes. Those of the last moments
 * would be found by their mark. */
static void record(struct watcher *w, int revents, void *arg)
{
    struct shell *sh = arg;
    watcher_stop(w);
    list_each(job, &sh->young, struct job, young)
    {
        list_del(&job->young);
        save_tasks(sh->journal, job);
    }
}

static void again(struct watcher *w, int revents, void *arg)
{
    watcher_stop(w); /* the turn's end is what it was for */
}

/* -- life cycle -- */

static void job_free_value(void *arg)
{
    job_free(arg);
}

static int copy_options(struct shell *sh, const struct shell_opts *opts)
{
    sh->env = env_ref(opts->env);
    sh->reactor = opts->reactor;
    sh->loop = flux_reactor_loop(opts->reactor);
    sh->userid = opts->userid;
    sh->rank = opts->rank;
    sh->nofile = opts->nofile;
    sh->kill_timeout = KILL_TIMEOUT;
    sh->orphan_timeout = opts->orphan_timeout;
    sh->uri = strdup(opts->uri);
    sh->output_dir = strdup(opts->output_dir);
    if (opts->pmi_library)
        sh->pmi_library = strdup(opts->pmi_library);
    if (!sh->uri || !sh->output_dir || (opts->pmi_library && !sh->pmi_library))
        return -ENOMEM;
    return 0;
}

static int make_parts(struct shell *sh, const struct shell_opts *opts)
{
    sh->jobs = umap_new(job_free_value);
    sh->tasks = umap_new(NULL);
    sh->keeps = umap_new(keep_free);
    sh->puts = flux_msglist_create();
    if (!sh->jobs || !sh->tasks || !sh->keeps || !sh->puts)
        return -ENOMEM;
    int rc = reaper_new(sh, &sh->reaper);
    if (rc == 0)
        rc = outlets_new(sh, &sh->outlets);
    if (rc == 0 && opts->tmp_dir)
        rc = tmpdirs_new(sh->loop, opts->tmp_dir, &sh->tmpdirs);
    if (rc == 0)
        rc = link_new(sh, opts->connect, opts->connect_arg, &sh->link);
    if (rc == 0)
        rc = watcher_new_check(sh->loop, turn, sh, &sh->turn);
    if (rc == 0)
        rc = watcher_new_idle(sh->loop, nothing, sh, &sh->awake);
    if (rc == 0)
        rc = watcher_new_timer(sh->loop, YOUNG, 0, record, sh, &sh->record);
    if (rc == 0)
        rc = watcher_new_timer(sh->loop, 0, 0, again, sh, &sh->again);
    return rc;
}

static int open_files(struct shell *sh, const char *dir, flux_error_t *err)
{
    struct journal_log log;
    int rc = dir_make(sh->env, sh->output_dir, 0700);
    if (rc < 0 && rc != -EEXIST)
        return error_set(err, -rc, "%s: %s", sh->output_dir, strerror(-rc));
    rc = journal_open(sh->env, dir, &sh->journal, &log);
    if (rc == -EBUSY)
        return error_set(err, EBUSY, "%s: another shell holds the journal", dir);
    if (rc < 0)
        return error_set(err, -rc, "%s: %s", dir, strerror(-rc));
    sh->env_opts = (struct taskenv_opts){
        .uri = sh->uri,
        .uuid = journal_uuid(sh->journal),
        .pmi_library = sh->pmi_library,
    };
    rc = recovery_start(sh, &log);
    journal_log_clear(&log);
    if (rc == 0 && sh->rank != 0)
        rc = sink_restore(sh);
    return rc < 0 ? error_set(err, -rc, "cannot recover jobs: %s", strerror(-rc)) : 0;
}

int shell_new(const struct shell_opts *opts, struct shell **ret, flux_error_t *err)
{
    struct shell *sh = calloc(1, sizeof(*sh));
    if (!sh)
        return error_set(err, ENOMEM, "out of memory");
    list_init(&sh->waiting);
    list_init(&sh->running);
    list_init(&sh->ending);
    list_init(&sh->dirty);
    list_init(&sh->young);
    list_init(&sh->follows);
    list_init(&sh->barriers);
    list_init(&sh->dirty_keeps);
    int rc = copy_options(sh, opts);
    if (rc == 0)
        rc = make_parts(sh, opts);
    if (rc < 0)
        error_set(err, -rc, "%s", strerror(-rc));
    else
        rc = open_files(sh, opts->dir, err);
    if (rc < 0) {
        shell_free(sh);
        return rc;
    }
    *ret = sh;
    return 0;
}

void shell_start(struct shell *sh)
{
    watcher_set_priority(sh->turn, -2); /* after all that was ready */
    watcher_start(sh->turn);
    link_start(sh->link);
}

/* A handle whose connection breaks stops the reactor with an error; link.c sees to it. */
void shell_run(struct shell *sh)
{
    while (!sh->done)
        if (flux_reactor_run(sh->reactor, 0) == 0)
            break;
}

void shell_free(struct shell *sh)
{
    if (!sh)
        return;
    follow_drop_all(sh);
    recovery_free(sh);
    link_free(sh->link);
    reaper_free(sh->reaper);
    watcher_free(sh->turn);
    watcher_free(sh->awake);
    watcher_free(sh->record);
    watcher_free(sh->again);
    umap_free(sh->jobs);
    umap_free(sh->tasks);
    umap_free(sh->keeps);
    flux_msglist_destroy(sh->puts);
    outlets_free(sh->outlets);
    tmpdirs_free(sh->tmpdirs);
    journal_close(sh->journal);
    buf_free(&sh->results);
    free(sh->output_dir);
    free(sh->uri);
    free(sh->pmi_library);
    env_unref(sh->env);
    free(sh);
}
