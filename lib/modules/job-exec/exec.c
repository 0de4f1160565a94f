/* The jobs of job-exec, and what is reported of them: see exec.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "modules/job-exec/mock.h"
#include "modules/job-exec/part.h"
#include "modules/job-exec/shells.h"

/* -- reports -- */

/* An active idle watcher keeps the loop from waiting; the turn's end stops it. */
void exec_poke(struct exec *x)
{
    flux_watcher_start(x->awake);
}

void exec_report(struct exec *x, flux_jobid_t id, const char *type, struct slice data)
{
    struct buf *b = &x->results;
    exec_poke(x);
    buf_adds(b, b->len == 0 ? "{\"results\":[" : ",");
    buf_addf(b, "{\"id\":%ju,\"type\":\"%s\",\"data\":", (uintmax_t)id, type);
    if (data.p)
        buf_add(b, data.p, data.len);
    else
        buf_adds(b, "{}");
    buf_addc(b, '}');
}

void exec_raise(struct exec_job *job, struct slice data)
{
    if (job->exception)
        return;
    job->exception = slice_text(data);
    exec_report(job->x, job->id, "exception", data);
}

void exec_raise_note(struct exec_job *job, const char *type, const char *note)
{
    struct buf b = {0};
    buf_addf(&b, "{\"severity\":0,\"type\":\"%s\",\"note\":", type);
    json_buf_str(&b, note, strlen(note));
    buf_addc(&b, '}');
    if (!b.failed)
        exec_raise(job, (struct slice){b.data, b.len});
    buf_free(&b);
}

static void report_end(struct exec_job *job)
{
    const struct exec_end *e = &job->end;
    char data[160];
    int n = snprintf(data, sizeof(data), "{\"status\":%d", e->status);
    if (job->has_usage)
        n += snprintf(data + n, sizeof(data) - (size_t)n,
                      ",\"utime\":%.6f,\"stime\":%.6f,\"maxrss\":%jd", e->utime, e->stime,
                      (intmax_t)e->maxrss);
    snprintf(data + n, sizeof(data) - (size_t)n, "}");
    exec_report(job->x, job->id, "finish", slice_of(data));
    part_release(job, true);
}

bool exec_is_spread(const struct exec_job *job)
{
    return job->nparts > 1 ||
           (job->nparts == 1 && shellctl_rank(job->parts[0].shell) != 0);
}

void exec_over(struct exec_job *job)
{
    list_del(&job->link);
    flux_watcher_destroy(TAKE(job->exit_timer));
    job->finished = true;
    if (exec_is_spread(job))
        shells_output_end(job->x->shells, job->id);
    report_end(job);
}

void job_exec_flush(struct exec *x)
{
    if (!x->ready || x->results.len == 0)
        return;
    buf_adds(&x->results, "]}");
    flux_future_t *f = NULL;
    if (!x->results.failed)
        f = flux_rpc(x->h, "job-manager.exec-results", x->results.data, FLUX_NODEID_ANY,
                     FLUX_RPC_NORESPONSE);
    if (!f)
        flux_log_error(x->h, "cannot send results");
    flux_future_destroy(f);
    if (x->results.failed || x->results.size > (1 << 20))
        buf_free(&x->results);
    x->results.len = 0;
}

/* -- jobs -- */

struct exec_job *exec_job(struct exec *x, flux_jobid_t id)
{
    return umap_get(x->jobs, id);
}

void exec_job_free(void *arg)
{
    struct exec_job *job = arg;
    list_del(&job->link);
    parts_free(job);
    mock_free(job->mock);
    flux_watcher_destroy(job->exit_timer);
    free(job->exception);
    free(job->entry);
    free(job);
}

struct exec_job *exec_add(struct exec *x, flux_jobid_t id)
{
    struct exec_job *job = calloc(1, sizeof(*job));
    if (!job)
        return NULL;
    job->x = x;
    job->id = id;
    list_init(&job->link);
    if (umap_add(x->jobs, id, job) < 0) {
        free(job);
        return NULL;
    }
    return job;
}

void exec_forget(struct exec *x, struct exec_job *job)
{
    if (!job->mock)
        x->nreal--;
    umap_del(x->jobs, job->id);
}

void exec_finish(struct exec_job *job, int status)
{
    job->end.status = status;
    exec_over(job);
}

void exec_fail(struct exec_job *job, const char *type, const char *note)
{
    exec_raise_note(job, type, note);
    exec_finish(job, 1 << 8);
}

void exec_report_state(struct exec_job *job)
{
    if (job->started)
        exec_report(job->x, job->id, "reattached", SLICE_NONE);
    if (job->exception)
        exec_report(job->x, job->id, "exception", slice_of(job->exception));
    if (job->finished)
        report_end(job);
}
