/* The jobs of job-exec, and what is reported of them: see exec.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "modules/job-exec/mock.h"

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

void exec_report_exception(struct exec *x, flux_jobid_t id, const char *type,
                           const char *note)
{
    struct buf b = {0};
    buf_addf(&b, "{\"severity\":0,\"type\":\"%s\",\"note\":", type);
    json_buf_str(&b, note, strlen(note));
    buf_addc(&b, '}');
    if (!b.failed)
        exec_report(x, id, "exception", (struct slice){b.data, b.len});
    buf_free(&b);
}

void exec_report_finish(struct exec *x, flux_jobid_t id, struct slice data)
{
    struct exec_job *job = exec_job(x, id);
    if (job) {
        list_del(&job->link);
        job->state = EXEC_FINISHED;
    }
    exec_report(x, id, "finish", data);
    exec_report(x, id, "release", slice_of("{\"ranks\":\"all\",\"final\":true}"));
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
    mock_free(job->mock);
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

void exec_forget(struct exec *x, flux_jobid_t id)
{
    struct exec_job *job = exec_job(x, id);
    if (job && !job->mock)
        x->nreal--;
    umap_del(x->jobs, id);
}

void exec_finish(struct exec_job *job, int status)
{
    char data[32];
    snprintf(data, sizeof(data), "{\"status\":%d}", status);
    job->status = status;
    exec_report_finish(job->x, job->id, slice_of(data));
}

void exec_fail(struct exec_job *job, const char *type, const char *note)
{
    exec_report_exception(job->x, job->id, type, note);
    exec_finish(job, 1 << 8);
}

void exec_report_state(struct exec_job *job)
{
    char data[32];
    if (job->state >= EXEC_RUNNING)
        exec_report(job->x, job->id, "reattached", SLICE_NONE);
    if (job->state != EXEC_FINISHED)
        return;
    snprintf(data, sizeof(data), "{\"status\":%d}", job->status);
    exec_report_finish(job->x, job->id, slice_of(data));
}
