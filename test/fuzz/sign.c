/* The envelope J: as it comes, and with the input as its header. */
#include <stdlib.h>

#include "base/base64.h"
#include "proto/sign.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void unwrap(const char *j, size_t len)
{
    char *payload;
    size_t n;
    uint32_t userid;
    flux_error_t err;

    if (sign_unwrap(j, len, &payload, &n, &userid, &err) == 0)
        free(payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf b = {0};

    unwrap((const char *)data, size);
    base64_encode_buf(&b, data, size);
    buf_adds(&b, ".e30=.none");
    unwrap(b.data, b.len);
    b.len = 0;
    sign_wrap_none(data, size, 1000, &b);
    unwrap(b.data, b.len);
    buf_free(&b);
    return 0;
}
