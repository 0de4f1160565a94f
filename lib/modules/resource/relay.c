/* The resource service on ranks above 0: it tells what its own host has, and hands other
 * requests on to rank 0, so that clients need not know where they are. Streams are not
 * handed on: who wants one asks rank 0.
 */
#include <errno.h>

#include <flux/request.h>
#include <flux/response.h>
#include <flux/rpc.h>

#include "modules/resource/resource.h"

static void answered_cb(flux_future_t *f, void *arg)
{
    struct forward *fw = arg;
    const char *payload;

    if (flux_rpc_get(f, &payload) == 0)
        flux_respond(fw->res->h, fw->msg, payload);
    else
        flux_respond_error(fw->res->h, fw->msg, errno, flux_future_error_string(f));
    forward_free(fw);
}

/* The table below has made sure that the sender may ask this. */
static void relay_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    const char *topic, *payload = NULL;

    if (flux_msg_is_streaming(msg))
        flux_respond_error(h, msg, EPROTO, "ask rank 0 for a stream of this");
    else if (flux_request_decode(msg, &topic, &payload) < 0)
        flux_respond_error(h, msg, errno, NULL);
    else
        forward_request(arg, msg, topic, payload, 0, answered_cb);
}

const struct flux_msg_handler_spec resource_relay_handlers[] = {
    {FLUX_MSGTYPE_REQUEST, "resource.topo-get", request_topo_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "resource.status", relay_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "resource.sched-status", relay_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "resource.get", relay_cb, FLUX_ROLE_USER},
    {FLUX_MSGTYPE_REQUEST, "resource.drain", relay_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.undrain", relay_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.reload", relay_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.eventlog", relay_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.acquire", relay_cb, 0},
    {FLUX_MSGTYPE_REQUEST, "resource.journal", relay_cb, 0},
    FLUX_MSGHANDLER_TABLE_END,
};
