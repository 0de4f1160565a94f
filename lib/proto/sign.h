/* The signed-request envelope J: HEADER.PAYLOAD.SIGNATURE (RFC 38, 39),
 * mechanism none. Functions return 0 or more, or -errno.
 */
#ifndef FLUX_PROTO_SIGN_H
#define FLUX_PROTO_SIGN_H

#include <stddef.h>
#include <stdint.h>
#include <flux/types.h>
#include "base/buf.h"

/* Append J for payload. */
int sign_wrap_none(const void *payload, size_t len, uint32_t userid, struct buf *out);
/* Decode: payload (yours) and the userid it claims. -EINVAL malformed, -EPROTONOSUPPORT
 * another mechanism; err names what is wrong. */
int sign_unwrap(const char *j, size_t jlen, char **ret_payload, size_t *ret_len,
                uint32_t *ret_userid, flux_error_t *err);

#endif
