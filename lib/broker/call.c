/* Requests in flight: an entry for each, in a map of the asker's (by matchtag) and in a
 * list of the answerer's. On the path of every request: one small allocation.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/map.h"
#include "broker/call.h"
#include "broker/router.h"
#include "proto/msg_private.h"

#define BEHIND ((uint64_t)1 << 63)

/* Matchtags are unique for each client; clients behind one endpoint (another broker's, a
 * relay's) are told apart by a hash of the routes they added. */
static uint64_t call_key(const char *routes, size_t len, uint32_t matchtag)
{
    return len > 0 ? hash_bytes(routes, len, matchtag) | BEHIND : matchtag;
}

/* Length of the routes without the last one. */
static size_t routes_below(const flux_msg_t *msg)
{
    const char *last = msg_route_last(msg);

    return last ? (size_t)(last - msg->routes) : 0;
}

int call_begin(struct endpoint *from, struct endpoint *to, const flux_msg_t *request)
{
    size_t below = routes_below(request);
    struct call *c;

    if (request->aux2 == FLUX_MATCHTAG_NONE || (request->flags & FLUX_MSGFLAG_NORESPONSE))
        return 0;
    c = malloc(sizeof(*c) + request->topic_len + 1 + below);
    if (!c)
        return -ENOMEM;
    c->from = from;
    c->to = to;
    c->matchtag = request->aux2;
    c->flags = request->flags;
    c->key = call_key(request->routes, below, c->matchtag);
    c->topic_len = request->topic_len;
    c->routes_len = below;
    c->bytes = request->payload_len;
    memcpy(c->data, request->topic, c->topic_len);
    c->data[c->topic_len] = '\0';
    if (below > 0)
        memcpy(c->data + c->topic_len + 1, request->routes, below);
    list_init(&c->in_serving);
    /* A client that uses a matchtag twice gets two answers; the second is not known. */
    if (umap_add(from->calls, c->key, c) < 0) {
        free(c);
        return 0;
    }
    from->calls_bytes += c->bytes;
    list_append(&to->serving, &c->in_serving);
    return 0;
}

struct call *call_find(const struct endpoint *from, const flux_msg_t *response)
{
    if (response->aux2 == FLUX_MATCHTAG_NONE)
        return NULL;
    return umap_get(from->calls,
                    call_key(response->routes, response->routes_len, response->aux2));
}

bool call_ends(const struct call *c, const flux_msg_t *response)
{
    return !(c->flags & FLUX_MSGFLAG_STREAMING) || response->aux1 != 0;
}

void call_free(struct call *c)
{
    list_del(&c->in_serving);
    umap_take(c->from->calls, c->key);
    c->from->calls_bytes -= c->bytes;
    free(c);
}

/* Did a sender with these routes, or one behind it, make the call? */
static bool made_by(const struct call *c, const flux_msg_t *msg)
{
    const char *routes = c->data + c->topic_len + 1;

    return c->routes_len >= msg->routes_len &&
           !memcmp(routes + c->routes_len - msg->routes_len, msg->routes,
                   msg->routes_len);
}

static bool same_service(const struct call *c, const flux_msg_t *msg)
{
    const char *dot = strrchr(msg->topic, '.');
    size_t len = dot ? (size_t)(dot - msg->topic) + 1 : 0;

    return !strncmp(c->data, msg->topic, len) && !strchr(c->data + len, '.');
}

void call_forget(struct endpoint *from, const struct endpoint *to,
                 const flux_msg_t *disconnect)
{
    uint64_t key;
    void *value;

    for (size_t it = 0; umap_next(from->calls, &it, &key, &value);) {
        struct call *c = value;

        if (c->to == to && same_service(c, disconnect) && made_by(c, disconnect))
            call_free(c);
    }
}

flux_msg_t *call_failure(const struct call *c, int errnum)
{
    const char *routes = c->data + c->topic_len + 1;
    flux_msg_t *msg = flux_msg_create(FLUX_MSGTYPE_RESPONSE);

    if (!msg)
        return NULL;
    if (flux_msg_set_topic(msg, c->data) < 0 || flux_msg_set_errnum(msg, errnum) < 0 ||
        flux_msg_set_matchtag(msg, c->matchtag) < 0)
        goto error;
    if (c->flags & FLUX_MSGFLAG_STREAMING)
        flux_msg_set_streaming(msg);
    if (c->flags & FLUX_MSGFLAG_ROUTE)
        flux_msg_route_enable(msg);
    for (size_t at = 0; at < c->routes_len;) {
        size_t len = strlen(routes + at);

        if (msg_route_push(msg, routes + at, len) < 0)
            goto error;
        at += len + 2;
    }
    return msg;
error:
    flux_msg_destroy(msg);
    return NULL;
}
