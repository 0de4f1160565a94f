#include "flux/envelope.h"

#include <errno.h>

#include "proto/msg_private.h"

static int fail(int errnum)
{
    errno = errnum;
    return -1;
}

int envelope_check(const flux_msg_t *msg, int type, const char **topic)
{
    if (!msg)
        return fail(EINVAL);
    if (msg->type != type)
        return fail(EPROTO);
    if (type == FLUX_MSGTYPE_RESPONSE && msg->aux1)
        return fail((int)msg->aux1);
    return topic ? flux_msg_get_topic(msg, topic) : 0;
}

int envelope_decode(const flux_msg_t *msg, int type, const char **topic, const char **s)
{
    if (envelope_check(msg, type, topic) < 0)
        return -1;
    return s ? flux_msg_get_string(msg, s) : 0;
}

int envelope_decode_raw(const flux_msg_t *msg, int type, const char **topic,
                        const void **data, size_t *len)
{
    if (!data || !len)
        return fail(EINVAL);
    if (envelope_check(msg, type, topic) < 0)
        return -1;
    *data = msg->payload;
    *len = msg->payload_len;
    return 0;
}

flux_msg_t *envelope_new(int type, const char *topic)
{
    flux_msg_t *msg;

    if (!topic) {
        errno = EINVAL;
        return NULL;
    }
    if (!(msg = flux_msg_create(type)))
        return NULL;
    flux_msg_route_enable(msg);
    return envelope_filled(msg, flux_msg_set_topic(msg, topic));
}

flux_msg_t *envelope_filled(flux_msg_t *msg, int rc)
{
    if (rc == 0)
        return msg;
    flux_msg_destroy(msg);
    return NULL;
}

flux_msg_t *envelope_encode(int type, const char *topic, const char *s)
{
    flux_msg_t *msg = envelope_new(type, topic);

    return msg && s ? envelope_filled(msg, flux_msg_set_string(msg, s)) : msg;
}

flux_msg_t *envelope_encode_raw(int type, const char *topic, const void *data, size_t len)
{
    flux_msg_t *msg = envelope_new(type, topic);

    return msg && data ? envelope_filled(msg, flux_msg_set_payload(msg, data, len)) : msg;
}
