/* Differences, see delta.h. Stored: head and tail as 32-bit little-endian numbers, then
 * the bytes between them. */
#include "store/delta.h"

#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#define HEADER 8
#define MIDDLE_MAX 1024
#define WORD 16 /* bytes compared at once */

static size_t common_head(const char *a, const char *b, size_t max)
{
    size_t n = 0;

    while (n + WORD <= max && memcmp(a + n, b + n, WORD) == 0)
        n += WORD;
    while (n < max && a[n] == b[n])
        n++;
    return n;
}

/* a and b point behind the ends. */
static size_t common_tail(const char *a, const char *b, size_t max)
{
    size_t n = 0;

    while (n + WORD <= max && memcmp(a - n - WORD, b - n - WORD, WORD) == 0)
        n += WORD;
    while (n < max && a[-1 - (ptrdiff_t)n] == b[-1 - (ptrdiff_t)n])
        n++;
    return n;
}

bool delta_find(const void *base, size_t base_len, const void *data, size_t len,
                struct delta *ret)
{
    const char *a = base, *b = data;
    size_t min = base_len < len ? base_len : len, middle;

    if (len > UINT32_MAX || base_len > UINT32_MAX)
        return false;
    ret->head = common_head(a, b, min);
    ret->tail = common_tail(a + base_len, b + len, min - ret->head);
    middle = len - ret->head - ret->tail;
    return middle <= MIDDLE_MAX && (HEADER + middle) * 4 <= len;
}

int delta_print(const struct delta *d, const void *data, size_t len, struct buf *out)
{
    uint32_t header[2] = {htole32((uint32_t)d->head), htole32((uint32_t)d->tail)};

    out->len = 0;
    buf_add(out, header, sizeof(header));
    return buf_add(out, (const char *)data + d->head, len - d->head - d->tail);
}

int delta_apply(const void *base, size_t base_len, const void *stored, size_t stored_len,
                struct buf *out)
{
    uint32_t header[2];
    size_t head, tail;

    if (stored_len < HEADER)
        return -EIO;
    memcpy(header, stored, HEADER);
    head = le32toh(header[0]);
    tail = le32toh(header[1]);
    if (head + tail > base_len)
        return -EIO;
    out->len = 0;
    if (buf_reserve(out, head + stored_len + tail) < 0)
        return -ENOMEM;
    buf_add(out, base, head);
    buf_add(out, (const char *)stored + HEADER, stored_len - HEADER);
    return buf_add(out, (const char *)base + base_len - tail, tail);
}
