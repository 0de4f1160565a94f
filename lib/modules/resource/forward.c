/* Requests whose answer another service gives; see resource.h. */
#include <errno.h>
#include <stdlib.h>

#include <flux/response.h>
#include <flux/rpc.h>

#include "modules/resource/resource.h"

void forward_free(struct forward *fw)
{
    list_del(&fw->link);
    flux_msg_decref(fw->msg);
    flux_future_destroy(fw->f);
    free(fw);
}

void forward_request(struct resource *res, const flux_msg_t *msg, const char *topic,
                     const char *payload, uint32_t rank, flux_continuation_f answered)
{
    struct forward *fw = calloc(1, sizeof(*fw));

    if (!fw) {
        flux_respond_error(res->h, msg, ENOMEM, NULL);
        return;
    }
    list_append(&res->forwards, &fw->link);
    fw->res = res;
    fw->msg = flux_msg_incref(msg);
    fw->f = flux_rpc(res->h, topic, payload, rank, 0);
    if (!fw->f || flux_future_then(fw->f, -1., answered, fw) < 0) {
        flux_respond_error(res->h, msg, errno, NULL);
        forward_free(fw);
    }
}
