/* The execution service's answers, see exec.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "modules/job-manager/advance.h"
#include "modules/job-manager/event.h"
#include "modules/job-manager/exec_private.h"

static void started(struct job_manager *jm, struct job *job)
{
    if (!job_posted(job, EVENT_START))
        event_post(jm, job, EVENT_START, NULL);
}

/* Said again: either its end is on disk, or about to be. */
static void repeated(struct job_manager *jm, struct job *job)
{
    if (job->exec_done && !job->ack_due && !job->change && !job->flying)
        exec_ack(jm->exec, job->id);
}

static void finished(struct job_manager *jm, struct job *job, struct slice data)
{
    struct slice status;
    int64_t wait_status = 0;

    if (job_posted(job, EVENT_FINISH) || job->exec_done) {
        repeated(jm, job);
        return;
    }
    if (!data.p || slice_get(data, "status", &status) < 0 ||
        slice_int(status, &wait_status) < 0) {
        flux_log(jm->h, LOG_ERR, "job %ju: finish without a status", (uintmax_t)job->id);
        data = slice_of("{\"status\":0}");
    }
    job->waitstatus = (int)wait_status;
    event_post_text(jm, job, "finish", data);
}

static void released(struct job_manager *jm, struct job *job, struct slice data)
{
    struct slice val, ranks = slice_of("\"all\"");
    struct buf context = {0};
    bool final = true;

    if (job->exec_done) {
        repeated(jm, job);
        return;
    }
    if (data.p && slice_get(data, "final", &val) == 0)
        slice_bool(val, &final);
    if (data.p && slice_get(data, "ranks", &val) == 0)
        ranks = val;
    if (final && job->state == FLUX_JOB_STATE_RUN)
        event_post_exception(jm, job, "exec", 0, UINT32_MAX, -1,
                             "released before it finished");
    buf_adds(&context, "{\"ranks\":");
    buf_add(&context, ranks.p, ranks.len);
    buf_addf(&context, ",\"final\":%s}", final ? "true" : "false");
    job->exec_done = final;
    job->ack_due = final;
    event_post_text(jm, job, "release", (struct slice){context.data, context.len});
    buf_free(&context);
}

static bool is_known(const struct job *job, const char *type, const char *note)
{
    const struct job_exception *e = job->more ? &job->more->exc : NULL;

    return job_is_doomed(job) && e && e->type && e->severity == 0 &&
           !strcmp(e->type, type) && !strcmp(e->note ? e->note : "", note);
}

static void raised(struct job_manager *jm, struct job *job, struct slice data)
{
    struct slice val;
    AUTOFREE char *type = NULL;
    AUTOFREE char *note = NULL;
    int64_t severity = 0, wait_status = -1;

    if (data.p && slice_get(data, "severity", &val) == 0)
        slice_int(val, &severity);
    if (data.p && slice_get(data, "wait_status", &val) == 0)
        slice_int(val, &wait_status);
    if (data.p && slice_get(data, "type", &val) == 0)
        type = slice_strdup(val);
    if (data.p && slice_get(data, "note", &val) == 0)
        note = slice_strdup(val);
    if (severity < 0 || severity > 7)
        severity = 0;
    /* What ended well stays so, whatever a later look for it brings. */
    if (severity == 0 && job_posted(job, EVENT_FINISH))
        return;
    /* Told again, to a job manager that was restarted. */
    if (severity == 0 && is_known(job, type ? type : "exec", note ? note : ""))
        return;
    /* The service knows already that it is to stop the job. */
    if (severity == 0)
        job->exec_cancel = true;
    event_post_exception(jm, job, type ? type : "exec", (int)severity, UINT32_MAX,
                         (int)wait_status, note);
}

int exec_result(struct exec *e, struct slice text)
{
    struct job_manager *jm = e->jm;
    struct slice key, val, type = SLICE_NONE, data = SLICE_NONE;
    struct job *job;
    int64_t id = 0;
    size_t pos = 0;
    int rc;

    while ((rc = slice_member(text, &pos, &key, &val)) > 0) {
        if (slice_is(key, "id"))
            rc = slice_int(val, &id);
        else if (slice_is(key, "type"))
            rc = slice_str(val, &type);
        else if (slice_is(key, "data"))
            data = val;
        if (rc < 0)
            return rc;
    }
    if (rc < 0 || id <= 0 || !type.p)
        return -EPROTO;
    if (!(job = manager_job(jm, (flux_jobid_t)id))) {
        /* It has ended long ago, and that is on disk. */
        if (slice_is(type, "finish") || slice_is(type, "stray"))
            exec_ack(e, (flux_jobid_t)id);
        return 0;
    }
    if (!(job->state & FLUX_JOB_STATE_RUNNING))
        return 0;
    if (slice_is(type, "start") || slice_is(type, "reattached"))
        started(jm, job);
    else if (slice_is(type, "finish"))
        finished(jm, job, data);
    else if (slice_is(type, "release"))
        released(jm, job, data);
    else if (slice_is(type, "exception"))
        raised(jm, job, data);
    else if (slice_is(type, "stray"))
        repeated(jm, job);
    else
        flux_log(jm->h, LOG_ERR, "job %jd: unknown type '%.*s' of exec result",
                 (intmax_t)id, (int)type.len, type.p);
    return 0;
}

void exec_results_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    struct slice all, results, one;
    const char *payload;
    size_t pos = 0;
    int rc;

    if (flux_request_decode(msg, NULL, &payload) < 0 || !payload ||
        slice_value(payload, strlen(payload), &all) < 0 ||
        slice_get(all, "results", &results) < 0) {
        flux_log(h, LOG_ERR, "malformed exec-results request");
        return;
    }
    while ((rc = slice_element(results, &pos, &one)) > 0)
        if ((rc = exec_result(jm->exec, one)) < 0)
            break;
    if (rc < 0)
        flux_log(h, LOG_ERR, "malformed element of an exec-results request");
    exec_flush(jm->exec);
}

/* RFC 32: a response to <service>.start. */
void exec_response_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    struct slice one;
    const char *payload;

    if (flux_response_decode(msg, NULL, &payload) < 0) {
        flux_log_error(h, "%s.start", jm->exec->service);
        return;
    }
    if (!payload || slice_value(payload, strlen(payload), &one) < 0 ||
        exec_result(jm->exec, one) < 0)
        flux_log(h, LOG_ERR, "malformed start response");
    exec_flush(jm->exec);
}
