/* The clocks of a job: see limits.h. */
#include <signal.h>
#include <stdio.h>

#include "base/fsd.h"
#include "base/status.h"
#include "shell/shell_private.h"

static void expired(struct watcher *w, int revents, void *arg)
{
    struct job *job = arg;
    watcher_stop(w);
    job_raise(job, 0, "timeout", "resource allocation expired");
    job_cancel(job);
}

static void warning(struct watcher *w, int revents, void *arg)
{
    struct job *job = arg;
    watcher_stop(w);
    (void)job_signal(job, job->plan->warn_signum);
}

static void kill_again(struct watcher *w, int revents, void *arg)
{
    (void)job_signal(arg, SIGKILL);
}

static void exit_overdue(struct watcher *w, int revents, void *arg)
{
    struct job *job = arg;
    char time[32] = "", note[120];
    watcher_stop(w);
    fsd_format(job->plan->exit_timeout, time, sizeof(time));
    snprintf(note, sizeof(note), "%u task%s still running %s after the first exit",
             job->nrunning, job->nrunning == 1 ? "" : "s", time);
    job_raise(job, 0, "exec", note);
    job_cancel(job);
}

static void arm(struct job *job, struct watcher **w, double after, double repeat,
                watcher_f fn)
{
    if (*w ||
        watcher_new_timer(job->sh->loop, after > 0 ? after : 0, repeat, fn, job, w) < 0)
        return;
    watcher_start(*w);
}

static void arm_expiration(struct job *job)
{
    const struct plan *p = job->plan;
    double at = job->limits.expiration;
    double left = at - env_time(job->sh->env);
    if (at <= 0)
        return;
    arm(job, &job->limits.expire, left, 0, expired);
    if (p->warn_signum && left > p->warn_left)
        arm(job, &job->limits.warn, left - p->warn_left, 0, warning);
}

void limits_start(struct job *job)
{
    const struct plan *p = job->plan;
    if (job->limits.expiration == 0)
        job->limits.expiration = p->expiration;
    if (job->limits.expiration == 0 && p->info.duration > 0)
        job->limits.expiration = env_time(job->sh->env) + p->info.duration;
    arm_expiration(job);
}

void limits_set_expiration(struct job *job, double at)
{
    struct limits *l = &job->limits;
    l->expiration = at;
    if (job->state != JOB_RUNNING)
        return; /* limits_start() will see it */
    watcher_free(TAKE(l->expire));
    watcher_free(TAKE(l->warn));
    arm_expiration(job);
}

double limits_exit_left(const struct job *job)
{
    const struct plan *p = job->plan;
    double first = job->limits.first_exit;
    if (!p || p->layout.nnodes == 1 || p->exit_timeout < 0 || first == 0)
        return -1;
    double left = p->exit_timeout - (env_monotonic(job->sh->env) - first);
    return left > 0 ? left : 0;
}

static void note_first_exit(struct job *job)
{
    const struct plan *p = job->plan;
    if (job->limits.first_exit != 0)
        return;
    job->limits.first_exit = env_monotonic(job->sh->env);
    if (p->layout.nnodes > 1)
        results_exited(job->sh, job);
    else if (job->nrunning > 0)
        arm(job, &job->limits.exit, p->exit_timeout, 0, exit_overdue);
}

void limits_task_exited(struct job *job, int wstatus)
{
    const struct plan *p = job->plan;
    bool others = job->nrunning > 0 || p->layout.nnodes > 1;
    if (job->cancelled || !others)
        return;
    if (p->exit_on_error && status_code(wstatus) != 0) {
        char note[80];
        snprintf(note, sizeof(note), "task failed with code %d (exit-on-error)",
                 status_code(wstatus));
        job_raise(job, 0, "exec", note);
        job_cancel(job);
    } else if (p->exit_timeout >= 0) {
        note_first_exit(job);
    }
}

void limits_escalate(struct job *job)
{
    double t = job->sh->kill_timeout;
    arm(job, &job->limits.kill, t, t > 0.1 ? t : 0.1, kill_again);
}

void limits_stop(struct job *job)
{
    struct limits *l = &job->limits;
    watcher_free(l->expire);
    watcher_free(l->warn);
    watcher_free(l->exit);
    watcher_free(l->kill);
    *l = (struct limits){0};
}
