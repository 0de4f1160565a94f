/* Requests: making them and taking them apart. */
#include <flux/request.h>

#include <stdarg.h>

#include "flux/envelope.h"

int flux_request_decode(const flux_msg_t *msg, const char **topic, const char **s)
{
    return envelope_decode(msg, FLUX_MSGTYPE_REQUEST, topic, s);
}

int flux_request_decode_raw(const flux_msg_t *msg, const char **topic, const void **data,
                            size_t *len)
{
    return envelope_decode_raw(msg, FLUX_MSGTYPE_REQUEST, topic, data, len);
}

int flux_request_unpack(const flux_msg_t *msg, const char **topic, const char *fmt, ...)
{
    va_list ap;
    int rc;

    if (envelope_check(msg, FLUX_MSGTYPE_REQUEST, topic) < 0)
        return -1;
    va_start(ap, fmt);
    rc = flux_msg_vunpack(msg, fmt, ap);
    va_end(ap);
    return rc;
}

flux_msg_t *flux_request_encode(const char *topic, const char *s)
{
    return envelope_encode(FLUX_MSGTYPE_REQUEST, topic, s);
}

flux_msg_t *flux_request_encode_raw(const char *topic, const void *data, size_t len)
{
    return envelope_encode_raw(FLUX_MSGTYPE_REQUEST, topic, data, len);
}
