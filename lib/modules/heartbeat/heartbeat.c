/* The heartbeat of an instance: the event heartbeat.pulse, every 2 s or as [heartbeat]
 * period says. Services that do things "now and then" do them on its beat, so that an
 * idle instance wakes up once and not once for each of them.
 */
#include <errno.h>
#include <stdlib.h>
#include <syslog.h>

#include <flux/conf.h>
#include <flux/flog.h>
#include <flux/module.h>
#include <flux/reactor.h>
#include <flux/response.h>
#include <flux/rpc.h>
#include <flux/watcher.h>

#include "base/error.h"
#include "base/json.h"

extern const struct flux_module heartbeat_module;

#define DEFAULT_PERIOD 2.
#define MIN_PERIOD 0.01

struct heartbeat {
    flux_t *h;
    flux_watcher_t *timer;
    flux_msg_handler_t **handlers;
    double period;
    uint64_t count;
};

static void timer_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct heartbeat *hb = arg;
    flux_future_t *f =
        flux_rpc_pack(hb->h, "event.publish", FLUX_NODEID_ANY, FLUX_RPC_NORESPONSE,
                      "{s:s s:i}", "topic", "heartbeat.pulse", "flags", 0);

    if (!f)
        flux_log_error(hb->h, "heartbeat.pulse");
    else
        hb->count++;
    flux_future_destroy(f);
}

/* A duration as text ("2s") or as a number of seconds. */
static int read_period(const flux_conf_t *conf, double *period, flux_error_t *err)
{
    const cJSON *o = NULL;
    double value = DEFAULT_PERIOD;

    if (flux_conf_unpack(conf, err, "{s?{s?o}}", "heartbeat", "period", &o) < 0)
        return -errno;
    if (o && json_seconds(o, &value) < 0)
        return error_set(err, EINVAL, "heartbeat.period: not a duration such as \"2s\"");
    if (!(value >= MIN_PERIOD && value <= 1e6))
        return error_set(err, EINVAL, "heartbeat.period: must be from 10ms to 11 days");
    *period = value;
    return 0;
}

static void config_reload_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                             void *arg)
{
    struct heartbeat *hb = arg;
    const flux_conf_t *conf;
    flux_error_t err;
    int rc;

    if (flux_conf_reload_decode(msg, &conf) < 0) {
        flux_respond_error(h, msg, errno, NULL);
        return;
    }
    if ((rc = read_period(conf, &hb->period, &err)) < 0) {
        flux_conf_decref(conf);
        flux_respond_error(h, msg, -rc, err.text);
        return;
    }
    flux_set_conf_new(h, conf);
    flux_watcher_stop(hb->timer);
    flux_timer_watcher_reset(hb->timer, hb->period, hb->period);
    flux_watcher_start(hb->timer);
    flux_respond(h, msg, NULL);
}

static void stats_get_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                         void *arg)
{
    struct heartbeat *hb = arg;

    flux_respond_pack(h, msg, "{s:f s:I}", "period", hb->period, "count",
                      (int64_t)hb->count);
}

static const struct flux_msg_handler_spec handlers[] = {
    {FLUX_MSGTYPE_REQUEST, "heartbeat.config-reload", config_reload_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "heartbeat.stats-get", stats_get_cb, FLUX_ROLE_USER},
    FLUX_MSGHANDLER_TABLE_END,
};

static void heartbeat_fini(flux_t *h, void *ctx)
{
    struct heartbeat *hb = ctx;

    flux_msg_handler_delvec(hb->handlers);
    flux_watcher_destroy(hb->timer);
    free(hb);
}

static int heartbeat_init(flux_t *h, int argc, char **argv, void **ret_ctx)
{
    struct heartbeat *hb = calloc(1, sizeof(*hb));
    flux_error_t err;
    int rc;

    if (!hb)
        return -1;
    hb->h = h;
    if ((rc = read_period(flux_get_conf(h), &hb->period, &err)) < 0) {
        flux_log(h, LOG_ERR, "%s", err.text);
        free(hb);
        errno = -rc;
        return -1;
    }
    hb->timer = flux_timer_watcher_create(flux_get_reactor(h), hb->period, hb->period,
                                          timer_cb, hb);
    if (!hb->timer || flux_msg_handler_addvec(h, handlers, hb, &hb->handlers) < 0) {
        int saved = errno;
        heartbeat_fini(h, hb);
        errno = saved;
        return -1;
    }
    flux_watcher_unref(hb->timer);
    flux_watcher_start(hb->timer);
    *ret_ctx = hb;
    return 0;
}

const struct flux_module heartbeat_module = {
    .abi = FLUX_MODULE_ABI,
    .size = sizeof(heartbeat_module),
    .name = "heartbeat",
    .init = heartbeat_init,
    .fini = heartbeat_fini,
    .flags = FLUX_MODULE_INLINE,
};
