/* What the shell is asked: handlers of UID-shell.*. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <flux/flog.h>
#include <flux/msg_handler.h>
#include <flux/request.h>
#include <flux/response.h>

#include "base/error.h"
#include "base/slice.h"
#include "shell/shell_private.h"
#include "shell/sink.h"

static void answer(struct shell *sh, flux_t *h, const flux_msg_t *msg, int rc)
{
    shell_poke(sh);
    if (rc < 0 ? flux_respond_error(h, msg, -rc, NULL) : flux_respond(h, msg, NULL))
        flux_log_error(h, "respond");
}

/* Tell again what job-exec may have missed. */
static void report(struct shell *sh, const struct job *job, bool reattach)
{
    if (job->state == JOB_WAITING || job->state == JOB_SPAWNING)
        return; /* its start is still to come */
    results_start(sh, job, reattach);
    if (job->exc_type)
        results_exception(sh, job);
    if (job->state == JOB_DONE && !sink_is_draining(job))
        results_finish(sh, job);
}

static int start_new(struct shell *sh, flux_jobid_t id, struct slice entry)
{
    struct slice text;
    cJSON *jobspec = NULL, *r = NULL;
    flux_error_t err;
    int rc = slice_get(entry, "jobspec", &text);
    if (rc == 0)
        rc = json_parse(text.p, text.len, NULL, &jobspec, &err);
    else
        error_set(&err, EPROTO, "there is no jobspec");
    if (rc == 0 && slice_get(entry, "R", &text) == 0)
        rc = json_parse(text.p, text.len, NULL, &r, &err);
    if (rc == 0)
        return job_start(sh, id, jobspec, r);
    json_free(jobspec);
    return job_refuse(sh, id, "exec", err.text);
}

static int start_one(struct shell *sh, struct slice entry)
{
    struct slice v;
    int64_t id, userid = sh->userid;
    bool reattach = false;
    if (slice_get(entry, "id", &v) < 0 || slice_int(v, &id) < 0)
        return -EPROTO;
    if (slice_get(entry, "userid", &v) == 0 && slice_int(v, &userid) < 0)
        return -EPROTO;
    if (slice_get(entry, "reattach", &v) == 0)
        (void)slice_bool(v, &reattach);
    struct job *job = shell_job(sh, (flux_jobid_t)id);
    if (job) {
        report(sh, job, reattach);
        return 0;
    }
    if ((uint32_t)userid != sh->userid)
        return job_refuse(sh, (flux_jobid_t)id, "exec", "the job is another user's");
    if (reattach)
        return job_refuse(sh, (flux_jobid_t)id, "lost-shell",
                          "flux-shell died and left no record of the job");
    return start_new(sh, (flux_jobid_t)id, entry);
}

static void start(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    const char *s;
    struct slice jobs, entry;
    size_t pos = 0;
    int rc = -EPROTO;
    if (flux_request_decode(msg, NULL, &s) == 0 && s)
        rc = slice_get(slice_of(s), "jobs", &jobs);
    while (rc == 0 && (rc = slice_element(jobs, &pos, &entry)) > 0)
        rc = start_one(arg, entry);
    answer(arg, h, msg, rc);
}

static void kill_job(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    flux_jobid_t id;
    int signum, rc = -EPROTO;
    if (flux_request_unpack(msg, NULL, "{s:I s:i}", "id", &id, "signum", &signum) == 0) {
        struct job *job = shell_job(arg, id);
        rc = signum < 1 || signum > SIGRTMAX ? -EINVAL
             : job                           ? job_signal(job, signum)
                                             : -ESRCH;
    }
    answer(arg, h, msg, rc);
}

static void expiration(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    flux_jobid_t id;
    double at;
    struct job *job;
    int rc = -EPROTO;
    if (flux_request_unpack(msg, NULL, "{s:I s:f}", "id", &id, "expiration", &at) == 0) {
        job = shell_job(arg, id);
        rc = job && job->state <= JOB_RUNNING ? 0 : -ESRCH;
        if (rc == 0)
            limits_set_expiration(job, at);
    }
    answer(arg, h, msg, rc);
}

/* Call fn for each job of {"ids":[...]}. */
static int each_id(struct shell *sh, const flux_msg_t *msg, void (*fn)(struct job *job))
{
    const cJSON *ids;
    int64_t id;
    if (flux_request_unpack(msg, NULL, "{s:o}", "ids", &ids) < 0)
        return -EPROTO;
    for (const cJSON *o = ids->child; o; o = o->next) {
        if (json_int64(o, &id) < 0)
            return -EPROTO;
        struct job *job = shell_job(sh, (flux_jobid_t)id);
        if (job)
            fn(job);
    }
    return 0;
}

static void cancel(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    answer(arg, h, msg, each_id(arg, msg, job_cancel));
}

static void forget(struct job *job)
{
    if (job->state != JOB_DONE || sink_is_draining(job))
        return;
    journal_ack(job->sh->journal, job->id);
    umap_del(job->sh->jobs, job->id);
}

static void ack(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    answer(arg, h, msg, each_id(arg, msg, forget));
}

static void output(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    int rc = follow_add(arg, h, msg);
    shell_poke(arg);
    if (rc < 0)
        answer(arg, h, msg, rc);
}

static void output_cancel(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    follow_cancel(arg, h, msg);
}

static void disconnect(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    follow_disconnect(arg, msg);
}

static void output_put_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    keep_put(arg, h, msg);
}

static void output_end(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    const cJSON *ids;
    int64_t id;
    int rc = flux_request_unpack(msg, NULL, "{s:o}", "ids", &ids) < 0 ? -EPROTO : 0;
    for (const cJSON *o = rc == 0 ? ids->child : NULL; o; o = o->next)
        if (json_int64(o, &id) == 0)
            keep_end(arg, (flux_jobid_t)id);
    answer(arg, h, msg, rc);
}

static void leave(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct shell *sh = arg;
    bool busy = sh->active > 0 || umap_count(sh->keeps) > 0;
    answer(arg, h, msg, busy ? -EBUSY : 0);
    if (!busy)
        shell_quit(sh);
}

static void pmi_barrier(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                        void *arg)
{
    int rc = pmi_barrier_request(arg, msg);
    if (rc < 0)
        answer(arg, h, msg, rc);
}

static const struct flux_msg_handler_spec handlers[] = {
    {FLUX_MSGTYPE_REQUEST, "start", start, 0},
    {FLUX_MSGTYPE_REQUEST, "kill", kill_job, 0},
    {FLUX_MSGTYPE_REQUEST, "cancel", cancel, 0},
    {FLUX_MSGTYPE_REQUEST, "expiration", expiration, 0},
    {FLUX_MSGTYPE_REQUEST, "ack", ack, 0},
    {FLUX_MSGTYPE_REQUEST, "output", output, 0},
    {FLUX_MSGTYPE_REQUEST, "output-cancel", output_cancel, 0},
    {FLUX_MSGTYPE_REQUEST, "output-put", output_put_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "output-end", output_end, 0},
    {FLUX_MSGTYPE_REQUEST, "pmi-barrier", pmi_barrier, 0},
    {FLUX_MSGTYPE_REQUEST, "disconnect", disconnect, 0},
    {FLUX_MSGTYPE_REQUEST, "exit", leave, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

int service_register(struct shell *sh, flux_t *h, flux_msg_handler_t ***ret_handlers)
{
    char name[32];
    snprintf(name, sizeof(name), "%u-shell", sh->userid);
    return flux_msg_handler_addvec_ex(h, name, handlers, sh, ret_handlers) < 0 ? -errno
                                                                               : 0;
}
