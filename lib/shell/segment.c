/* The form of a job's output: see segment.h. */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "shell/segment.h"

#define MAGIC "FLUXOUT1"
#define MAX_DATA (16u << 20)

struct header {
    char magic[8];
    uint32_t ntasks;
    uint32_t base;
};

struct record {
    uint32_t len;
    uint8_t kind, stream;
    uint16_t check; /* tells a record from the rubbish behind a torn one */
    uint32_t rank;
    uint32_t origin;
    uint64_t time; /* the bits of a double */
};

_Static_assert(sizeof(struct header) == SEGMENT_HEADER_SIZE, "header has holes");
_Static_assert(sizeof(struct record) == SEGMENT_RECORD_SIZE, "record has holes");

static uint16_t fold(uint32_t n)
{
    return (uint16_t)(n ^ (n >> 16));
}

static uint16_t checksum(uint32_t len, uint32_t rank, uint32_t origin, uint8_t kind,
                         uint8_t stream)
{
    return (uint16_t)(0xf1a5 ^ fold(len) ^ fold(rank) ^ fold(origin) ^
                      ((uint32_t)kind << 8) ^ stream);
}

int segment_add_header(struct buf *out, const struct segment_header *s)
{
    struct header h = {.ntasks = htole32(s->ntasks), .base = htole32(s->base)};
    memcpy(h.magic, MAGIC, sizeof(h.magic));
    return buf_add(out, &h, sizeof(h));
}

int segment_add(struct buf *out, const struct segment_record *s)
{
    struct record r = {.len = htole32(s->len),
                       .kind = s->kind,
                       .stream = s->stream,
                       .rank = htole32(s->rank),
                       .origin = htole32(s->origin)};
    uint64_t time;
    memcpy(&time, &s->time, sizeof(time));
    r.time = htole64(time);
    r.check = htole16(checksum(s->len, s->rank, s->origin, s->kind, s->stream));
    int rc = buf_add(out, &r, sizeof(r));
    return rc < 0 ? rc : buf_add(out, s->data, s->len);
}

int segment_add_seq(struct buf *out, uint32_t origin, uint64_t seq)
{
    uint64_t data = htole64(seq);
    struct segment_record r = {.kind = SEGMENT_SEQ,
                               .origin = origin,
                               .data = (const char *)&data,
                               .len = sizeof(data)};
    return segment_add(out, &r);
}

int segment_read_header(const char *in, size_t len, struct segment_header *ret)
{
    struct header h;
    if (len < sizeof(h))
        return -EPROTO;
    memcpy(&h, in, sizeof(h));
    if (memcmp(h.magic, MAGIC, sizeof(h.magic)) != 0)
        return -EPROTO;
    *ret = (struct segment_header){le32toh(h.ntasks), le32toh(h.base)};
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
    uint32_t n = le32toh(r.len), rank = le32toh(r.rank), origin = le32toh(r.origin);
    uint64_t time = le64toh(r.time);
    if (le16toh(r.check) != checksum(n, rank, origin, r.kind, r.stream) || n > MAX_DATA)
        return -EPROTO;
    *ret_need = sizeof(r) + n;
    bool whole = len >= *ret_need;
    *ret = (struct segment_record){.kind = r.kind,
                                   .stream = r.stream,
                                   .rank = rank,
                                   .origin = origin,
                                   .data = whole ? in + sizeof(r) : NULL,
                                   .len = n};
    memcpy(&ret->time, &time, sizeof(time));
    return whole ? (ssize_t)*ret_need : 0;
}

uint64_t segment_seq(const struct segment_record *r)
{
    uint64_t seq = 0;
    if (r->len == sizeof(seq))
        memcpy(&seq, r->data, sizeof(seq));
    return le64toh(seq);
}
