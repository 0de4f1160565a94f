/* Messages: the stack of routes. */
#include "proto/msg_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Three UUIDs: client, broker, module. */
#define ROUTES_EXPECTED (3 * (36 + 2))

static int fail(int errnum)
{
    errno = errnum;
    return -1;
}

void flux_msg_route_enable(flux_msg_t *msg)
{
    if (msg)
        msg->flags |= FLUX_MSGFLAG_ROUTE;
}

void flux_msg_route_clear(flux_msg_t *msg)
{
    if (msg) {
        msg->routes_len = 0;
        msg->nroutes = 0;
    }
}

void flux_msg_route_disable(flux_msg_t *msg)
{
    if (msg) {
        flux_msg_route_clear(msg);
        msg->flags &= ~FLUX_MSGFLAG_ROUTE;
    }
}

int msg_route_push(flux_msg_t *msg, const char *id, size_t len)
{
    size_t want = msg->routes_len + len + 2;
    char *p;
    int rc;

    if (len == 0 || len > MSG_ROUTE_SIZE_MAX || msg->nroutes >= MSG_ROUTES_MAX)
        return -EMSGSIZE;
    if (want < ROUTES_EXPECTED && msg->room_size - msg->room_used >= ROUTES_EXPECTED)
        want = ROUTES_EXPECTED;
    rc = msg_hold(msg, &msg->routes, &msg->routes_size, msg->routes_len, want);
    if (rc < 0)
        return rc;
    p = msg->routes + msg->routes_len;
    memcpy(p, id, len);
    p[len] = '\0';
    p[len + 1] = (char)len;
    msg->routes_len += len + 2;
    msg->nroutes++;
    return 0;
}

int flux_msg_route_push(flux_msg_t *msg, const char *id)
{
    int rc;

    if (!msg || !id || !*id || !(msg->flags & FLUX_MSGFLAG_ROUTE))
        return fail(EINVAL);
    rc = msg_route_push(msg, id, strlen(id));
    return rc < 0 ? fail(-rc) : 0;
}

int flux_msg_route_delete_last(flux_msg_t *msg)
{
    const char *last;

    if (!msg || !(msg->flags & FLUX_MSGFLAG_ROUTE))
        return fail(EINVAL);
    if ((last = msg_route_last(msg))) {
        msg->routes_len = last - msg->routes;
        msg->nroutes--;
    }
    return 0;
}

const char *flux_msg_route_first(const flux_msg_t *msg)
{
    return msg && msg->routes_len ? msg->routes : NULL;
}

const char *flux_msg_route_last(const flux_msg_t *msg)
{
    return msg ? msg_route_last(msg) : NULL;
}

int flux_msg_route_count(const flux_msg_t *msg)
{
    if (!msg || !(msg->flags & FLUX_MSGFLAG_ROUTE))
        return fail(EINVAL);
    return msg->nroutes;
}

char *flux_msg_route_string(const flux_msg_t *msg)
{
    char *s, *p;
    size_t at = 0;

    if (!msg || !(msg->flags & FLUX_MSGFLAG_ROUTE)) {
        errno = EINVAL;
        return NULL;
    }
    if (!(s = p = malloc(msg->nroutes * 9 + 1)))
        return NULL;
    while (at < msg->routes_len) {
        const char *id = msg->routes + at;
        size_t len = strlen(id), shown = len < 8 ? len : 8;

        if (at > 0)
            *p++ = '!';
        memcpy(p, id, shown);
        p += shown;
        at += len + 2;
    }
    *p = '\0';
    return s;
}

bool msg_route_ends_with(const flux_msg_t *msg, const flux_msg_t *tail)
{
    if (tail->routes_len == 0)
        return msg->routes_len == 0;
    return msg->routes_len >= tail->routes_len &&
           !memcmp(msg->routes + msg->routes_len - tail->routes_len, tail->routes,
                   tail->routes_len);
}

bool flux_msg_route_match_first(const flux_msg_t *msg1, const flux_msg_t *msg2)
{
    const char *a = flux_msg_route_first(msg1);
    const char *b = flux_msg_route_first(msg2);

    return a && b ? strcmp(a, b) == 0 : a == b;
}
