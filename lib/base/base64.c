/* Base64; see base64.h. */
#include <errno.h>
#include <stdint.h>

#include "base/base64.h"

static const char alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(char *dst, const void *src, size_t len)
{
    const unsigned char *p = src;

    for (; len >= 3; len -= 3, p += 3) {
        uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];

        *dst++ = alphabet[v >> 18];
        *dst++ = alphabet[v >> 12 & 63];
        *dst++ = alphabet[v >> 6 & 63];
        *dst++ = alphabet[v & 63];
    }
    if (len > 0) {
        uint32_t v = (uint32_t)p[0] << 16 | (len > 1 ? (uint32_t)p[1] << 8 : 0);

        *dst++ = alphabet[v >> 18];
        *dst++ = alphabet[v >> 12 & 63];
        *dst++ = len > 1 ? alphabet[v >> 6 & 63] : '=';
        *dst++ = '=';
    }
    *dst = '\0';
}

int base64_encode_buf(struct buf *out, const void *src, size_t len)
{
    size_t n = base64_encoded_len(len);

    if (buf_reserve(out, n) < 0)
        return -ENOMEM;
    base64_encode(out->data + out->len, src, len);
    out->len += n;
    return 0;
}

/* 0 to 63, or 64 or more for a character outside of the alphabet. */
static unsigned value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (unsigned)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (unsigned)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0') + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* The last group, with one or two '=' at its end. */
static ssize_t decode_padded(unsigned char *dst, const char *s)
{
    unsigned a = value(s[0]), b = value(s[1]), c = value(s[2]);

    if (s[2] == '=') {
        if ((a | b) > 63 || (b & 15))
            return -EINVAL;
        dst[0] = (unsigned char)(a << 2 | b >> 4);
        return 1;
    }
    if ((a | b | c) > 63 || (c & 3))
        return -EINVAL;
    dst[0] = (unsigned char)(a << 2 | b >> 4);
    dst[1] = (unsigned char)(b << 4 | c >> 2);
    return 2;
}

ssize_t base64_decode(void *dst, const char *src, size_t len)
{
    unsigned char *p = dst;
    ssize_t tail = 0;

    if (len % 4 != 0)
        return -EINVAL;
    if (len > 0 && src[len - 1] == '=')
        len -= 4;
    else
        tail = -1;
    for (; len > 0; len -= 4, src += 4, p += 3) {
        unsigned a = value(src[0]), b = value(src[1]), c = value(src[2]),
                 d = value(src[3]);

        if ((a | b | c | d) > 63)
            return -EINVAL;
        p[0] = (unsigned char)(a << 2 | b >> 4);
        p[1] = (unsigned char)(b << 4 | c >> 2);
        p[2] = (unsigned char)(c << 6 | d);
    }
    if (tail < 0)
        return p - (unsigned char *)dst;
    tail = decode_padded(p, src);
    return tail < 0 ? tail : p - (unsigned char *)dst + tail;
}

int base64_decode_buf(struct buf *out, const char *src, size_t len)
{
    ssize_t n;

    if (buf_reserve(out, base64_decoded_max(len)) < 0)
        return -ENOMEM;
    n = base64_decode(out->data + out->len, src, len);
    if (n >= 0)
        out->len += (size_t)n;
    out->data[out->len] = '\0';
    return n < 0 ? (int)n : 0;
}
