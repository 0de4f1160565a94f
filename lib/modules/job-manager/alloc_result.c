/* The scheduler's answers, see alloc.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "modules/job-manager/advance.h"
#include "modules/job-manager/alloc_private.h"
#include "modules/job-manager/annotate.h"
#include "modules/job-manager/batch.h"
#include "modules/job-manager/event.h"

struct result {
    int64_t id, type;
    struct slice R, annotations, note;
};

static int read_result(struct slice text, struct result *r)
{
    struct slice key, val;
    size_t pos = 0;
    int rc;

    *r = (struct result){.id = -1, .type = -1};
    while ((rc = slice_member(text, &pos, &key, &val)) > 0) {
        if (slice_is(key, "id"))
            rc = slice_int(val, &r->id);
        else if (slice_is(key, "type"))
            rc = slice_int(val, &r->type);
        else if (slice_is(key, "R"))
            r->R = val;
        else if (slice_is(key, "annotations"))
            r->annotations = val;
        else if (slice_is(key, "note"))
            r->note = val;
        if (rc < 0)
            return rc;
    }
    return rc < 0 || r->id < 0 || r->type < 0 ? -EPROTO : 0;
}

static void settled(struct alloc *a, struct job *job)
{
    if (job->alloc_pending)
        a->pending--;
    job->alloc_pending = false;
    job->alloc_cancel = false;
}

/* Asked for no longer: another round of what the job wants now. */
static void again(struct alloc *a, struct job *job)
{
    advance_add(a->jm, job);
    advance_poke(a->jm, job);
}

static int post_alloc(struct job_manager *jm, struct job *job)
{
    const char *annotations = job->more->annotations;
    struct buf context = {0};
    int rc;

    if (annotations) {
        buf_adds(&context, "{\"annotations\":");
        buf_adds(&context, annotations);
        buf_addc(&context, '}');
    }
    rc = event_post_text(jm, job, "alloc",
                         (struct slice){annotations ? context.data : NULL, context.len});
    buf_free(&context);
    return rc;
}

static void allocated(struct alloc *a, struct job *job, struct result *r)
{
    struct job_manager *jm = a->jm;
    struct change *c;

    /* Cancelled or held meanwhile, or asked back: it is not to run now. */
    if (!alloc_wanted(a, job) || job->alloc_cancel) {
        alloc_free_id(a, job->id, r->R);
        settled(a, job);
        again(a, job);
        return;
    }
    settled(a, job);
    if (!r->R.p || job_set_R(job, r->R.p, r->R.len) < 0) {
        alloc_free_id(a, job->id, r->R);
        event_post_exception(jm, job, "alloc", 0, UINT32_MAX, -1,
                             "the scheduler sent no readable R");
        return;
    }
    annotate_merge(job, r->annotations);
    if ((c = batch_change(jm->batches, job)))
        c->put_R = true;
    post_alloc(jm, job);
}

static void denied(struct alloc *a, struct job *job, struct result *r)
{
    AUTOFREE char *note = r->note.p ? slice_strdup(r->note) : NULL;

    settled(a, job);
    if (job->state == FLUX_JOB_STATE_SCHED || job->state == FLUX_JOB_STATE_PRIORITY)
        event_post_exception(a->jm, job, "alloc", 0, UINT32_MAX, -1,
                             note ? note : "allocation denied by the scheduler");
    else
        again(a, job);
}

static void handle(struct alloc *a, struct result *r)
{
    struct job *job = manager_job(a->jm, (flux_jobid_t)r->id);

    if (!job || !job->alloc_pending) {
        if (r->type == ALLOC_SUCCESS && (!job || !job_has_R(job)))
            alloc_free_id(a, (flux_jobid_t)r->id, r->R);
        return;
    }
    switch (r->type) {
    case ALLOC_SUCCESS:
        allocated(a, job, r);
        break;
    case ALLOC_ANNOTATE:
        annotate_merge(job, r->annotations);
        break;
    case ALLOC_DENY:
        denied(a, job, r);
        break;
    case ALLOC_CANCEL:
        settled(a, job);
        again(a, job);
        break;
    default:
        flux_log(a->jm->h, LOG_ERR, "job %jd: unknown type %jd of alloc result",
                 (intmax_t)r->id, (intmax_t)r->type);
    }
}

void alloc_results_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    struct slice all, results, one;
    struct result r;
    size_t pos = 0;
    const char *payload;
    int rc;

    if (flux_request_decode(msg, NULL, &payload) < 0 || !payload ||
        slice_value(payload, strlen(payload), &all) < 0 ||
        slice_get(all, "results", &results) < 0) {
        flux_log(h, LOG_ERR, "malformed sched-results request");
        return;
    }
    while ((rc = slice_element(results, &pos, &one)) > 0) {
        if ((rc = read_result(one, &r)) < 0)
            break;
        handle(jm->alloc, &r);
    }
    if (rc < 0)
        flux_log(h, LOG_ERR, "malformed element of a sched-results request");
    alloc_flush(jm->alloc);
}

/* RFC 27: a response to sched.alloc. */
void alloc_response_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    struct job_manager *jm = arg;
    struct slice one;
    struct result r;
    const char *payload;

    if (flux_response_decode(msg, NULL, &payload) < 0) {
        /* Nobody is there: wait for a scheduler's hello. */
        if (errno == ENOSYS && jm->alloc->ready)
            flux_log(h, LOG_ERR, "sched.alloc: the scheduler is gone");
        return;
    }
    if (!payload || slice_value(payload, strlen(payload), &one) < 0 ||
        read_result(one, &r) < 0) {
        flux_log(h, LOG_ERR, "malformed sched.alloc response");
        return;
    }
    handle(jm->alloc, &r);
    alloc_flush(jm->alloc);
}
