/* Unsigned numbers of 1 to 10 bytes, seven bits each, the lowest first; the highest bit
 * of a byte says that there are more.
 */
#ifndef FLUX_BASE_VARINT_H
#define FLUX_BASE_VARINT_H

#include <stddef.h>
#include <stdint.h>

#define VARINT_MAX 10

static inline size_t varint_size(uint64_t v)
{
    size_t n = 1;

    for (; v >= 0x80; v >>= 7)
        n++;
    return n;
}

/* Write it; the place behind it. */
static inline unsigned char *varint_put(unsigned char *p, uint64_t v)
{
    for (; v >= 0x80; v >>= 7)
        *p++ = (unsigned char)(v | 0x80);
    *p++ = (unsigned char)v;
    return p;
}

/* Read it; the place behind it, or NULL: it is cut, or more than 64 bits. */
static inline const unsigned char *varint_get(const unsigned char *p,
                                              const unsigned char *end, uint64_t *ret)
{
    uint64_t v = 0;

    for (int shift = 0; shift < 64 && p < end; shift += 7, p++) {
        if (shift == 63 && *p > 1)
            return NULL;
        v |= (uint64_t)(*p & 0x7f) << shift;
        if (!(*p & 0x80)) {
            *ret = v;
            return p + 1;
        }
    }
    return NULL;
}

#endif
