/* The conversation with the execution service, see exec.h; its answers are in
 * exec_result.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "modules/job-manager/advance.h"
#include "modules/job-manager/event.h"
#include "modules/job-manager/exec_private.h"
#include "modules/job-manager/specs.h"

/* Environments make start messages long. */
#define START_BYTES_MAX (1u << 20)

int exec_new(struct job_manager *jm, struct exec **ret)
{
    struct exec *e = calloc(1, sizeof(*e));

    if (!e)
        return -ENOMEM;
    e->jm = jm;
    *ret = e;
    return 0;
}

static void forget_service(struct exec *e)
{
    flux_msg_handler_destroy(TAKE(e->responses));
    flux_msg_decref(TAKE(e->hello));
    free(TAKE(e->service));
    e->starts.len = e->cancels.len = e->acks.len = 0;
    e->nstarts = 0;
}

void exec_destroy(struct exec *e)
{
    if (!e)
        return;
    forget_service(e);
    buf_free(&e->starts);
    buf_free(&e->cancels);
    buf_free(&e->acks);
    free(e->loads);
    free(e);
}

const char *exec_service(const struct exec *e)
{
    return e->service;
}

static void send_request(struct exec *e, const char *method, const char *payload,
                         bool noresponse)
{
    char topic[128];
    flux_msg_t *msg;

    snprintf(topic, sizeof(topic), "%s.%s", e->service, method);
    msg = flux_request_encode(topic, payload);
    if (!msg || (noresponse && flux_msg_set_noresponse(msg) < 0) ||
        flux_send_new(e->jm->h, &msg, 0) < 0)
        flux_log_error(e->jm->h, "%s", topic);
    flux_msg_destroy(msg);
}

static void send_list(struct exec *e, const char *method, const char *name,
                      struct buf *items, const char *more)
{
    struct buf out = {0};

    if (items->len == 0)
        return;
    buf_reserve(&out, items->len + 64);
    buf_addf(&out, "{\"%s\":", name);
    buf_add(&out, items->data, items->len);
    buf_addf(&out, "]%s}", more);
    if (out.failed || items->failed)
        flux_log(e->jm->h, LOG_CRIT, "%s.%s: out of memory", e->service, method);
    else
        send_request(e, method, out.data, true);
    buf_free(&out);
    items->len = 0;
}

static void send_starts(struct exec *e)
{
    send_list(e, "start", "jobs", &e->starts, "");
    e->nstarts = 0;
}

static int print_start(const struct job *job, const struct spec *spec, struct buf *out)
{
    /* A doomed job must not be started now if it was not. */
    bool reattach = job_posted(job, EVENT_START) || job->state == FLUX_JOB_STATE_CLEANUP;
    int rc;

    buf_addf(out, "{\"id\":%ju,\"userid\":%u,\"reattach\":%s,\"R\":%s%s,\"jobspec\":",
             (uintmax_t)job->id, job->userid, reattach ? "true" : "false", job->more->R,
             job->maybe_started ? ",\"maybe-started\":true" : "");
    if ((rc = spec_print(spec, job->more->updates, true, out)) < 0)
        return rc;
    buf_addc(out, '}');
    return out->failed ? -ENOMEM : 0;
}

/* Queue the start message of a job whose jobspec is at hand. */
static void start(struct exec *e, struct job *job, const struct spec *spec)
{
    struct job_manager *jm = e->jm;
    struct buf single = {0}, *out = e->batch ? &e->starts : &single;
    size_t before = out->len;
    int rc;

    job->start_sent = true;
    if (e->batch)
        buf_addc(out, out->len ? ',' : '[');
    if ((rc = print_start(job, spec, out)) < 0) {
        out->len = before;
        out->failed = false;
        job->start_sent = false;
        flux_log(jm->h, LOG_ERR, "job %ju: start: %s", (uintmax_t)job->id, strerror(-rc));
        event_post_exception(jm, job, "exec", 0, UINT32_MAX, -1,
                             "the jobspec cannot be used");
    } else if (!e->batch) {
        send_request(e, "start", out->data, false);
    } else {
        e->nstarts++;
        if (out->len >= START_BYTES_MAX)
            send_starts(e);
    }
    buf_free(&single);
    specs_forget(jm->specs, job->id);
}

static void stop(struct exec *e, struct job *job)
{
    job->exec_cancel = true;
    buf_addc(&e->cancels, e->cancels.len ? ',' : '[');
    json_buf_int(&e->cancels, (int64_t)job->id);
}

/* Does the execution service have to hear of this job? */
static bool wants_start(const struct job *job)
{
    const struct job_more *m = job->more;

    if (!job_has_R(job) || job->exec_done || job->start_sent || job->start_queued)
        return false;
    if (job->state == FLUX_JOB_STATE_RUN)
        return m->prologs.n == 0;
    /* One that was started and then ended badly: to learn how it ends. */
    return job->state == FLUX_JOB_STATE_CLEANUP && job->maybe_started;
}

static void specs_ready(struct job_manager *jm, flux_jobid_t id, struct spec *spec,
                        int error, void *arg)
{
    struct exec *e = jm->exec;
    struct job *job;

    if (id == 0) {
        exec_flush(e);
        return;
    }
    if (!(job = manager_job(jm, id)) || !job->start_queued)
        return;
    job->start_queued = false;
    if (!e->service || !wants_start(job))
        return;
    if (spec)
        start(e, job, spec);
    else
        event_post_exception(jm, job, "exec", 0, UINT32_MAX, -1,
                             "the jobspec cannot be read from the store");
    exec_update(e, job);
}

static int add_load(struct exec *e, flux_jobid_t id)
{
    flux_jobid_t *bigger;
    size_t size;

    if (e->nloads == e->loads_size) {
        size = e->loads_size ? e->loads_size * 2 : 64;
        if (!(bigger = realloc(e->loads, size * sizeof(*bigger))))
            return -ENOMEM;
        e->loads = bigger;
        e->loads_size = size;
    }
    e->loads[e->nloads++] = id;
    return 0;
}

void exec_update(struct exec *e, struct job *job)
{
    struct spec *spec;

    if (!e->service || job->change || job->flying)
        return;
    if (wants_start(job)) {
        if ((spec = specs_find(e->jm->specs, job->id)))
            start(e, job, spec);
        else if (add_load(e, job->id) == 0)
            job->start_queued = true;
    }
    if (job->start_sent && !job->exec_done && !job->exec_cancel && job_is_doomed(job))
        stop(e, job);
}

void exec_ack(struct exec *e, flux_jobid_t id)
{
    if (!e->service)
        return;
    buf_addc(&e->acks, e->acks.len ? ',' : '[');
    json_buf_int(&e->acks, (int64_t)id);
}

void exec_expiration(struct exec *e, const struct job *job)
{
    struct buf out = {0};

    if (!e->service || !job->start_sent)
        return;
    buf_addf(&out, "{\"id\":%ju,\"expiration\":", (uintmax_t)job->id);
    json_buf_real(&out, job->more->expiration);
    buf_addc(&out, '}');
    send_request(e, "expiration", out.data, true);
    buf_free(&out);
}

void exec_flush(struct exec *e)
{
    if (!e->service)
        return;
    if (e->nloads > 0) {
        if (specs_load(e->jm->specs, e->loads, e->nloads, specs_ready, NULL) < 0) {
            flux_log(e->jm->h, LOG_CRIT, "jobspecs cannot be read");
            return;
        }
        e->nloads = 0;
    }
    send_starts(e);
    /* After the starts: a job may be in both lists. */
    send_list(e, "cancel", "ids", &e->cancels, ",\"reason\":\"exception\"");
    send_list(e, "ack", "ids", &e->acks, "");
}

/* The service (a new one, or the old one loaded again) is told of all jobs that run. */
static void resync(struct exec *e)
{
    void *value;

    e->nloads = 0;
    for (size_t it = 0; umap_next(e->jm->jobs, &it, NULL, &value);) {
        struct job *job = value;

        job->start_queued = false;
        job->exec_cancel = false;
        job->maybe_started |= job->start_sent;
        job->start_sent = false;
        exec_update(e, job);
    }
    exec_flush(e);
}

static int add_response_handler(struct exec *e)
{
    char topic[128];
    struct flux_match match = FLUX_MATCH_RESPONSE;

    if (e->batch)
        return 0;
    snprintf(topic, sizeof(topic), "%s.start", e->service);
    match.topic_glob = topic;
    if (!(e->responses =
              flux_msg_handler_create(e->jm->h, match, exec_response_cb, e->jm)))
        return -1;
    flux_msg_handler_start(e->responses);
    return 0;
}

void exec_hello_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    struct exec *e = jm->exec;
    const char *service = "job-exec";
    int batch = 0;

    /* The payload may be missing. */
    if (flux_msg_has_payload(msg) &&
        flux_request_unpack(msg, NULL, "{s?s s?b}", "service", &service, "batch",
                            &batch) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed exec-hello request");
        return;
    }
    forget_service(e);
    e->batch = batch;
    e->hello = flux_msg_incref(msg);
    if (!(e->service = strdup(service)) || add_response_handler(e) < 0) {
        forget_service(e);
        manager_respond_error(jm, msg, ENOMEM, "out of memory");
        return;
    }
    flux_respond_pack(h, msg, "{}");
    resync(e);
}

void exec_disconnect(struct exec *e, const flux_msg_t *msg)
{
    if (!e->service || !flux_disconnect_match(msg, e->hello))
        return;
    flux_log(e->jm->h, LOG_INFO, "%s is gone: jobs wait for its return", e->service);
    forget_service(e);
}
