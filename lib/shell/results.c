/* What job-exec is told: collected during a turn of the loop and sent as one message.
 * Before a hello has gone out nothing is collected, for the hello tells it all.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <flux/rpc.h>
#include <flux/flog.h>

#include "base/json.h"
#include "base/cleanup.h"
#include "shell/shell_private.h"
#include "shell/sink.h"

/* {"id":..,"type":"..", up to the data's value. False: nobody to tell. */
static bool open_result(struct shell *sh, flux_jobid_t id, const char *type)
{
    if (!link_handle(sh->link))
        return false;
    if (sh->results.len == 0)
        buf_addf(&sh->results, "{\"rank\":%u,\"results\":[", sh->rank);
    else
        buf_addc(&sh->results, ',');
    buf_addf(&sh->results, "{\"id\":%" PRIu64 ",\"type\":\"%s\",\"data\":", id, type);
    return true;
}

/* The keeper of the output of jobs that it does not run wants to know. */
static bool says_ntasks(const struct job *job)
{
    return job->plan && (job->sh->rank != 0 || job->plan->layout.nnodes > 1);
}

static void add_exception(struct buf *out, const struct job *job)
{
    buf_addf(out, "{\"severity\":%d,\"type\":", job->severity);
    json_buf_str(out, job->exc_type, strlen(job->exc_type));
    buf_adds(out, ",\"note\":");
    json_buf_str(out, job->exc_note, strlen(job->exc_note));
    buf_addc(out, '}');
}

static void add_end(struct buf *out, const struct journal_end *end)
{
    buf_addf(out, "{\"status\":%d,\"utime\":%.6f,\"stime\":%.6f,\"maxrss\":%ld}",
             end->status, end->utime, end->stime, end->maxrss);
}

void results_start(struct shell *sh, const struct job *job, bool reattach)
{
    if (!open_result(sh, job->id, reattach ? "reattached" : "start"))
        return;
    if (says_ntasks(job))
        buf_addf(&sh->results, "{\"ntasks\":%u}}", job->plan->ntasks);
    else
        buf_adds(&sh->results, "{}}");
}

void results_exception(struct shell *sh, const struct job *job)
{
    if (!open_result(sh, job->id, "exception"))
        return;
    add_exception(&sh->results, job);
    buf_addc(&sh->results, '}');
}

void results_exited(struct shell *sh, const struct job *job)
{
    if (!open_result(sh, job->id, "exited"))
        return;
    buf_addf(&sh->results, "{\"exit-timeout\":%f}}", limits_exit_left(job));
}

void results_finish(struct shell *sh, const struct job *job)
{
    if (!open_result(sh, job->id, "finish"))
        return;
    add_end(&sh->results, &job->end);
    buf_addc(&sh->results, '}');
}

void results_flush(struct shell *sh)
{
    flux_t *h = link_handle(sh->link);
    if (sh->results.len == 0)
        return;
    buf_adds(&sh->results, "]}");
    flux_future_t *f = NULL;
    if (h && !sh->results.failed)
        f = flux_rpc(h, "job-exec.shell-results", sh->results.data, FLUX_NODEID_ANY,
                     FLUX_RPC_NORESPONSE);
    if (h && !f)
        flux_log_error(h, "cannot send results");
    flux_future_destroy(f);
    if (sh->results.failed || sh->results.size > (1 << 20))
        buf_free(&sh->results);
    sh->results.len = 0;
}

static const char *state_name(const struct job *job)
{
    switch (job->state) {
    case JOB_WAITING:
    case JOB_SPAWNING:
        return "starting";
    case JOB_RUNNING:
    case JOB_ENDING:
        return "running";
    default:
        return sink_is_draining(job) ? "running" : "finished";
    }
}

static void add_job(struct buf *out, const struct job *job)
{
    buf_addf(out, "{\"id\":%" PRIu64 ",\"state\":\"%s\"", job->id, state_name(job));
    if (says_ntasks(job))
        buf_addf(out, ",\"ntasks\":%u", job->plan->ntasks);
    if (limits_exit_left(job) >= 0)
        buf_addf(out, ",\"exit-timeout\":%f", limits_exit_left(job));
    if (job->exc_type) {
        buf_adds(out, ",\"exception\":");
        add_exception(out, job);
    }
    if (job->state == JOB_DONE && !sink_is_draining(job)) {
        buf_adds(out, ",\"data\":");
        add_end(out, &job->end);
    }
    buf_addc(out, '}');
}

char *results_hello(const struct shell *sh)
{
    struct buf out = {0};
    size_t it = 0;
    uint64_t id;
    void *job;
    buf_addf(&out, "{\"userid\":%u,\"rank\":%u,\"jobs\":[", sh->userid, sh->rank);
    for (bool first = true; umap_next(sh->jobs, &it, &id, &job); first = false) {
        if (!first)
            buf_addc(&out, ',');
        add_job(&out, job);
    }
    buf_adds(&out, "]}");
    return buf_take(&out, NULL);
}
