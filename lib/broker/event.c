/* event.subscribe, unsubscribe {"topic"}; event.publish {"topic","flags","payload"?} ->
 * {"seq"} with the payload in base64; service.add, remove {"service"}. The subscribe and
 * service calls concern the endpoint that the request came from.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/cleanup.h"
#include "broker/event.h"

struct events {
    struct router *router;
    struct core *core;
};

/* These concern the endpoint that sent the request, and only its own broker knows it. */
static bool is_ours(struct events *e, const struct endpoint *from, const flux_msg_t *msg)
{
    if (from && from->kind != ENDPOINT_LOCAL)
        core_error(e->core, msg, EINVAL, "ask the broker that you are connected to");
    return from && from->kind == ENDPOINT_LOCAL;
}

static void subscription(struct events *e, struct endpoint *from, const flux_msg_t *msg,
                         int (*change)(struct subs *subs, const char *topic))
{
    const char *topic;

    if (!is_ours(e, from, msg))
        return;
    if (flux_msg_unpack(msg, "{s:s}", "topic", &topic) < 0)
        core_error(e->core, msg, errno, NULL);
    else
        core_ack(e->core, from, msg, change(&from->subs, topic));
}

static void subscribe_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    subscription(arg, from, msg, subs_add);
}

static void unsubscribe_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    subscription(arg, from, msg, subs_remove);
}

/* The event that a publish request describes. NULL with errno. */
static flux_msg_t *make_event(const flux_msg_t *msg, const char *topic, int flags,
                              const char *payload)
{
    flux_msg_t *ev = flux_msg_create(FLUX_MSGTYPE_EVENT);
    struct flux_msg_cred cred;
    struct buf data = {0};
    int rc;

    if (!ev)
        return NULL;
    if (flux_msg_get_cred(msg, &cred) < 0 || flux_msg_set_cred(ev, cred) < 0 ||
        flux_msg_set_topic(ev, topic) < 0)
        goto error;
    if ((flags & FLUX_MSGFLAG_PRIVATE) && flux_msg_set_private(ev) < 0)
        goto error;
    if (payload) {
        if ((rc = base64_decode_buf(&data, payload, strlen(payload))) < 0) {
            errno = rc == -EINVAL ? EPROTO : -rc;
            goto error;
        }
        if (data.len > 0 && flux_msg_set_payload(ev, data.data, data.len) < 0)
            goto error;
    }
    buf_free(&data);
    return ev;
error:
    buf_free(&data);
    flux_msg_destroy(ev);
    return NULL;
}

static void publish_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct events *e = arg;
    const char *topic, *payload = NULL;
    flux_msg_t *ev;
    int flags;

    if (!from)
        return;
    if (flux_msg_unpack(msg, "{s:s s:i s?s}", "topic", &topic, "flags", &flags, "payload",
                        &payload) < 0) {
        core_error(e->core, msg, errno, NULL);
        return;
    }
    if (!router_may_publish(from, msg, topic)) {
        uint32_t userid = FLUX_USERID_UNKNOWN;

        (void)flux_msg_get_userid(msg, &userid);
        core_errorf(e->core, msg, EPERM, "guests publish under '%u-' only",
                    (unsigned)userid);
        return;
    }
    if ((flags & ~FLUX_MSGFLAG_PRIVATE) || !*topic) {
        core_error(e->core, msg, EPROTO, NULL);
        return;
    }
    if (!(ev = make_event(msg, topic, flags, payload))) {
        core_error(e->core, msg, errno, NULL);
        return;
    }
    core_respond(e->core, msg, "{s:i}", "seq", (int)router_publish(e->router, ev));
}

static void service_add_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct events *e = arg;
    const char *name;
    int rc;

    if (!is_ours(e, from, msg))
        return;
    if (flux_msg_unpack(msg, "{s:s}", "service", &name) < 0) {
        core_error(e->core, msg, errno, NULL);
        return;
    }
    rc = router_service_add(e->router, from, name);
    if (rc == -EPERM)
        core_errorf(e->core, msg, EPERM, "a guest's services begin with '%u-'",
                    (unsigned)from->cred.userid);
    else
        core_ack(e->core, from, msg, rc);
}

static void service_remove_cb(void *arg, struct endpoint *from, const flux_msg_t *msg)
{
    struct events *e = arg;
    const char *name;

    if (!is_ours(e, from, msg))
        return;
    if (flux_msg_unpack(msg, "{s:s}", "service", &name) < 0)
        core_error(e->core, msg, errno, NULL);
    else
        core_ack(e->core, from, msg, router_service_remove(e->router, from, name));
}

static const struct core_method methods[] = {
    {"event.subscribe", FLUX_ROLE_USER, subscribe_cb},
    {"event.unsubscribe", FLUX_ROLE_USER, unsubscribe_cb},
    {"event.publish", FLUX_ROLE_USER, publish_cb, true},
    {"service.add", FLUX_ROLE_USER, service_add_cb},
    {"service.remove", FLUX_ROLE_USER, service_remove_cb},
};

int events_new(struct router *r, struct core *c, struct events **ret)
{
    struct events *e = calloc(1, sizeof(*e));
    int rc;

    if (!e)
        return -ENOMEM;
    e->router = r;
    e->core = c;
    if ((rc = core_add(c, methods, ARRAY_SIZE(methods), e)) < 0) {
        free(e);
        return rc;
    }
    *ret = e;
    return 0;
}

void events_free(struct events *e)
{
    free(e);
}
