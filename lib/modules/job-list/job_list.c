/* job-list - the service that lists jobs: active ones as the job manager holds them,
 * inactive ones from the store.
 *
 * Requests: list (a stream), list-id, list-attrs, job-stats, disconnect, cancel.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>
#include <flux/job.h>
#include <flux/module.h>

#include "modules/job-list/list.h"
#include "modules/job-list/lookup.h"
#include "modules/job-list/stats.h"

struct ctx {
    struct job_list jl;
    flux_msg_handler_t **handlers;
};

static const char *const attributes[] = {
    "userid",
    "urgency",
    "priority",
    "t_submit",
    "t_depend",
    "t_priority",
    "t_sched",
    "t_run",
    "t_cleanup",
    "t_inactive",
    "state",
    "name",
    "cwd",
    "queue",
    "project",
    "bank",
    "ntasks",
    "ncores",
    "duration",
    "nnodes",
    "ranks",
    "nodelist",
    "success",
    "exception_occurred",
    "exception_type",
    "exception_severity",
    "exception_note",
    "result",
    "expiration",
    "annotations",
    "dependencies",
    "waitstatus",
    NULL,
};

static void on_list(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct ctx *ctx = arg;

    list_start(&ctx->jl, msg);
}

static void on_list_id(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    struct ctx *ctx = arg;

    job_list_lookup(&ctx->jl, msg);
}

static void on_list_attrs(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    struct buf b = {0};

    buf_adds(&b, "{\"attrs\":[\"id\"");
    for (const char *const *a = attributes; *a; a++)
        buf_addf(&b, ",\"%s\"", *a);
    buf_adds(&b, "]}");
    flux_respond(h, msg, b.data);
    buf_free(&b);
}

static void on_stats(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct ctx *ctx = arg;

    stats_start(&ctx->jl, msg);
}

static void on_disconnect(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    struct ctx *ctx = arg;

    list_disconnect(&ctx->jl, msg);
}

static void on_cancel(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct ctx *ctx = arg;

    list_cancel(&ctx->jl, msg);
}

static const struct flux_msg_handler_spec table[] = {
    {FLUX_MSGTYPE_REQUEST, "job-list.list", on_list, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-list.list-id", on_list_id, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-list.list-attrs", on_list_attrs, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-list.job-stats", on_stats, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-list.disconnect", on_disconnect, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-list.cancel", on_cancel, FLUX_ROLE_USER},
    FLUX_MSGHANDLER_TABLE_END,
};

static int init(flux_t *h, int argc, char **argv, void **ret_ctx)
{
    struct ctx *ctx = calloc(1, sizeof(*ctx));

    if (!ctx)
        return -1;
    ctx->jl.h = h;
    ctx->jl.store = flux_aux_get(h, "flux::store");
    list_init(&ctx->jl.requests);
    list_init(&ctx->jl.lookups);
    list_init(&ctx->jl.stats);
    if (flux_msg_handler_addvec(h, table, ctx, &ctx->handlers) < 0) {
        free(ctx);
        return -1;
    }
    *ret_ctx = ctx;
    return 0;
}

static void fini(flux_t *h, void *arg)
{
    struct ctx *ctx = arg;

    flux_msg_handler_delvec(ctx->handlers);
    list_stop_all(&ctx->jl);
    free(ctx);
}

const struct flux_module job_list_module = {
    .abi = FLUX_MODULE_ABI,
    .size = sizeof(struct flux_module),
    .name = "job-list",
    .init = init,
    .fini = fini,
};
