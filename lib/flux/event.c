/* Events: asking for them, taking them apart, publishing. */
#include <flux/event.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/rpc.h>

#include "base/base64.h"
#include "base/buf.h"
#include "flux/envelope.h"
#include "flux/future_private.h"
#include "flux/handle_private.h"

/* ---- subscriptions ---- */

/* What a handle asked for is remembered, to be asked again after a reconnect. */
static int remember(flux_t *root, const char *topic, int delta)
{
    intptr_t n;

    if (!root->subscriptions && !(root->subscriptions = map_new(NULL)))
        return -ENOMEM;
    n = (intptr_t)map_get(root->subscriptions, topic) + delta;
    if (n <= 0) {
        map_del(root->subscriptions, topic);
        return 0;
    }
    return map_set(root->subscriptions, topic, (void *)n);
}

static flux_future_t *ready_future(flux_t *h)
{
    flux_future_t *f = flux_future_create(NULL, NULL);

    if (f) {
        flux_future_set_flux(f, h);
        flux_future_fulfill(f, NULL, NULL);
    }
    return f;
}

static flux_future_t *change(flux_t *h, const char *service, const char *topic, int flags,
                             int delta)
{
    int rc;

    if (!h || !topic || flags) {
        errno = EINVAL;
        return NULL;
    }
    if ((rc = remember(h->root, topic, delta)) < 0) {
        errno = -rc;
        return NULL;
    }
    if (h->root->flags & FLUX_O_TEST_NOSUB)
        return ready_future(h);
    return flux_rpc_pack(h, service, FLUX_NODEID_ANY, 0, "{s:s}", "topic", topic);
}

flux_future_t *flux_event_subscribe_ex(flux_t *h, const char *topic, int flags)
{
    return change(h, "event.subscribe", topic, flags, 1);
}

flux_future_t *flux_event_unsubscribe_ex(flux_t *h, const char *topic, int flags)
{
    return change(h, "event.unsubscribe", topic, flags, -1);
}

static int wait_and_free(flux_future_t *f)
{
    int rc = f ? flux_future_get(f, NULL) : -1;

    flux_future_destroy(f);
    return rc;
}

int flux_event_subscribe(flux_t *h, const char *topic)
{
    return wait_and_free(flux_event_subscribe_ex(h, topic, 0));
}

int flux_event_unsubscribe(flux_t *h, const char *topic)
{
    return wait_and_free(flux_event_unsubscribe_ex(h, topic, 0));
}

/* ---- messages ---- */

int flux_event_decode(const flux_msg_t *msg, const char **topic, const char **s)
{
    return envelope_decode(msg, FLUX_MSGTYPE_EVENT, topic, s);
}

int flux_event_decode_raw(const flux_msg_t *msg, const char **topic, const void **data,
                          size_t *len)
{
    return envelope_decode_raw(msg, FLUX_MSGTYPE_EVENT, topic, data, len);
}

int flux_event_unpack(const flux_msg_t *msg, const char **topic, const char *fmt, ...)
{
    va_list ap;
    int rc;

    if (envelope_check(msg, FLUX_MSGTYPE_EVENT, topic) < 0)
        return -1;
    va_start(ap, fmt);
    rc = flux_msg_vunpack(msg, fmt, ap);
    va_end(ap);
    return rc;
}

flux_msg_t *flux_event_encode(const char *topic, const char *s)
{
    return envelope_encode(FLUX_MSGTYPE_EVENT, topic, s);
}

flux_msg_t *flux_event_encode_raw(const char *topic, const void *data, size_t len)
{
    return envelope_encode_raw(FLUX_MSGTYPE_EVENT, topic, data, len);
}

flux_msg_t *flux_event_pack(const char *topic, const char *fmt, ...)
{
    flux_msg_t *msg = envelope_new(FLUX_MSGTYPE_EVENT, topic);
    va_list ap;
    int rc;

    if (!msg)
        return NULL;
    va_start(ap, fmt);
    rc = flux_msg_vpack(msg, fmt, ap);
    va_end(ap);
    return envelope_filled(msg, rc);
}

/* ---- publishing ---- */

/* The service takes the payload, its final NUL included, in base64. */
static flux_future_t *publish(flux_t *h, const char *topic, int flags, const void *data,
                              size_t len)
{
    struct buf b64 = {0};
    flux_future_t *f = NULL;

    if (!h || !topic || (flags & ~FLUX_MSGFLAG_PRIVATE)) {
        errno = EINVAL;
        return NULL;
    }
    if (!data)
        return flux_rpc_pack(h, "event.publish", 0, 0, "{s:s s:i}", "topic", topic,
                             "flags", flags);
    if (base64_encode_buf(&b64, data, len) < 0)
        errno = ENOMEM;
    else
        f = flux_rpc_pack(h, "event.publish", 0, 0, "{s:s s:i s:s}", "topic", topic,
                          "flags", flags, "payload", b64.data ? b64.data : "");
    buf_free(&b64);
    return f;
}

flux_future_t *flux_event_publish(flux_t *h, const char *topic, int flags, const char *s)
{
    return publish(h, topic, flags, s, s ? strlen(s) + 1 : 0);
}

flux_future_t *flux_event_publish_raw(flux_t *h, const char *topic, int flags,
                                      const void *data, size_t len)
{
    return publish(h, topic, flags, data, len);
}

flux_future_t *flux_event_publish_pack(flux_t *h, const char *topic, int flags,
                                       const char *fmt, ...)
{
    struct buf json = {0};
    flux_future_t *f = NULL;
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = json_vpack_buf(&json, fmt, ap);
    va_end(ap);
    if (rc < 0)
        errno = -rc;
    else
        f = publish(h, topic, flags, json.data, json.len + 1);
    buf_free(&json);
    return f;
}

int flux_event_publish_get_seq(flux_future_t *f, int *seq)
{
    int n;

    if (flux_rpc_get_unpack(f, "{s:i}", "seq", &n) < 0)
        return -1;
    if (seq)
        *seq = n;
    return 0;
}
