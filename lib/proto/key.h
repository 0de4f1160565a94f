/* KVS keys: names with dots between them. "." is the root; dots in a row count as one,
 * those at the ends do not count, but one at the end says that a directory is meant.
 * In normal form a key has no dots at its ends, and the root's is "".
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_PROTO_KEY_H
#define FLUX_PROTO_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/slice.h"

#define KEY_MAX 16384     /* bytes in all */
#define KEY_NAME_MAX 1023 /* of one name */
#define KEY_DEPTH_MAX 256 /* names */

/* Write the normal form to out, which has room for len bytes; want_dir may be NULL. The
 * length, or -EINVAL: empty or not UTF-8; -ENAMETOOLONG. */
int key_normalize(const char *key, size_t len, char *out, bool *want_dir);

/* The next name of a key in normal form: *p is moved behind it and its dot. False at
 * the end. */
static inline bool key_next(const char **p, const char *end, const char **name,
                            size_t *len)
{
    const char *dot;

    if (*p >= end)
        return false;
    dot = memchr(*p, '.', end - *p);
    *name = *p;
    *len = (dot ? dot : end) - *p;
    *p = dot ? dot + 1 : end;
    return true;
}

/* Does a key in normal form begin with this name? *rest (may be NULL) is what is behind it,
 * "": it is that name. */
bool key_begins(struct slice key, const char *name, struct slice *rest);

/* Is this a name that a namespace can have: 1 to 128 letters, digits, '-', '_', '.'? */
bool namespace_valid(const char *name);

#endif
