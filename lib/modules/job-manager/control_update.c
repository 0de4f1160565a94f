/* job-manager.update, see control.h: changes of the jobspec of a pending job, and of the
 * duration of a running one. Which keys may change is up to the plug-ins.
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "modules/job-manager/alloc.h"
#include "modules/job-manager/batch.h"
#include "modules/job-manager/control.h"
#include "modules/job-manager/event.h"
#include "modules/job-manager/exec.h"
#include "modules/job-manager/jobtap.h"
#include "base/slice.h"

DEFINE_CLEANUP(cJSON *, json_free)

/* What the plug-ins make of the request. */
static int ask_plugins(struct job_manager *jm, struct job *job,
                       const struct flux_msg_cred *cred, const cJSON *request,
                       cJSON *updates, flux_error_t *err)
{
    bool all_validated = true, validated;
    const cJSON *u;
    cJSON *copy;
    int rc;

    cJSON_ArrayForEach(u, request)
    {
        size_t before = (size_t)cJSON_GetArraySize(updates);

        validated = false;
        if ((rc = jobtap_update(jm->jobtap, job, cred, u->string, u, updates, &validated,
                                err)) < 0)
            return rc;
        all_validated &= validated;
        if ((size_t)cJSON_GetArraySize(updates) > before && json_get(updates, u->string))
            continue;
        if (!(copy = json_copy(u)) || !cJSON_AddItemToObject(updates, u->string, copy)) {
            json_free(copy);
            return error_set(err, ENOMEM, "out of memory");
        }
    }
    if (all_validated)
        return 0;
    return jobtap_validate_updates(jm->jobtap, job, updates, err);
}

/* A running job gets another expiration: R's start time and the new duration. */
static int update_running(struct job_manager *jm, struct job *job, const cJSON *updates,
                          flux_error_t *err)
{
    const cJSON *u = json_get(updates, "attributes.system.duration");
    struct slice exec, val;
    double duration, starttime = job->t_run;

    if (!u || cJSON_GetArraySize(updates) != 1)
        return error_set(err, EINVAL,
                         "only the duration of a running job can be changed");
    if (json_real(u, &duration) < 0)
        return error_set(err, EINVAL, "duration is not a number");
    if (slice_get(slice_of(job->more->R), "execution", &exec) == 0 &&
        slice_get(exec, "starttime", &val) == 0)
        slice_real(val, &starttime);
    job->duration = duration;
    job->more->expiration = duration > 0 ? starttime + duration : 0;
    job->expiration_due = true;
    return event_post(jm, job, EVENT_RESOURCE_UPDATE, "{s:f}", "expiration",
                      job->more->expiration);
}

static int apply(struct job_manager *jm, struct job *job, const cJSON *updates,
                 flux_error_t *err)
{
    int rc;

    if (job->state == FLUX_JOB_STATE_RUN)
        return update_running(jm, job, updates, err);
    if ((rc = event_post_update(jm, job, updates)) < 0)
        return error_set(err, -rc, "%s", strerror(-rc));
    return 0;
}

void update_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    CLEANUP(json_free_p) cJSON *updates = cJSON_CreateObject();
    struct flux_msg_cred cred;
    flux_error_t err;
    struct job *job;
    cJSON *request;
    int64_t id;
    int rc;

    if (!updates ||
        flux_request_unpack(msg, NULL, "{s:I s:o}", "id", &id, "updates", &request) < 0 ||
        !cJSON_IsObject(request) || flux_msg_get_cred(msg, &cred) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed update request");
        return;
    }
    if (!(job = control_job(jm, msg, (flux_jobid_t)id,
                            "guests can only update their own jobs")))
        return;
    if (job->state == FLUX_JOB_STATE_CLEANUP) {
        manager_respond_error(jm, msg, EINVAL, "job is ending");
        return;
    }
    if (job->state == FLUX_JOB_STATE_RUN && !(cred.rolemask & FLUX_ROLE_OWNER)) {
        manager_respond_error(jm, msg, EPERM, "guests can only update pending jobs");
        return;
    }
    if ((rc = ask_plugins(jm, job, &cred, request, updates, &err)) < 0 ||
        (rc = apply(jm, job, updates, &err)) < 0)
        manager_respond_error(jm, msg, -rc, "%s", err.text);
    else
        batch_respond(jm->batches, msg, NULL);
}
