/* A job on one rank: see part.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/hostlist.h>
#include <flux/idset.h>

#include "base/cleanup.h"
#include "base/status.h"
#include "modules/job-exec/part.h"
#include "modules/job-exec/ranks.h"
#include "modules/job-exec/shells.h"

/* -- making -- */

/* The ranks of an R, and their hosts, which are read when a shell lacks its own. */
struct nodes {
    struct slice R;
    struct hostlist *hosts; /* NULL: not read */
};

static char *copy_host(struct nodes *nodes, unsigned i)
{
    const char *name = NULL;
    if (!nodes->hosts)
        nodes->hosts = ranks_hosts(nodes->R);
    if (nodes->hosts)
        name = hostlist_nth(nodes->hosts, (int)i);
    return name ? strdup(name) : NULL;
}

static int add_part(struct exec_job *job, unsigned rank, struct nodes *nodes)
{
    struct exec_part *p = &job->parts[job->nparts];
    struct shellctl *s = shells_need(job->x->shells, rank);
    if (!s)
        return -ENOMEM;
    if (!shellctl_host(s))
        shellctl_set_host(s, copy_host(nodes, job->nparts));
    p->job = job;
    p->shell = s;
    p->was_running = job->reattach;
    p->maybe_told = job->reattach || job->maybe;
    list_init(&p->link);
    job->nparts++;
    return 0;
}

int parts_make(struct exec_job *job, struct slice R)
{
    AUTOFREE unsigned *ranks = NULL;
    struct nodes nodes = {.R = R};
    struct shellctl *first;
    unsigned n;
    int rc = ranks_read(R, &ranks, &n);
    if (rc < 0)
        return rc;
    job->parts = n == 1 ? &job->one : calloc(n, sizeof(*job->parts));
    if (!job->parts)
        return -ENOMEM;
    if (!(first = shells_need(job->x->shells, 0)))
        rc = -ENOMEM;
    for (unsigned i = 0; rc == 0 && i < n; i++)
        rc = add_part(job, ranks[i], &nodes);
    hostlist_destroy(nodes.hosts);
    for (unsigned i = 0; rc == 0 && i < n; i++)
        shellctl_add(job->parts[i].shell, &job->parts[i]);
    if (rc == 0 && exec_is_spread(job)) /* somebody has to keep its output */
        shells_mark(job->x->shells, first);
    if (rc < 0) {
        job->nparts = 0; /* no shell was told */
        parts_free(job);
    }
    return rc;
}

void parts_free(struct exec_job *job)
{
    for (unsigned i = 0; i < job->nparts; i++)
        shellctl_remove(job->parts[i].shell, &job->parts[i]);
    if (job->parts != &job->one)
        free(job->parts);
    job->parts = NULL;
    job->nparts = 0;
}

struct exec_part *part_of(struct exec_job *job, unsigned rank)
{
    unsigned lo = 0, hi = job->nparts;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2, r = shellctl_rank(job->parts[mid].shell);
        if (r == rank)
            return &job->parts[mid];
        if (r < rank)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* -- beginning -- */

void part_started(struct exec_part *p, bool reattached)
{
    struct exec_job *job = p->job;
    if (p->state >= PART_RUNNING)
        return;
    p->state = PART_RUNNING;
    p->was_running = true;
    job->nstarted += !p->started;
    p->started = true;
    if (job->nstarted < job->nparts || job->started)
        return;
    job->started = true;
    free(job->entry); /* the shells have it in their journals */
    job->entry = NULL;
    exec_report(job->x, job->id, reattached || job->reattach ? "reattached" : "start",
                SLICE_NONE);
}

/* -- ending -- */

static double real_of(struct slice data, const char *key)
{
    struct slice v;
    double d = 0;
    return slice_get(data, key, &v) == 0 && slice_real(v, &d) == 0 ? d : 0;
}

static void add_end(struct exec_job *job, struct slice data)
{
    struct exec_end *e = &job->end;
    int64_t maxrss = (int64_t)real_of(data, "maxrss");
    struct slice v;
    e->status = status_worst(e->status, (int)real_of(data, "status"));
    e->utime += real_of(data, "utime");
    e->stime += real_of(data, "stime");
    e->maxrss = maxrss > e->maxrss ? maxrss : e->maxrss;
    job->has_usage |= slice_get(data, "utime", &v) == 0;
}

static void note_finish(struct exec_part *p)
{
    struct exec_job *job = p->job;
    p->state = PART_FINISHED;
    shellctl_done(p->shell, p);
    if (++job->nfinished == job->nparts)
        exec_over(job);
    else if (job->doomed && list_empty(&job->link))
        list_append(&job->x->ending, &job->link);
    exec_poke(job->x);
}

void part_finished(struct exec_part *p, struct slice data)
{
    if (p->state == PART_FINISHED)
        return;
    add_end(p->job, data);
    note_finish(p);
}

static void overdue(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct exec_job *job = arg;
    unsigned n = job->nparts - job->nfinished;
    char note[128];
    flux_watcher_stop(w);
    if (job->doomed)
        return;
    snprintf(note, sizeof(note),
             "tasks on %u of %u nodes are still running long after the first exit "
             "(exit-timeout)",
             n, job->nparts);
    exec_raise_note(job, "exec", note);
    parts_cancel(job);
}

void part_exited(struct exec_part *p, struct slice data)
{
    struct exec_job *job = p->job;
    double timeout = real_of(data, "exit-timeout");
    if (job->exit_timer || job->doomed || job->finished || job->nparts == 1)
        return;
    job->exit_timer = flux_timer_watcher_create(job->x->r, timeout, 0, overdue, job);
    if (job->exit_timer)
        flux_watcher_start(job->exit_timer);
}

static void end_here(struct exec_part *p, int status)
{
    if (p->state == PART_FINISHED)
        return;
    p->job->end.status = status_worst(p->job->end.status, status);
    note_finish(p);
}

/* A part that its shell was never told of ends at once; the others are told to end, now
 * or as soon as their shell is there. */
static void part_cancel(struct exec_part *p)
{
    if (p->state == PART_WAITING && !p->maybe_told)
        end_here(p, SIGTERM);
    else if (p->state != PART_FINISHED)
        shellctl_cancel(p->shell, p->job->id);
}

void parts_cancel(struct exec_job *job)
{
    job->doomed = true;
    if (job->nfinished > 0 && !job->finished && list_empty(&job->link))
        list_append(&job->x->ending, &job->link);
    for (unsigned i = 0; i < job->nparts; i++)
        part_cancel(&job->parts[i]);
}

void part_unknown(struct exec_part *p)
{
    p->maybe_told = p->was_running;
    if (p->job->doomed)
        part_cancel(p);
}

static void cancel_others(struct exec_part *p)
{
    struct exec_job *job = p->job;
    job->doomed = true;
    for (unsigned i = 0; i < job->nparts; i++)
        if (&job->parts[i] != p)
            part_cancel(&job->parts[i]);
}

/* What dooms a job is told once: the rest follows from it. */
void part_exception(struct exec_part *p, struct slice data)
{
    struct exec_job *job = p->job;
    struct slice v;
    int64_t severity = 0;
    if (slice_get(data, "severity", &v) == 0)
        (void)slice_int(v, &severity);
    if (severity > 0) {
        exec_report(job->x, job->id, "exception", data);
    } else if (!job->doomed) {
        exec_raise(job, data);
        cancel_others(p);
    }
}

void part_fail(struct exec_part *p, const char *type, const char *note, int status)
{
    struct exec_job *job = p->job;
    if (p->state == PART_FINISHED)
        return;
    if (!job->doomed) {
        exec_raise_note(job, type, note);
        cancel_others(p);
    }
    end_here(p, status);
}

/* -- releasing -- */

static char *unreleased(struct exec_job *job, unsigned *n)
{
    struct idset *ids = idset_create(0, IDSET_FLAG_AUTOGROW);
    char *text = NULL;
    bool ok = ids != NULL;
    *n = 0;
    for (unsigned i = 0; ok && i < job->nparts; i++) {
        struct exec_part *p = &job->parts[i];
        if (p->state != PART_FINISHED || p->released)
            continue;
        ok = idset_set(ids, shellctl_rank(p->shell)) == 0;
        p->released = !job->finished;
        (*n)++;
    }
    if (ok)
        text = idset_encode(ids, IDSET_FLAG_RANGE);
    idset_destroy(ids);
    return text;
}

void part_release(struct exec_job *job, bool final)
{
    AUTOFREE char *ranks = NULL;
    struct buf b = {0};
    unsigned n = job->nparts;
    if (!final || job->nparts > 1)
        ranks = unreleased(job, &n);
    if (n == 0 && !final)
        return;
    buf_addf(&b, "{\"ranks\":\"%s\",\"final\":%s}",
             ranks && n < job->nparts ? ranks : "all", final ? "true" : "false");
    if (!b.failed)
        exec_report(job->x, job->id, "release", (struct slice){b.data, b.len});
    buf_free(&b);
}
