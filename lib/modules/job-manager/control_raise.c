/* job-manager.raise and raiseall, see control.h. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "modules/job-manager/batch.h"
#include "modules/job-manager/control.h"
#include "modules/job-manager/event.h"

static const char *check(int severity, const char *type)
{
    if (severity < 0 || severity > 7)
        return "exception severity must be 0 to 7";
    if (!*type)
        return "exception type is empty";
    for (const char *p = type; *p; p++)
        if (isspace((unsigned char)*p) || *p == '=')
            return "exception type must not have spaces or '=' in it";
    return NULL;
}

void raise_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    const char *type, *note = NULL, *text;
    int severity, wait_status = -1, rc;
    uint32_t userid;
    struct job *job;
    int64_t id;

    if (flux_request_unpack(msg, NULL, "{s:I s:i s:s s?s s?i}", "id", &id, "severity",
                            &severity, "type", &type, "note", &note, "wait_status",
                            &wait_status) < 0 ||
        flux_msg_get_userid(msg, &userid) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed raise request");
        return;
    }
    if ((text = check(severity, type))) {
        manager_respond_error(jm, msg, EPROTO, "%s", text);
        return;
    }
    if (!(job = control_job(jm, msg, (flux_jobid_t)id,
                            "guests can only raise exceptions on their own jobs")))
        return;
    if ((rc = event_post_exception(jm, job, type, severity, userid, wait_status, note)) <
        0)
        manager_respond_error(jm, msg, -rc, "raise: %s", strerror(-rc));
    else
        batch_respond(jm->batches, msg, NULL);
}

static void respond_count(struct job_manager *jm, const flux_msg_t *msg, int count,
                          int errors)
{
    char answer[64];

    snprintf(answer, sizeof(answer), "{\"count\":%d,\"errors\":%d}", count, errors);
    batch_respond(jm->batches, msg, strdup(answer));
}

void raiseall_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    const char *type, *note = NULL, *text;
    int dry_run, states, severity, count = 0, errors = 0;
    struct flux_msg_cred cred;
    int64_t userid;
    void *value;

    if (flux_request_unpack(msg, NULL, "{s:b s:I s:i s:i s:s s?s}", "dry_run", &dry_run,
                            "userid", &userid, "states", &states, "severity", &severity,
                            "type", &type, "note", &note) < 0 ||
        flux_msg_get_cred(msg, &cred) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed raiseall request");
        return;
    }
    if ((text = check(severity, type))) {
        manager_respond_error(jm, msg, EPROTO, "%s", text);
        return;
    }
    if (!(cred.rolemask & FLUX_ROLE_OWNER) && (uint32_t)userid != cred.userid) {
        manager_respond_error(jm, msg, EPERM,
                              "guests can only raise exceptions on their own jobs");
        return;
    }
    for (size_t it = 0; umap_next(jm->jobs, &it, NULL, &value);) {
        struct job *job = value;

        if (!(job->state & states) || job->state == FLUX_JOB_STATE_INACTIVE ||
            ((uint32_t)userid != FLUX_USERID_UNKNOWN && job->userid != (uint32_t)userid))
            continue;
        count++;
        if (!dry_run &&
            event_post_exception(jm, job, type, severity, cred.userid, -1, note) < 0)
            errors++;
    }
    respond_count(jm, msg, count, errors);
}
