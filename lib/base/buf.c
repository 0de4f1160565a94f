/* Growing byte buffer; see buf.h. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define BUF_MIN 64

int buf_reserve(struct buf *b, size_t more)
{
    size_t need, size = b->size ? b->size : BUF_MIN;
    char *data;

    if (b->failed)
        return -ENOMEM;
    if (b->data && more < b->size - b->len)
        return 0;
    if (__builtin_add_overflow(b->len, more, &need) || need >= SIZE_MAX / 2)
        goto fail;
    while (size <= need)
        size *= 2;
    if (!(data = realloc(b->data, size)))
        goto fail;
    b->data = data;
    b->size = size;
    return 0;
fail:
    b->failed = true;
    return -ENOMEM;
}

int buf_add(struct buf *b, const void *data, size_t len)
{
    if (buf_reserve(b, len) < 0)
        return -ENOMEM;
    if (len > 0)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
    return 0;
}

int buf_adds(struct buf *b, const char *s)
{
    return buf_add(b, s, strlen(s));
}

int buf_addc(struct buf *b, char c)
{
    if (buf_reserve(b, 1) < 0)
        return -ENOMEM;
    b->data[b->len++] = c;
    b->data[b->len] = '\0';
    return 0;
}

int buf_vaddf(struct buf *b, const char *fmt, va_list ap)
{
    va_list again;
    int n;

    if (buf_reserve(b, BUF_MIN) < 0)
        return -ENOMEM;
    va_copy(again, ap);
    n = vsnprintf(b->data + b->len, b->size - b->len, fmt, again);
    va_end(again);
    if (n >= 0 && (size_t)n >= b->size - b->len) {
        if (buf_reserve(b, (size_t)n) < 0)
            return -ENOMEM;
        n = vsnprintf(b->data + b->len, b->size - b->len, fmt, ap);
    }
    if (n < 0) {
        b->failed = true;
        return -ENOMEM;
    }
    b->len += (size_t)n;
    return 0;
}

int buf_addf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    int rc;

    va_start(ap, fmt);
    rc = buf_vaddf(b, fmt, ap);
    va_end(ap);
    return rc;
}

void buf_consume(struct buf *b, size_t n)
{
    if (n >= b->len) {
        b->len = 0;
    } else {
        memmove(b->data, b->data + n, b->len - n);
        b->len -= n;
    }
    if (b->data)
        b->data[b->len] = '\0';
}

char *buf_take(struct buf *b, size_t *ret_len)
{
    char *data;

    if (!b->failed && !b->data)
        buf_add(b, "", 0);
    if (b->failed) {
        buf_free(b);
        return NULL;
    }
    data = b->data;
    if (ret_len)
        *ret_len = b->len;
    *b = (struct buf){0};
    return data;
}

void buf_free(struct buf *b)
{
    free(b->data);
    *b = (struct buf){0};
}
