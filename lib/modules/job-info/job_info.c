/* job-info - the service that reads jobs: pieces of their data, and their events.
 *
 * Requests: lookup, eventlog-watch (a stream), eventlog-watch-cancel, disconnect; and for
 * the kvs service kvs-lookup, kvs-job (see kvs_view.h), jobs-watch.
 */

#include <errno.h>
#include <stdlib.h>

#include <syslog.h>

#include <flux/core.h>
#include <flux/module.h>

#include "modules/job-info/kvs_view.h"
#include "modules/job-info/lookup.h"
#include "modules/job-info/watch.h"

struct ctx {
    struct watches watches;
    struct kvs_view kvs_view;
    struct store *store;
    flux_msg_handler_t **handlers;
};

static void on_lookup(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct ctx *ctx = arg;

    lookup_start(h, ctx->store, msg);
}

static void on_watch(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct ctx *ctx = arg;

    watch_start(&ctx->watches, msg);
}

static void on_watch_jobs(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    struct ctx *ctx = arg;

    watch_jobs_start(&ctx->watches, msg);
}

static void on_cancel(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct ctx *ctx = arg;

    watch_cancel(&ctx->watches, msg);
}

static void on_disconnect(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    struct ctx *ctx = arg;

    watch_disconnect(&ctx->watches, msg);
    kvs_view_disconnect(&ctx->kvs_view, msg);
}

static void on_kvs_lookup(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    struct ctx *ctx = arg;

    kvs_view_lookup(&ctx->kvs_view, msg);
}

static void on_kvs_job(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    struct ctx *ctx = arg;

    kvs_view_job(&ctx->kvs_view, msg);
}

static const struct flux_msg_handler_spec table[] = {
    {FLUX_MSGTYPE_REQUEST, "job-info.lookup", on_lookup, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-info.eventlog-watch", on_watch, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-info.eventlog-watch-cancel", on_cancel, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-info.jobs-watch", on_watch_jobs, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-info.jobs-watch-cancel", on_cancel, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-info.kvs-lookup", on_kvs_lookup, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-info.kvs-job", on_kvs_job, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "job-info.disconnect", on_disconnect, FLUX_ROLE_USER},
    FLUX_MSGHANDLER_TABLE_END,
};

static int init(flux_t *h, int argc, char **argv, void **ret_ctx)
{
    struct ctx *ctx = calloc(1, sizeof(*ctx));

    if (!ctx)
        return -1;
    ctx->store = flux_aux_get(h, "flux::store");
    if (!ctx->store) {
        flux_log(h, LOG_ERR, "there is no store to read jobs from");
        free(ctx);
        errno = ENOENT;
        return -1;
    }
    watches_init(&ctx->watches, h, ctx->store);
    kvs_view_init(&ctx->kvs_view, h, ctx->store);
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
    watches_clear(&ctx->watches);
    store_read_flush(ctx->store);
    kvs_view_clear(&ctx->kvs_view);
    free(ctx);
}

const struct flux_module job_info_module = {
    .abi = FLUX_MODULE_ABI,
    .size = sizeof(struct flux_module),
    .name = "job-info",
    .init = init,
    .fini = fini,
};
