/* job-manager.kill and killall, see control.h: passed on to the execution service. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "modules/job-manager/control.h"
#include "modules/job-manager/exec.h"

/* A request whose answer is the execution service's. */
struct relay {
    struct list link;
    flux_t *h;
    const flux_msg_t *msg;
    flux_future_t *f;
};

static void relay_free(struct relay *r)
{
    list_del(&r->link);
    flux_future_destroy(r->f);
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
    relay_free(r);
}

void control_give_up(struct job_manager *jm)
{
    list_each(r, &jm->relays, struct relay, link)
    {
        flux_respond_error(jm->h, r->msg, ENOSYS, "job-manager is unloading");
        relay_free(r);
    }
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
    struct relay *r;
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
    if (!(r = calloc(1, sizeof(*r)))) {
        manager_respond_error(jm, msg, ENOMEM, "out of memory");
        return;
    }
    r->h = h;
    r->msg = flux_msg_incref(msg);
    list_append(&jm->relays, &r->link);
    if (!(r->f = send_kill(jm, job, signum, 0)) ||
        flux_future_then(r->f, -1., kill_done, r) < 0) {
        manager_respond_error(jm, msg, errno, "kill: %s", strerror(errno));
        relay_free(r);
    }
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
