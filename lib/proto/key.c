/* KVS keys. */
#include "proto/key.h"

#include <errno.h>

#include "base/utf8.h"

#define NAMESPACE_MAX 128

int key_normalize(const char *key, size_t len, char *out, bool *want_dir)
{
    size_t n = 0, name = 0, depth = 0;

    if (len == 0)
        return -EINVAL;
    if (len > KEY_MAX)
        return -ENAMETOOLONG;
    if (!utf8_valid(key, len) || memchr(key, '\0', len))
        return -EINVAL;
    for (size_t i = 0; i < len; i++) {
        if (key[i] != '.') {
            if (name == 0 && n > 0)
                out[n++] = '.';
            out[n++] = key[i];
            depth += name == 0;
            if (++name > KEY_NAME_MAX || depth > KEY_DEPTH_MAX)
                return -ENAMETOOLONG;
        } else
            name = 0;
    }
    if (want_dir)
        *want_dir = key[len - 1] == '.';
    return (int)n;
}

bool key_begins(struct slice key, const char *name, struct slice *rest)
{
    size_t n = strlen(name);

    if (key.len < n || memcmp(key.p, name, n) != 0 || (key.len > n && key.p[n] != '.'))
        return false;
    n += key.len > n;
    if (rest)
        *rest = (struct slice){key.p + n, key.len - n};
    return true;
}

bool namespace_valid(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= NAMESPACE_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                        "-_.") == len;
}
