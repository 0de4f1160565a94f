/* job-manager.urgency, see control.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "modules/job-manager/batch.h"
#include "modules/job-manager/control.h"
#include "modules/job-manager/event.h"
#include "modules/job-manager/jobtap.h"

struct job *control_job(struct job_manager *jm, const flux_msg_t *msg, flux_jobid_t id,
                        const char *eperm)
{
    struct job *job = manager_job(jm, id);

    if (!job) {
        manager_respond_unknown(jm, msg, id);
        return NULL;
    }
    if (manager_authorize(jm, msg, job->userid, eperm) < 0)
        return NULL;
    if (job->state == FLUX_JOB_STATE_INACTIVE) {
        manager_respond_error(jm, msg, ENOENT, "job is inactive");
        return NULL;
    }
    return job;
}

static const char *refusal(const struct job *job, const struct flux_msg_cred *cred,
                           int urgency, int *errnum)
{
    *errnum = EINVAL;
    if (urgency < FLUX_JOB_URGENCY_MIN || urgency > FLUX_JOB_URGENCY_MAX)
        return "urgency value is out of range";
    if (!(cred->rolemask & FLUX_ROLE_OWNER) && urgency > FLUX_JOB_URGENCY_DEFAULT) {
        *errnum = EPERM;
        return "guests can only adjust urgency <= 16";
    }
    if (job->state & FLUX_JOB_STATE_RUNNING)
        return "urgency cannot be changed once resources are allocated";
    return NULL;
}

void urgency_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    struct flux_msg_cred cred;
    const char *text;
    struct job *job;
    int64_t id;
    int urgency, old, errnum;
    char answer[64];

    if (flux_request_unpack(msg, NULL, "{s:I s:i}", "id", &id, "urgency", &urgency) < 0 ||
        flux_msg_get_cred(msg, &cred) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed urgency request");
        return;
    }
    if (!(job = control_job(jm, msg, (flux_jobid_t)id,
                            "guests can only reprioritize their own jobs")))
        return;
    if ((text = refusal(job, &cred, urgency, &errnum))) {
        manager_respond_error(jm, msg, errnum, "%s", text);
        return;
    }
    old = job->urgency;
    if (old != urgency) {
        job->urgency = (uint8_t)urgency;
        event_post(jm, job, EVENT_URGENCY, "{s:I s:i}", "userid", (int64_t)cred.userid,
                   "urgency", urgency);
        jobtap_reprioritize(jm->jobtap, job);
    }
    snprintf(answer, sizeof(answer), "{\"old_urgency\":%d}", old);
    batch_respond(jm->batches, msg, strdup(answer));
}
