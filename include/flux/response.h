/* Responses: taking them apart, making them, and answering a request. */
#ifndef FLUX_RESPONSE_H
#define FLUX_RESPONSE_H

#include <flux/types.h>
#include <flux/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Topic and payload, borrowed; both may be NULL. *s: NULL when there is none. -1 with
 * the response's own errnum when it is an error; EPROTO: not a response. */
int flux_response_decode(const flux_msg_t *msg, const char **topic, const char **s);
int flux_response_decode_raw(const flux_msg_t *msg, const char **topic, const void **data,
                             size_t *len);
/* Error text of an error response. -1, errno: ENOENT it has none. */
int flux_response_decode_error(const flux_msg_t *msg, const char **errstr);

/* A response without addressing; s, data, errstr may be NULL. NULL, errno. */
flux_msg_t *flux_response_encode(const char *topic, const char *s);
flux_msg_t *flux_response_encode_raw(const char *topic, const void *data, size_t len);
flux_msg_t *flux_response_encode_error(const char *topic, int errnum, const char *errstr);
/* An empty response addressed to the sender of `request`, errnum 0 or an error. */
flux_msg_t *flux_response_derive(const flux_msg_t *request, int errnum);

/* Answer a request: with a string (or NULL), a JSON object, bytes, or an error (errnum
 * not 0) and its text for a person (or NULL). A request that wants no response is
 * left alone and that is a success. -1, errno. */
int flux_respond(flux_t *h, const flux_msg_t *request, const char *s);
int flux_respond_pack(flux_t *h, const flux_msg_t *request, const char *fmt, ...);
int flux_respond_vpack(flux_t *h, const flux_msg_t *request, const char *fmt, va_list ap);
int flux_respond_raw(flux_t *h, const flux_msg_t *request, const void *data, size_t len);
int flux_respond_error(flux_t *h, const flux_msg_t *request, int errnum,
                       const char *errstr);

#ifdef __cplusplus
}
#endif
#endif
