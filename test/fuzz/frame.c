/* A stream of frames on a local socket, in pieces of the first byte's size. */
#include <stdlib.h>

#include "proto/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf in = {0}, out = {0};
    size_t step = size ? 1 + data[0] : 1;

    for (size_t at = 1; at < size; at += step) {
        flux_msg_t *msg;
        size_t need = 0;
        ssize_t n;

        buf_add(&in, data + at, size - at < step ? size - at : step);
        while ((n = frame_decode(in.data, in.len, 4096, &msg, &need)) > 0) {
            if ((size_t)n > in.len || frame_encode(msg, &out) < 0)
                abort();
            flux_msg_destroy(msg);
            buf_consume(&in, n);
        }
        if (n == 0 && need <= in.len)
            abort();
        if (n < 0)
            break;
    }
    buf_free(&in);
    buf_free(&out);
    return 0;
}
