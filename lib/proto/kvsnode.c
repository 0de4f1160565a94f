/* Nodes of the KVS tree, see kvsnode.h. */
#include "proto/kvsnode.h"

#include <endian.h>
#include <errno.h>

#include "base/varint.h"

#define FORMAT 1

void node_head_write(void *p, const struct node_head *h)
{
    unsigned char *b = p;
    uint16_t n = htole16((uint16_t)h->n);

    b[0] = 'F';
    b[1] = 'K';
    b[2] = FORMAT;
    b[3] = (unsigned char)h->kind;
    b[4] = (unsigned char)h->level;
    b[5] = 0;
    memcpy(b + 6, &n, 2);
}

int node_head_read(const void *p, size_t len, struct node_head *ret)
{
    const unsigned char *b = p;
    uint16_t n;

    if (len < NODE_HEAD || b[0] != 'F' || b[1] != 'K' || b[2] != FORMAT ||
        b[3] > NODE_ROPE || b[4] > NODE_LEVEL_MAX || b[5] != 0 ||
        (b[3] == NODE_LEAF) != (b[4] == 0))
        return -EPROTO;
    memcpy(&n, b + 6, 2);
    *ret = (struct node_head){b[3], b[4], le16toh(n)};
    return 0;
}

static const unsigned char *get_sized(const unsigned char *p, const unsigned char *end,
                                      struct slice *ret)
{
    uint64_t n;

    if (!p || !(p = varint_get(p, end, &n)) || n > (uint64_t)(end - p))
        return NULL;
    *ret = (struct slice){(const char *)p, (size_t)n};
    return p + n;
}

static const unsigned char *get_ref(const unsigned char *p, const unsigned char *end,
                                    struct entry *e)
{
    if (!p || end - p <= NODE_HASH)
        return NULL;
    e->hash = p;
    return varint_get(p + NODE_HASH, end, &e->n);
}

static const unsigned char *get_leaf(const unsigned char *p, const unsigned char *end,
                                     struct entry *e)
{
    if (!(p = get_sized(p, end, &e->key)) || p == end)
        return NULL;
    e->type = *p++;
    if (!(p = varint_get(p, end, &e->version)))
        return NULL;
    switch (e->type) {
    case ENTRY_VAL:
        return get_sized(p, end, &e->val);
    case ENTRY_LINK:
        return get_sized(get_sized(p, end, &e->ns), end, &e->val);
    case ENTRY_BLOB:
    case ENTRY_ROPE:
    case ENTRY_DIR:
        return get_ref(p, end, e);
    default:
        return NULL;
    }
}

int entry_read(enum node_kind kind, const void *data, size_t len, struct entry *ret)
{
    const unsigned char *p = data, *end = p + len;

    *ret = (struct entry){.type = ENTRY_NONE};
    if (kind == NODE_LEAF)
        p = get_leaf(p, end, ret);
    else if (kind == NODE_INNER)
        p = get_ref(get_sized(p, end, &ret->key), end, ret);
    else
        p = get_ref(p, end, ret);
    return p ? (int)(p - (const unsigned char *)data) : -EPROTO;
}

static void put_number(struct buf *out, uint64_t v)
{
    unsigned char b[VARINT_MAX];

    buf_add(out, b, (size_t)(varint_put(b, v) - b));
}

static void put_sized(struct buf *out, struct slice s)
{
    put_number(out, s.len);
    if (s.len)
        buf_add(out, s.p, s.len);
}

static void put_ref(struct buf *out, const struct entry *e)
{
    static const unsigned char zeros[NODE_HASH];

    buf_add(out, e->hash ? e->hash : zeros, NODE_HASH);
    put_number(out, e->n);
}

int entry_write(enum node_kind kind, const struct entry *e, struct buf *out)
{
    if (kind != NODE_ROPE)
        put_sized(out, e->key);
    if (kind == NODE_LEAF) {
        buf_addc(out, (char)e->type);
        put_number(out, e->version);
    }
    if (e->type == ENTRY_LINK)
        put_sized(out, e->ns);
    if (e->type == ENTRY_LINK || e->type == ENTRY_VAL)
        put_sized(out, e->val);
    else
        put_ref(out, e);
    return out->failed ? -ENOMEM : 0;
}

int node_check(const void *data, size_t len)
{
    struct node_head h;
    struct entry e;
    struct slice before = SLICE_NONE;
    const char *p = data;
    size_t pos = NODE_HEAD;
    int rc;

    if (node_head_read(data, len, &h) < 0)
        return -EPROTO;
    for (unsigned i = 0; i < h.n; i++) {
        if ((rc = entry_read(h.kind, p + pos, len - pos, &e)) < 0)
            return rc;
        if (h.kind != NODE_ROPE && i > 0 && key_compare(before, e.key) >= 0)
            return -EPROTO;
        before = e.key;
        pos += (size_t)rc;
    }
    return pos == len && (h.n > 0 || h.kind == NODE_LEAF) ? 0 : -EPROTO;
}
