/* An archive. Blocks that are read where a header may be get the right sum, so that mutations
 * get past it. */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/tar_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *data;
    size_t left;
};

static ssize_t give(void *out, size_t len, void *arg)
{
    struct input *in = arg;
    size_t n = len < in->left ? len : in->left;
    struct tar_header h;
    char sum[8];

    memcpy(out, in->data, n);
    in->data += n;
    in->left -= n;
    if (n == TAR_BLOCK) {
        memcpy(&h, out, n);
        snprintf(sum, sizeof(sum), "%06o", tar_sum(&h));
        memcpy((char *)out + offsetof(struct tar_header, chksum), sum, 8);
    }
    return (ssize_t)n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = {data, size};
    struct tar_reader *t;
    struct tar_entry e;
    flux_error_t err;
    char piece[700];
    ssize_t n = 0;

    if (tar_reader_new(give, &in, &t) < 0)
        abort();
    while (n >= 0 && tar_next(t, &e, &err) > 0) {
        uint64_t seen = 0;

        if (!e.path || (e.type == TAR_LINK) != (e.link != NULL))
            abort();
        while ((n = tar_data(t, piece, sizeof(piece), &err)) > 0)
            seen += (uint64_t)n;
        if (n == 0 && e.type == TAR_FILE && seen != e.size)
            abort();
    }
    if (tar_offset(t) > size)
        abort();
    tar_reader_free(t);
    return 0;
}
