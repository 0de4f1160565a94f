/* What follows from an event, see advance.h. */
#include <syslog.h>

#include "modules/job-manager/advance.h"
#include "modules/job-manager/alloc.h"
#include "modules/job-manager/drain.h"
#include "modules/job-manager/event.h"
#include "modules/job-manager/exec.h"
#include "modules/job-manager/jobtap.h"
#include "modules/job-manager/purge.h"
#include "modules/job-manager/wait.h"

void advance_add(struct job_manager *jm, struct job *job)
{
    if (list_empty(&job->advance))
        list_append(&jm->advance, &job->advance);
}

static void step_priority(struct job_manager *jm, struct job *job)
{
    flux_error_t err;
    int64_t priority;
    int rc;

    if (job->no_priority)
        return;
    rc = jobtap_priority(jm->jobtap, job, &priority, &err);
    if (job->state != FLUX_JOB_STATE_PRIORITY)
        return;
    if (rc < 0) {
        event_post_exception(jm, job, "priority", 0, UINT32_MAX, -1, err.text);
    } else if (rc == 0) {
        job->no_priority = true;
    } else {
        job->priority = priority;
        job->reprioritized = true;
        event_post(jm, job, EVENT_PRIORITY, "{s:I}", "priority", priority);
    }
}

/* The scheduler or the execution service, or a plug-in's action, still has the job. */
static bool is_held(const struct job *job)
{
    const struct job_more *m = job->more;

    return job->alloc_pending || job_in_exec(job) ||
           (m && (m->prologs.n > 0 || m->epilogs.n > 0));
}

static void step_cleanup(struct job_manager *jm, struct job *job)
{
    if (is_held(job))
        return;
    if (job_has_R(job) && !job_posted(job, EVENT_FREE)) {
        job->free_due = true;
        event_post(jm, job, EVENT_FREE, NULL);
    }
    /* A plug-in's callback may have raised a hand. */
    if (!is_held(job))
        event_post(jm, job, EVENT_CLEAN, NULL);
}

static void step(struct job_manager *jm, struct job *job)
{
    switch (job->state) {
    case FLUX_JOB_STATE_DEPEND:
        if (!job_has_deps(job))
            event_post(jm, job, EVENT_DEPEND, NULL);
        break;
    case FLUX_JOB_STATE_PRIORITY:
        step_priority(jm, job);
        break;
    case FLUX_JOB_STATE_CLEANUP:
        step_cleanup(jm, job);
        break;
    }
}

void advance_all(struct job_manager *jm)
{
    struct job *job;

    while ((job = list_first(&jm->advance, struct job, advance))) {
        list_del(&job->advance);
        step(jm, job);
    }
}

static void finished(struct job_manager *jm, struct job *job)
{
    jm->inactive++;
    wait_finished(jm->wait, job);
    job->ended = true;
    jobtap_call(jm->jobtap, job, JOBTAP_INACTIVE_ADD);
    manager_remove_job(jm, job);
    purger_ended(jm->purger);
}

void advance_stored(struct job_manager *jm, struct job *job)
{
    if (job->ack_due)
        exec_ack(jm->exec, job->id);
    job->ack_due = false;
    if (job->free_due)
        alloc_free_R(jm->alloc, job);
    job->free_due = false;
    switch (job->state) {
    case FLUX_JOB_STATE_PRIORITY:
    case FLUX_JOB_STATE_SCHED:
        alloc_update(jm->alloc, job);
        break;
    case FLUX_JOB_STATE_RUN:
        if (job->expiration_due) {
            alloc_expiration(jm->alloc, job);
            exec_expiration(jm->exec, job);
            job->expiration_due = false;
        }
        exec_update(jm->exec, job);
        break;
    case FLUX_JOB_STATE_CLEANUP:
        alloc_update(jm->alloc, job);
        exec_update(jm->exec, job);
        break;
    case FLUX_JOB_STATE_INACTIVE:
        finished(jm, job);
        break;
    }
}

void advance_poke(struct job_manager *jm, struct job *job)
{
    if (!job->change && !job->flying)
        advance_stored(jm, job);
}

void advance_stored_all(struct job_manager *jm)
{
    alloc_flush(jm->alloc);
    exec_flush(jm->exec);
    drain_check(jm->drain);
}
