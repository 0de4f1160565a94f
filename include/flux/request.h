/* Requests: taking them apart, and making them. */
#ifndef FLUX_REQUEST_H
#define FLUX_REQUEST_H

#include <flux/types.h>
#include <flux/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Topic and payload of a request, borrowed from it; `topic` may be NULL. `s`, when not
 * NULL, gets the string payload, or NULL when there is none. -1, errno: EPROTO not a
 * request, or not a string. */
int flux_request_decode(const flux_msg_t *msg, const char **topic, const char **s);
int flux_request_decode_raw(const flux_msg_t *msg, const char **topic, const void **data,
                            size_t *len);
/* The same with a JSON payload (flux_msg_unpack). EPROTO also when it does not fit. */
int flux_request_unpack(const flux_msg_t *msg, const char **topic, const char *fmt, ...);

/* A request without addressing; s, data may be NULL. NULL, errno. */
flux_msg_t *flux_request_encode(const char *topic, const char *s);
flux_msg_t *flux_request_encode_raw(const char *topic, const void *data, size_t len);

#ifdef __cplusplus
}
#endif
#endif
