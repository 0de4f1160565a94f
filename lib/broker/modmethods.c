/* The methods that every module has: NAME.ping, rusage, stats-get, stats-clear, debug,
 * config-reload, shutdown. They are made before the module's own, which take
 * precedence.
 */
#include <errno.h>
#include <string.h>

#include <flux/conf.h>
#include <flux/handle.h>
#include <flux/msg_handler.h>
#include <flux/response.h>

#include "base/buf.h"
#include "base/cleanup.h"
#include "broker/broker.h"
#include "broker/methods.h"
#include "broker/module.h"

static void answer(flux_t *h, const flux_msg_t *msg, int rc, struct buf *out)
{
    if (rc < 0)
        flux_respond_error(h, msg, -rc, NULL);
    else
        flux_respond(h, msg, out->data);
    buf_free(out);
}

static void ping_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    const struct module *m = arg;
    struct buf out = {0};

    answer(h, msg, ping_answer(msg, m->broker->rank, &out), &out);
}

static void rusage_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct buf out = {0};

    answer(h, msg, rusage_answer(msg, &out), &out);
}

static void stats_get_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                         void *arg)
{
    flux_msgcounters_t c;

    flux_get_msgcounters(h, &c);
    flux_respond_pack(h, msg, "{s:{s:i s:i s:i s:i} s:{s:i s:i s:i s:i}}", "tx",
                      "request", c.request_tx, "response", c.response_tx, "event",
                      c.event_tx, "control", c.control_tx, "rx", "request", c.request_rx,
                      "response", c.response_rx, "event", c.event_rx, "control",
                      c.control_rx);
}

static void stats_clear_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                           void *arg)
{
    flux_clr_msgcounters(h);
    flux_respond(h, msg, NULL);
}

static void debug_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct module *m = arg;
    const char *op = "";
    int flags = 0;

    if (flux_msg_unpack(msg, "{s:s s:i}", "op", &op, "flags", &flags) < 0) {
        flux_respond_error(h, msg, errno, NULL);
        return;
    }
    if (!strcmp(op, "setbit"))
        m->debug_flags |= flags;
    else if (!strcmp(op, "clrbit"))
        m->debug_flags &= ~flags;
    else if (!strcmp(op, "set"))
        m->debug_flags = flags;
    else if (!strcmp(op, "clr"))
        m->debug_flags = 0;
    else {
        flux_respond_error(h, msg, EPROTO, "op is one of setbit, clrbit, set, clr");
        return;
    }
    flux_respond_pack(h, msg, "{s:i}", "flags", m->debug_flags);
}

static void config_reload_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                             void *arg)
{
    const flux_conf_t *conf;

    if (flux_conf_reload_decode(msg, &conf) < 0 || flux_set_conf_new(h, conf) < 0)
        flux_respond_error(h, msg, errno, NULL);
    else
        flux_respond(h, msg, NULL);
}

static void shutdown_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                        void *arg)
{
    struct module *m = arg;

    flux_respond(h, msg, NULL);
    if (m->desc && m->desc->stop)
        m->desc->stop(h, m->ctx, module_stopped);
    else
        module_stopped(h);
}

static const struct flux_msg_handler_spec specs[] = {
    {FLUX_MSGTYPE_REQUEST, "ping", ping_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "rusage", rusage_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "stats-get", stats_get_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "stats-clear", stats_clear_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "debug", debug_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "config-reload", config_reload_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "shutdown", shutdown_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};

int modmethods_add(struct module *m)
{
    return flux_msg_handler_addvec_ex(m->h, m->name, specs, m, &m->methods);
}
