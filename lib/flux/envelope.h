/* What requests, responses and events have in common: a topic and a payload. errno is set. */
#ifndef FLUX_LIB_ENVELOPE_H
#define FLUX_LIB_ENVELOPE_H

#include <flux/message.h>

/* Is it of that type, and no error response? topic may be NULL. EINVAL, EPROTO, or the errnum
 * of the response. */
int envelope_check(const flux_msg_t *msg, int type, const char **topic);
/* The same, and its payload: s may be NULL, data and len may not. */
int envelope_decode(const flux_msg_t *msg, int type, const char **topic, const char **s);
int envelope_decode_raw(const flux_msg_t *msg, int type, const char **topic,
                        const void **data, size_t *len);

/* A message without a payload. NULL on EINVAL, ENOMEM. */
flux_msg_t *envelope_new(int type, const char *topic);
/* msg, or NULL with it gone when filling it in failed: rc < 0. */
flux_msg_t *envelope_filled(flux_msg_t *msg, int rc);
/* A message with this payload; NULL: with none. */
flux_msg_t *envelope_encode(int type, const char *topic, const char *s);
flux_msg_t *envelope_encode_raw(int type, const char *topic, const void *data,
                                size_t len);

#endif
