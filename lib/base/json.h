/* JSON on cJSON: bounded parsing, exact numbers, and the pack/unpack format
 * language that Flux programs use (that of Jansson).
 *
 * Numbers: a number that a double cannot hold exactly, or that is written with a
 * fraction or exponent, keeps its text (a cJSON_Raw item with valuedouble set);
 * use these accessors, not cJSON's, to read numbers. Integers print exactly,
 * `f` packs as a real ("5.0"), `f` reads an integer, `I` reads an integral real.
 *
 * Functions return 0 or more, or -errno, unless said otherwise.
 */
#ifndef FLUX_BASE_JSON_H
#define FLUX_BASE_JSON_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cjson/cJSON.h>

#include <flux/types.h>
#include "base/buf.h"

struct json_limits {
    size_t bytes;   /* text length */
    unsigned depth; /* nesting */
    unsigned nodes; /* values in total */
};
/* What a service accepts: 4 MiB, 64 deep, 200,000 values. */
extern const struct json_limits json_limits_default;

/* Parse text (need not end in NUL). Limits (NULL: default) are checked in a scan that
 * allocates nothing; also refused: invalid UTF-8, duplicate keys, trailing bytes, NUL
 * characters (\u0000). -EPROTO malformed, -EFBIG over a limit or a number of more than 63
 * characters, -ENOMEM; err may be NULL. */
int json_parse(const char *text, size_t len, const struct json_limits *limits,
               cJSON **ret, flux_error_t *err);
/* Compact text, yours to free(); NULL on ENOMEM. */
char *json_print(const cJSON *o);
int json_print_buf(const cJSON *o, struct buf *out); /* appended, no NUL */
void json_free(cJSON *o);                            /* cJSON_Delete; accepts NULL */
cJSON *json_copy(const cJSON *o);

/* Jansson's formats: s s? s* s# s% s+ n b i I f o O [] {} in pack; s s% n b i I f F o O
 * [] {}, keys s?, and ! * at the end of a container in unpack. s# and s% take (const char
 * *, size_t); s# takes an int as well. Pack `o` steals (also on failure), `O` copies;
 * unpack `s` and `o` borrow, `O` gives a copy that is yours, but none on failure. Strings
 * are UTF-8 without NUL. Pack: NULL with errno EINVAL / ENOMEM. Unpack: 0 or -EPROTO /
 * -EINVAL / -ENOMEM, with the key named in err (may be NULL). */
cJSON *json_pack(const char *fmt, ...);
cJSON *json_vpack(const char *fmt, va_list ap);
int json_unpack(const cJSON *o, flux_error_t *err, const char *fmt, ...);
int json_vunpack(const cJSON *o, flux_error_t *err, const char *fmt, va_list ap);
/* The one-way form for hot paths: pack straight to text appended to out. */
int json_pack_buf(struct buf *out, const char *fmt, ...);
int json_vpack_buf(struct buf *out, const char *fmt, va_list ap);

/* Accessors. get: NULL when o is not an object or has no such key (borrowed). */
cJSON *json_get(const cJSON *o, const char *key);
cJSON *json_get_path(const cJSON *o, const char *path); /* "a.b.c" */
/* Set a value at "a.b.c", making objects on the way; steals value. */
int json_set_path(cJSON *o, const char *path, cJSON *value);
int json_del_path(cJSON *o, const char *path); /* -ENOENT */
bool json_is_number(const cJSON *o);
bool json_is_integer(const cJSON *o);
int json_int64(const cJSON *o, int64_t *ret); /* -EPROTO, -ERANGE */
int json_real(const cJSON *o, double *ret);
/* A duration: FSD text (fsd.h), or a number of seconds. -EINVAL, -EPROTO, -ERANGE. */
int json_seconds(const cJSON *o, double *ret);
const char *json_str(const cJSON *o); /* NULL if not a string; borrowed */
bool json_equal(const cJSON *a, const cJSON *b);

/* New values; NULL on ENOMEM. */
cJSON *json_new_int(int64_t i);
cJSON *json_new_real(double d);
cJSON *json_new_str(const char *s);
cJSON *json_new_strn(const char *s, size_t n);

/* Writer helpers: append a quoted, escaped string; a number. */
int json_buf_str(struct buf *out, const char *s, size_t len);
int json_buf_int(struct buf *out, int64_t i);
int json_buf_real(struct buf *out, double d); /* shortest that reads back, with .0 */
/* Timestamps: seconds with microseconds, "1700000000.123456". */
int json_buf_time(struct buf *out, double t);

#endif
