/* Requests to the resource service at rank 0; see resource.c for what they are. */
#include <errno.h>
#include <string.h>

#include <flux/conf.h>
#include <flux/disconnect.h>
#include <flux/flog.h>
#include <flux/request.h>
#include <flux/response.h>
#include <flux/rpc.h>

#include "base/cleanup.h"
#include "modules/resource/resource.h"

DEFINE_CLEANUP(struct idset *, idset_destroy)

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
        (rc = usable_drain(res, ids, reason, m, msg, &err)) < 0)
        flux_respond_error(h, msg, -rc, err.text);
}

static void undrain_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    CLEANUP(idset_destroy_p) struct idset *ids = NULL;
    struct resource *res = arg;
    const char *targets, *reason = NULL;
    flux_error_t err = {""};
    int rc;

    if (flux_request_unpack(msg, NULL, "{s:s s?s}", "targets", &targets, "reason",
                            &reason) < 0) {
        flux_respond_error(h, msg, errno, NULL);
        return;
    }
    if ((rc = inventory_targets(&res->inv, targets, &ids, &err)) < 0 ||
        (rc = usable_undrain(res, ids, reason, msg, &err)) < 0)
        flux_respond_error(h, msg, -rc, err.text);
}

static void status_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct resource *res = arg;
    CLEANUP(idset_destroy_p)
    struct idset *off = idset_difference(res->inv.ranks, res->online);
    AUTOFREE char *online = idset_encode(res->online, IDSET_FLAG_RANGE);
    AUTOFREE char *offline = off ? idset_encode(off, IDSET_FLAG_RANGE) : NULL;
    AUTOFREE char *exclude = idset_encode(res->inv.exclude, IDSET_FLAG_RANGE);
    AUTOFREE char *torpid = idset_encode(res->torpid, IDSET_FLAG_RANGE);
    cJSON *R = NULL, *drain = drained_json(res->drained);

    if (!online || !offline || !exclude || !torpid || !drain ||
        rset_json(res->inv.all, &R) < 0) {
        json_free(drain);
        flux_respond_error(h, msg, ENOMEM, NULL);
        return;
    }
    if (flux_respond_pack(h, msg, "{s:o s:o s:s s:s s:s s:s}", "R", R, "drain", drain,
                          "online", online, "offline", offline, "exclude", exclude,
                          "torpid", torpid) < 0)
        flux_log_error(h, "resource.status");
}

/* -- what is known only once the nodes are -- */

static void answer_get(struct resource *res, const flux_msg_t *msg)
{
    cJSON *R;

    if (rset_json(res->inv.usable, &R) < 0)
        flux_respond_error(res->h, msg, ENOMEM, NULL);
    else if (flux_respond_pack(res->h, msg, "{s:o}", "R", R) < 0)
        flux_log_error(res->h, "resource.get");
}

/* No scheduler: nothing is allocated, and what is not up is down. */
static void answer_unscheduled(struct resource *res, const flux_msg_t *msg)
{
    CLEANUP(idset_destroy_p) struct idset *up = usable_ranks(res);
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
    else if (errno == ENOSYS || errno == EAGAIN)
        answer_unscheduled(res, fw->msg);
    else
        flux_respond_error(res->h, fw->msg, errno, flux_future_error_string(f));
    forward_free(fw);
}

static void answer_sched_status(struct resource *res, const flux_msg_t *msg)
{
    forward_request(res, msg, "sched.resource-status", NULL, FLUX_NODEID_ANY,
                    sched_answer_cb);
}

static const struct {
    const char *topic;
    void (*answer)(struct resource *res, const flux_msg_t *msg);
} patient[] = {
    {"resource.get", answer_get},
    {"resource.sched-status", answer_sched_status},
    {"resource.kvs-lookup", resource_kvs_lookup},
};

static void answer_patiently(struct resource *res, const flux_msg_t *msg)
{
    const char *topic = "";

    flux_msg_get_topic(msg, &topic);
    for (size_t i = 0; i < ARRAY_SIZE(patient); i++)
        if (strcmp(topic, patient[i].topic) == 0)
            patient[i].answer(res, msg);
}

static void patient_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg)
{
    struct resource *res = arg;

    if (res->defined)
        answer_patiently(res, msg);
    else if (flux_msglist_append(res->early, msg) < 0)
        flux_respond_error(h, msg, ENOMEM, NULL);
}

void request_answer_early(struct resource *res)
{
    const flux_msg_t *msg;

    while ((msg = flux_msglist_pop(res->early))) {
        answer_patiently(res, msg);
        flux_msg_decref(msg);
    }
}

/* -- configuration -- */

static void reload_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    const char *path = NULL;
    flux_error_t err = {""};
    int rc;

    if (flux_request_unpack(msg, NULL, "{s?s}", "path", &path) < 0)
        path = NULL;
    if ((rc = define_reload(arg, flux_get_conf(h), path, &err)) < 0)
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
    if ((rc = define_reload(arg, conf, NULL, &err)) < 0) {
        flux_conf_decref(conf);
        flux_respond_error(h, msg, -rc, err.text);
        return;
    }
    flux_set_conf_new(h, conf);
    flux_respond(h, msg, NULL);
}

/* -- streams and the rest -- */

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
    flux_msglist_disconnect(res->early, msg);
}

void request_topo_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    discover_answer(h, ((struct resource *)arg)->env, msg);
}

const struct flux_msg_handler_spec resource_handlers[] = {
    {FLUX_MSGTYPE_REQUEST, "resource.acquire", acquire_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.acquire-cancel", acquire_cancel_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.status", status_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "resource.sched-status", patient_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "resource.get", patient_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "resource.topo-get", request_topo_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "resource.drain", drain_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.undrain", undrain_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.reload", reload_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.eventlog", eventlog_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.kvs-lookup", patient_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.journal", journal_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.journal-cancel", journal_cancel_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.config-reload", config_reload_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.disconnect", disconnect_cb, FLUX_ROLE_USER},
    FLUX_MSGHANDLER_TABLE_END,
};
