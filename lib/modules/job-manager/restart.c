/* The jobs of the last run, see restart.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "modules/job-manager/advance.h"
#include "modules/job-manager/batch.h"
#include "modules/job-manager/event.h"
#include "modules/job-manager/jobtap.h"
#include "modules/job-manager/purge.h"
#include "modules/job-manager/queue.h"
#include "modules/job-manager/record.h"
#include "modules/job-manager/restart.h"
#include "modules/job-manager/wait.h"

#define STEP_JOBS 500 /* events of so many jobs in a commit: what a submission waits for */
#define NESTED_IDS_BELOW (1ull << 40)

struct restart {
    struct job_manager *jm;
    char *queue, *zombies; /* saved state */
    /* Jobs whose flux-restart event is due. */
    flux_jobid_t *due;
    size_t ndue, next;
    /* The first id of a new store depends on the instance's level. */
    bool ready;
    flux_future_t *level;
    struct flux_msglist *waiting;
    flux_msg_handler_f cb;
};

static int read_state(struct store_reader *reader, void *arg)
{
    struct restart *r = arg;
    struct job_manager *jm = r->jm;
    AUTOFREE char *given = NULL;
    uint64_t active, max_id = 0;
    int rc;

    if ((rc = store_reader_stats(reader, &active, &jm->inactive, &jm->max_id)) < 0)
        return rc;
    if (store_reader_meta(reader, "job-manager.max-id", &given) == 0 && given)
        max_id = strtoull(given, NULL, 10);
    if (jm->max_id < max_id)
        jm->max_id = max_id;
    free(TAKE(given));
    if (store_reader_meta(reader, PURGED_META, &given) == 0 && given)
        jm->purged = strtoull(given, NULL, 10);
    if (store_reader_meta(reader, "job-manager.queue", &r->queue) < 0)
        r->queue = NULL;
    if (store_reader_meta(reader, WAIT_META, &r->zombies) < 0)
        r->zombies = NULL;
    return 0;
}

static void set_ready(struct restart *r)
{
    const flux_msg_t *msg;

    r->ready = true;
    while ((msg = flux_msglist_pop(r->waiting))) {
        r->cb(r->jm->h, NULL, msg, r->jm);
        flux_msg_decref(msg);
    }
}

/* Siblings in one parent write out.{{id}} to one folder: nested instances begin at ids
 * of their own. */
static void level_known(flux_future_t *f, void *arg)
{
    struct restart *r = arg;
    struct job_manager *jm = r->jm;
    const char *level, *uuid = flux_aux_get(jm->h, "flux::uuid");

    if (flux_rpc_get_unpack(f, "{s:s}", "value", &level) == 0 && atoi(level) > 0 && uuid)
        jm->max_id = hash_bytes(uuid, strlen(uuid), 1) % NESTED_IDS_BELOW;
    flux_future_destroy(f);
    r->level = NULL;
    set_ready(r);
}

static int ask_level(struct restart *r)
{
    if (r->jm->max_id > 0) {
        r->ready = true;
        return 0;
    }
    if (!(r->level = flux_rpc_pack(r->jm->h, "attr.get", FLUX_NODEID_ANY, 0, "{s:s}",
                                   "name", "instance-level")) ||
        flux_future_then(r->level, -1., level_known, r) < 0)
        return -errno;
    return 0;
}

int restart_new(struct job_manager *jm, struct restart **ret)
{
    struct restart *r = calloc(1, sizeof(*r));
    int rc;

    if (!r)
        return -ENOMEM;
    r->jm = jm;
    if (!(r->waiting = flux_msglist_create()))
        rc = -ENOMEM;
    else if ((rc = store_read_now(jm->store, read_state, r)) == 0)
        rc = ask_level(r);
    if (rc < 0) {
        restart_free(r);
        return rc;
    }
    *ret = r;
    return 0;
}

void restart_free(struct restart *r)
{
    if (!r)
        return;
    flux_future_destroy(r->level);
    flux_msglist_destroy(r->waiting);
    free(r->due);
    free(r->queue);
    free(r->zombies);
    free(r);
}

bool restart_store_was_empty(const struct restart *r)
{
    return r->jm->max_id == 0;
}

bool restart_ready(struct restart *r, const flux_msg_t *msg, flux_msg_handler_f cb)
{
    if (r->ready)
        return true;
    r->cb = cb;
    if (flux_msglist_append(r->waiting, msg) < 0)
        manager_respond_error(r->jm, msg, ENOMEM, "out of memory");
    return false;
}

static void set_aside(struct job_manager *jm, flux_jobid_t id, const char *reason)
{
    flux_log(jm->h, LOG_ERR, "job %ju is set aside, its record cannot be used: %s",
             (uintmax_t)id, reason);
}

static int read_row(const struct store_job *row, void *arg)
{
    struct restart *r = arg;
    struct job_manager *jm = r->jm;
    flux_error_t err = {""};
    struct job *job;

    if (record_parse(row->rec, row->rec_len, jm->strings, &job, &err) < 0) {
        set_aside(jm, row->id, err.text);
        return 0;
    }
    if (job->id != row->id || job->userid != row->userid ||
        job->state == FLUX_JOB_STATE_INACTIVE || manager_add_job(jm, job) < 0) {
        set_aside(jm, row->id, "it contradicts itself");
        job_free(job, jm->strings);
    }
    return 0;
}

static int read_piece(uint64_t seq, const void *data, size_t len, void *arg)
{
    struct buf *b = arg;

    b->len = 0;
    return buf_add(b, data, len);
}

static void read_R(struct job_manager *jm, struct store_reader *reader, struct job *job)
{
    struct buf R = {0};

    if (store_reader_jobdata(reader, job->id, "R", read_piece, &R) < 0 ||
        job_set_R(job, R.data, R.len) < 0)
        flux_log(jm->h, LOG_ERR, "job %ju: its R cannot be read", (uintmax_t)job->id);
    buf_free(&R);
}

static int read_jobs(struct store_reader *reader, void *arg)
{
    struct restart *r = arg;
    struct job_manager *jm = r->jm;
    void *value;
    int rc = store_reader_active(reader, read_row, r);

    if (rc < 0)
        return rc;
    for (size_t it = 0; umap_next(jm->jobs, &it, NULL, &value);) {
        struct job *job = value;

        if (job_posted(job, EVENT_ALLOC))
            read_R(jm, reader, job);
    }
    return 0;
}

/* A plug-in's action was under way: who would end it is not there any more. */
static void interrupted(struct job_manager *jm, struct job *job, struct texts *list,
                        enum event_id event)
{
    while (list->n > 0) {
        AUTOFREE char *description = strdup(list->v[0]);

        texts_del(list, list->v[0]);
        event_post(jm, job, event, "{s:s s:i}", "description",
                   description ? description : "", "status", 1);
    }
}

static void resume_running(struct job_manager *jm, struct job *job)
{
    struct job_more *m = job->more;

    if (!job_has_R(job) && job->state == FLUX_JOB_STATE_RUN) {
        event_post_exception(jm, job, "restart", 0, UINT32_MAX, -1, "R is lost");
        return;
    }
    /* Whether its start was sent is not on record. */
    job->maybe_started =
        job_has_R(job) && !job->exec_done && !job_posted(job, EVENT_FREE);
    if (m && m->prologs.n > 0) {
        interrupted(jm, job, &m->prologs, EVENT_PROLOG_FINISH);
        if (job->state == FLUX_JOB_STATE_RUN)
            event_post_exception(jm, job, "prolog", 0, UINT32_MAX, -1,
                                 "interrupted by a restart");
    }
    if (m)
        interrupted(jm, job, &m->epilogs, EVENT_EPILOG_FINISH);
}

static void resume_depend(struct job_manager *jm, struct job *job)
{
    flux_error_t err;

    if (job->more && job->more->deps_spec &&
        jobtap_dependencies(jm->jobtap, job, job->more->deps_spec, &err) < 0)
        event_post_exception(jm, job, "dependency", 0, UINT32_MAX, -1, err.text);
}

static void resume(struct restart *r, struct job *job)
{
    struct job_manager *jm = r->jm;

    job->validated = true;
    jobtap_call(jm->jobtap, job, JOBTAP_NEW);
    switch (job->state) {
    case FLUX_JOB_STATE_DEPEND:
        resume_depend(jm, job);
        break;
    case FLUX_JOB_STATE_PRIORITY:
    case FLUX_JOB_STATE_SCHED:
        r->due[r->ndue++] = job->id;
        return;
    case FLUX_JOB_STATE_RUN:
    case FLUX_JOB_STATE_CLEANUP:
        resume_running(jm, job);
        break;
    }
    advance_add(jm, job);
}

int restart_load(struct restart *r)
{
    struct job_manager *jm = r->jm;
    void *value;
    int rc;

    queue_restore(jm->queue, r->queue);
    if ((rc = wait_restore(jm->wait, r->zombies)) < 0 ||
        (rc = store_read_now(jm->store, read_jobs, r)) < 0)
        return rc;
    if (!(r->due = calloc(umap_count(jm->jobs) + 1, sizeof(*r->due))))
        return -ENOMEM;
    for (size_t it = 0; umap_next(jm->jobs, &it, NULL, &value);)
        resume(r, value);
    if (umap_count(jm->jobs) > 0)
        flux_log(jm->h, LOG_INFO, "restart: %zu active jobs, %ju ended",
                 umap_count(jm->jobs), (uintmax_t)jm->inactive);
    return 0;
}

void restart_step(struct restart *r)
{
    struct job *job;

    if (r->next == r->ndue || batches_busy(r->jm->batches))
        return;
    for (unsigned n = 0; n < STEP_JOBS && r->next < r->ndue; n++) {
        job = manager_job(r->jm, r->due[r->next++]);
        if (job && (job->state & (FLUX_JOB_STATE_PRIORITY | FLUX_JOB_STATE_SCHED)))
            event_post(r->jm, job, EVENT_FLUX_RESTART, NULL);
    }
    if (r->next == r->ndue) {
        free(TAKE(r->due));
        r->next = r->ndue = 0;
    }
}
