/* A job in the shell: see job.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/status.h"
#include "env/pipe.h"
#include "shell/shell_private.h"
#include "shell/sink.h"

/* -- making and freeing -- */

static struct job *job_alloc(struct shell *sh, flux_jobid_t id)
{
    struct job *job = calloc(1, sizeof(*job));
    if (!job)
        return NULL;
    job->sh = sh;
    job->id = id;
    list_init(&job->link);
    list_init(&job->dirty);
    list_init(&job->young);
    if (umap_add(sh->jobs, id, job) < 0) {
        free(job);
        return NULL;
    }
    job->seq = ++sh->seq;
    sh->active++;
    return job;
}

static void drop_output(struct job *job)
{
    output_free(job->output);
    job->output = NULL;
    plan_free(job->plan);
    job->plan = NULL;
}

/* What a job needs no more once it is DONE. */
static void job_shrink(struct job *job)
{
    limits_stop(job);
    pmi_free(job->pmi);
    job->pmi = NULL;
    for (unsigned i = 0; i < job->ntasks; i++)
        task_clear(&job->tasks[i]);
    free(job->tasks);
    job->tasks = NULL;
    job->ntasks = 0;
    tmpdir_give_back(job->tmpdir);
    job->tmpdir = NULL;
    if (job->plan && !plan_writes_for_others(job->plan))
        drop_output(job);
}

void job_free(struct job *job)
{
    if (!job)
        return;
    job_shrink(job);
    drop_output(job);
    list_del(&job->link);
    list_del(&job->dirty);
    list_del(&job->young);
    sink_free(job);
    exchange_free(job->exchange);
    free(job->exc_type);
    free(job->exc_note);
    free(job);
}

/* -- the end -- */

static void set_exception(struct job *job, int severity, const char *type,
                          const char *note)
{
    char *t = strdup(type), *n = strdup(note);
    if (!t || !n) {
        free(t);
        free(n);
        return;
    }
    job->severity = severity;
    job->exc_type = t;
    job->exc_note = n;
}

void job_raise(struct job *job, int severity, const char *type, const char *note)
{
    if (job->exc_type || job->state == JOB_DONE)
        return; /* the first one tells why */
    set_exception(job, severity, type, note);
    if (!job->exc_type)
        return;
    journal_exception(job->sh->journal, job->id, severity, type, job->exc_note);
    results_exception(job->sh, job);
}

void job_told(struct job *job)
{
    results_finish(job->sh, job);
}

void job_finish(struct job *job)
{
    struct shell *sh = job->sh;
    for (unsigned i = 0; i < job->ntasks; i++)
        for (int which = 0; which < 2; which++)
            if (job->tasks[i].capture[which])
                capture_finish(job->tasks[i].capture[which]);
    sink_end(job);
    job_shrink(job);
    list_del(&job->link);
    list_del(&job->young);
    job->state = JOB_DONE;
    sh->active--;
    journal_end(sh->journal, job->id, &job->end);
    if (!sink_is_draining(job))
        job_told(job);
}

/* The last task is gone, or there never was one. */
static void job_ending(struct job *job)
{
    limits_stop(job);
    list_del(&job->young);
    list_del(&job->link);
    job->state = JOB_ENDING;
    job->ended_at = env_monotonic(job->sh->env);
    list_append(&job->sh->ending, &job->link);
}

/* -- the beginning -- */

int job_refuse(struct shell *sh, flux_jobid_t id, const char *type, const char *note)
{
    struct job *job = job_alloc(sh, id);
    if (!job)
        return -ENOMEM;
    journal_begin(sh->journal, id);
    job->end.status = status_of_exit(1);
    job_raise(job, 0, type, note);
    job_finish(job);
    return 0;
}

static int make_tasks(struct job *job)
{
    job->tasks = calloc(job->plan->nlocal + 1, sizeof(*job->tasks));
    if (!job->tasks)
        return -ENOMEM;
    job->ntasks = job->plan->nlocal;
    for (unsigned i = 0; i < job->ntasks; i++)
        task_init(&job->tasks[i], job, i, plan_task_rank(job->plan, i));
    return 0;
}

static void take_tmpdir(struct job *job)
{
    if (job->sh->tmpdirs && (job->tmpdir = tmpdir_take(job->sh->tmpdirs)))
        job->plan->vars.tmpdir = tmpdir_path(job->tmpdir);
}

static int make_exchange(struct job *job)
{
    const struct plan *p = job->plan;
    unsigned coming = layout_count_nodes(&p->layout);
    if (!p->pmi || p->node != 0 || coming == 1)
        return 0;
    return exchange_new(p->layout.nnodes, coming, &job->exchange);
}

int job_start(struct shell *sh, flux_jobid_t id, cJSON *jobspec, cJSON *r)
{
    struct plan *plan;
    flux_error_t err = {.text = ""};
    int rc = plan_new(id, sh->rank, jobspec, r, &plan, &err);
    if (rc == -EINVAL)
        return job_refuse(sh, id, "exec", err.text);
    if (rc < 0)
        return rc;
    struct job *job = job_alloc(sh, id);
    if (!job) {
        plan_free(plan);
        return -ENOMEM;
    }
    job->plan = plan;
    job->state = JOB_WAITING;
    take_tmpdir(job);
    rc = sink_open(job);
    if (rc == 0)
        rc = make_tasks(job);
    if (rc == 0)
        rc = make_exchange(job);
    if (rc < 0) {
        umap_del(sh->jobs, id);
        sh->active--;
        return rc;
    }
    list_append(&sh->waiting, &job->link);
    return 0;
}

int job_restore(struct shell *sh, const struct journal_job *saved, struct job **ret)
{
    struct job *job = job_alloc(sh, saved->id);
    if (!job)
        return -ENOMEM;
    if (saved->type)
        set_exception(job, saved->severity, saved->type, saved->note);
    if (saved->ended) {
        job->end = saved->end;
        job->state = JOB_DONE;
        sh->active--;
    } else {
        job->end.status = SIGKILL;
        job->state = JOB_ENDING;
    }
    *ret = job;
    return 0;
}

/* -- tasks -- */

void job_spawn(struct job *job)
{
    struct shell *sh = job->sh;
    if (job->tmpdir)
        (void)tmpdir_make(job->tmpdir); /* a job that needs it will say so */
    int rc = output_new(sh->env, job->plan, &job->output, &job->spawn_error);
    job->spawn_failed = rc < 0;
    struct task_context ctx = {
        .env = sh->env,
        .plan = job->plan,
        .output = job->output,
        .env_opts = &sh->env_opts,
        .nofile = sh->nofile,
    };
    for (unsigned i = 0; i < job->ntasks && rc == 0; i++)
        task_spawn(&job->tasks[i], &ctx);
}

static void captured(unsigned tag, const char *data, size_t len, void *arg)
{
    if (len > 0)
        sink_put(arg, (int)tag, data, len);
}

static void add_usage(struct journal_end *end, const struct rusage *ru)
{
    end->utime += (double)ru->ru_utime.tv_sec + (double)ru->ru_utime.tv_usec * 1e-6;
    end->stime += (double)ru->ru_stime.tv_sec + (double)ru->ru_stime.tv_usec * 1e-6;
    end->maxrss = ru->ru_maxrss > end->maxrss ? ru->ru_maxrss : end->maxrss;
}

static void task_gone(struct task *t, int status)
{
    struct job *job = t->job;
    watcher_free(t->exit);
    t->exit = NULL;
    pipe_close(t->pidfd);
    t->pidfd = -1;
    t->running = false;
    t->status = status;
    umap_take(job->sh->tasks, (uint64_t)t->pid);
    job->end.status = status_worst(job->end.status, status);
    job->nrunning--;
    limits_task_exited(job, status);
    if (job->nrunning == 0)
        job_ending(job);
}

static void task_exited(struct watcher *w, int revents, void *arg)
{
    struct task *t = arg;
    struct rusage usage = {0};
    int status = 0;
    int rc = proc_reap(t->job->sh->env, t->pidfd, t->pid, &status, &usage);
    if (rc == -EAGAIN)
        return;
    if (rc < 0)
        status = status_of_exit(1); /* somebody reaped it: nobody knows */
    add_usage(&t->job->end, &usage);
    task_gone(t, status);
}

static void capture_task(struct task *t)
{
    struct job *job = t->job;
    for (int which = 0; which < 2; which++) {
        if (t->pipe[which] < 0)
            continue;
        bool by_line = !job->plan->stream[which].unbuffered;
        if (capture_new(job->sh->loop, t->pipe[which], by_line, captured, (unsigned)which,
                        t, &t->capture[which]) == 0)
            t->pipe[which] = -1;
    }
}

/* Returns false if the process cannot be watched, and is killed. */
static bool watch_task(struct task *t)
{
    struct shell *sh = t->job->sh;
    if (umap_add(sh->tasks, (uint64_t)t->pid, t) < 0 ||
        watcher_new_fd(sh->loop, t->pidfd, LOOP_IN, task_exited, t, &t->exit) < 0) {
        (void)proc_kill(t->pidfd, SIGKILL);
        umap_take(sh->tasks, (uint64_t)t->pid);
        t->pid = 0; /* becomes an orphan, which the reaper sees to */
        return false;
    }
    watcher_start(t->exit);
    t->running = true;
    t->job->nrunning++;
    return true;
}

static void adopt_task(struct task *t)
{
    struct job *job = t->job;
    if (t->message)
        sink_put(t, 1, t->message, strlen(t->message));
    if (t->pid > 0 && watch_task(t)) {
        capture_task(t);
        pmi_adopt(t);
    } else
        job->end.status = status_worst(job->end.status, t->status);
}

void job_spawned(struct job *job)
{
    struct shell *sh = job->sh;
    results_start(sh, job, false);
    if (job->spawn_failed) {
        job->end.status = status_of_exit(1);
        job_raise(job, 0, "exec", job->spawn_error.text);
        job_ending(job);
        return;
    }
    output_announce(job->output, job->stream);
    job->state = JOB_RUNNING;
    for (unsigned i = 0; i < job->ntasks; i++)
        adopt_task(&job->tasks[i]);
    if (job->nrunning == 0) {
        job_ending(job);
        return;
    }
    list_append(&sh->young, &job->young);
    limits_start(job);
    if (job->cancelled || job->nrunning < job->ntasks) {
        job->cancelled = false;
        job_cancel(job);
    }
}

/* -- signals -- */

int job_signal(struct job *job, int signum)
{
    int n = 0;
    for (unsigned i = 0; i < job->ntasks; i++) {
        struct task *t = &job->tasks[i];
        if (!t->running)
            continue;
        /* The leader has not been reaped, so the group's number is still its own. */
        if (job->plan->own_group)
            (void)group_kill(job->sh->env, t->pid, signum);
        else
            (void)proc_kill(t->pidfd, signum);
        n++;
    }
    return n > 0 ? 0 : -ESRCH;
}

void job_cancel(struct job *job)
{
    if (job->state == JOB_DONE)
        sink_give_up_files(job); /* the leader may never come back for them */
    if (job->cancelled || job->state >= JOB_ENDING)
        return;
    job->cancelled = true;
    if (job->state == JOB_WAITING) {
        journal_begin(job->sh->journal, job->id);
        job->end.status = SIGTERM;
        job_ending(job);
    } else if (job->state == JOB_RUNNING) {
        (void)job_signal(job, SIGTERM);
        (void)job_signal(job, SIGCONT); /* a stopped task could not hear it */
        limits_escalate(job);
    }
}
