/* Messages as bytes (RFC 3): parts, each with its size in front.
 *
 * [routes, newest first, then an empty part] [topic] [payload] header. A size below
 * 255 is one byte; from there on it is 0xff and four bytes, big-endian. The header
 * is last and has 20 bytes; its flags say which parts came before. A reader accepts
 * the long form for short parts, a NUL at the end of the topic, and parts it does
 * not know in front of the header.
 */
#include "proto/msg_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

/* Three UUIDs that the next hops will push. */
#define ROUTE_SLACK 120

struct part {
    const char *data;
    size_t len;
};

static size_t part_size(size_t len)
{
    return len < 255 ? 1 + len : 5 + len;
}

static uint32_t get32(const char *p)
{
    uint32_t v;

    memcpy(&v, p, 4);
    return ntohl(v);
}

static char *put32(char *p, uint32_t v)
{
    v = htonl(v);
    memcpy(p, &v, 4);
    return p + 4;
}

static char *put_part_size(char *p, size_t len)
{
    if (len < 255) {
        *p++ = (char)len;
        return p;
    }
    *p++ = (char)0xff;
    return put32(p, len);
}

static char *put_part(char *p, const char *data, size_t len)
{
    p = put_part_size(p, len);
    if (len)
        memcpy(p, data, len);
    return p + len;
}

size_t msg_head_size(const flux_msg_t *msg)
{
    size_t size = 0;

    if (msg->flags & FLUX_MSGFLAG_ROUTE)
        size += msg->routes_len - msg->nroutes + 1;
    if (msg->flags & FLUX_MSGFLAG_TOPIC)
        size += part_size(msg->topic_len);
    if (msg->flags & FLUX_MSGFLAG_PAYLOAD)
        size += part_size(msg->payload_len) - msg->payload_len;
    return size;
}

size_t msg_parts_size(const flux_msg_t *msg)
{
    size_t payload = msg->flags & FLUX_MSGFLAG_PAYLOAD ? msg->payload_len : 0;

    return msg_head_size(msg) + payload + MSG_TAIL_SIZE;
}

static char *put_routes(char *p, const flux_msg_t *msg)
{
    size_t end = msg->routes_len, len = 0;
    const char *id;

    while ((id = msg_route_before(msg, &end, &len)))
        p = put_part(p, id, len);
    return put_part(p, NULL, 0);
}

static char *put_head(char *p, const flux_msg_t *msg)
{
    if (msg->flags & FLUX_MSGFLAG_ROUTE)
        p = put_routes(p, msg);
    if (msg->flags & FLUX_MSGFLAG_TOPIC)
        p = put_part(p, msg->topic, msg->topic_len);
    if (msg->flags & FLUX_MSGFLAG_PAYLOAD)
        p = put_part_size(p, msg->payload_len);
    return p;
}

void msg_head_encode(const flux_msg_t *msg, char *p)
{
    put_head(p, msg);
}

void msg_tail_encode(const flux_msg_t *msg, char p[MSG_TAIL_SIZE])
{
    *p++ = MSG_HEADER_SIZE;
    *p++ = (char)MSG_MAGIC;
    *p++ = MSG_VERSION;
    *p++ = (char)msg->type;
    *p++ = (char)msg->flags;
    p = put32(p, msg->userid);
    p = put32(p, msg->rolemask);
    p = put32(p, msg->aux1);
    put32(p, msg->aux2);
}

void msg_parts_encode(const flux_msg_t *msg, char *p)
{
    p = put_head(p, msg);
    if ((msg->flags & FLUX_MSGFLAG_PAYLOAD) && msg->payload_len) {
        memcpy(p, msg->payload, msg->payload_len);
        p += msg->payload_len;
    }
    msg_tail_encode(msg, p);
}

static int get_part(const char **p, const char *end, struct part *ret)
{
    size_t left = end - *p, len, head;

    if (left < 1)
        return -EPROTO;
    len = (unsigned char)**p;
    head = 1;
    if (len == 255) {
        if (left < 5)
            return -EPROTO;
        len = get32(*p + 1);
        head = 5;
    }
    if (left - head < len)
        return -EPROTO;
    *ret = (struct part){*p + head, len};
    *p += head + len;
    return 0;
}

static int check_header(const char *h)
{
    unsigned char type = h[2];

    if ((unsigned char)h[0] != MSG_MAGIC || h[1] != MSG_VERSION)
        return -EPROTO;
    return type == FLUX_MSGTYPE_REQUEST || type == FLUX_MSGTYPE_RESPONSE ||
                   type == FLUX_MSGTYPE_EVENT || type == FLUX_MSGTYPE_CONTROL
               ? 0
               : -EPROTO;
}

/* All parts of one message, pointing into its bytes. */
struct parts {
    struct part routes[MSG_ROUTES_MAX];
    unsigned nroutes;
    struct part topic, payload;
    const char *header;
    size_t room; /* that the message needs */
};

static int scan_routes(const char **p, const char *end, struct parts *parts)
{
    struct part part;

    while (get_part(p, end, &part) == 0) {
        if (part.len == 0) {
            parts->room += ROUTE_SLACK;
            return 0;
        }
        if (parts->nroutes >= MSG_ROUTES_MAX || part.len > MSG_ROUTE_SIZE_MAX ||
            memchr(part.data, '\0', part.len))
            return -EPROTO;
        parts->routes[parts->nroutes++] = part;
        parts->room += part.len + 2;
    }
    return -EPROTO;
}

static int scan_topic(const char **p, const char *end, struct parts *parts)
{
    if (get_part(p, end, &parts->topic) < 0)
        return -EPROTO;
    if (parts->topic.len && parts->topic.data[parts->topic.len - 1] == '\0')
        parts->topic.len--;
    if (parts->topic.len && memchr(parts->topic.data, '\0', parts->topic.len))
        return -EPROTO;
    parts->room += parts->topic.len + 1 + 7;
    return 0;
}

static int scan_payload(const char **p, const char *end, struct parts *parts)
{
    if (get_part(p, end, &parts->payload) < 0)
        return -EPROTO;
    if (parts->payload.len <= MSG_INLINE_MAX)
        parts->room += parts->payload.len + 7;
    return 0;
}

static int scan(const char *p, size_t len, struct parts *parts)
{
    const char *end = p + len;
    struct part part;
    uint8_t flags;

    /* Wherever the parts start, the header is at the end. */
    if (len < 1 + MSG_HEADER_SIZE || check_header(end - MSG_HEADER_SIZE) < 0)
        return -EPROTO;
    parts->header = end - MSG_HEADER_SIZE;
    flags = parts->header[3];
    parts->nroutes = 0;
    parts->topic = parts->payload = (struct part){0};
    parts->room = 8;
    if ((flags & FLUX_MSGFLAG_ROUTE) && scan_routes(&p, end, parts) < 0)
        return -EPROTO;
    if ((flags & FLUX_MSGFLAG_TOPIC) && scan_topic(&p, end, parts) < 0)
        return -EPROTO;
    if ((flags & FLUX_MSGFLAG_PAYLOAD) && scan_payload(&p, end, parts) < 0)
        return -EPROTO;
    do {
        if (get_part(&p, end, &part) < 0)
            return -EPROTO;
    } while (p < end);
    return part.len == MSG_HEADER_SIZE ? 0 : -EPROTO;
}

static int fill_routes(flux_msg_t *msg, const struct parts *parts)
{
    int rc = 0;

    for (unsigned i = parts->nroutes; i-- > 0 && rc == 0;)
        rc = msg_route_push(msg, parts->routes[i].data, parts->routes[i].len);
    return rc;
}

static int fill_payload(flux_msg_t *msg, const struct part *payload)
{
    int rc = 0;

    if (payload->len)
        rc = msg_set_payload(msg, payload->data, payload->len);
    else
        msg->payload = msg->room;
    return rc;
}

static int fill(flux_msg_t *msg, const struct parts *parts)
{
    const char *h = parts->header;
    uint8_t flags = h[3];
    int rc = 0;

    msg->userid = get32(h + 4);
    msg->rolemask = get32(h + 8);
    msg->aux1 = get32(h + 12);
    msg->aux2 = get32(h + 16);
    if (flags & FLUX_MSGFLAG_TOPIC)
        rc = msg_set_topic(msg, parts->topic.data, parts->topic.len);
    if (rc == 0 && (flags & FLUX_MSGFLAG_PAYLOAD))
        rc = fill_payload(msg, &parts->payload);
    if (rc == 0)
        rc = fill_routes(msg, parts);
    msg->flags = flags;
    return rc;
}

int msg_parts_decode(const char *p, size_t len, flux_msg_t **ret)
{
    struct parts parts;
    flux_msg_t *msg;
    int rc;

    if ((rc = scan(p, len, &parts)) < 0)
        return rc;
    if (!(msg = msg_new((unsigned char)parts.header[2], parts.room)))
        return -ENOMEM;
    if ((rc = fill(msg, &parts)) < 0) {
        flux_msg_destroy(msg);
        return rc;
    }
    *ret = msg;
    return 0;
}

static bool encodable(const flux_msg_t *msg)
{
    return msg && msg->type != FLUX_MSGTYPE_ANY;
}

ssize_t flux_msg_encode_size(const flux_msg_t *msg)
{
    if (!encodable(msg)) {
        errno = msg ? EPROTO : EINVAL;
        return -1;
    }
    return msg_parts_size(msg);
}

int flux_msg_encode(const flux_msg_t *msg, void *buf, size_t size)
{
    if (!encodable(msg)) {
        errno = msg ? EPROTO : EINVAL;
        return -1;
    }
    if (!buf || size < msg_parts_size(msg)) {
        errno = EINVAL;
        return -1;
    }
    msg_parts_encode(msg, buf);
    return 0;
}

flux_msg_t *flux_msg_decode(const void *buf, size_t size)
{
    flux_msg_t *msg;
    int rc;

    if (!buf) {
        errno = EINVAL;
        return NULL;
    }
    if ((rc = msg_parts_decode(buf, size, &msg)) < 0) {
        errno = -rc;
        return NULL;
    }
    return msg;
}
