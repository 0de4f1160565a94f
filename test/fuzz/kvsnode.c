#include <stdlib.h>

#include "proto/kvsnode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read writes the same meaning again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t pos = NODE_HEAD;
    struct node_head h;
    struct buf out = {0};
    struct entry e, again;

    if (node_check(data, size) < 0)
        return 0;
    node_head_read(data, size, &h);
    for (unsigned i = 0; i < h.n; i++) {
        int rc = entry_read(h.kind, data + pos, size - pos, &e);

        if (rc < 0)
            abort();
        out.len = 0;
        if (entry_write(h.kind, &e, &out) < 0 ||
            entry_read(h.kind, out.data, out.len, &again) < 0 ||
            key_compare(e.key, again.key) != 0 || e.n != again.n)
            abort();
        pos += (size_t)rc;
    }
    buf_free(&out);
    return 0;
}
