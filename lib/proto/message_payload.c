/* Messages: topic and payload, raw, as a string, and as JSON. */
#include "proto/msg_private.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static int fail(int errnum)
{
    errno = errnum;
    return -1;
}

int msg_set_topic(flux_msg_t *msg, const char *topic, size_t len)
{
    int rc = msg_hold(msg, &msg->topic, &msg->topic_size, 0, len + 1);

    if (rc < 0)
        return rc;
    memmove(msg->topic, topic, len);
    msg->topic[len] = '\0';
    msg->topic_len = len;
    msg->flags |= FLUX_MSGFLAG_TOPIC;
    return 0;
}

int flux_msg_set_topic(flux_msg_t *msg, const char *topic)
{
    int rc;

    if (!msg)
        return fail(EINVAL);
    if (!topic) {
        msg->flags &= ~FLUX_MSGFLAG_TOPIC;
        return 0;
    }
    /* A part of our own topic stays where it is: msg_hold() does not move then. */
    rc = msg_set_topic(msg, topic, strlen(topic));
    return rc < 0 ? fail(-rc) : 0;
}

int flux_msg_get_topic(const flux_msg_t *msg, const char **topic)
{
    if (!msg || !topic)
        return fail(EINVAL);
    if (!(msg->flags & FLUX_MSGFLAG_TOPIC))
        return fail(EPROTO);
    *topic = msg->topic;
    return 0;
}

static void blob_unref(struct msg_blob *blob)
{
    if (blob && atomic_fetch_sub_explicit(&blob->refs, 1, memory_order_acq_rel) == 1)
        free(blob);
}

/* Install a payload; the old one goes last, for the new one may have come from it. */
static void payload_replace(flux_msg_t *msg, struct msg_blob *blob, char *data,
                            size_t len)
{
    struct msg_blob *old = msg->blob;

    msg->blob = blob;
    msg->payload = data;
    msg->payload_len = len;
    msg->flags |= FLUX_MSGFLAG_PAYLOAD;
    if (msg->json) {
        json_free(msg->json);
        msg->json = NULL;
    }
    blob_unref(old);
}

static void payload_remove(flux_msg_t *msg)
{
    payload_replace(msg, NULL, NULL, 0);
    msg->flags &= ~FLUX_MSGFLAG_PAYLOAD;
}

static char *payload_inline(flux_msg_t *msg, size_t len)
{
    char *p = NULL;
    uint32_t size = 0;

    if (msg->payload && !msg->blob && len <= msg->payload_len)
        return msg->payload;
    if (len > MSG_INLINE_MAX ||
        ((len + 7) & ~(size_t)7) > msg->room_size - msg->room_used)
        return NULL;
    msg_hold(msg, &p, &size, 0, len);
    return p;
}

int msg_set_payload(flux_msg_t *msg, const void *data, size_t len)
{
    struct msg_blob *blob;
    char *p;

    if (!data) {
        payload_remove(msg);
        return 0;
    }
    if (len > 0 && (p = payload_inline(msg, len))) {
        memmove(p, data, len);
        payload_replace(msg, NULL, p, len);
        return 0;
    }
    if (!(blob = malloc(sizeof(*blob) + len)))
        return -ENOMEM;
    atomic_init(&blob->refs, 1);
    memcpy(blob->data, data, len);
    payload_replace(msg, blob, blob->data, len);
    return 0;
}

int flux_msg_set_payload(flux_msg_t *msg, const void *buf, size_t size)
{
    int rc;

    if (!msg || (buf && !size) || (!buf && size))
        return fail(EINVAL);
    rc = msg_set_payload(msg, buf, size);
    return rc < 0 ? fail(-rc) : 0;
}

int flux_msg_get_payload(const flux_msg_t *msg, const void **buf, size_t *size)
{
    if (!msg)
        return fail(EINVAL);
    if (!(msg->flags & FLUX_MSGFLAG_PAYLOAD))
        return fail(EPROTO);
    if (buf)
        *buf = msg->payload;
    if (size)
        *size = msg->payload_len;
    return 0;
}

bool flux_msg_has_payload(const flux_msg_t *msg)
{
    return flux_msg_has_flag(msg, FLUX_MSGFLAG_PAYLOAD);
}

int flux_msg_set_string(flux_msg_t *msg, const char *s)
{
    return flux_msg_set_payload(msg, s, s ? strlen(s) + 1 : 0);
}

static bool payload_is_string(const flux_msg_t *msg)
{
    return msg->payload_len > 0 && msg->payload[msg->payload_len - 1] == '\0';
}

int flux_msg_get_string(const flux_msg_t *msg, const char **s)
{
    if (!msg || !s)
        return fail(EINVAL);
    if (!(msg->flags & FLUX_MSGFLAG_PAYLOAD))
        *s = NULL;
    else if (!payload_is_string(msg))
        return fail(EPROTO);
    else
        *s = msg->payload;
    return 0;
}

/* Keep the reason of a failure, or forget the last one (text NULL). */
static void remember(const flux_msg_t *cmsg, const char *text)
{
    flux_msg_t *msg = (flux_msg_t *)cmsg;

    if (!text && !msg->error)
        return;
    if (msg->error || (msg->error = malloc(sizeof(*msg->error))))
        error_set(msg->error, 0, "%s", text ? text : "");
}

const char *flux_msg_last_error(const flux_msg_t *msg)
{
    return msg && msg->error ? msg->error->text : "";
}

int msg_payload_begin(struct buf *b, size_t expected)
{
    struct msg_blob head = {.refs = 1};

    *b = (struct buf){0};
    if (buf_reserve(b, sizeof(head) + expected + 1) < 0)
        return -ENOMEM;
    return buf_add(b, &head, sizeof(head));
}

int msg_payload_end(flux_msg_t *msg, struct buf *b)
{
    size_t len;
    struct msg_blob *blob;

    buf_addc(b, '\0');
    if (b->failed) {
        buf_free(b);
        return -ENOMEM;
    }
    blob = (struct msg_blob *)buf_take(b, &len);
    payload_replace(msg, blob, blob->data, len - sizeof(*blob));
    return 0;
}

int flux_msg_vpack(flux_msg_t *msg, const char *fmt, va_list ap)
{
    struct buf b;
    int rc;

    if (!msg || !fmt)
        return fail(EINVAL);
    if ((rc = msg_payload_begin(&b, 160)) == 0)
        rc = json_vpack_buf(&b, fmt, ap);
    if (rc == 0 && b.data[sizeof(struct msg_blob)] != '{')
        rc = -EINVAL;
    if (rc < 0) {
        buf_free(&b);
        remember(msg,
                 rc == -ENOMEM ? "out of memory" : "arguments do not make a JSON object");
        return fail(-rc);
    }
    if ((rc = msg_payload_end(msg, &b)) < 0)
        return fail(-rc);
    remember(msg, NULL);
    return 0;
}

int flux_msg_pack(flux_msg_t *msg, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = flux_msg_vpack(msg, fmt, ap);
    va_end(ap);
    return rc;
}

static int parse(const flux_msg_t *msg, cJSON **ret)
{
    struct json_limits limits = json_limits_default;
    flux_error_t err = {.text = ""};
    cJSON *o;
    int rc;

    if (!(msg->flags & FLUX_MSGFLAG_PAYLOAD) || !payload_is_string(msg)) {
        remember(msg, "message has no JSON payload");
        return -EPROTO;
    }
    /* The frame's own limit has already been applied to the size. */
    limits.bytes = MSG_JSON_BYTES_MAX;
    if ((rc = json_parse(msg->payload, msg->payload_len - 1, &limits, &o, &err)) < 0) {
        remember(msg, err.text);
        return rc;
    }
    if (!cJSON_IsObject(o)) {
        json_free(o);
        remember(msg, "payload is not a JSON object");
        return -EPROTO;
    }
    *ret = o;
    return 0;
}

int msg_json(const flux_msg_t *msg, const cJSON **ret)
{
    int rc;

    if (!msg->json && (rc = parse(msg, &((flux_msg_t *)msg)->json)) < 0)
        return rc;
    *ret = msg->json;
    return 0;
}

int flux_msg_vunpack(const flux_msg_t *msg, const char *fmt, va_list ap)
{
    flux_error_t err = {.text = ""};
    const cJSON *o;
    int rc;

    if (!msg || !fmt || *fmt == '\0')
        return fail(EINVAL);
    if ((rc = msg_json(msg, &o)) < 0)
        return fail(-rc);
    if ((rc = json_vunpack(o, &err, fmt, ap)) < 0) {
        remember(msg, err.text);
        return fail(-rc);
    }
    remember(msg, NULL);
    return 0;
}

int flux_msg_unpack(const flux_msg_t *msg, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = flux_msg_vunpack(msg, fmt, ap);
    va_end(ap);
    return rc;
}
