/* Messages: what travels between handles, brokers and services.
 *
 * A message has a type, flags, the sender's credentials, two numbers whose meaning
 * depends on the type, and optionally a stack of routes, a topic and a payload.
 * Functions return 0 or a pointer, or -1 / NULL with errno: EINVAL for bad arguments or
 * a field that this type does not have (set), EPROTO for a field that is not there
 * (get), ENOMEM. What a get function returns is borrowed from the message and lives as
 * long as it does, or until that part is set again.
 *
 * Reference counts may be used from any thread; everything else belongs to one
 * thread at a time. A message with more than one reference must not be changed.
 */
#ifndef FLUX_MESSAGE_H
#define FLUX_MESSAGE_H

#include <stdio.h>

#include <flux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flux_msg flux_msg_t;

enum {
    FLUX_MSGTYPE_REQUEST = 0x01,
    FLUX_MSGTYPE_RESPONSE = 0x02,
    FLUX_MSGTYPE_EVENT = 0x04,
    FLUX_MSGTYPE_CONTROL = 0x08,
    FLUX_MSGTYPE_ANY = 0x0f,
    FLUX_MSGTYPE_MASK = 0x0f,
};

enum {
    FLUX_MSGFLAG_TOPIC = 0x01,      /* has a topic */
    FLUX_MSGFLAG_PAYLOAD = 0x02,    /* has a payload */
    FLUX_MSGFLAG_NORESPONSE = 0x04, /* request: nobody waits for a response */
    FLUX_MSGFLAG_ROUTE = 0x08,      /* has a stack of routes */
    FLUX_MSGFLAG_UPSTREAM = 0x10,   /* request: nodeid is the sender, go up from there */
    FLUX_MSGFLAG_PRIVATE = 0x20,    /* for the owner and the sender only */
    FLUX_MSGFLAG_STREAMING = 0x40,  /* one request, many responses */
    FLUX_MSGFLAG_USER1 = 0x80,      /* free for the user */
};

enum {
    FLUX_MATCHTAG_NONE = 0,
};

enum {
    FLUX_ROLE_NONE = 0,
    FLUX_ROLE_OWNER = 1, /* owner of the instance */
    FLUX_ROLE_USER = 2,  /* a guest */
    FLUX_ROLE_LOCAL = 4, /* came in over a local connection of this broker */
    FLUX_ROLE_ADMIN = 8, /* a guest that the owner gave administrator's rights */
};
#define FLUX_ROLE_ALL 0xFFFFFFFFu

/* What to look for: any of the types (0: all), that matchtag (NONE: all), a topic
 * that equals or matches the glob (NULL, "" and "*": all). */
struct flux_match {
    int typemask;
    uint32_t matchtag;
    const char *topic_glob;
};
struct flux_match flux_match_init(int typemask, uint32_t matchtag,
                                  const char *topic_glob);
/* Free a topic_glob that flux_match_asprintf() made. */
void flux_match_free(struct flux_match m);
int flux_match_asprintf(struct flux_match *m, const char *topic_glob_fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define FLUX_MATCH_ANY flux_match_init(FLUX_MSGTYPE_ANY, FLUX_MATCHTAG_NONE, NULL)
#define FLUX_MATCH_EVENT flux_match_init(FLUX_MSGTYPE_EVENT, FLUX_MATCHTAG_NONE, NULL)
#define FLUX_MATCH_REQUEST flux_match_init(FLUX_MSGTYPE_REQUEST, FLUX_MATCHTAG_NONE, NULL)
#define FLUX_MATCH_RESPONSE                                                              \
    flux_match_init(FLUX_MSGTYPE_RESPONSE, FLUX_MATCHTAG_NONE, NULL)

/* A message of one type (or FLUX_MSGTYPE_ANY, to be set later), with no topic,
 * payload or routes, userid FLUX_USERID_UNKNOWN and no role. Free it with
 * flux_msg_destroy() or _decref(). */
flux_msg_t *flux_msg_create(int type);
/* Drop one reference; the last one frees. Accepts NULL, keeps errno. */
void flux_msg_destroy(flux_msg_t *msg);
void flux_msg_decref(const flux_msg_t *msg);
const flux_msg_t *flux_msg_incref(const flux_msg_t *msg);
/* A message of its own that equals msg, without its payload if `payload` is false;
 * aux items are not copied. Cheap: a large payload is shared. */
flux_msg_t *flux_msg_copy(const flux_msg_t *msg, bool payload);

/* Things that hang on a message in this process and never travel. name may be NULL
 * (then free_fn is needed); setting a name again, or to NULL, frees the old one. */
int flux_msg_aux_set(const flux_msg_t *msg, const char *name, void *aux,
                     flux_free_f free_fn);
void *flux_msg_aux_get(const flux_msg_t *msg, const char *name);

/* The parts as they travel, without the frame of a socket around them: size, encode
 * into buf (EINVAL when smaller than that size), decode (EPROTO). */
ssize_t flux_msg_encode_size(const flux_msg_t *msg);
int flux_msg_encode(const flux_msg_t *msg, void *buf, size_t size);
flux_msg_t *flux_msg_decode(const void *buf, size_t size);

/* Setting a type resets the fields that depend on it: nodeid any, errnum 0, matchtag
 * none, sequence 0. */
int flux_msg_set_type(flux_msg_t *msg, int type);
int flux_msg_get_type(const flux_msg_t *msg, int *type);

/* Flags. streaming and noresponse exclude each other: the last one set wins. */
int flux_msg_set_private(flux_msg_t *msg);
bool flux_msg_is_private(const flux_msg_t *msg);
int flux_msg_set_streaming(flux_msg_t *msg);
bool flux_msg_is_streaming(const flux_msg_t *msg);
int flux_msg_set_noresponse(flux_msg_t *msg);
bool flux_msg_is_noresponse(const flux_msg_t *msg);
int flux_msg_set_upstream(flux_msg_t *msg);
bool flux_msg_is_upstream(const flux_msg_t *msg);
int flux_msg_set_user1(flux_msg_t *msg);
bool flux_msg_is_user1(const flux_msg_t *msg);
/* By bit; TOPIC, PAYLOAD and ROUTE follow the content and are refused here. */
int flux_msg_set_flag(flux_msg_t *msg, int flag);
int flux_msg_clear_flag(flux_msg_t *msg, int flag);
bool flux_msg_has_flag(const flux_msg_t *msg, int flag);
int flux_msg_get_flags(const flux_msg_t *msg, uint8_t *flags);

/* NULL removes the topic. */
int flux_msg_set_topic(flux_msg_t *msg, const char *topic);
int flux_msg_get_topic(const flux_msg_t *msg, const char **topic);

/* Raw payload: copied; NULL and 0 remove it. */
int flux_msg_set_payload(flux_msg_t *msg, const void *buf, size_t size);
int flux_msg_get_payload(const flux_msg_t *msg, const void **buf, size_t *size);
bool flux_msg_has_payload(const flux_msg_t *msg);
/* Payload that is a C string, its NUL included; get gives NULL when there is no
 * payload. */
int flux_msg_set_string(flux_msg_t *msg, const char *s);
int flux_msg_get_string(const flux_msg_t *msg, const char **s);
/* Payload that is a JSON object, in Jansson's format language. Strings and values
 * that unpack lends live until the payload is set or the message freed. `o` stands
 * for cJSON *; in what unpack gives, a number with a fraction or an exponent, or that no
 * double is equal to, is a cJSON_Raw item: its text is valuestring, its value valuedouble.
 * EPROTO (EFBIG: a bomb); the reason is in flux_msg_last_error(). */
int flux_msg_pack(flux_msg_t *msg, const char *fmt, ...);
int flux_msg_vpack(flux_msg_t *msg, const char *fmt, va_list ap);
int flux_msg_unpack(const flux_msg_t *msg, const char *fmt, ...);
int flux_msg_vunpack(const flux_msg_t *msg, const char *fmt, va_list ap);
/* Why the last pack or unpack failed; "" when it did not. */
const char *flux_msg_last_error(const flux_msg_t *msg);

/* Requests. Set refuses FLUX_NODEID_UPSTREAM, which only the RPC calls know. */
int flux_msg_set_nodeid(flux_msg_t *msg, uint32_t nodeid);
int flux_msg_get_nodeid(const flux_msg_t *msg, uint32_t *nodeid);
/* Responses. */
int flux_msg_set_errnum(flux_msg_t *msg, int errnum);
int flux_msg_get_errnum(const flux_msg_t *msg, int *errnum);
/* Events. */
int flux_msg_set_seq(flux_msg_t *msg, uint32_t seq);
int flux_msg_get_seq(const flux_msg_t *msg, uint32_t *seq);
/* Control messages. */
int flux_msg_set_control(flux_msg_t *msg, int type, int status);
int flux_msg_get_control(const flux_msg_t *msg, int *type, int *status);
/* Requests and responses. cmp is false for a message that has routes left: its
 * matchtag is another handle's. */
int flux_msg_set_matchtag(flux_msg_t *msg, uint32_t matchtag);
int flux_msg_get_matchtag(const flux_msg_t *msg, uint32_t *matchtag);
bool flux_msg_cmp_matchtag(const flux_msg_t *msg, uint32_t matchtag);

struct flux_msg_cred {
    uint32_t userid;
    uint32_t rolemask; /* FLUX_ROLE_x */
};
int flux_msg_set_userid(flux_msg_t *msg, uint32_t userid);
int flux_msg_get_userid(const flux_msg_t *msg, uint32_t *userid);
int flux_msg_set_rolemask(flux_msg_t *msg, uint32_t rolemask);
int flux_msg_get_rolemask(const flux_msg_t *msg, uint32_t *rolemask);
int flux_msg_set_cred(flux_msg_t *msg, struct flux_msg_cred cred);
int flux_msg_get_cred(const flux_msg_t *msg, struct flux_msg_cred *cred);
bool flux_msg_is_local(const flux_msg_t *msg);
/* 0 for the owner, and for the guest whose (known) userid it is; else EPERM. */
int flux_msg_cred_authorize(struct flux_msg_cred cred, uint32_t userid);
int flux_msg_authorize(const flux_msg_t *msg, uint32_t userid);

bool flux_msg_cmp(const flux_msg_t *msg, struct flux_match match);

/* One line for a person; _ts with a time in seconds in front. */
void flux_msg_fprint(FILE *f, const flux_msg_t *msg);
void flux_msg_fprint_ts(FILE *f, const flux_msg_t *msg, double timestamp);
/* "request", "response", "event", "control", or "unknown". */
const char *flux_msg_typestr(int type);

/* The routes of a request grow by one at every hop, and a response follows them
 * back. `first` is the origin of a request, `last` the newest hop, which is the next
 * one of a response. Functions that need routes fail with EINVAL when they are not
 * enabled. At most 64 routes of 1 to 254 bytes (EMSGSIZE). */
void flux_msg_route_enable(flux_msg_t *msg);
void flux_msg_route_disable(flux_msg_t *msg);
void flux_msg_route_clear(flux_msg_t *msg); /* stays enabled */
int flux_msg_route_push(flux_msg_t *msg, const char *id);
int flux_msg_route_delete_last(flux_msg_t *msg); /* harmless when there is none */
const char *flux_msg_route_first(const flux_msg_t *msg);
const char *flux_msg_route_last(const flux_msg_t *msg);
int flux_msg_route_count(const flux_msg_t *msg);
/* First to last, 8 characters of each, joined by '!'; yours to free(). */
char *flux_msg_route_string(const flux_msg_t *msg);
bool flux_msg_route_match_first(const flux_msg_t *msg1, const flux_msg_t *msg2);

#ifdef __cplusplus
}
#endif

#endif
