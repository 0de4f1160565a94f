/* Messages: memory, type, flags and the fields of the header. */
#include "proto/msg_private.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ROOM_DEFAULT 256

static int fail(int errnum)
{
    errno = errnum;
    return -1;
}

static bool type_valid(int type)
{
    return type == FLUX_MSGTYPE_REQUEST || type == FLUX_MSGTYPE_RESPONSE ||
           type == FLUX_MSGTYPE_EVENT || type == FLUX_MSGTYPE_CONTROL;
}

static void type_defaults(flux_msg_t *msg)
{
    msg->aux1 = msg->type == FLUX_MSGTYPE_REQUEST ? FLUX_NODEID_ANY : 0;
    msg->aux2 = 0;
}

flux_msg_t *msg_new(int type, size_t room)
{
    flux_msg_t *msg = malloc(sizeof(*msg) + room);

    if (!msg)
        return NULL;
    memset(msg, 0, sizeof(*msg));
    atomic_init(&msg->refs, 1);
    msg->type = type;
    msg->userid = FLUX_USERID_UNKNOWN;
    msg->room_size = room;
    type_defaults(msg);
    return msg;
}

static bool in_room(const flux_msg_t *msg, const char *p)
{
    return p >= msg->room && p < msg->room + msg->room_size;
}

void msg_release(flux_msg_t *msg, char *ptr)
{
    if (ptr && !in_room(msg, ptr))
        free(ptr);
}

int msg_hold(flux_msg_t *msg, char **ptr, uint32_t *ptr_size, size_t keep, size_t size)
{
    char *p;

    if (size <= *ptr_size)
        return 0;
    size = (size + 7) & ~(size_t)7;
    if (size > UINT32_MAX)
        return -EMSGSIZE;
    if (size <= msg->room_size - msg->room_used) {
        p = msg->room + msg->room_used;
        msg->room_used += size;
    } else if (!(p = malloc(size)))
        return -ENOMEM;
    if (keep)
        memcpy(p, *ptr, keep);
    msg_release(msg, *ptr);
    *ptr = p;
    *ptr_size = size;
    return 0;
}

flux_msg_t *flux_msg_create(int type)
{
    flux_msg_t *msg;

    if (!type_valid(type) && type != FLUX_MSGTYPE_ANY) {
        errno = EINVAL;
        return NULL;
    }
    if (!(msg = msg_new(type, ROOM_DEFAULT)))
        errno = ENOMEM;
    return msg;
}

static void msg_free(flux_msg_t *msg)
{
    int saved_errno = errno;

    aux_free(&msg->aux);
    msg_release(msg, msg->topic);
    msg_release(msg, msg->routes);
    msg_set_payload(msg, NULL, 0);
    free(msg->error);
    free(msg);
    errno = saved_errno;
}

void flux_msg_decref(const flux_msg_t *cmsg)
{
    flux_msg_t *msg = (flux_msg_t *)cmsg;

    if (msg && atomic_fetch_sub_explicit(&msg->refs, 1, memory_order_acq_rel) == 1)
        msg_free(msg);
}

void flux_msg_destroy(flux_msg_t *msg)
{
    flux_msg_decref(msg);
}

const flux_msg_t *flux_msg_incref(const flux_msg_t *cmsg)
{
    flux_msg_t *msg = (flux_msg_t *)cmsg;

    if (!msg) {
        errno = EINVAL;
        return NULL;
    }
    atomic_fetch_add_explicit(&msg->refs, 1, memory_order_relaxed);
    return msg;
}

static int copy_routes(flux_msg_t *msg, const flux_msg_t *from)
{
    int rc;

    if (!from->routes_len)
        return 0;
    rc = msg_hold(msg, &msg->routes, &msg->routes_size, 0, from->routes_len);
    if (rc < 0)
        return rc;
    memcpy(msg->routes, from->routes, from->routes_len);
    msg->routes_len = from->routes_len;
    msg->nroutes = from->nroutes;
    return 0;
}

static int copy_payload(flux_msg_t *msg, const flux_msg_t *from)
{
    if (!from->blob)
        return msg_set_payload(msg, from->payload, from->payload_len);
    atomic_fetch_add_explicit(&from->blob->refs, 1, memory_order_relaxed);
    msg->blob = from->blob;
    msg->payload = from->payload;
    msg->payload_len = from->payload_len;
    return 0;
}

static int copy_parts(flux_msg_t *msg, const flux_msg_t *from, bool payload)
{
    int rc = 0;

    if (from->flags & FLUX_MSGFLAG_TOPIC)
        rc = msg_set_topic(msg, from->topic, from->topic_len);
    if (rc == 0)
        rc = copy_routes(msg, from);
    if (rc == 0 && payload && (from->flags & FLUX_MSGFLAG_PAYLOAD))
        rc = copy_payload(msg, from);
    msg->flags = from->flags;
    if (!payload)
        msg->flags &= ~FLUX_MSGFLAG_PAYLOAD;
    return rc;
}

flux_msg_t *flux_msg_copy(const flux_msg_t *from, bool payload)
{
    flux_msg_t *msg;
    int rc;

    if (!from) {
        errno = EINVAL;
        return NULL;
    }
    if (!(msg = msg_new(from->type, from->room_size))) {
        errno = ENOMEM;
        return NULL;
    }
    msg->userid = from->userid;
    msg->rolemask = from->rolemask;
    msg->aux1 = from->aux1;
    msg->aux2 = from->aux2;
    if ((rc = copy_parts(msg, from, payload)) < 0) {
        flux_msg_destroy(msg);
        errno = -rc;
        return NULL;
    }
    return msg;
}

int flux_msg_aux_set(const flux_msg_t *msg, const char *name, void *val,
                     flux_free_f free_fn)
{
    int rc = msg ? aux_set(&((flux_msg_t *)msg)->aux, name, val, free_fn) : -EINVAL;

    return rc < 0 ? fail(-rc) : 0;
}

void *flux_msg_aux_get(const flux_msg_t *msg, const char *name)
{
    void *val = msg && name ? aux_get(msg->aux, name) : NULL;

    if (!val)
        errno = msg && name ? ENOENT : EINVAL;
    return val;
}

int flux_msg_set_type(flux_msg_t *msg, int type)
{
    if (!msg || !type_valid(type))
        return fail(EINVAL);
    msg->type = type;
    type_defaults(msg);
    return 0;
}

int flux_msg_get_type(const flux_msg_t *msg, int *type)
{
    if (!msg)
        return fail(EINVAL);
    if (type)
        *type = msg->type;
    return 0;
}

#define CONTENT_FLAGS (FLUX_MSGFLAG_TOPIC | FLUX_MSGFLAG_PAYLOAD | FLUX_MSGFLAG_ROUTE)

static bool flag_settable(int flag)
{
    return flag && !(flag & ~0xff) && !(flag & CONTENT_FLAGS);
}

int flux_msg_set_flag(flux_msg_t *msg, int flag)
{
    if (!msg || !flag_settable(flag))
        return fail(EINVAL);
    msg->flags |= flag;
    return 0;
}

int flux_msg_clear_flag(flux_msg_t *msg, int flag)
{
    if (!msg || !flag_settable(flag))
        return fail(EINVAL);
    msg->flags &= ~flag;
    return 0;
}

bool flux_msg_has_flag(const flux_msg_t *msg, int flag)
{
    return msg && (msg->flags & flag);
}

int flux_msg_get_flags(const flux_msg_t *msg, uint8_t *flags)
{
    if (!msg || !flags)
        return fail(EINVAL);
    *flags = msg->flags;
    return 0;
}

int flux_msg_set_private(flux_msg_t *msg)
{
    return flux_msg_set_flag(msg, FLUX_MSGFLAG_PRIVATE);
}

bool flux_msg_is_private(const flux_msg_t *msg)
{
    return flux_msg_has_flag(msg, FLUX_MSGFLAG_PRIVATE);
}

int flux_msg_set_streaming(flux_msg_t *msg)
{
    if (flux_msg_set_flag(msg, FLUX_MSGFLAG_STREAMING) < 0)
        return -1;
    return flux_msg_clear_flag(msg, FLUX_MSGFLAG_NORESPONSE);
}

bool flux_msg_is_streaming(const flux_msg_t *msg)
{
    return flux_msg_has_flag(msg, FLUX_MSGFLAG_STREAMING);
}

int flux_msg_set_noresponse(flux_msg_t *msg)
{
    if (flux_msg_set_flag(msg, FLUX_MSGFLAG_NORESPONSE) < 0)
        return -1;
    return flux_msg_clear_flag(msg, FLUX_MSGFLAG_STREAMING);
}

bool flux_msg_is_noresponse(const flux_msg_t *msg)
{
    return flux_msg_has_flag(msg, FLUX_MSGFLAG_NORESPONSE);
}

int flux_msg_set_upstream(flux_msg_t *msg)
{
    return flux_msg_set_flag(msg, FLUX_MSGFLAG_UPSTREAM);
}

bool flux_msg_is_upstream(const flux_msg_t *msg)
{
    return flux_msg_has_flag(msg, FLUX_MSGFLAG_UPSTREAM);
}

int flux_msg_set_user1(flux_msg_t *msg)
{
    return flux_msg_set_flag(msg, FLUX_MSGFLAG_USER1);
}

bool flux_msg_is_user1(const flux_msg_t *msg)
{
    return flux_msg_has_flag(msg, FLUX_MSGFLAG_USER1);
}
