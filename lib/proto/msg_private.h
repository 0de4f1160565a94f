/* What a message looks like inside: for message*.c, and the few hot paths that know
 * their message is sound (frame, router, dispatch).
 *
 * A message is one allocation with some room at its end, where topic, routes and a
 * small payload live. A larger payload is a blob with a reference count of its own,
 * which copies share.
 */
#ifndef FLUX_PROTO_MSG_PRIVATE_H
#define FLUX_PROTO_MSG_PRIVATE_H

#include <flux/message.h>

#include "base/buf.h"
#include "base/json.h"
#include "proto/aux.h"

#define MSG_MAGIC 0x8e
#define MSG_VERSION 0x01
#define MSG_HEADER_SIZE 20
#define MSG_ROUTES_MAX 64
#define MSG_ROUTE_SIZE_MAX 254
#define MSG_INLINE_MAX 512 /* bytes of payload that a message carries itself */
#define MSG_JSON_BYTES_MAX (64u << 20)

struct msg_blob {
    _Atomic unsigned refs;
    char data[];
};

struct flux_msg {
    _Atomic unsigned refs;
    uint8_t type;
    uint8_t flags;
    uint16_t nroutes;
    uint32_t userid;
    uint32_t rolemask;
    uint32_t aux1; /* nodeid, errnum, sequence, or control type */
    uint32_t aux2; /* matchtag, or control status */

    uint32_t topic_len, topic_size;
    char *topic; /* NUL-terminated */
    /* First to last; each is its bytes, a NUL, and one byte of length. */
    uint32_t routes_len, routes_size;
    char *routes;

    char *payload; /* own room or blob->data */
    size_t payload_len;
    struct msg_blob *blob; /* NULL while the payload is in our own room */

    cJSON *json; /* payload parsed, once somebody unpacked it */
    flux_error_t *error;
    struct aux *aux;

    uint32_t room_size, room_used;
    _Alignas(8) char room[];
};

/* A message with `room` bytes behind it; NULL on ENOMEM. */
flux_msg_t *msg_new(int type, size_t room);
/* Make *ptr hold at least `size` bytes (in the room, or on the heap), keeping its
 * first `keep`. */
int msg_hold(flux_msg_t *msg, char **ptr, uint32_t *ptr_size, size_t keep, size_t size);
/* Free what msg_hold() gave if it is not in the room. */
void msg_release(flux_msg_t *msg, char *ptr);

int msg_set_topic(flux_msg_t *msg, const char *topic, size_t len);
int msg_set_payload(flux_msg_t *msg, const void *data, size_t len);
/* Start a payload in place: an empty buffer to append to ... */
int msg_payload_begin(struct buf *b, size_t expected);
/* ... and make what was appended the payload, with a final NUL. Consumes b, always. */
int msg_payload_end(flux_msg_t *msg, struct buf *b);
int msg_route_push(flux_msg_t *msg, const char *id, size_t len);
/* Are the newest routes of msg those of tail? True also when neither has any. */
bool msg_route_ends_with(const flux_msg_t *msg, const flux_msg_t *tail);
/* The payload as a JSON object, parsed once; borrowed. -EPROTO, -EFBIG. */
int msg_json(const flux_msg_t *msg, const cJSON **ret);

/* The parts on the wire: their size; written to p (that size); read. */
size_t msg_parts_size(const flux_msg_t *msg);
void msg_parts_encode(const flux_msg_t *msg, char *p);
/* The same in three pieces, so that a payload need not be copied: what comes before its
 * bytes, those (payload, payload_len; if there is one), and a tail of MSG_TAIL_SIZE. */
#define MSG_TAIL_SIZE (1 + MSG_HEADER_SIZE)
size_t msg_head_size(const flux_msg_t *msg);
void msg_head_encode(const flux_msg_t *msg, char *p);
void msg_tail_encode(const flux_msg_t *msg, char p[MSG_TAIL_SIZE]);
int msg_parts_decode(const char *p, size_t len, flux_msg_t **ret);

/* The route before p, and where the one after p starts. */
static inline char *msg_route_last(const flux_msg_t *msg)
{
    unsigned char len;

    if (msg->routes_len == 0)
        return NULL;
    len = (unsigned char)msg->routes[msg->routes_len - 1];
    return msg->routes + msg->routes_len - 2 - len;
}
/* Iterate newest to oldest: `end` is the offset behind the route; starts at routes_len. */
static inline char *msg_route_before(const flux_msg_t *msg, size_t *end, size_t *ret_len)
{
    if (*end == 0)
        return NULL;
    *ret_len = (unsigned char)msg->routes[*end - 1];
    *end -= *ret_len + 2;
    return msg->routes + *end;
}

#endif
