/* A growing byte buffer. {0} is an empty one. A failed append sets `failed`, so
 * that a row of appends can be checked once at the end. data is NUL-terminated
 * after any successful append (the NUL is not counted).
 */
#ifndef FLUX_BASE_BUF_H
#define FLUX_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct buf {
    char *data;
    size_t len, size;
    bool failed;
};

int buf_reserve(struct buf *b, size_t more); /* -ENOMEM */
int buf_add(struct buf *b, const void *data, size_t len);
int buf_adds(struct buf *b, const char *s);
int buf_addc(struct buf *b, char c);
int buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int buf_vaddf(struct buf *b, const char *fmt, va_list ap);
/* Drop n bytes at the front. */
void buf_consume(struct buf *b, size_t n);
/* The contents, yours to free(); the buffer is empty afterwards. NULL if failed. */
char *buf_take(struct buf *b, size_t *ret_len);
void buf_free(struct buf *b);

#endif
