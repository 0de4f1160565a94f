/* The resource service: what the instance has, which of it is online, and what was
 * drained. Owners drain and undrain; a scheduler acquires (acquire.h); everybody may ask.
 *
 *   resource.acquire, acquire-cancel   see acquire.h
 *   resource.status {} -> {"R","drain","online","offline","exclude","torpid"}
 *   resource.sched-status {} -> {"all":R,"down":R,"allocated":R}, asked of the scheduler
 *   resource.drain {"targets":s,"reason":s?,"mode":"overwrite"|"update"?}
 *   resource.undrain {"targets":s,"reason":s?}
 *   resource.reload {"path":s?}        read the configuration, or R from a file, anew
 *   resource.get {} -> {"R":R}         without what is excluded
 *   resource.topo-get                  see discover.h; every broker answers it
 *   resource.eventlog, journal, journal-cancel   see reslog.h
 *
 * It works at rank 0; on the other ranks see relay.c. resource.get and sched-status are
 * answered once the nodes are known (define.c), the others at once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <flux/attr.h>
#include <flux/flog.h>
#include <flux/future.h>
#include <flux/module.h>
#include <flux/response.h>
#include <flux/watcher.h>

#include "modules/resource/resource.h"

extern const struct flux_module resource_module;

static void end_requests(struct resource *res)
{
    const flux_msg_t *msg;

    list_each(fw, &res->forwards, struct forward, link)
    {
        flux_respond_error(res->h, fw->msg, ENOSYS, NULL);
        forward_free(fw);
    }
    while (res->early && (msg = flux_msglist_pop(res->early))) {
        flux_respond_error(res->h, msg, ENOSYS, NULL);
        flux_msg_decref(msg);
    }
}

static void resource_fini(flux_t *h, void *ctx)
{
    struct resource *res = ctx;

    flux_msg_handler_delvec(res->handlers);
    end_requests(res);
    flux_future_destroy(res->run);
    group_free(res->online_group);
    group_free(res->torpid_group);
    flux_watcher_destroy(res->later);
    acquire_free(res->acquire);
    reslog_free(res->log);
    keep_free(res->keep);
    drained_free(res->drained);
    idset_destroy(res->online);
    idset_destroy(res->members);
    idset_destroy(res->torpid);
    idset_destroy(res->verified);
    inventory_finish(&res->inv);
    rset_free(res->enclosing);
    gather_free(res->gather);
    hosts_free(res->hosts);
    flux_msglist_destroy(res->early);
    free(res);
}

static int start_leader(struct resource *res)
{
    flux_error_t err = {""};
    int rc;

    if (!(res->early = flux_msglist_create()))
        return -ENOMEM;
    if ((rc = drained_new(&res->drained)) < 0 ||
        (rc = acquire_new(res->h, &res->acquire)) < 0 ||
        (rc = reslog_new(res->h, &res->log)) < 0 ||
        (rc = keep_new(res->h, flux_aux_get(res->h, "flux::store"), &res->keep)) < 0)
        return rc;
    if ((rc = define_start(res, &err)) < 0) {
        flux_log(res->h, LOG_ERR, "%s", err.text);
        return rc;
    }
    return usable_follow(res);
}

static int start(struct resource *res)
{
    const struct flux_msg_handler_spec *handlers = resource_relay_handlers;
    int rc;

    if (flux_get_rank(res->h, &res->rank) < 0)
        return -errno;
    if (res->rank == 0) {
        if ((rc = start_leader(res)) < 0)
            return rc;
        handlers = resource_handlers;
    }
    if (flux_msg_handler_addvec(res->h, handlers, res, &res->handlers) < 0)
        return -errno;
    return 0;
}

static int resource_init(flux_t *h, int argc, char **argv, void **ret_ctx)
{
    struct resource *res = calloc(1, sizeof(*res));
    int rc;

    if (!res)
        return -1;
    res->h = h;
    res->env = flux_aux_get(h, "flux::env");
    list_init(&res->forwards);
    if (argc > 0) {
        flux_log(h, LOG_ERR, "%s: unknown argument (resource takes none)", argv[0]);
        rc = -EINVAL;
    } else {
        rc = start(res);
    }
    if (rc < 0) {
        resource_fini(h, res);
        errno = -rc;
        return -1;
    }
    *ret_ctx = res;
    return 0;
}

const struct flux_module resource_module = {
    .abi = FLUX_MODULE_ABI,
    .size = sizeof(resource_module),
    .name = "resource",
    .init = resource_init,
    .fini = resource_fini,
    .flags = FLUX_MODULE_INLINE | FLUX_MODULE_ALL_RANKS,
};
