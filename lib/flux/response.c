/* Responses: making them, taking them apart, and answering requests. */
#include <flux/response.h>

#include <errno.h>

#include <flux/handle.h>

#include "flux/envelope.h"
#include "proto/msg_private.h"

static int fail(int errnum)
{
    errno = errnum;
    return -1;
}

int flux_response_decode(const flux_msg_t *msg, const char **topic, const char **s)
{
    return envelope_decode(msg, FLUX_MSGTYPE_RESPONSE, topic, s);
}

int flux_response_decode_raw(const flux_msg_t *msg, const char **topic, const void **data,
                             size_t *len)
{
    return envelope_decode_raw(msg, FLUX_MSGTYPE_RESPONSE, topic, data, len);
}

int flux_response_decode_error(const flux_msg_t *msg, const char **errstr)
{
    const char *s;

    if (!msg || !errstr)
        return fail(EINVAL);
    if (msg->type != FLUX_MSGTYPE_RESPONSE)
        return fail(EPROTO);
    if (!msg->aux1 || flux_msg_get_string(msg, &s) < 0 || !s)
        return fail(ENOENT);
    *errstr = s;
    return 0;
}

flux_msg_t *flux_response_encode(const char *topic, const char *s)
{
    return envelope_encode(FLUX_MSGTYPE_RESPONSE, topic, s);
}

flux_msg_t *flux_response_encode_raw(const char *topic, const void *data, size_t len)
{
    return envelope_encode_raw(FLUX_MSGTYPE_RESPONSE, topic, data, len);
}

flux_msg_t *flux_response_encode_error(const char *topic, int errnum, const char *errstr)
{
    flux_msg_t *msg;

    if (errnum == 0) {
        errno = EINVAL;
        return NULL;
    }
    msg = envelope_encode(FLUX_MSGTYPE_RESPONSE, topic, errstr);
    return msg ? envelope_filled(msg, flux_msg_set_errnum(msg, errnum)) : NULL;
}

/* The responder's credentials are stamped where the message enters the broker. */
flux_msg_t *flux_response_derive(const flux_msg_t *request, int errnum)
{
    flux_msg_t *msg;
    uint32_t matchtag;

    if (!request || request->type != FLUX_MSGTYPE_REQUEST) {
        errno = EINVAL;
        return NULL;
    }
    matchtag = request->aux2;
    if (!(msg = flux_msg_copy(request, false)))
        return NULL;
    if (flux_msg_set_type(msg, FLUX_MSGTYPE_RESPONSE) < 0 ||
        flux_msg_set_cred(msg, (struct flux_msg_cred){FLUX_USERID_UNKNOWN, 0}) < 0 ||
        flux_msg_set_matchtag(msg, matchtag) < 0 ||
        (errnum && flux_msg_set_errnum(msg, errnum) < 0)) {
        flux_msg_destroy(msg);
        return NULL;
    }
    return msg;
}

/* The response to fill in: 1; 0 when none is wanted. */
static int begin(flux_t *h, const flux_msg_t *request, int errnum, flux_msg_t **ret)
{
    if (!h || !request)
        return fail(EINVAL);
    if (flux_msg_is_noresponse(request))
        return 0;
    *ret = flux_response_derive(request, errnum);
    return *ret ? 1 : -1;
}

/* rc: of filling it in. */
static int finish(flux_t *h, flux_msg_t *msg, int rc)
{
    if (rc < 0 || (rc = flux_send_new(h, &msg, 0)) < 0)
        flux_msg_destroy(msg);
    return rc;
}

int flux_respond(flux_t *h, const flux_msg_t *request, const char *s)
{
    flux_msg_t *msg;
    int rc = begin(h, request, 0, &msg);

    if (rc <= 0)
        return rc;
    return finish(h, msg, s ? flux_msg_set_string(msg, s) : 0);
}

int flux_respond_raw(flux_t *h, const flux_msg_t *request, const void *data, size_t len)
{
    flux_msg_t *msg;
    int rc = begin(h, request, 0, &msg);

    if (rc <= 0)
        return rc;
    return finish(h, msg, data ? flux_msg_set_payload(msg, data, len) : 0);
}

int flux_respond_vpack(flux_t *h, const flux_msg_t *request, const char *fmt, va_list ap)
{
    flux_msg_t *msg;
    int rc = begin(h, request, 0, &msg);

    if (rc <= 0)
        return rc;
    return finish(h, msg, flux_msg_vpack(msg, fmt, ap));
}

int flux_respond_pack(flux_t *h, const flux_msg_t *request, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = flux_respond_vpack(h, request, fmt, ap);
    va_end(ap);
    return rc;
}

int flux_respond_error(flux_t *h, const flux_msg_t *request, int errnum,
                       const char *errstr)
{
    flux_msg_t *msg;
    int rc = begin(h, request, errnum ? errnum : EINVAL, &msg);

    if (rc <= 0)
        return rc;
    return finish(h, msg, errstr ? flux_msg_set_string(msg, errstr) : 0);
}
