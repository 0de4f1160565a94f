/* job-manager.list, getinfo and stats-get, see query.h. */
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "modules/job-manager/alloc.h"
#include "modules/job-manager/exec.h"
#include "modules/job-manager/journal.h"
#include "modules/job-manager/query.h"
#include "modules/job-manager/record.h"
#include "modules/job-manager/wait.h"

#define LIST_BATCH 500 /* jobs in a message */

static int send_jobs(flux_t *h, const flux_msg_t *msg, struct buf *out)
{
    int rc;

    buf_adds(out, "]}");
    rc = out->failed ? -1 : flux_respond(h, msg, out->data);
    out->len = 0;
    return rc;
}

struct filter {
    int states;
    int64_t userid; /* -1: any */
    const char *name, *queue;
    double since;  /* of those that have ended: later ones */
    int max;       /* 0: no limit */
    uint64_t mask; /* of attributes */
};

/* A job that is not on disk yet is nobody's business. */
static bool is_visible(const struct job *job, int states)
{
    return !job->fresh && (job->state & states);
}

static bool is_text(const char *have, const char *want)
{
    return !want || (have && strcmp(have, want) == 0);
}

static bool is_wanted(const struct job *job, const struct filter *f)
{
    return is_visible(job, f->states) && (f->userid < 0 || job->userid == f->userid) &&
           is_text(job->name, f->name) && is_text(job->queue, f->queue) &&
           (job->state != FLUX_JOB_STATE_INACTIVE || job->t_inactive > f->since);
}

static void list_one(struct job_manager *jm, const flux_msg_t *msg, flux_jobid_t id,
                     const struct filter *f)
{
    struct job *job = manager_job(jm, id);
    struct buf out = {0};

    if (job && is_visible(job, f->states)) {
        buf_adds(&out, "{\"jobs\":[");
        record_print(job, f->mask, &out);
        send_jobs(jm->h, msg, &out);
    }
    buf_free(&out);
}

static void list_all(struct job_manager *jm, const flux_msg_t *msg,
                     const struct filter *f)
{
    struct buf out = {0};
    unsigned n = 0;
    int left = f->max > 0 ? f->max : -1;
    void *value;

    for (size_t it = 0; left != 0 && umap_next(jm->jobs, &it, NULL, &value);) {
        if (!is_wanted(value, f))
            continue;
        buf_adds(&out, n++ ? "," : "{\"jobs\":[");
        record_print(value, f->mask, &out);
        left -= left > 0;
        if (n == LIST_BATCH) {
            n = 0;
            if (send_jobs(jm->h, msg, &out) < 0)
                break;
        }
    }
    if (n > 0)
        send_jobs(jm->h, msg, &out);
    buf_free(&out);
}

void list_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    struct filter f = {
        .states = FLUX_JOB_STATE_ACTIVE | FLUX_JOB_STATE_NEW | FLUX_JOB_STATE_INACTIVE,
        .userid = -1,
    };
    cJSON *attrs = NULL;
    int64_t id = 0;

    if (flux_msg_has_payload(msg) &&
        flux_request_unpack(msg, NULL, "{s?o s?i s?I s?I s?s s?s s?f s?i}", "attrs",
                            &attrs, "states", &f.states, "id", &id, "userid", &f.userid,
                            "name", &f.name, "queue", &f.queue, "since", &f.since, "max",
                            &f.max) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed list request");
        return;
    }
    if (!flux_msg_is_streaming(msg)) {
        manager_respond_error(jm, msg, EPROTO, "job-manager.list is a streaming request");
        return;
    }
    f.mask = record_mask(attrs);
    if (id > 0)
        list_one(jm, msg, (flux_jobid_t)id, &f);
    else
        list_all(jm, msg, &f);
    flux_respond_error(h, msg, ENODATA, NULL);
}

void getinfo_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;

    flux_respond_pack(h, msg, "{s:I}", "max_jobid", (int64_t)jm->max_id);
}

void stats_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    const unsigned *c = jm->counts;
    unsigned inactive = c[6];
    const char *service = exec_service(jm->exec);

    flux_respond_pack(
        h, msg,
        "{s:{s:i s:I} s:I s:I s:I s:I s:{s:i s:i s:i s:i s:i s:i} s:{s:I s:i} s:s s:I "
        "s:I "
        "s:{s:{} s:{s:f s:s}}}",
        "journal", "listeners", (int)journal_listeners(jm->journal), "events",
        (int64_t)journal_events(jm->journal), "active_jobs",
        (int64_t)(umap_count(jm->jobs) - inactive), "inactive_jobs",
        (int64_t)(jm->inactive + inactive), "purged_jobs", (int64_t)jm->purged,
        "max_jobid", (int64_t)jm->max_id, "states", "new", (int)c[0], "depend", (int)c[1],
        "priority", (int)c[2], "sched", (int)c[3], "run", (int)c[4], "cleanup", (int)c[5],
        "alloc", "queued", (int64_t)alloc_queued(jm->alloc), "pending",
        (int)alloc_pending(jm->alloc), "exec", service ? service : "", "zombies",
        (int64_t)wait_zombies(jm->wait), "strings", (int64_t)intern_count(jm->strings),
        "housekeeping", "running", "config", "release-after", -1.0, "command", "");
}
