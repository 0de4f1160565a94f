/* Requests: making them and taking them apart. */
#include <flux/request.h>

#include <errno.h>

#include "proto/msg_private.h"

static int check(const flux_msg_t *msg, const char **topic)
{
    if (!msg) {
        errno = EINVAL;
        return -1;
    }
    if (msg->type != FLUX_MSGTYPE_REQUEST) {
        errno = EPROTO;
        return -1;
    }
    return topic ? flux_msg_get_topic(msg, topic) : 0;
}

int flux_request_decode(const flux_msg_t *msg, const char **topic, const char **s)
{
    if (check(msg, topic) < 0)
        return -1;
    return s ? flux_msg_get_string(msg, s) : 0;
}

int flux_request_decode_raw(const flux_msg_t *msg, const char **topic, const void **data,
                            size_t *len)
{
    if (!data || !len) {
        errno = EINVAL;
        return -1;
    }
    if (check(msg, topic) < 0)
        return -1;
    *data = msg->payload;
    *len = msg->payload_len;
    return 0;
}

int flux_request_unpack(const flux_msg_t *msg, const char **topic, const char *fmt, ...)
{
    va_list ap;
    int rc;

    if (check(msg, topic) < 0)
        return -1;
    va_start(ap, fmt);
    rc = flux_msg_vunpack(msg, fmt, ap);
    va_end(ap);
    return rc;
}

static flux_msg_t *request_new(const char *topic)
{
    flux_msg_t *msg;

    if (!topic) {
        errno = EINVAL;
        return NULL;
    }
    if (!(msg = flux_msg_create(FLUX_MSGTYPE_REQUEST)))
        return NULL;
    flux_msg_route_enable(msg);
    if (flux_msg_set_topic(msg, topic) < 0) {
        flux_msg_destroy(msg);
        return NULL;
    }
    return msg;
}

flux_msg_t *flux_request_encode(const char *topic, const char *s)
{
    flux_msg_t *msg = request_new(topic);

    if (msg && s && flux_msg_set_string(msg, s) < 0) {
        flux_msg_destroy(msg);
        return NULL;
    }
    return msg;
}

flux_msg_t *flux_request_encode_raw(const char *topic, const void *data, size_t len)
{
    flux_msg_t *msg = request_new(topic);

    if (msg && data && flux_msg_set_payload(msg, data, len) < 0) {
        flux_msg_destroy(msg);
        return NULL;
    }
    return msg;
}
