/* job-manager.kill and killall, see control.h: passed on to the execution service. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modules/job-manager/control.h"
#include "modules/job-manager/exec.h"

/* The answer of the execution service, passed on to who asked (msg NULL: nobody). */
struct relay {
    flux_t *h;
    const flux_msg_t *msg;
};

static void relay_free(void *arg)
{
    struct relay *r = arg;

    flux_msg_decref(r->msg);
    free(r);
}

static void kill_done(flux_future_t *f, void *arg)
{
    struct relay *r = arg;

    if (flux_future_get(f, NULL) < 0)
        flux_respond_error(r->h, r->msg, errno, flux_future_error_string(f));
    else
        flux_respond(r->h, r->msg, NULL);
    flux_future_destroy(f);
}

static flux_future_t *send_kill(struct job_manager *jm, const struct job *job, int signum,
                                int flags)
{
    char topic[128];

    snprintf(topic, sizeof(topic), "%s.kill", exec_service(jm->exec));
    return flux_rpc_pack(jm->h, topic, FLUX_NODEID_ANY, flags, "{s:I s:i}", "id",
                         (int64_t)job->id, "signum", signum);
}

static bool is_killable(struct job_manager *jm, const struct job *job)
{
    return exec_service(jm->exec) && job_in_exec(job) && job->start_sent;
}

void kill_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    struct relay *r = NULL;
    flux_future_t *f = NULL;
    struct job *job;
    int64_t id;
    int signum;

    if (flux_request_unpack(msg, NULL, "{s:I s:i}", "id", &id, "signum", &signum) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed kill request");
        return;
    }
    if (!(job = control_job(jm, msg, (flux_jobid_t)id,
                            "guests can only send signals to their own jobs")))
        return;
    if (signum <= 0 || signum >= NSIG) {
        manager_respond_error(jm, msg, EINVAL, "invalid signal number");
        return;
    }
    if (!is_killable(jm, job)) {
        manager_respond_error(jm, msg, EINVAL, "job is not running");
        return;
    }
    if (!(r = calloc(1, sizeof(*r))) || !(f = send_kill(jm, job, signum, 0)))
        goto error;
    *r = (struct relay){h, flux_msg_incref(msg)};
    if (flux_future_aux_set(f, NULL, r, relay_free) < 0) {
        flux_msg_decref(r->msg);
        goto error;
    }
    if (flux_future_then(f, -1., kill_done, r) == 0)
        return;
    r = NULL;
error:
    manager_respond_error(jm, msg, errno, "kill: %s", strerror(errno));
    flux_future_destroy(f);
    free(r);
}

void killall_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    int dry_run, signum, count = 0, errors = 0;
    struct flux_msg_cred cred;
    int64_t userid;
    void *value;

    if (flux_request_unpack(msg, NULL, "{s:b s:I s:i}", "dry_run", &dry_run, "userid",
                            &userid, "signum", &signum) < 0 ||
        flux_msg_get_cred(msg, &cred) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed killall request");
        return;
    }
    if (signum <= 0 || signum >= NSIG) {
        manager_respond_error(jm, msg, EINVAL, "invalid signal number");
        return;
    }
    if (!(cred.rolemask & FLUX_ROLE_OWNER) && (uint32_t)userid != cred.userid) {
        manager_respond_error(jm, msg, EPERM,
                              "guests can only send signals to their own jobs");
        return;
    }
    for (size_t it = 0; umap_next(jm->jobs, &it, NULL, &value);) {
        struct job *job = value;
        flux_future_t *f;

        if (job->state != FLUX_JOB_STATE_RUN || !is_killable(jm, job) ||
            ((uint32_t)userid != FLUX_USERID_UNKNOWN && job->userid != (uint32_t)userid))
            continue;
        count++;
        if (dry_run)
            continue;
        if (!(f = send_kill(jm, job, signum, FLUX_RPC_NORESPONSE)))
            errors++;
        flux_future_destroy(f);
    }
    flux_respond_pack(h, msg, "{s:i s:i}", "count", count, "errors", errors);
}
