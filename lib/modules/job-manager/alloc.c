/* The conversation with the scheduler, see alloc.h; its answers are in
 * alloc_result.c, the beginning of a conversation in alloc_hello.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "modules/job-manager/advance.h"
#include "modules/job-manager/alloc_private.h"
#include "modules/job-manager/event.h"
#include "modules/job-manager/queue.h"
#include "modules/job-manager/specs.h"

int alloc_new(struct job_manager *jm, struct alloc **ret)
{
    struct alloc *a = calloc(1, sizeof(*a));

    if (!a)
        return -ENOMEM;
    a->jm = jm;
    *ret = a;
    return 0;
}

void alloc_destroy(struct alloc *a)
{
    if (!a)
        return;
    sched_queue_free(&a->queue);
    buf_free(&a->allocs);
    buf_free(&a->frees);
    buf_free(&a->cancels);
    buf_free(&a->priorities);
    flux_msg_decref(a->hello);
    free(a);
}

void alloc_send(struct alloc *a, const char *topic, const char *payload, bool noresponse)
{
    flux_msg_t *msg = flux_request_encode(topic, payload);

    if (!msg || (noresponse && flux_msg_set_noresponse(msg) < 0) ||
        flux_send_new(a->jm->h, &msg, 0) < 0)
        flux_log_error(a->jm->h, "%s", topic);
    flux_msg_destroy(msg);
}

/* Send {"name":[...]} of what was collected. */
static void send_list(struct alloc *a, const char *topic, const char *name,
                      struct buf *items)
{
    struct buf out = {0};

    if (items->len == 0)
        return;
    buf_addf(&out, "{\"%s\":", name);
    buf_add(&out, items->data, items->len);
    buf_adds(&out, "]}");
    if (out.failed || items->failed)
        flux_log(a->jm->h, LOG_CRIT, "%s: out of memory", topic);
    else
        alloc_send(a, topic, out.data, true);
    buf_free(&out);
    items->len = 0;
}

static void begin_item(struct buf *items)
{
    buf_addc(items, items->len ? ',' : '[');
}

static void add_id(struct buf *items, flux_jobid_t id)
{
    begin_item(items);
    json_buf_int(items, (int64_t)id);
}

static void begin_job(const struct job *job, struct buf *out)
{
    buf_adds(out, "{\"id\":");
    json_buf_int(out, (int64_t)job->id);
    buf_adds(out, ",\"priority\":");
    json_buf_int(out, job->priority);
    buf_adds(out, ",\"userid\":");
    json_buf_int(out, job->userid);
    buf_adds(out, ",\"t_submit\":");
    json_buf_time(out, job->t_submit);
}

static void add_alloc(struct alloc *a, const struct job *job)
{
    const struct jobspec_shape *s = &job->shape;
    struct buf *out = &a->allocs;

    begin_item(out);
    begin_job(job, out);
    buf_adds(out, ",\"duration\":");
    json_buf_real(out, job->duration);
    buf_addf(
        out,
        ",\"nnodes\":%u,\"nslots\":%u,\"slots_per_node\":%u,\"cores\":%u,\"gpus\":%u,"
        "\"exclusive\":%s",
        s->nnodes, s->nslots, s->slots_per_node, s->cores_per_slot, s->gpus_per_slot,
        s->exclusive ? "true" : "false");
    if (job->queue) {
        buf_adds(out, ",\"queue\":");
        json_buf_str(out, job->queue, strlen(job->queue));
    }
    if (job->more && job->more->constraint) {
        buf_adds(out, ",\"constraint\":");
        buf_adds(out, job->more->constraint);
    }
    buf_addc(out, '}');
}

/* RFC 27: one message with the jobspec in it. */
static void send_single(struct alloc *a, struct job *job)
{
    struct job_manager *jm = a->jm;
    struct spec *spec = NULL;
    struct buf out = {0};
    int rc;

    begin_job(job, &out);
    buf_adds(&out, ",\"jobspec\":");
    if ((rc = specs_get(jm->specs, job->id, &spec)) == 0)
        rc = spec_print(spec, job->more ? job->more->updates : NULL, false, &out);
    buf_addc(&out, '}');
    spec_unref(spec);
    if (rc == 0 && !out.failed)
        alloc_send(a, "sched.alloc", out.data, false);
    else
        event_post_exception(jm, job, "alloc", 0, UINT32_MAX, -1,
                             "the jobspec cannot be read from the store");
    buf_free(&out);
}

static void ask(struct alloc *a, struct job *job)
{
    job->alloc_pending = true;
    job->reprioritized = false;
    a->pending++;
    if (a->batch)
        add_alloc(a, job);
    else
        send_single(a, job);
}

static void ask_cancel(struct alloc *a, struct job *job)
{
    char payload[64];

    if (job->alloc_cancel)
        return;
    job->alloc_cancel = true;
    if (a->batch) {
        add_id(&a->cancels, job->id);
        return;
    }
    snprintf(payload, sizeof(payload), "{\"id\":%ju}", (uintmax_t)job->id);
    alloc_send(a, "sched.cancel", payload, true);
}

static void add_priority(struct alloc *a, struct job *job)
{
    struct buf *out = &a->priorities;

    begin_item(out);
    buf_addf(out, "[%ju,%jd]", (uintmax_t)job->id, (intmax_t)job->priority);
}

bool alloc_wanted(const struct alloc *a, const struct job *job)
{
    return job->state == FLUX_JOB_STATE_SCHED && job->priority > 0 &&
           queue_started(a->jm->queue);
}

void alloc_update(struct alloc *a, struct job *job)
{
    bool wanted = alloc_wanted(a, job);

    if (job->alloc_pending) {
        if (!wanted)
            ask_cancel(a, job);
        else if (job->reprioritized && !job->alloc_cancel)
            add_priority(a, job);
        job->reprioritized = false;
    } else if (!wanted) {
        sched_queue_del(&a->queue, job);
    } else if (job->qpos) {
        sched_queue_moved(&a->queue, job);
    } else if (sched_queue_add(&a->queue, job) < 0) {
        flux_log(a->jm->h, LOG_CRIT, "job %ju: out of memory", (uintmax_t)job->id);
    }
}

void alloc_update_all(struct alloc *a)
{
    void *value;

    for (size_t it = 0; umap_next(a->jm->jobs, &it, NULL, &value);)
        if (((struct job *)value)->state & FLUX_JOB_STATE_PENDING)
            advance_poke(a->jm, value);
    alloc_flush(a);
}

void alloc_free_id(struct alloc *a, flux_jobid_t id, struct slice R)
{
    struct buf out = {0};

    if (!a->hello)
        return;
    if (a->batch) {
        add_id(&a->frees, id);
        return;
    }
    buf_addf(&out, "{\"id\":%ju,\"R\":", (uintmax_t)id);
    if (R.p)
        buf_add(&out, R.p, R.len);
    else
        buf_adds(&out, "{}");
    buf_adds(&out, ",\"final\":true}");
    alloc_send(a, "sched.free", out.data, true);
    buf_free(&out);
}

void alloc_free_R(struct alloc *a, struct job *job)
{
    alloc_free_id(a, job->id, slice_of(job_has_R(job) ? job->more->R : NULL));
}

void alloc_expiration(struct alloc *a, const struct job *job)
{
    struct buf out = {0};

    if (!a->ready || !job_has_R(job))
        return;
    buf_addf(&out, "{\"id\":%ju,\"expiration\":", (uintmax_t)job->id);
    json_buf_real(&out, job->more->expiration);
    buf_addc(&out, '}');
    alloc_send(a, "sched.expiration", out.data, true);
    buf_free(&out);
}

void alloc_flush(struct alloc *a)
{
    struct job *job;

    if (!a->ready)
        return;
    while ((a->limit == 0 || a->pending < a->limit) && (job = sched_queue_pop(&a->queue)))
        ask(a, job);
    /* In this order what is freed can be given to what is new in the same pass. */
    send_list(a, "sched.free", "ids", &a->frees);
    send_list(a, "sched.cancel", "ids", &a->cancels);
    send_list(a, "sched.prioritize", "jobs", &a->priorities);
    send_list(a, "sched.alloc", "jobs", &a->allocs);
}

unsigned alloc_pending(const struct alloc *a)
{
    return a->pending;
}

size_t alloc_queued(const struct alloc *a)
{
    return a->queue.n;
}
