/* Base64 (RFC 4648 section 4, with padding). */
#ifndef FLUX_BASE_BASE64_H
#define FLUX_BASE_BASE64_H

#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"

/* Text length for n bytes, without a NUL. */
static inline size_t base64_encoded_len(size_t n)
{
    return (n + 2) / 3 * 4;
}
/* Room that decoding n characters may need. */
static inline size_t base64_decoded_max(size_t n)
{
    return n / 4 * 3 + 3;
}

/* Write base64_encoded_len(len) characters and a NUL to dst. */
void base64_encode(char *dst, const void *src, size_t len);
/* Append to out. 0, -ENOMEM. */
int base64_encode_buf(struct buf *out, const void *src, size_t len);
/* Decode strictly: the alphabet only, length a multiple of four, right padding, unused
 * bits zero. dst has room for base64_decoded_max(len). The byte count, or -EINVAL. */
ssize_t base64_decode(void *dst, const char *src, size_t len);
/* Append the decoded bytes to out. 0, -EINVAL, -ENOMEM. */
int base64_decode_buf(struct buf *out, const char *src, size_t len);

#endif
