/* Batches of changes on their way to the disk, see batch.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "modules/job-manager/advance.h"
#include "modules/job-manager/batch.h"
#include "modules/job-manager/journal.h"
#include "modules/job-manager/jobtap.h"
#include "modules/job-manager/nonce.h"
#include "modules/job-manager/purge.h"
#include "modules/job-manager/record.h"
#include "modules/job-manager/restart.h"
#include "modules/job-manager/submit.h"
#include "modules/job-manager/wait.h"

#define RETRY_SECONDS 0.5

struct reply {
    const flux_msg_t *msg;
    char *text;
    bool submission;
};

struct batch {
    struct change **changes;
    size_t nchanges, changes_size;
    struct reply *replies;
    size_t nreplies, replies_size;
    flux_jobid_t *deletes;
    size_t ndeletes, deletes_size;
    struct map *meta; /* NULL: none */
};

struct batches {
    struct job_manager *jm;
    struct batch open;
    struct batch flying;
    bool busy;   /* flying is with the store */
    bool gone;   /* freed but for an answer that the store still owes */
    bool failed; /* the last commit failed: wait before the next */
    char refusal[512];
    int refusal_errno;
    flux_watcher_t *prepare;
    flux_watcher_t *retry;
};

/* Make room for one more element of a growing array. */
static int grow(void *array, size_t n, size_t *size, size_t item)
{
    void **v = array, *bigger;
    size_t want = *size ? *size * 2 : 16;

    if (n < *size)
        return 0;
    if (!(bigger = realloc(*v, want * item)))
        return -ENOMEM;
    *v = bigger;
    *size = want;
    return 0;
}

static void change_free(struct change *c)
{
    buf_free(&c->events);
    spec_unref(c->spec);
    free(c);
}

static bool batch_empty(const struct batch *b)
{
    return b->nchanges + b->nreplies + b->ndeletes == 0 && !b->meta;
}

/* Nothing in it can be refused: it is about jobs that are on disk already. */
static bool batch_must(const struct batch *b)
{
    for (size_t i = 0; i < b->nchanges; i++)
        if (b->changes[i]->job->fresh)
            return false;
    return true;
}

/* Nothing for the disk in it, only answers. */
static bool batch_light(const struct batch *b)
{
    return b->nchanges + b->ndeletes == 0 && !b->meta;
}

static void batch_clear(struct batch *b)
{
    for (size_t i = 0; i < b->nchanges; i++)
        change_free(b->changes[i]);
    for (size_t i = 0; i < b->nreplies; i++) {
        flux_msg_decref(b->replies[i].msg);
        free(b->replies[i].text);
    }
    free(b->changes);
    free(b->replies);
    free(b->deletes);
    map_free(b->meta);
    *b = (struct batch){0};
}

struct change *batch_change(struct batches *b, struct job *job)
{
    struct batch *open = &b->open;
    struct change *c = job->change;

    if (c)
        return c;
    if (grow(&open->changes, open->nchanges, &open->changes_size,
             sizeof(*open->changes)) < 0 ||
        !(c = calloc(1, sizeof(*c))))
        return NULL;
    c->job = job;
    c->seq = job->seq;
    open->changes[open->nchanges++] = c;
    return job->change = c;
}

void batch_forget(struct batches *b, struct job *job)
{
    struct batch *open = &b->open;

    if (!job->change)
        return;
    /* It is a new one: the search starts at the end. */
    for (size_t i = open->nchanges; i-- > 0;)
        if (open->changes[i] == job->change) {
            change_free(open->changes[i]);
            memmove(&open->changes[i], &open->changes[i + 1],
                    (open->nchanges - i - 1) * sizeof(*open->changes));
            open->nchanges--;
            break;
        }
    job->change = NULL;
}

static int add_reply(struct batch *batch, const flux_msg_t *msg, char *text,
                     bool submission)
{
    if (grow(&batch->replies, batch->nreplies, &batch->replies_size,
             sizeof(*batch->replies)) < 0) {
        free(text);
        return -ENOMEM;
    }
    batch->replies[batch->nreplies++] =
        (struct reply){flux_msg_incref(msg), text, submission};
    return 0;
}

int batch_respond(struct batches *b, const flux_msg_t *msg, char *text)
{
    return add_reply(&b->open, msg, text, false);
}

int batch_respond_jobs(struct batches *b, const flux_msg_t *msg, char *text,
                       const struct job *last)
{
    int rc;

    if (last)
        return add_reply(last->flying ? &b->flying : &b->open, msg, text, true);
    rc = flux_respond(b->jm->h, msg, text) < 0 ? -errno : 0;
    free(text);
    return rc;
}

int batch_meta(struct batches *b, const char *key, const char *value)
{
    char *copy;
    int rc;

    if (!b->open.meta && !(b->open.meta = map_new(free)))
        return -ENOMEM;
    if (!(copy = strdup(value)))
        return -ENOMEM;
    if ((rc = map_set(b->open.meta, key, copy)) < 0)
        free(copy);
    return rc;
}

int batch_delete(struct batches *b, flux_jobid_t id)
{
    struct batch *open = &b->open;
    int rc =
        grow(&open->deletes, open->ndeletes, &open->deletes_size, sizeof(*open->deletes));

    if (rc == 0)
        open->deletes[open->ndeletes++] = id;
    return rc;
}

static int write_change(struct job_manager *jm, struct store_txn *t, struct change *c,
                        struct buf *rec)
{
    struct job *job = c->job;
    struct store_job row = {
        .id = job->id,
        .state = job->state,
        .result = job->state == FLUX_JOB_STATE_INACTIVE ? job->result : 0,
        .userid = job->userid,
        .t_submit = job->t_submit,
        .t_inactive = job->state == FLUX_JOB_STATE_INACTIVE ? job->t_inactive : 0,
        .name = job->name,
        .queue = job->queue,
        .nonce = job->nonce,
    };
    int rc = 0;

    rec->len = 0;
    record_print_row(job, rec);
    if (rec->failed)
        return -ENOMEM;
    row.rec = rec->data;
    row.rec_len = rec->len;
    if ((rc = store_txn_job(t, &row)) < 0 ||
        (rc = store_txn_jobdata(t, job->id, "eventlog", c->seq, c->events.data,
                                c->events.len)) < 0)
        return rc;
    if (c->spec) {
        struct spec_text *text = c->spec->jobspec, *env = c->spec->env;

        if ((rc = store_txn_jobdata_shared(t, job->id, "jobspec", text->data,
                                           text->len)) < 0)
            return rc;
        if (env &&
            (rc = store_txn_jobdata_shared(t, job->id, "env", env->data, env->len)) < 0)
            return rc;
    }
    if (c->put_R && job_has_R(job))
        rc = store_txn_jobdata(t, job->id, "R", 0, job->more->R, strlen(job->more->R));
    return rc;
}

static int write_batch(struct batches *b, struct batch *batch, struct store_txn *t)
{
    struct buf rec = {0};
    const char *key;
    void *value;
    int rc = 0;

    for (size_t i = 0; rc == 0 && i < batch->nchanges; i++)
        rc = write_change(b->jm, t, batch->changes[i], &rec);
    for (size_t i = 0; rc == 0 && i < batch->ndeletes; i++)
        rc = store_txn_job_delete(t, batch->deletes[i]);
    if (batch->meta)
        for (size_t it = 0; rc == 0 && map_next(batch->meta, &it, &key, &value);)
            rc = store_txn_meta(t, key, value);
    buf_free(&rec);
    return rc;
}

static void send_reply(struct job_manager *jm, struct reply *r)
{
    if (!r->msg)
        return;
    if (flux_respond(jm->h, r->msg, r->text) < 0)
        flux_log_error(jm->h, "flux_respond");
}

/* All of a batch is on disk. */
static void batch_done(struct batches *b, struct batch *batch)
{
    struct job_manager *jm = b->jm;

    for (size_t i = 0; i < batch->nchanges; i++) {
        struct job *job = batch->changes[i]->job;

        job->flying = false;
        if (job->fresh && batch->changes[i]->spec)
            specs_keep(jm->specs, job->id, batch->changes[i]->spec);
        if (job->fresh)
            nonces_stored(jm->nonces, job);
        job->fresh = false;
    }
    for (size_t i = 0; i < batch->nreplies; i++)
        send_reply(jm, &batch->replies[i]);
    journal_publish(jm->journal, batch->changes, batch->nchanges);
    for (size_t i = 0; i < batch->nchanges; i++)
        if (!batch->changes[i]->job->change)
            advance_stored(jm, batch->changes[i]->job);
    advance_stored_all(jm);
    if (batch->ndeletes > 0)
        purger_stored(jm->purger);
    batch_clear(batch);
}

/* A request whose effect cannot be kept. */
static void refuse_reply(struct batches *b, struct reply *r, int error)
{
    struct buf text = {0};

    if (r->submission)
        submit_refuse(b->jm, r->text, error, b->refusal, &text);
    if (text.len == 0 || text.failed || flux_respond(b->jm->h, r->msg, text.data) < 0)
        flux_respond_error(b->jm->h, r->msg, error, b->refusal);
    buf_free(&text);
    flux_msg_decref(r->msg);
    r->msg = NULL;
}

/* Put a change that was not written in front of what the job did since. */
static int take_back(struct batches *b, struct change *old)
{
    struct batch *open = &b->open;
    struct job *job = old->job;
    struct change *c = job->change;
    struct buf events = old->events;

    job->flying = false;
    if (!c) {
        if (grow(&open->changes, open->nchanges, &open->changes_size,
                 sizeof(*open->changes)) < 0)
            return -ENOMEM;
        open->changes[open->nchanges++] = old;
        job->change = old;
        return 0;
    }
    old->events = c->events;
    buf_add(&events, c->events.data, c->events.len);
    c->events = events;
    c->seq = old->seq;
    c->count += old->count;
    c->put_R |= old->put_R;
    change_free(old);
    return events.failed ? -ENOMEM : 0;
}

static void refuse_job(struct batches *b, struct job *job)
{
    batch_forget(b, job);
    nonces_forget(b->jm->nonces, job);
    manager_remove_job(b->jm, job);
}

/* Forget jobs whose submission is not on disk. */
static void refuse_fresh(struct batches *b, struct batch *failed)
{
    size_t kept = 0, i;

    for (i = 0; i < failed->nchanges; i++) {
        struct change *c = failed->changes[i];

        if (c->job->fresh) {
            refuse_job(b, c->job);
            change_free(c);
        } else {
            failed->changes[kept++] = c;
        }
    }
    failed->nchanges = kept;
    /* Plug-ins that hear of it may post events: look again after each. */
    do {
        for (i = 0; i < b->open.nchanges && !b->open.changes[i]->job->fresh; i++)
            ;
        if (i < b->open.nchanges)
            refuse_job(b, b->open.changes[i]->job);
    } while (i < b->open.nchanges);
}

/* When the disk is full all but submissions wait for room; a store that has failed for good
 * keeps nothing any more. */
static void refuse_replies(struct batches *b, struct batch *batch, int error)
{
    bool all = store_has_failed(b->jm->store);

    for (size_t i = 0; i < batch->nreplies; i++)
        if (batch->replies[i].msg && (all || batch->replies[i].submission))
            refuse_reply(b, &batch->replies[i], error);
}

static void set_refusal(struct batches *b, int error)
{
    b->refusal_errno = error;
    if (error == ENOSPC)
        snprintf(b->refusal, sizeof(b->refusal),
                 "no space left for %s: submissions are refused until there is room; "
                 "work goes on by itself once some is freed",
                 b->jm->store_name);
    else
        snprintf(b->refusal, sizeof(b->refusal),
                 "%s cannot be written: %s: look at the disk, then restart the instance",
                 b->jm->store_name, strerror(error));
}

static void batch_failed(struct batches *b, int error)
{
    struct job_manager *jm = b->jm;
    struct batch failed = b->flying;
    const char *key;
    void *value;

    set_refusal(b, error);
    if (!b->failed && !store_is_readonly(jm->store)) /* or writable_cb has told it */
        flux_log(jm->h, LOG_CRIT, "%s", b->refusal);
    b->failed = true;
    b->flying = (struct batch){0};
    refuse_replies(b, &failed, error);
    refuse_replies(b, &b->open, error);
    refuse_fresh(b, &failed);
    for (size_t i = 0; i < failed.nchanges; i++)
        if (take_back(b, failed.changes[i]) < 0)
            flux_log(jm->h, LOG_CRIT, "out of memory: events are lost");
    failed.nchanges = 0;
    for (size_t i = 0; i < failed.nreplies; i++)
        if (failed.replies[i].msg) {
            batch_respond(b, failed.replies[i].msg, TAKE(failed.replies[i].text));
        }
    for (size_t i = 0; i < failed.ndeletes; i++)
        batch_delete(b, failed.deletes[i]);
    if (failed.meta)
        for (size_t it = 0; map_next(failed.meta, &it, &key, &value);)
            if (!b->open.meta || !map_get(b->open.meta, key))
                batch_meta(b, key, value);
    batch_clear(&failed);
    if (store_has_failed(jm->store))
        purger_failed(jm->purger);
    flux_timer_watcher_reset(b->retry, RETRY_SECONDS, 0.);
    flux_watcher_start(b->retry);
}

static void commit_done(int error, void *arg)
{
    struct batches *b = arg;
    struct batch done;

    b->busy = false;
    if (b->gone) {
        free(b);
        return;
    }
    if (error < 0) {
        batch_failed(b, -error);
        return;
    }
    b->failed = b->failed && store_is_readonly(b->jm->store);
    done = b->flying;
    b->flying = (struct batch){0};
    batch_done(b, &done);
}

static void commit(struct batches *b)
{
    struct job_manager *jm = b->jm;
    struct store_txn *t;
    int rc;

    b->flying = b->open;
    b->open = (struct batch){0};
    for (size_t i = 0; i < b->flying.nchanges; i++) {
        b->flying.changes[i]->job->change = NULL;
        b->flying.changes[i]->job->flying = true;
    }
    b->busy = true;
    if (batch_light(&b->flying)) {
        commit_done(0, b);
        return;
    }
    if (!(t = store_txn_new(jm->store)))
        rc = -ENOMEM;
    else if ((rc = write_batch(b, &b->flying, t)) < 0)
        store_txn_free(t);
    else {
        if (batch_must(&b->flying))
            store_txn_must(t);
        rc = store_commit(jm->store, t, commit_done, b);
    }
    if (rc < 0)
        commit_done(rc, b);
}

static void prepare_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct batches *b = arg;

    restart_step(b->jm->restart);
    advance_all(b->jm);
    if (!b->busy && !batch_empty(&b->open) && !flux_watcher_is_active(b->retry))
        commit(b);
}

static void retry_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    /* The next turn's prepare_cb commits. */
}

static void writable_cb(bool writable, void *arg)
{
    struct batches *b = arg;

    if (!writable) {
        set_refusal(b, store_has_failed(b->jm->store) ? EIO : ENOSPC);
        flux_log(b->jm->h, LOG_CRIT, "%s", b->refusal);
        return;
    }
    flux_log(b->jm->h, LOG_INFO, "%s can be written again", b->jm->store_name);
    b->failed = false;
    if (flux_watcher_is_active(b->retry)) {
        flux_timer_watcher_reset(b->retry, 0., 0.);
        flux_watcher_stop(b->retry);
        flux_watcher_start(b->retry);
    }
}

const char *batches_refusal(struct batches *b, int *ret_errno)
{
    if (!b->failed && !store_is_readonly(b->jm->store))
        return NULL;
    if (!b->failed)
        set_refusal(b, store_has_failed(b->jm->store) ? EIO : ENOSPC);
    *ret_errno = b->refusal_errno;
    return b->refusal;
}

int batches_new(struct job_manager *jm, struct batches **ret)
{
    struct batches *b = calloc(1, sizeof(*b));

    if (!b)
        return -ENOMEM;
    b->jm = jm;
    if (!(b->prepare = flux_prepare_watcher_create(jm->r, prepare_cb, b)) ||
        !(b->retry = flux_timer_watcher_create(jm->r, RETRY_SECONDS, 0., retry_cb, b))) {
        batches_free(b);
        return -ENOMEM;
    }
    flux_watcher_unref(b->prepare);
    flux_watcher_start(b->prepare);
    store_on_writable(jm->store, writable_cb, b);
    *ret = b;
    return 0;
}

bool batches_busy(const struct batches *b)
{
    return b->busy;
}

int batches_flush(struct batches *b)
{
    int rc = 0;

    /* Steps taken after a commit may open another batch. */
    do {
        advance_all(b->jm);
        if (!b->busy && !batch_empty(&b->open))
            commit(b);
        if (b->busy)
            rc = store_flush(b->jm->store);
    } while (rc == 0 && !b->failed && (b->busy || !batch_empty(&b->open)));
    return b->failed ? -EIO : rc;
}

void batches_free(struct batches *b)
{
    if (!b)
        return;
    store_on_writable(b->jm->store, NULL, NULL);
    if (b->busy)
        store_flush(b->jm->store);
    flux_watcher_destroy(b->prepare);
    flux_watcher_destroy(b->retry);
    for (size_t i = 0; i < b->open.nchanges; i++)
        b->open.changes[i]->job->change = NULL;
    batch_clear(&b->open);
    batch_clear(&b->flying);
    /* On a full disk the store keeps what must not be lost until it is closed. */
    if (b->busy)
        b->gone = true;
    else
        free(b);
}
