/* The form of a job's output on disk: see segment.h. */
#include <errno.h>
#include <string.h>

#include "shell/segment.h"

#define MAGIC "FLUXOUT1"
#define MAX_DATA (16u << 20)

struct header {
    char magic[8];
    uint32_t ntasks;
    uint32_t zero;
};

struct record {
    uint32_t len;
    uint8_t kind, stream;
    uint16_t check; /* tells a record from the rubbish behind a torn one */
    uint32_t rank;
    uint32_t zero;
    double time;
};

_Static_assert(sizeof(struct header) == SEGMENT_HEADER_SIZE, "header has holes");
_Static_assert(sizeof(struct record) == SEGMENT_RECORD_SIZE, "record has holes");

static uint16_t checksum(const struct record *r)
{
    return (uint16_t)(0xf1a5 ^ r->len ^ (r->len >> 16) ^ r->rank ^ (r->rank >> 16) ^
                      ((uint32_t)r->kind << 8) ^ r->stream);
}

int segment_add_header(struct buf *out, uint32_t ntasks)
{
    struct header h = {.ntasks = ntasks};
    memcpy(h.magic, MAGIC, sizeof(h.magic));
    return buf_add(out, &h, sizeof(h));
}

int segment_add(struct buf *out, const struct segment_record *s)
{
    struct record r = {.len = s->len,
                       .kind = s->kind,
                       .stream = s->stream,
                       .rank = s->rank,
                       .time = s->time};
    r.check = checksum(&r);
    int rc = buf_add(out, &r, sizeof(r));
    return rc < 0 ? rc : buf_add(out, s->data, s->len);
}

int segment_read_header(const char *in, size_t len, uint32_t *ret_ntasks)
{
    struct header h;
    if (len < sizeof(h))
        return -EPROTO;
    memcpy(&h, in, sizeof(h));
    if (memcmp(h.magic, MAGIC, sizeof(h.magic)) != 0)
        return -EPROTO;
    *ret_ntasks = h.ntasks;
    return 0;
}

ssize_t segment_read(const char *in, size_t len, struct segment_record *ret,
                     size_t *ret_need)
{
    struct record r;
    *ret_need = sizeof(r);
    if (len < sizeof(r))
        return 0;
    memcpy(&r, in, sizeof(r));
    if (r.check != checksum(&r) || r.len > MAX_DATA)
        return -EPROTO;
    *ret_need = sizeof(r) + r.len;
    if (len < *ret_need)
        return 0;
    *ret = (struct segment_record){.kind = r.kind,
                                   .stream = r.stream,
                                   .rank = r.rank,
                                   .time = r.time,
                                   .data = in + sizeof(r),
                                   .len = r.len};
    return (ssize_t)*ret_need;
}
