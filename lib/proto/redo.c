/* Records of the redo log, see redo.h. */
#include "proto/redo.h"

#include <endian.h>
#include <errno.h>

#include "base/crc32c.h"
#include "base/varint.h"

#define FORMAT 1
#define HEAD 41 /* bytes, with the length of the name */

struct raw_head {
    uint32_t crc;
    uint8_t format, kind;
    uint16_t flags;
    uint64_t seq, chain, version;
    uint32_t userid, nops;
    uint8_t ns_len;
} __attribute__((packed));

_Static_assert(sizeof(struct raw_head) == HEAD, "a record's head is packed");

int redo_begin(struct buf *out, enum redo_kind kind, const char *ns)
{
    struct raw_head h = {.format = FORMAT, .kind = kind};
    size_t len = strlen(ns);

    if (len > REDO_NAMESPACE_MAX)
        return -EINVAL;
    out->len = 0;
    h.ns_len = (uint8_t)len;
    buf_add(out, &h, sizeof(h));
    return buf_add(out, ns, len);
}

static int add_sized(struct buf *out, struct slice s)
{
    unsigned char n[VARINT_MAX];

    buf_add(out, n, (size_t)(varint_put(n, s.len) - n));
    return s.len ? buf_add(out, s.p, s.len) : out->failed ? -ENOMEM : 0;
}

int redo_add(struct buf *out, enum redo_op op, struct slice key, struct slice value)
{
    buf_addc(out, (char)op);
    add_sized(out, key);
    return add_sized(out, value);
}

int redo_add_all(struct buf *out, const struct buf *ops)
{
    return ops->len ? buf_add(out, ops->data, ops->len) : 0;
}

int redo_end(struct buf *out, const struct redo_head *h)
{
    struct raw_head *raw = (struct raw_head *)out->data;

    if (out->failed)
        return -ENOMEM;
    raw->flags = htole16(h->flags);
    raw->seq = htole64(h->seq);
    raw->chain = htole64(h->chain);
    raw->version = htole64(h->version);
    raw->userid = htole32(h->userid);
    raw->nops = htole32(h->nops);
    raw->crc = htole32(crc32c(0, out->data + 4, out->len - 4));
    return 0;
}

/* splitmix64's finish: any bit of the input reaches all of the output. */
static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* The checksum covers the chain so far, so this one tells all records in order. */
uint64_t redo_chain(const void *rec)
{
    struct raw_head h;

    memcpy(&h, rec, sizeof(h));
    return mix(le64toh(h.chain) ^ mix(le64toh(h.seq) ^ (uint64_t)le32toh(h.crc) << 32));
}

/* Walk through the operations: as many as the head says, and sound. */
static int check_ops(const void *rec, size_t len, size_t pos, uint32_t nops)
{
    struct redo_item item;
    int rc;

    while ((rc = redo_next(rec, len, &pos, &item)) > 0)
        if (nops-- == 0)
            return -EPROTO;
    return rc < 0 || nops ? -EPROTO : 0;
}

int redo_read(const void *rec, size_t len, struct redo_head *ret, size_t *pos)
{
    struct raw_head h;

    if (len < HEAD)
        return -EPROTO;
    memcpy(&h, rec, sizeof(h));
    if (le32toh(h.crc) != crc32c(0, (const char *)rec + 4, len - 4))
        return -EBADMSG;
    if (h.format != FORMAT || h.kind < REDO_COMMIT || h.kind > REDO_NSREMOVE ||
        h.ns_len == 0 || (size_t)HEAD + h.ns_len > len)
        return -EPROTO;
    *ret = (struct redo_head){
        .kind = h.kind,
        .flags = le16toh(h.flags),
        .seq = le64toh(h.seq),
        .chain = le64toh(h.chain),
        .version = le64toh(h.version),
        .userid = le32toh(h.userid),
        .nops = le32toh(h.nops),
        .ns = {(const char *)rec + HEAD, h.ns_len},
    };
    *pos = (size_t)HEAD + h.ns_len;
    return check_ops(rec, len, *pos, ret->nops);
}

/* A length and that many bytes. */
static const unsigned char *get_sized(const unsigned char *p, const unsigned char *end,
                                      struct slice *ret)
{
    uint64_t n;

    if (!(p = varint_get(p, end, &n)) || n > (uint64_t)(end - p))
        return NULL;
    *ret = (struct slice){(const char *)p, (size_t)n};
    return p + n;
}

static bool value_ok(enum redo_op op, struct slice value)
{
    const unsigned char *hash;
    struct slice ns, target;
    size_t pos = 0, count = 0;
    uint64_t n;
    int rc;

    switch (op) {
    case REDO_PUT:
    case REDO_APPEND:
        return true;
    case REDO_UNLINK:
    case REDO_MKDIR:
        return value.len == 0;
    case REDO_LINK:
        return redo_link(value, &ns, &target) == 0;
    case REDO_VALREF:
    case REDO_DIRREF:
        while ((rc = redo_ref(value, &pos, &hash, &n)) > 0)
            count++;
        return rc == 0 && (op == REDO_VALREF || count == 1);
    }
    return false;
}

int redo_next(const void *rec, size_t len, size_t *pos, struct redo_item *ret)
{
    const unsigned char *p, *end;

    if (*pos == len) /* there may be no operations, and no record then */
        return 0;
    p = (const unsigned char *)rec + *pos;
    end = (const unsigned char *)rec + len;
    ret->op = *p++;
    if (!(p = get_sized(p, end, &ret->key)) || !(p = get_sized(p, end, &ret->value)) ||
        !value_ok(ret->op, ret->value))
        return -EPROTO;
    *pos = (size_t)(p - (const unsigned char *)rec);
    return 1;
}

int redo_link(struct slice value, struct slice *ns, struct slice *target)
{
    const unsigned char *end = (const unsigned char *)value.p + value.len;
    const unsigned char *p = get_sized((const unsigned char *)value.p, end, ns);

    if (!p || p == end || ns->len > REDO_NAMESPACE_MAX)
        return -EPROTO;
    *target = (struct slice){(const char *)p, (size_t)(end - p)};
    return 0;
}

int redo_link_add(struct buf *out, struct slice ns, struct slice target)
{
    add_sized(out, ns);
    return buf_add(out, target.p, target.len);
}

int redo_ref(struct slice value, size_t *pos, const unsigned char **hash, uint64_t *n)
{
    const unsigned char *p = (const unsigned char *)value.p + *pos;
    const unsigned char *end = (const unsigned char *)value.p + value.len;

    if (p == end)
        return 0;
    if (end - p <= REDO_HASH)
        return -EPROTO;
    *hash = p;
    if (!(p = varint_get(p + REDO_HASH, end, n)))
        return -EPROTO;
    *pos = (size_t)(p - (const unsigned char *)value.p);
    return 1;
}

int redo_ref_add(struct buf *out, const unsigned char *hash, uint64_t n)
{
    unsigned char b[VARINT_MAX];

    buf_add(out, hash, REDO_HASH);
    return buf_add(out, b, (size_t)(varint_put(b, n) - b));
}
