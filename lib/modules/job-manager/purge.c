/* Removing ended jobs, see purge.h. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "modules/job-manager/batch.h"
#include "modules/job-manager/jobtap.h"
#include "modules/job-manager/purge.h"
#include "modules/job-manager/wait.h"

#define PURGE_BATCH_MAX 10000

struct purge {
    const flux_msg_t *msg;
    double older;  /* ended before this time; 0: no limit */
    uint64_t keep; /* the latest that stay; UINT64_MAX: no limit */
    size_t max;    /* at most so many now */
    bool force;
    bool by_id;
    uint64_t seen;     /* latest first */
    uint64_t count;    /* that may go */
    flux_jobid_t *ids; /* a ring of the last `max` of them: the oldest */
    size_t n, next;
};

static void purge_free(void *arg)
{
    struct purge *p = arg;

    flux_msg_decref(p->msg);
    free(p->ids);
    free(p);
}

static int look(const struct store_job *job, void *arg)
{
    struct purge *p = arg;

    if (p->seen++ < p->keep && !(p->older > 0 && job->t_inactive < p->older))
        return 0;
    p->count++;
    p->ids[p->next] = job->id;
    p->next = (p->next + 1) % p->max;
    if (p->n < p->max)
        p->n++;
    return 0;
}

static int check_id(const struct store_job *job, void *arg)
{
    return job->state == FLUX_JOB_STATE_INACTIVE ? 0 : -EBUSY;
}

static int purge_read(struct store_reader *r, void *arg)
{
    struct purge *p = arg;
    struct store_job_query q = {.userid = UINT32_MAX};
    size_t kept = 0;

    if (!p->by_id)
        return store_reader_inactive(r, &q, look, p);
    for (size_t i = 0; i < p->n; i++)
        if (store_reader_job(r, p->ids[i], check_id, NULL) == 0)
            p->ids[kept++] = p->ids[i];
    p->n = p->count = kept;
    return 0;
}

/* Others may have something of these jobs. */
static void publish(struct job_manager *jm, const struct purge *p)
{
    struct buf out = {0};
    flux_msg_t *msg;

    buf_adds(&out, "{\"jobs\":[");
    for (size_t i = 0; i < p->n; i++)
        buf_addf(&out, "%s%ju", i ? "," : "", (uintmax_t)p->ids[i]);
    buf_adds(&out, "]}");
    msg = out.failed ? NULL : flux_event_encode("job-purge-inactive", out.data);
    if (!msg || flux_send_new(jm->h, &msg, 0) < 0)
        flux_log_error(jm->h, "job-purge-inactive");
    flux_msg_decref(msg);
    buf_free(&out);
}

static void purge_done(struct job_manager *jm, int rc, void *arg)
{
    struct purge *p = arg;
    char answer[64];

    if (rc < 0) {
        manager_respond_error(jm, p->msg, -rc, "the store cannot be read: %s",
                              strerror(-rc));
        purge_free(p);
        return;
    }
    for (size_t i = 0; p->force && i < p->n; i++) {
        if (batch_delete(jm->batches, p->ids[i]) < 0)
            break;
        wait_forget(jm->wait, p->ids[i]);
        if (jm->inactive > 0)
            jm->inactive--;
    }
    if (p->force && p->n > 0)
        publish(jm, p);
    snprintf(answer, sizeof(answer), "{\"count\":%ju}",
             (uintmax_t)(p->force ? p->n : p->count));
    batch_respond(jm->batches, p->msg, strdup(answer), false);
    purge_free(p);
}

static void run(struct job_manager *jm, struct purge *p)
{
    if (manager_read(jm, purge_read, purge_done, purge_free, p) < 0) {
        manager_respond_error(jm, p->msg, ENOMEM, "out of memory");
        purge_free(p);
    }
}

static struct purge *purge_new(const flux_msg_t *msg, size_t max)
{
    struct purge *p = calloc(1, sizeof(*p));

    if (!p || !(p->ids = calloc(max, sizeof(*p->ids)))) {
        free(p);
        return NULL;
    }
    p->msg = flux_msg_incref(msg);
    p->max = max;
    return p;
}

void purge_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    double age_limit = -1;
    int num_limit = -1, max = 100, force = 0;
    struct purge *p;

    if (flux_request_unpack(msg, NULL, "{s?f s?i s?i s?b}", "age_limit", &age_limit,
                            "num_limit", &num_limit, "batch", &max, "force",
                            &force) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed purge request");
        return;
    }
    if (max < 1 || max > PURGE_BATCH_MAX) {
        manager_respond_error(jm, msg, EINVAL, "batch must be 1 to %d", PURGE_BATCH_MAX);
        return;
    }
    if (!(p = purge_new(msg, (size_t)max))) {
        manager_respond_error(jm, msg, ENOMEM, "out of memory");
        return;
    }
    p->force = force;
    p->older = age_limit >= 0 ? flux_reactor_now(jm->r) - age_limit : 0;
    p->keep = num_limit >= 0 ? (uint64_t)num_limit : UINT64_MAX;
    run(jm, p);
}

void purge_id_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    cJSON *ids = NULL, *e;
    int64_t id = 0;
    int force = 1;
    struct purge *p;

    if (flux_request_unpack(msg, NULL, "{s?o s?I s?b}", "ids", &ids, "id", &id, "force",
                            &force) < 0 ||
        (!cJSON_IsArray(ids) && id <= 0)) {
        manager_respond_error(jm, msg, EPROTO, "malformed purge-id request");
        return;
    }
    if (!(p = purge_new(msg, (size_t)cJSON_GetArraySize(ids) + 1))) {
        manager_respond_error(jm, msg, ENOMEM, "out of memory");
        return;
    }
    p->force = force;
    p->by_id = true;
    if (id > 0)
        p->ids[p->n++] = (flux_jobid_t)id;
    cJSON_ArrayForEach(e, ids) if (json_int64(e, &id) == 0 && id > 0) p->ids[p->n++] =
        (flux_jobid_t)id;
    run(jm, p);
}
