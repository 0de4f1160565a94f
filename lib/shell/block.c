/* Output on its way: see block.h. */
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "shell/block.h"

struct head {
    uint64_t id, limit, seq;
    uint32_t kind, node, ntasks, len;
};

int block_add(struct buf *out, const struct block *b)
{
    struct head h = {.id = htole64(b->id),
                     .limit = htole64(b->limit),
                     .seq = htole64(b->seq),
                     .kind = htole32(b->kind),
                     .node = htole32(b->node),
                     .ntasks = htole32(b->ntasks),
                     .len = htole32((uint32_t)b->len)};
    int rc = buf_add(out, &h, sizeof(h));
    return rc < 0 ? rc : buf_add(out, b->records, b->len);
}

int block_next(const char *in, size_t len, size_t *pos, struct block *ret)
{
    struct head h;
    if (*pos == len)
        return 0;
    if (len - *pos < sizeof(h))
        return -EPROTO;
    memcpy(&h, in + *pos, sizeof(h));
    size_t n = le32toh(h.len);
    if (len - *pos - sizeof(h) < n)
        return -EPROTO;
    *ret = (struct block){.id = le64toh(h.id),
                          .kind = le32toh(h.kind),
                          .node = le32toh(h.node),
                          .ntasks = le32toh(h.ntasks),
                          .limit = le64toh(h.limit),
                          .seq = le64toh(h.seq),
                          .records = in + *pos + sizeof(h),
                          .len = n};
    *pos += sizeof(h) + n;
    return 1;
}
