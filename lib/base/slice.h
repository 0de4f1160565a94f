/* Reading JSON text in place, without building a tree: for payloads of our own
 * services on hot paths, where most values are only copied on. Values are checked
 * for balance, not for validity inside: text from strangers goes through json_parse.
 *
 * Functions return 0 or more, or -EPROTO, unless said otherwise.
 */
#ifndef FLUX_BASE_SLICE_H
#define FLUX_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The text of one value, borrowed; p NULL: none. */
struct slice {
    const char *p;
    size_t len;
};

#define SLICE_NONE ((struct slice){NULL, 0})

static inline struct slice slice_of(const char *s)
{
    return (struct slice){s, s ? strlen(s) : 0};
}

/* The first value in [p, p + len), white space around it dropped. */
int slice_value(const char *p, size_t len, struct slice *ret);

/* Walk an object or an array; *pos starts at 0. 1: *val is the next; 0: the end. key is
 * the text between the quotes, escapes left as they are. */
int slice_member(struct slice obj, size_t *pos, struct slice *key, struct slice *val);
int slice_element(struct slice arr, size_t *pos, struct slice *val);
/* A member by name; -ENOENT. */
int slice_get(struct slice obj, const char *key, struct slice *val);

bool slice_is(struct slice s, const char *text); /* equal bytes */
int slice_int(struct slice v, int64_t *ret);
int slice_real(struct slice v, double *ret); /* integers too */
int slice_bool(struct slice v, bool *ret);
/* Text of a string without escapes: borrowed, no NUL. -EILSEQ when it has escapes. */
int slice_str(struct slice v, struct slice *ret);
/* The text of any string: borrowed, or of *copy, yours to free(), when it has escapes;
 * *copy is left alone otherwise. */
int slice_string(struct slice v, char **copy, struct slice *ret);
/* Any string, unescaped, yours to free(); NULL if it is none, or on ENOMEM. */
char *slice_strdup(struct slice v);
/* The text of any value, yours to free(). */
char *slice_text(struct slice v);

#endif
