/* Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */
#ifndef FLUX_BASE_UTF8_H
#define FLUX_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Length in bytes of the character at s, 1 to 4, or 0 if it is malformed or cut. */
size_t utf8_char(const char *s, size_t len);
/* Length of the longest valid prefix. */
size_t utf8_prefix(const char *s, size_t len);
bool utf8_valid(const char *s, size_t len);

#endif
