/* A client of the jobs that remembers what it was told, see cutjobs.h: it submits, cancels,
 * purges, asks again, and watches the journal.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/list.h"
#include "base/slice.h"
#include "cutjobs.h"

#define WAITING_MAX 200

/* ---- what is submitted ---- */

static char *submission_text(long k)
{
    cJSON *spec = cutrun_jobspec(k);
    char *text;

    cJSON_AddItemToObject(
        cJSON_GetObjectItem(cJSON_GetObjectItem(spec, "attributes"), "system"),
        "environment", cutrun_env(k));
    text = json_print(spec);
    json_free(spec);
    return text;
}

/* ---- the load ---- */

struct request {
    struct list link;
    struct cutrun *r;
    flux_future_t *f;
    flux_jobid_t id; /* what a cancel, a purge is about */
    bool purge, again;
};

static void request_free(struct request *q)
{
    list_del(&q->link);
    flux_future_destroy(q->f);
    free(q);
}

struct cutjobs_job *cutrun_job(struct cutrun *r, flux_jobid_t id)
{
    if (id == 0 || id >= CUTJOBS_MAX) {
        cutrun_corrupt(r, id, "impossible id");
        id = 0;
    }
    if (r->max_id < id)
        r->max_id = id;
    return &r->jobs[id];
}

/* An id was answered to submission k. */
static void accept_id(struct cutrun *r, long k, flux_jobid_t id)
{
    struct cutjobs_sub *s = &r->subs[k];
    struct cutjobs_job *job = cutrun_job(r, id);

    if (s->id && s->id != id)
        cutrun_corrupt(r, id, "submission %ld has job %ju already", k, (uintmax_t)s->id);
    if (job->sub && job->sub != k + 1)
        cutrun_corrupt(r, id, "the id was given to submission %ld before", job->sub - 1);
    r->p->acked += !s->acked;
    r->p->submitted += !s->acked;
    s->acked = true;
    s->id = id;
    job->sub = k + 1;
}

static void submitted_cb(flux_future_t *f, void *arg)
{
    struct cutrun *r = arg;
    long k = (long)(intptr_t)flux_future_aux_get(f, "sub");
    flux_jobid_t id;

    r->waiting--;
    r->subs[k].f = NULL;
    if (flux_job_submit_get_id(f, &id) == 0)
        accept_id(r, k, id);
    else if (!cutrun_excuses(r, errno, flux_future_error_string(f)))
        cutrun_corrupt(r, 0, "submission %ld refused: %s", k,
                       flux_future_error_string(f));
    else {
        r->subs[k].open = cutrun_in_doubt(r, errno);
        r->subs[k].refused = !r->subs[k].open;
        r->p->refused += !pwrvfs_is_cut(r->disk);
    }
    flux_future_destroy(f);
}

static flux_future_t *send_submission(struct cutrun *r, long k)
{
    AUTOFREE char *text = submission_text(k);
    char nonce[32];

    snprintf(nonce, sizeof(nonce), "once-%ld", k);
    return flux_job_submit_once(r->h, text, 16, 0, r->subs[k].has_nonce ? nonce : NULL);
}

static void submit(struct cutrun *r, long k)
{
    flux_future_t *f = send_submission(r, k);

    if (!f || flux_future_aux_set(f, "sub", (void *)(intptr_t)k, NULL) < 0 ||
        flux_future_then(f, -1., submitted_cb, r) < 0)
        abort();
    r->subs[k].f = f;
    r->subs[k].refused = false;
    r->subs[k].open = true;
    r->waiting++;
}

void cutload_submit(struct cutrun *r)
{
    if (r->nsubs >= CUTJOBS_MAX || r->max_id + WAITING_MAX >= CUTJOBS_MAX ||
        r->waiting >= WAITING_MAX)
        return;
    r->subs[r->nsubs].has_nonce = cutrun_random(r, 4) > 0;
    submit(r, r->nsubs++);
}

static void requested_cb(flux_future_t *f, void *arg)
{
    struct request *q = arg;
    struct cutrun *r = q->r;
    flux_jobid_t id;
    int count = 0;

    if (flux_rpc_get(f, NULL) < 0 && (errno == ENOSPC || errno == EIO) &&
        !cutrun_excuses(r, errno, flux_future_error_string(f)))
        cutrun_corrupt(r, q->id, "a request about it: %s", flux_future_error_string(f));
    if (q->again) {
        if (flux_job_submit_get_id(f, &id) == 0 && !r->jobs[q->id].purging && id != q->id)
            cutrun_corrupt(r, id, "nonce of job %ju got another id", (uintmax_t)q->id);
    } else if (q->purge) {
        if (flux_rpc_get_unpack(f, "{s:i}", "count", &count) == 0 && count == 1) {
            r->jobs[q->id].purged = true;
            r->p->purged++;
        }
    } else if (flux_rpc_get(f, NULL) == 0) {
        r->jobs[q->id].cancelled = true;
        r->p->cancelled++;
    }
    request_free(q);
}

static void request(struct cutrun *r, struct request q)
{
    struct request *copy = malloc(sizeof(*copy));

    if (!copy || !q.f)
        abort();
    *copy = q;
    copy->r = r;
    list_init(&copy->link);
    list_append(r->requests, &copy->link);
    if (flux_future_then(q.f, -1., requested_cb, copy) < 0)
        abort();
}

static void cancel(struct cutrun *r, flux_jobid_t id)
{
    request(r, (struct request){.id = id, .f = flux_job_cancel(r->h, id, "no more")});
}

static void purge(struct cutrun *r, flux_jobid_t id)
{
    list_each(q, r->requests, struct request, link)
    {
        if (q->again && q->id == id)
            return; /* it might find the nonce free, and submit it anew */
    }
    /* A nonce of a job that is gone is free again: leave it alone from now on. */
    r->jobs[id].purging = true;
    request(r, (struct request){.id = id,
                                .purge = true,
                                .f = flux_rpc_pack(r->h, "job-manager.purge-id",
                                                   FLUX_NODEID_ANY, 0, "{s:I}", "id",
                                                   (int64_t)id)});
}

static void repeat(struct cutrun *r, flux_jobid_t id)
{
    long k = r->jobs[id].sub - 1;

    if (k >= 0 && r->subs[k].acked && r->subs[k].has_nonce && !r->jobs[id].purging)
        request(r, (struct request){.id = id, .again = true, .f = send_submission(r, k)});
}

/* One of the latest n. */
static flux_jobid_t latest(struct cutrun *r, uint64_t n)
{
    return r->max_id - cutrun_random(r, n < r->max_id ? n : r->max_id);
}

void cutload_turn(struct cutrun *r)
{
    uint64_t n;

    if (r->winding_down && r->max_id) {
        /* The last ids must not be given again when their jobs are gone. */
        cancel(r, latest(r, 20));
        purge(r, latest(r, 4));
        return;
    }
    switch (cutrun_random(r, 24)) {
    case 0:
        for (n = 1 + cutrun_random(r, 25); n > 0; n--)
            cutload_submit(r);
        break;
    case 1:
    case 2:
        cutload_submit(r);
        break;
    case 3:
        for (n = cutrun_random(r, 6); r->max_id && n > 0; n--)
            cancel(r, latest(r, 40));
        break;
    case 4:
        if (r->max_id)
            repeat(r, latest(r, CUTJOBS_MAX));
        break;
    case 5:
        if (r->max_id && cutrun_random(r, 8) == 0)
            purge(r, latest(r, CUTJOBS_MAX));
        break;
    }
}

/* ---- watching ---- */

static void see_event(struct cutrun *r, flux_jobid_t id, size_t seq, struct slice line)
{
    struct cutjobs_job *job = cutrun_job(r, id);

    if (seq >= job->nevents) {
        job->events = realloc(job->events, (seq + 1) * sizeof(*job->events));
        if (!job->events)
            abort();
        while (job->nevents <= seq)
            job->events[job->nevents++] = NULL;
    }
    if (job->events[seq] && (strlen(job->events[seq]) != line.len ||
                             memcmp(job->events[seq], line.p, line.len) != 0))
        cutrun_corrupt(r, id, "event %zu is shown anew: %.*s", seq, (int)line.len,
                       line.p);
    free(job->events[seq]);
    job->events[seq] = slice_text(line);
    r->p->visible++;
}

static void watch_cb(flux_future_t *f, void *arg)
{
    struct cutrun *r = arg;
    struct slice s, id, seq, events, line;
    const char *text;
    int64_t n, first;
    size_t pos = 0;

    if (flux_rpc_get(f, &text) < 0)
        return;
    s = slice_of(text);
    if (slice_get(s, "id", &id) < 0 || slice_int(id, &n) < 0 ||
        slice_get(s, "seq", &seq) < 0 || slice_int(seq, &first) < 0 ||
        slice_get(s, "events", &events) < 0) {
        cutrun_corrupt(r, 0, "journal: %s", text);
        return;
    }
    while (n > 0 && slice_element(events, &pos, &line) > 0)
        see_event(r, (flux_jobid_t)n, (size_t)first++, line);
    flux_future_reset(f);
}

/* ---- the client ---- */

void cutload_start(struct cutrun *r)
{
    r->h = router_open(r->w->rt, NULL, getuid(), FLUX_ROLE_OWNER | FLUX_ROLE_LOCAL);
    r->watch = flux_rpc_pack(r->h, "job-manager.events-journal", FLUX_NODEID_ANY,
                             FLUX_RPC_STREAMING, "{s:b}", "full", 0);
    if (!r->watch || flux_future_then(r->watch, -1., watch_cb, r) < 0)
        abort();
}

void cutload_stop(struct cutrun *r)
{
    struct request *q;

    for (long k = 0; k < r->nsubs; k++) {
        flux_future_destroy(r->subs[k].f);
        r->subs[k].f = NULL;
    }
    r->waiting = 0;
    while ((q = list_first(r->requests, struct request, link)))
        request_free(q);
    flux_future_destroy(r->watch);
    r->watch = NULL;
    if (r->h)
        router_close(r->w->rt, r->h, false);
    r->h = NULL;
}

/* The client asks again for what it got no answer to. */
void cutload_retry(struct cutrun *r)
{
    for (long k = 0; k < r->nsubs; k++) {
        struct cutjobs_sub *s = &r->subs[k];

        if (s->acked || s->given_up)
            continue;
        if (s->has_nonce && r->waiting < WAITING_MAX)
            submit(r, k);
        else if (!s->has_nonce)
            s->given_up = true;
    }
}
