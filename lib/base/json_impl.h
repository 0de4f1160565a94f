/* What the files of base/json share; for them alone. */
#ifndef FLUX_BASE_JSON_IMPL_H
#define FLUX_BASE_JSON_IMPL_H

#include "base/json.h"

/* Integers of this size and below are exact in a double. */
#define JSON_EXACT_MAX ((int64_t)1 << 53)
/* Longest number, in characters: what cJSON reads. */
#define JSON_NUMBER_MAX 63
/* cJSON's own limit of nesting. */
#define JSON_DEPTH_MAX 1000

/* Length of the JSON number at s, or 0 if there is none. *keep: its text must be kept,
 * since a double and a plain integer print would not give it back. */
size_t json_number_len(const char *s, const char *end, bool *keep);

/* Check that text is one JSON value within limits. *keep counts the numbers whose text
 * must be kept. 0, -EPROTO, -EFBIG. Allocates nothing. */
int json_scan(const char *text, size_t len, const struct json_limits *limits,
              size_t *keep, flux_error_t *err);

/* "integer", "object", ... for messages; "nothing" for NULL. */
const char *json_type_name(const cJSON *o);

/* Append item, whose ->string (if any) is set, to a container. */
void json_link(cJSON *container, cJSON *item);
/* A copy of n bytes with a NUL, from cJSON's allocator. */
char *json_strndup(const char *s, size_t n);

#endif
