/* Signed requests, see signed.h. */

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "cli/signed.h"

char *cli_signed_payload(const char *J)
{
    const char *begin = strchr(J, '.'), *end = begin ? strchr(begin + 1, '.') : NULL;
    struct buf text = {0};

    if (!end || base64_decode_buf(&text, begin + 1, (size_t)(end - begin - 1)) < 0 ||
        buf_addc(&text, '\0') < 0) {
        buf_free(&text);
        return NULL;
    }
    return text.data;
}
