/* How a conversation with a scheduler begins and ends, see alloc.h. */
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "modules/job-manager/advance.h"
#include "modules/job-manager/alloc_private.h"
#include "proto/rset.h"

/* Whatever the last scheduler had in hand is asked for again. */
static void reset(struct alloc *a)
{
    void *value;

    a->ready = false;
    a->pending = 0;
    a->allocs.len = a->frees.len = a->cancels.len = a->priorities.len = 0;
    for (size_t it = 0; umap_next(a->jm->jobs, &it, NULL, &value);) {
        struct job *job = value;

        if (!job->alloc_pending)
            continue;
        job->alloc_pending = false;
        job->alloc_cancel = false;
        if (job->state == FLUX_JOB_STATE_CLEANUP)
            advance_add(a->jm, job);
        else if (!job->change && !job->flying)
            alloc_update(a, job);
    }
}

static bool holds_R(const struct job *job)
{
    return job_has_R(job) && (!job_posted(job, EVENT_FREE) || job->free_due);
}

static int hello_one(struct alloc *a, const flux_msg_t *msg, const struct job *job)
{
    struct buf out = {0};
    int rc;

    buf_addf(&out, "{\"id\":%ju,\"priority\":%jd,\"userid\":%u,\"t_submit\":",
             (uintmax_t)job->id, (intmax_t)job->priority, job->userid);
    json_buf_time(&out, job->t_submit);
    buf_adds(&out, ",\"R\":");
    buf_adds(&out, job->more->R);
    buf_addc(&out, '}');
    if (out.failed) {
        errno = ENOMEM;
        rc = -1;
    } else {
        rc = flux_respond(a->jm->h, msg, out.data);
    }
    buf_free(&out);
    return rc;
}

void alloc_hello_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    struct alloc *a = jm->alloc;
    void *value;

    if (!flux_msg_is_streaming(msg)) {
        manager_respond_error(jm, msg, EPROTO, "sched-hello is a streaming request");
        return;
    }
    flux_msg_decref(a->hello);
    a->hello = flux_msg_incref(msg);
    reset(a);
    for (size_t it = 0; umap_next(jm->jobs, &it, NULL, &value);)
        if (holds_R(value) && hello_one(a, msg, value) < 0) {
            flux_log_error(h, "sched-hello");
            return;
        }
    flux_respond_error(h, msg, ENODATA, NULL);
}

void alloc_ready_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    struct alloc *a = jm->alloc;
    const char *mode;
    int limit = 0, batch = 0;

    if (flux_request_unpack(msg, NULL, "{s:s s?i s?b}", "mode", &mode, "limit", &limit,
                            "batch", &batch) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed sched-ready request");
        return;
    }
    if (strcmp(mode, "unlimited") == 0) {
        limit = 0;
    } else if (strcmp(mode, "limited") != 0 || limit < 1) {
        manager_respond_error(jm, msg, EPROTO,
                              "mode must be \"unlimited\", or \"limited\" with a limit");
        return;
    }
    if (!a->hello)
        a->hello = flux_msg_incref(msg);
    a->limit = (unsigned)limit;
    a->batch = batch;
    a->ready = true;
    flux_respond_pack(h, msg, "{s:I}", "count", (int64_t)a->queue.n);
    alloc_flush(a);
}

void alloc_disconnect(struct alloc *a, const flux_msg_t *msg)
{
    if (!a->hello || !flux_disconnect_match(msg, a->hello))
        return;
    flux_log(a->jm->h, LOG_INFO, "the scheduler is gone: jobs wait for another");
    flux_msg_decref(a->hello);
    a->hello = NULL;
    reset(a);
}

void alloc_query_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;

    flux_respond_pack(h, msg, "{s:I s:i s:I}", "queue_length",
                      (int64_t)jm->alloc->queue.n, "alloc_pending",
                      (int)jm->alloc->pending, "running", (int64_t)jm->running);
}

/* {"allocated":R}: what all jobs together hold. */
void alloc_resource_status_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                              void *arg)
{
    struct job_manager *jm = arg;
    struct rset *all = NULL, *rs, *sum;
    cJSON *R = NULL;
    void *value;

    rset_new(&all);
    for (size_t it = 0; all && umap_next(jm->jobs, &it, NULL, &value);) {
        const struct job *job = value;

        if (!holds_R(job) ||
            rset_parse(job->more->R, strlen(job->more->R), &rs, NULL) < 0)
            continue;
        if (rset_union(all, rs, &sum) == 0) {
            rset_free(all);
            all = sum;
        }
        rset_free(rs);
    }
    if (!all || rset_json(all, &R) < 0 ||
        flux_respond_pack(h, msg, "{s:O}", "allocated", R) < 0)
        manager_respond_error(jm, msg, ENOMEM, "out of memory");
    json_free(R);
    rset_free(all);
}
