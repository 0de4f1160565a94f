/* Waiting for waitable jobs, see wait.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "modules/job-manager/batch.h"
#include "modules/job-manager/record.h"
#include "modules/job-manager/wait.h"

struct zombie {
    char *errstr; /* NULL: success */
    bool ready;   /* its end is on disk */
};

struct wait {
    struct job_manager *jm;
    struct umap *zombies;     /* id -> struct zombie, in the order of their ends */
    struct flux_msglist *any; /* waiting for any job */
    struct umap *waiters;     /* id -> flux_msg_t, waiting for one */
    size_t ready;             /* zombies whose end is on disk: no longer in jm->jobs */
};

static void zombie_free(void *arg)
{
    struct zombie *z = arg;

    free(z->errstr);
    free(z);
}

static void waiter_free(void *arg)
{
    flux_msg_decref(arg);
}

int wait_new(struct job_manager *jm, struct wait **ret)
{
    struct wait *w = calloc(1, sizeof(*w));

    if (!w)
        return -ENOMEM;
    w->jm = jm;
    if (!(w->zombies = umap_new(zombie_free)) || !(w->waiters = umap_new(waiter_free)) ||
        !(w->any = flux_msglist_create())) {
        wait_free(w);
        return -ENOMEM;
    }
    *ret = w;
    return 0;
}

void wait_free(struct wait *w)
{
    if (!w)
        return;
    umap_free(w->zombies);
    umap_free(w->waiters);
    flux_msglist_destroy(w->any);
    free(w);
}

size_t wait_zombies(const struct wait *w)
{
    return umap_count(w->zombies);
}

/* Why a job was no success; NULL: it was. Yours to free. */
static char *errstr_of(const struct job *job)
{
    struct buf b = {0};
    int status = job->waitstatus;

    if (job->result == FLUX_JOB_RESULT_COMPLETED)
        return NULL;
    if (job->more && job->more->exc.type && job->more->exc.severity == 0)
        buf_addf(&b, "Fatal exception type=%s %s", job->more->exc.type,
                 job->more->exc.note ? job->more->exc.note : "");
    else if (status >= 0 && WIFSIGNALED(status))
        buf_addf(&b, "task(s) %s", strsignal(WTERMSIG(status)));
    else if (status >= 0)
        buf_addf(&b, "task(s) exited with exit code %d", WEXITSTATUS(status));
    else
        buf_adds(&b, "job never ran");
    return buf_take(&b, NULL);
}

/* Ids in ranges, as job ids of one user's burst follow each other: "1-1000,1005". */
static char *print_ids(const struct wait *w)
{
    struct buf b = {0};
    uint64_t id, first = 0, last = 0;
    void *value;

    buf_adds(&b, "");
    for (size_t it = 0; umap_next(w->zombies, &it, &id, &value);) {
        if (last && id == last + 1) {
            last = id;
            continue;
        }
        if (last)
            buf_addf(&b, "%" PRIu64 "-%" PRIu64 ",", first, last);
        first = last = id;
    }
    if (last)
        buf_addf(&b, "%" PRIu64 "-%" PRIu64, first, last);
    return buf_take(&b, NULL);
}

static void save(struct wait *w)
{
    AUTOFREE char *text = print_ids(w);

    if (text)
        batch_meta(w->jm->batches, WAIT_META, text);
}

static int read_zombie(const struct store_job *row, void *arg)
{
    struct wait *w = arg;
    struct zombie *z = calloc(1, sizeof(*z));
    struct job *job;
    flux_error_t err;

    if (!z)
        return -ENOMEM;
    z->ready = true;
    if (row->state == FLUX_JOB_STATE_INACTIVE &&
        record_parse(row->rec, row->rec_len, w->jm->strings, &job, &err) == 0) {
        z->errstr = errstr_of(job);
        job_free(job, w->jm->strings);
        if (umap_add(w->zombies, row->id, z) == 0) {
            w->ready++;
            return 0;
        }
    }
    zombie_free(z);
    return 0;
}

struct restore {
    struct wait *w;
    const char *saved;
};

static int restore_read(struct store_reader *r, void *arg)
{
    struct restore *rs = arg;
    const char *p = rs->saved;
    uint64_t first, last;
    int n;

    while (sscanf(p, "%" SCNu64 "-%" SCNu64 "%n", &first, &last, &n) == 2) {
        for (uint64_t id = first; id <= last && last - first < 10000000; id++)
            store_reader_job(r, id, read_zombie, rs->w);
        p += n;
        if (*p++ != ',')
            break;
    }
    return 0;
}

int wait_restore(struct wait *w, const char *saved)
{
    struct restore rs = {w, saved};

    return saved && *saved ? store_read_now(w->jm->store, restore_read, &rs) : 0;
}

static bool is_waitable(const struct job *job)
{
    return job->flags & FLUX_JOB_WAITABLE;
}

void wait_ending(struct wait *w, const struct job *job)
{
    struct zombie *z;

    if (!is_waitable(job) || !(z = calloc(1, sizeof(*z))))
        return;
    z->errstr = errstr_of(job);
    if (umap_add(w->zombies, job->id, z) < 0)
        zombie_free(z);
    save(w);
}

/* Answer, and forget the zombie. Forgetting need not be on disk first: after a crash
 * the job can be waited for once more. */
static void respond(struct wait *w, const flux_msg_t *msg, flux_jobid_t id)
{
    struct zombie *z = umap_take(w->zombies, id);

    if (flux_respond_pack(w->jm->h, msg, "{s:I s:b s:s}", "id", (int64_t)id, "success",
                          z->errstr == NULL, "errstr", z->errstr ? z->errstr : "") < 0)
        flux_log_error(w->jm->h, "wait");
    w->ready--;
    zombie_free(z);
    save(w);
}

/* Waitable jobs, active or not, less those that someone waits for already. */
static size_t count_available(const struct wait *w)
{
    return w->jm->waitable + w->ready - umap_count(w->waiters);
}

void wait_finished(struct wait *w, const struct job *job)
{
    struct zombie *z = umap_get(w->zombies, job->id);
    const flux_msg_t *msg;

    if (!z)
        return;
    z->ready = true;
    w->ready++;
    if ((msg = umap_take(w->waiters, job->id)) || (msg = flux_msglist_pop(w->any))) {
        respond(w, msg, job->id);
        flux_msg_decref(msg);
    }
}

void wait_forget(struct wait *w, flux_jobid_t id)
{
    struct zombie *z = umap_get(w->zombies, id);

    if (!z || !z->ready)
        return;
    w->ready--;
    umap_del(w->zombies, id);
    save(w);
}

void wait_disconnect(struct wait *w, const flux_msg_t *msg)
{
    void *value;
    uint64_t id;

    flux_msglist_disconnect(w->any, msg);
    for (size_t it = 0; umap_next(w->waiters, &it, &id, &value);)
        if (flux_disconnect_match(msg, value))
            umap_del(w->waiters, id);
}

static void wait_any(struct wait *w, const flux_msg_t *msg)
{
    void *value;
    uint64_t id;

    for (size_t it = 0; umap_next(w->zombies, &it, &id, &value);)
        if (((struct zombie *)value)->ready && !umap_get(w->waiters, id)) {
            respond(w, msg, id);
            return;
        }
    if (count_available(w) <= (size_t)flux_msglist_count(w->any))
        manager_respond_error(w->jm, msg, ECHILD, "there are no more waitable jobs");
    else if (flux_msglist_append(w->any, msg) < 0)
        manager_respond_error(w->jm, msg, ENOMEM, "out of memory");
}

static void wait_one(struct wait *w, const flux_msg_t *msg, flux_jobid_t id)
{
    struct zombie *z = umap_get(w->zombies, id);
    struct job *job = manager_job(w->jm, id);

    if (z && z->ready) {
        respond(w, msg, id);
    } else if (!job) {
        manager_respond_error(w->jm, msg, ECHILD,
                              "invalid job id, or job may be inactive and not waitable");
    } else if (!is_waitable(job)) {
        manager_respond_error(w->jm, msg, ECHILD, "job was not submitted waitable");
    } else if (umap_get(w->waiters, id)) {
        manager_respond_error(w->jm, msg, ECHILD, "someone waits for this job already");
    } else if (umap_add(w->waiters, id, (void *)flux_msg_incref(msg)) < 0) {
        flux_msg_decref(msg);
        manager_respond_error(w->jm, msg, ENOMEM, "out of memory");
    }
}

void wait_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    int64_t id;

    if (flux_request_unpack(msg, NULL, "{s:I}", "id", &id) < 0)
        manager_respond_error(jm, msg, EPROTO, "malformed wait request");
    else if ((flux_jobid_t)id == FLUX_JOBID_ANY)
        wait_any(jm->wait, msg);
    else
        wait_one(jm->wait, msg, (flux_jobid_t)id);
}
