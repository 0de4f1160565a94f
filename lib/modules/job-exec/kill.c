/* job-exec.kill: see kill.h. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "modules/job-exec/kill.h"
#include "modules/job-exec/mock.h"
#include "modules/job-exec/part.h"
#include "modules/job-exec/shellctl.h"

struct kill {
    flux_t *h;
    const flux_msg_t *msg;
    unsigned left;  /* answers to come */
    unsigned heard; /* shells that signalled tasks */
    int errnum;     /* the first that was not ESRCH */
};

/* ESRCH of some is no failure: their tasks have ended, others run. */
static void kill_done(struct kill *k)
{
    if (k->left > 0)
        return;
    if (k->errnum)
        flux_respond_error(k->h, k->msg, k->errnum, NULL);
    else if (k->heard == 0)
        flux_respond_error(k->h, k->msg, ESRCH, "the job is not running");
    else
        flux_respond(k->h, k->msg, NULL);
    flux_msg_decref(k->msg);
    free(k);
}

static void note_error(struct kill *k, int errnum)
{
    if (errnum != ESRCH && !k->errnum)
        k->errnum = errnum;
}

static void answered(flux_future_t *f, void *arg)
{
    struct kill *k = arg;
    if (flux_rpc_get(f, NULL) < 0)
        note_error(k, errno);
    else
        k->heard++;
    flux_future_destroy(f);
    k->left--;
    kill_done(k);
}

static void kill_part(struct kill *k, struct exec_part *p, const char *payload)
{
    flux_future_t *f = shellctl_rpc(p->shell, "kill", payload);
    if (f && flux_future_then(f, -1, answered, k) == 0) {
        k->left++;
        return;
    }
    note_error(k, f ? errno : EHOSTUNREACH);
    flux_future_destroy(f);
}

static void kill_real(struct exec_job *job, const flux_msg_t *msg, const char *payload)
{
    struct kill *k = calloc(1, sizeof(*k));
    if (!k) {
        flux_respond_error(job->x->h, msg, ENOMEM, NULL);
        return;
    }
    k->h = job->x->h;
    k->msg = flux_msg_incref(msg);
    k->left = 1; /* us */
    for (unsigned i = 0; i < job->nparts; i++)
        if (job->parts[i].was_running && job->parts[i].state != PART_FINISHED)
            kill_part(k, &job->parts[i], payload);
    k->left--;
    kill_done(k);
}

void kill_request(struct exec *x, const flux_msg_t *msg)
{
    flux_jobid_t id;
    int signum;
    const char *payload;
    if (flux_request_unpack(msg, NULL, "{s:I s:i}", "id", &id, "signum", &signum) < 0 ||
        flux_request_decode(msg, NULL, &payload) < 0) {
        flux_respond_error(x->h, msg, EPROTO, NULL);
        return;
    }
    struct exec_job *job = exec_job(x, id);
    if (job && job->mock && job->started && !job->finished) {
        mock_kill(job, signum);
        flux_respond(x->h, msg, NULL);
    } else if (job && job->nparts > 0 && !job->finished) {
        kill_real(job, msg, payload);
    } else {
        flux_respond_error(x->h, msg, ESRCH, "the job is not running");
    }
}
