/* What a new listener of the journal gets first: the events so far, read from the
 * store in portions; see journal.h. What happens meanwhile is held back and sent
 * afterwards, without what the portions had already.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "modules/job-manager/journal_private.h"

#define PORTION 500 /* jobs read at a time */

struct job_log {
    flux_jobid_t id;
    struct buf events;
    struct buf jobspec, R;
};

struct backlog {
    struct journal *journal;
    struct listener *listener;
    bool full;
    flux_jobid_t *active; /* at the beginning */
    size_t nactive, next;
    uint64_t max_id; /* at the beginning */
    double before;   /* ended jobs: go on with those that ended before */
    bool ended;      /* nothing more to read */
    /* The present portion. */
    struct job_log *logs;
    size_t nlogs, logs_size;
};

static void free_logs(struct backlog *b)
{
    for (size_t i = 0; i < b->nlogs; i++) {
        buf_free(&b->logs[i].events);
        buf_free(&b->logs[i].jobspec);
        buf_free(&b->logs[i].R);
    }
    b->nlogs = 0;
}

static void backlog_free(void *arg)
{
    struct backlog *b = arg;

    free_logs(b);
    free(b->logs);
    free(b->active);
    listener_unref(b->listener);
    free(b);
}

static int add_log(struct backlog *b, flux_jobid_t id)
{
    struct job_log *bigger;

    if (b->nlogs == b->logs_size) {
        size_t size = b->logs_size ? b->logs_size * 2 : PORTION;

        if (!(bigger = realloc(b->logs, size * sizeof(*bigger))))
            return -ENOMEM;
        b->logs = bigger;
        b->logs_size = size;
    }
    b->logs[b->nlogs++] = (struct job_log){.id = id};
    return 0;
}

/* Ended jobs, latest first. Those that ended at the same time stay together, as the
 * next portion begins with an earlier time. */
static int ended_cb(const struct store_job *job, void *arg)
{
    struct backlog *b = arg;

    if (b->nlogs >= PORTION && job->t_inactive < b->before)
        return 1;
    b->before = job->t_inactive;
    return add_log(b, job->id);
}

static int piece_cb(uint64_t seq, const void *data, size_t len, void *arg)
{
    return buf_add(arg, data, len);
}

static int read_ended(struct store_reader *r, struct backlog *b)
{
    struct store_job_query q = {.before = b->before, .userid = UINT32_MAX};
    int rc = store_reader_inactive(r, &q, ended_cb, b);

    if (rc == 0)
        b->ended = true;
    return rc < 0 ? rc : 0;
}

/* On a worker: the ids of the portion, and their logs. */
static int backlog_read(struct store_reader *r, void *arg)
{
    struct backlog *b = arg;
    int rc = 0;

    if (b->next < b->nactive) {
        for (unsigned n = 0; rc == 0 && b->next < b->nactive && n < PORTION; n++)
            rc = add_log(b, b->active[b->next++]);
        b->ended = b->next == b->nactive && !b->full;
    } else {
        rc = read_ended(r, b);
    }
    for (size_t i = 0; rc == 0 && i < b->nlogs; i++) {
        struct job_log *log = &b->logs[i];

        store_reader_jobdata(r, log->id, "eventlog", piece_cb, &log->events);
        if (b->listener->batch)
            continue;
        store_reader_jobdata(r, log->id, "jobspec", piece_cb, &log->jobspec);
        store_reader_jobdata(r, log->id, "R", piece_cb, &log->R);
    }
    return rc;
}

static uintptr_t count_lines(const char *p, size_t len)
{
    const char *end = p + len;
    uintptr_t n = 0;

    while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
        p++;
        n++;
    }
    return n;
}

static uintptr_t sent_so_far(struct listener *l, flux_jobid_t id)
{
    return (uintptr_t)umap_get(l->sent, id);
}

static void send_one(struct backlog *b, struct job_log *log)
{
    struct listener *l = b->listener;
    struct buf extra = {0}, out = {0};

    /* Active at the beginning, ended since, and found again; or nothing to tell. */
    if (log->events.len == 0 || sent_so_far(l, log->id))
        return;
    if (log->id > b->max_id || b->next <= b->nactive)
        umap_set(l->sent, log->id,
                 (void *)count_lines(log->events.data, log->events.len));
    if (log->jobspec.len) {
        buf_adds(&extra, ",\"jobspec\":");
        buf_add(&extra, log->jobspec.data, log->jobspec.len);
    }
    if (log->R.len) {
        buf_adds(&extra, ",\"R\":");
        buf_add(&extra, log->R.data, log->R.len);
    }
    if (l->batch)
        buf_adds(&out, "{\"jobs\":[");
    if (listener_print(l, log->id, 0, log->events.data, log->events.len, extra.data,
                       &out)) {
        if (l->batch)
            buf_adds(&out, "]}");
        listener_send(b->journal, l, &out);
    }
    buf_free(&extra);
    buf_free(&out);
}

/* What was held back, less the first `skip` lines of it. */
static void send_held(struct journal *j, struct listener *l, struct held *h)
{
    uintptr_t sent = sent_so_far(l, h->id), skip = sent > h->seq ? sent - h->seq : 0;
    const char *p = h->events, *end = p + h->len;
    struct buf out = {0};

    for (uintptr_t i = 0; i < skip && p < end; i++)
        p = (const char *)memchr(p, '\n', (size_t)(end - p)) + 1;
    if (p == end)
        return;
    if (l->batch)
        buf_adds(&out, "{\"jobs\":[");
    if (listener_print(l, h->id, h->seq + (uint32_t)skip, p, (size_t)(end - p), h->extra,
                       &out)) {
        if (l->batch)
            buf_adds(&out, "]}");
        listener_send(j, l, &out);
    }
    buf_free(&out);
}

static void caught_up(struct backlog *b)
{
    struct listener *l = b->listener;
    struct buf out = {0};

    if (b->full) {
        buf_adds(&out, "{\"id\":-1,\"events\":[]}");
        listener_send(b->journal, l, &out);
        buf_free(&out);
    }
    for (size_t i = 0; i < l->nheld; i++) {
        send_held(b->journal, l, &l->held[i]);
        free(l->held[i].events);
        free(l->held[i].extra);
    }
    free(TAKE(l->held));
    l->nheld = l->held_size = 0;
    umap_free(TAKE(l->sent));
    l->catching_up = false;
}

static int backlog_next(struct backlog *b);

static void backlog_done(struct job_manager *jm, int rc, void *arg)
{
    struct backlog *b = arg;

    if (b->listener->gone) {
        backlog_free(b);
        return;
    }
    for (size_t i = 0; rc == 0 && i < b->nlogs; i++)
        send_one(b, &b->logs[i]);
    if (rc == 0 && !b->ended && (rc = backlog_next(b)) == 0)
        return;
    if (rc < 0)
        flux_log(jm->h, 3, "events-journal: the store cannot be read: %s", strerror(-rc));
    caught_up(b);
    backlog_free(b);
}

static int backlog_next(struct backlog *b)
{
    free_logs(b);
    return manager_read(b->journal->jm, backlog_read, backlog_done, backlog_free, b);
}

int backlog_start(struct journal *j, struct listener *l, bool full)
{
    struct job_manager *jm = j->jm;
    struct backlog *b = calloc(1, sizeof(*b));
    uint64_t id;
    void *value;
    int rc;

    if (!b)
        return -ENOMEM;
    *b =
        (struct backlog){.journal = j, .listener = l, .full = full, .max_id = jm->max_id};
    l->refs++;
    if (!(l->sent = umap_new(NULL)) ||
        !(b->active = calloc(umap_count(jm->jobs) + 1, sizeof(*b->active)))) {
        backlog_free(b);
        return -ENOMEM;
    }
    for (size_t it = 0; umap_next(jm->jobs, &it, &id, &value);)
        if (!((struct job *)value)->fresh)
            b->active[b->nactive++] = id;
    if (b->nactive == 0 && !full) {
        caught_up(b);
        backlog_free(b);
        return 0;
    }
    if ((rc = backlog_next(b)) < 0)
        backlog_free(b);
    return rc;
}
