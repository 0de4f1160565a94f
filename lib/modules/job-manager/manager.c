/* Small things that all parts of the job manager use, see manager.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "modules/job-manager/jobtap.h"
#include "modules/job-manager/manager.h"
#include "modules/job-manager/specs.h"

struct read {
    struct alive *alive;
    store_read_f fn;
    manager_done_f done;
    void (*drop)(void *arg);
    void *arg;
};

static int read_run(struct store_reader *r, void *arg)
{
    struct read *rd = arg;

    return rd->fn(r, rd->arg);
}

static void read_done(int rc, void *arg)
{
    struct read *rd = arg;

    if (rd->alive->jm)
        rd->done(rd->alive->jm, rc, rd->arg);
    else
        rd->drop(rd->arg);
    if (--rd->alive->refs == 0)
        free(rd->alive);
    free(rd);
}

int manager_read(struct job_manager *jm, store_read_f fn, manager_done_f done,
                 void (*drop)(void *arg), void *arg)
{
    struct read *rd = malloc(sizeof(*rd));
    int rc;

    if (!rd)
        return -ENOMEM;
    *rd = (struct read){jm->alive, fn, done, drop, arg};
    jm->alive->refs++;
    if ((rc = store_read(jm->store, read_run, read_done, rd)) < 0) {
        jm->alive->refs--;
        free(rd);
    }
    return rc;
}

struct lookup {
    const flux_msg_t *msg;
    flux_jobid_t id;
};

static int lookup_job(const struct store_job *job, void *arg)
{
    return 0;
}

static int lookup_read(struct store_reader *r, void *arg)
{
    struct lookup *l = arg;

    return store_reader_job(r, l->id, lookup_job, NULL);
}

static void lookup_drop(void *arg)
{
    struct lookup *l = arg;

    flux_msg_decref(l->msg);
    free(l);
}

static void lookup_done(struct job_manager *jm, int rc, void *arg)
{
    struct lookup *l = arg;

    flux_respond_error(jm->h, l->msg, ENOENT,
                       rc < 0 ? "unknown job id" : "job is inactive");
    lookup_drop(l);
}

void manager_respond_unknown(struct job_manager *jm, const flux_msg_t *msg,
                             flux_jobid_t id)
{
    struct lookup *l;

    if (id <= jm->max_id && (l = malloc(sizeof(*l)))) {
        *l = (struct lookup){.msg = flux_msg_incref(msg), .id = id};
        if (manager_read(jm, lookup_read, lookup_done, lookup_drop, l) == 0)
            return;
        lookup_drop(l);
    }
    flux_respond_error(jm->h, msg, ENOENT, "unknown job id");
}

void manager_respond_error(struct job_manager *jm, const flux_msg_t *msg, int errnum,
                           const char *fmt, ...)
{
    char text[640];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    if (flux_respond_error(jm->h, msg, errnum, text) < 0)
        flux_log_error(jm->h, "flux_respond_error");
}

int manager_authorize(struct job_manager *jm, const flux_msg_t *msg, uint32_t userid,
                      const char *text)
{
    if (flux_msg_authorize(msg, userid) == 0)
        return 0;
    manager_respond_error(jm, msg, EPERM, "%s", text);
    return -1;
}

int manager_add_job(struct job_manager *jm, struct job *job)
{
    int rc = umap_add(jm->jobs, job->id, job);

    if (rc == 0) {
        jm->counts[state_index(job->state)]++;
        if (job->state & FLUX_JOB_STATE_RUNNING)
            jm->running++;
        if (job->flags & FLUX_JOB_WAITABLE)
            jm->waitable++;
    }
    return rc;
}

void manager_remove_job(struct job_manager *jm, struct job *job)
{
    jobtap_call(jm->jobtap, job, JOBTAP_DESTROY);
    specs_forget(jm->specs, job->id);
    jm->counts[state_index(job->state)]--;
    if (job->state & FLUX_JOB_STATE_RUNNING)
        jm->running--;
    if (job->flags & FLUX_JOB_WAITABLE)
        jm->waitable--;
    umap_take(jm->jobs, job->id);
    job_free(job, jm->strings);
}
