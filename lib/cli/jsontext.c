/* See jsontext.h. */
#include "base/slice.h"
#include "cli/jsontext.h"

bool jsontext_items(const char *payload, const char *key, const char **ret, size_t *ret_len)
{
    struct slice array;

    if (slice_get(slice_of(payload), key, &array) < 0 || array.len < 2 || *array.p != '[')
        return false;
    *ret = array.p + 1;
    *ret_len = array.len - 2;
    return true;
}
