/* The resource service: what the instance has, which of it is online, and what was
 * drained. Owners drain and undrain; a scheduler acquires (acquire.h); everybody may ask.
 *
 *   resource.acquire, acquire-cancel   see acquire.h
 *   resource.status {} -> {"R","drain","online","offline","exclude","torpid"}
 *   resource.sched-status {} -> {"all":R,"down":R,"allocated":R}, asked of the scheduler
 *   resource.drain {"targets":s,"reason":s?,"mode":"overwrite"|"update"?}
 *   resource.undrain {"targets":s}
 *   resource.reload {"path":s?}        read the configuration, or R from a file, anew
 *   resource.get {} -> {"R":R}         without what is excluded
 *   resource.eventlog, journal, journal-cancel   see reslog.h
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include <flux/attr.h>
#include <flux/flog.h>
#include <flux/module.h>
#include <flux/reactor.h>
#include <flux/request.h>
#include <flux/response.h>
#include <flux/rpc.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/list.h"
#include "modules/resource/acquire.h"
#include "modules/resource/drain.h"
#include "modules/resource/inventory.h"
#include "modules/resource/reslog.h"

extern const struct flux_module resource_module;

DEFINE_CLEANUP(struct idset *, idset_destroy)

struct resource {
    flux_t *h;
    struct env *env;
    struct inventory inv;
    struct idset *online;
    struct drained *drained;
    struct acquire *acquire;
    struct reslog *log;
    struct list forwards; /* questions to the scheduler */
    flux_msg_handler_t **handlers;
};

/* A request that waits for the scheduler's answer. */
struct forward {
    struct list link;
    struct resource *res;
    const flux_msg_t *msg;
    flux_future_t *f;
};

static double now(const struct resource *res)
{
    return flux_reactor_now(flux_get_reactor(res->h));
}

/* Ranks that have a broker, or need none. */
static struct idset *find_online(const struct resource *res, const struct inventory *inv)
{
    struct idset *ids = idset_copy(inv->ranks);
    uint32_t size = 1;

    if (!ids || inv->fake)
        return ids;
    if (flux_get_size(res->h, &size) < 0)
        size = 1;
    if (idset_last(ids) != IDSET_INVALID_ID && idset_last(ids) >= size &&
        idset_range_clear(ids, size, idset_last(ids)) < 0) {
        idset_destroy(ids);
        return NULL;
    }
    return ids;
}

/* Online, not excluded, not drained. */
static struct idset *find_up(const struct resource *res)
{
    struct idset *up = idset_copy(res->online);

    if (up && (idset_subtract(up, res->inv.exclude) < 0 ||
               idset_subtract(up, drained_ranks(res->drained)) < 0)) {
        idset_destroy(up);
        return NULL;
    }
    return up;
}

static int update_up(struct resource *res)
{
    CLEANUP(idset_destroy_p) struct idset *up = find_up(res);

    return up ? acquire_set_up(res->acquire, up) : -ENOMEM;
}

/* -- inventory -- */

static int log_ranks(struct resource *res, const char *event, const struct idset *ids)
{
    AUTOFREE char *text = idset_encode(ids, IDSET_FLAG_RANGE);
    AUTOFREE char *hosts = inventory_hosts(&res->inv, ids);

    if (!text || !hosts)
        return -ENOMEM;
    return reslog_add(res->log, event, "{s:s s:s}", "idset", text, "nodelist", hosts);
}

/* Take a new inventory into use. */
static int adopt(struct resource *res, struct inventory *inv)
{
    struct idset *online = find_online(res, inv);
    CLEANUP(idset_destroy_p) struct idset *up = NULL;
    cJSON *R = NULL;
    int rc;

    if (!online || (rc = rset_json(inv->usable, &R)) < 0) {
        idset_destroy(online);
        return -ENOMEM;
    }
    inventory_finish(&res->inv);
    idset_destroy(res->online);
    res->inv = *inv;
    res->online = online;
    *inv = (struct inventory){0};
    drained_limit(res->drained, res->inv.ranks);
    if ((rc = reslog_add(res->log, "resource-define", "{s:s}", "method",
                         res->inv.method)) < 0 ||
        (rc = log_ranks(res, "online", online)) < 0 || !(up = find_up(res))) {
        json_free(R);
        return rc < 0 ? rc : -ENOMEM;
    }
    return acquire_define(res->acquire, R, up);
}

static int do_drain(struct resource *res, const struct idset *ids, const char *reason,
                    enum drain_mode mode, flux_error_t *err)
{
    AUTOFREE char *text = idset_encode(ids, IDSET_FLAG_RANGE);
    AUTOFREE char *hosts = inventory_hosts(&res->inv, ids);
    int rc = drained_add(res->drained, ids, now(res), reason, mode, err);

    if (rc < 0)
        return rc;
    if (!text || !hosts || (rc = update_up(res)) < 0)
        return error_set(err, ENOMEM, "out of memory");
    return reslog_add(res->log, "drain", "{s:s s:s s:s s:i}", "idset", text, "nodelist",
                      hosts, "reason", reason ? reason : "", "overwrite",
                      mode == DRAIN_OVERWRITE);
}

/* This host has less than it should: keep jobs away from it. */
static void drain_missing(struct resource *res)
{
    CLEANUP(idset_destroy_p) struct idset *own = idset_create(0, IDSET_FLAG_AUTOGROW);
    uint32_t rank = 0;
    flux_error_t err;

    if (!res->inv.missing)
        return;
    flux_get_rank(res->h, &rank);
    flux_log(res->h, LOG_ERR, "rank %u: %s", rank, res->inv.missing);
    if (!own || idset_set(own, rank) < 0 ||
        do_drain(res, own, res->inv.missing, DRAIN_UPDATE, &err) < 0)
        flux_log(res->h, LOG_ERR, "rank %u cannot be drained", rank);
}

static int reload(struct resource *res, const flux_conf_t *conf, const char *path,
                  flux_error_t *err)
{
    struct inventory inv;
    int rc = inventory_make(res->h, conf, res->env, path, &inv, err);

    if (rc < 0)
        return rc;
    if ((rc = adopt(res, &inv)) < 0) {
        inventory_finish(&inv);
        return error_set(err, -rc, "resources: %s", strerror(-rc));
    }
    drain_missing(res);
    return 0;
}

/* -- requests -- */

static void drain_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    CLEANUP(idset_destroy_p) struct idset *ids = NULL;
    struct resource *res = arg;
    const char *targets, *reason = NULL, *mode = NULL;
    enum drain_mode m = DRAIN_NEW;
    flux_error_t err = {""};
    int rc;

    if (flux_request_unpack(msg, NULL, "{s:s s?s s?s}", "targets", &targets, "reason",
                            &reason, "mode", &mode) < 0) {
        flux_respond_error(h, msg, errno, NULL);
        return;
    }
    if (mode && strcmp(mode, "overwrite") == 0)
        m = DRAIN_OVERWRITE;
    else if (mode && strcmp(mode, "update") == 0)
        m = DRAIN_UPDATE;
    else if (mode) {
        flux_respond_error(h, msg, EINVAL, "mode must be overwrite or update");
        return;
    }
    if ((rc = inventory_targets(&res->inv, targets, &ids, &err)) < 0 ||
        (rc = do_drain(res, ids, reason, m, &err)) < 0)
        flux_respond_error(h, msg, -rc, err.text);
    else
        flux_respond(h, msg, NULL);
}

static void undrain_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    CLEANUP(idset_destroy_p) struct idset *ids = NULL;
    struct resource *res = arg;
    const char *targets;
    flux_error_t err = {""};
    int rc;

    if (flux_request_unpack(msg, NULL, "{s:s}", "targets", &targets) < 0) {
        flux_respond_error(h, msg, errno, NULL);
        return;
    }
    if ((rc = inventory_targets(&res->inv, targets, &ids, &err)) < 0 ||
        (rc = drained_del(res->drained, ids, &err)) < 0) {
        flux_respond_error(h, msg, -rc, err.text);
        return;
    }
    if ((rc = update_up(res)) < 0 || (rc = log_ranks(res, "undrain", ids)) < 0)
        flux_respond_error(h, msg, -rc, NULL);
    else
        flux_respond(h, msg, NULL);
}

static void status_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct resource *res = arg;
    CLEANUP(idset_destroy_p)
    struct idset *off = idset_difference(res->inv.ranks, res->online);
    AUTOFREE char *online = idset_encode(res->online, IDSET_FLAG_RANGE);
    AUTOFREE char *offline = off ? idset_encode(off, IDSET_FLAG_RANGE) : NULL;
    AUTOFREE char *exclude = idset_encode(res->inv.exclude, IDSET_FLAG_RANGE);
    cJSON *R = NULL, *drain = drained_json(res->drained);

    if (!online || !offline || !exclude || !drain || rset_json(res->inv.all, &R) < 0) {
        json_free(drain);
        flux_respond_error(h, msg, ENOMEM, NULL);
        return;
    }
    if (flux_respond_pack(h, msg, "{s:o s:o s:s s:s s:s s:s}", "R", R, "drain", drain,
                          "online", online, "offline", offline, "exclude", exclude,
                          "torpid", "") < 0)
        flux_log_error(h, "resource.status");
}

static void get_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct resource *res = arg;
    cJSON *R;

    if (rset_json(res->inv.usable, &R) < 0)
        flux_respond_error(h, msg, ENOMEM, NULL);
    else if (flux_respond_pack(h, msg, "{s:o}", "R", R) < 0)
        flux_log_error(h, "resource.get");
}

static void forward_free(struct forward *fw)
{
    list_del(&fw->link);
    flux_msg_decref(fw->msg);
    flux_future_destroy(fw->f);
    free(fw);
}

/* No scheduler: nothing is allocated, and what is not up is down. */
static void answer_unscheduled(struct resource *res, const flux_msg_t *msg)
{
    CLEANUP(idset_destroy_p) struct idset *up = find_up(res);
    struct rset *down = NULL, *none = NULL;
    cJSON *all_R = NULL, *down_R = NULL, *none_R = NULL;
    int rc = up ? rset_reject(res->inv.usable, up, &down) : -ENOMEM;

    if (rc == 0)
        rc = rset_new(&none);
    if (rc == 0)
        rc = rset_json(res->inv.usable, &all_R);
    if (rc == 0)
        rc = rset_json(down, &down_R);
    if (rc == 0)
        rc = rset_json(none, &none_R);
    if (rc < 0)
        flux_respond_error(res->h, msg, -rc, NULL);
    else
        flux_respond_pack(res->h, msg, "{s:O s:O s:O}", "all", all_R, "down", down_R,
                          "allocated", none_R);
    json_free(all_R);
    json_free(down_R);
    json_free(none_R);
    rset_free(down);
    rset_free(none);
}

static void sched_answer_cb(flux_future_t *f, void *arg)
{
    struct forward *fw = arg;
    struct resource *res = fw->res;
    const char *payload;

    if (flux_rpc_get(f, &payload) == 0)
        flux_respond(res->h, fw->msg, payload);
    else if (errno == ENOSYS)
        answer_unscheduled(res, fw->msg);
    else
        flux_respond_error(res->h, fw->msg, errno, flux_future_error_string(f));
    forward_free(fw);
}

static void sched_status_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                            void *arg)
{
    struct resource *res = arg;
    struct forward *fw = calloc(1, sizeof(*fw));

    if (!fw) {
        flux_respond_error(h, msg, ENOMEM, NULL);
        return;
    }
    list_append(&res->forwards, &fw->link);
    fw->res = res;
    fw->msg = flux_msg_incref(msg);
    fw->f = flux_rpc(h, "sched.resource-status", NULL, FLUX_NODEID_ANY, 0);
    if (!fw->f || flux_future_then(fw->f, -1., sched_answer_cb, fw) < 0) {
        flux_respond_error(h, msg, errno, NULL);
        forward_free(fw);
    }
}

static void reload_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct resource *res = arg;
    const char *path = NULL;
    flux_error_t err = {""};
    int rc;

    if (flux_request_unpack(msg, NULL, "{s?s}", "path", &path) < 0)
        path = NULL;
    if ((rc = reload(res, flux_get_conf(h), path, &err)) < 0)
        flux_respond_error(h, msg, -rc, err.text);
    else
        flux_respond(h, msg, NULL);
}

static void config_reload_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                             void *arg)
{
    const flux_conf_t *conf;
    flux_error_t err = {""};
    int rc;

    if (flux_conf_reload_decode(msg, &conf) < 0) {
        flux_respond_error(h, msg, errno, NULL);
        return;
    }
    if ((rc = reload(arg, conf, NULL, &err)) < 0) {
        flux_conf_decref(conf);
        flux_respond_error(h, msg, -rc, err.text);
        return;
    }
    flux_set_conf_new(h, conf);
    flux_respond(h, msg, NULL);
}

static void acquire_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    acquire_request(((struct resource *)arg)->acquire, msg);
}

static void acquire_cancel_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                              void *arg)
{
    acquire_cancel(((struct resource *)arg)->acquire, msg);
}

static void journal_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    reslog_journal(((struct resource *)arg)->log, msg);
}

static void journal_cancel_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                              void *arg)
{
    reslog_cancel(((struct resource *)arg)->log, msg);
}

static void eventlog_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                        void *arg)
{
    reslog_get(((struct resource *)arg)->log, msg);
}

static void disconnect_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                          void *arg)
{
    struct resource *res = arg;

    acquire_disconnect(res->acquire, msg);
    reslog_disconnect(res->log, msg);
}

static const struct flux_msg_handler_spec handlers[] = {
    {FLUX_MSGTYPE_REQUEST, "resource.acquire", acquire_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.acquire-cancel", acquire_cancel_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.status", status_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "resource.sched-status", sched_status_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "resource.drain", drain_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.undrain", undrain_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.reload", reload_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.get", get_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "resource.eventlog", eventlog_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.journal", journal_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.journal-cancel", journal_cancel_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.config-reload", config_reload_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.disconnect", disconnect_cb, FLUX_ROLE_USER},
    FLUX_MSGHANDLER_TABLE_END,
};

/* -- life cycle -- */

static void resource_fini(flux_t *h, void *ctx)
{
    struct resource *res = ctx;

    flux_msg_handler_delvec(res->handlers);
    list_each(fw, &res->forwards, struct forward, link)
    {
        flux_respond_error(h, fw->msg, ENOSYS, NULL);
        forward_free(fw);
    }
    acquire_free(res->acquire);
    reslog_free(res->log);
    drained_free(res->drained);
    idset_destroy(res->online);
    inventory_finish(&res->inv);
    free(res);
}

static int start(struct resource *res)
{
    flux_error_t err = {""};
    int rc;

    if ((rc = drained_new(&res->drained)) < 0 ||
        (rc = acquire_new(res->h, &res->acquire)) < 0 ||
        (rc = reslog_new(res->h, &res->log)) < 0)
        return rc;
    if ((rc = reload(res, flux_get_conf(res->h), NULL, &err)) < 0) {
        flux_log(res->h, LOG_ERR, "%s", err.text);
        return rc;
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
    .flags = FLUX_MODULE_INLINE,
};
