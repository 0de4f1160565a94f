/* Between the kvs modules of two brokers. */
#include "proto/kvsfeed.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

static void put32(char *p, uint32_t v)
{
    v = htole32(v);
    memcpy(p, &v, sizeof(v));
}

static void put64(char *p, uint64_t v)
{
    v = htole64(v);
    memcpy(p, &v, sizeof(v));
}

static uint32_t get32(const char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return le32toh(v);
}

static uint64_t get64(const char *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return le64toh(v);
}

int feed_root_write(const struct feed_root *root, struct buf *out)
{
    char head[FEED_ROOT_HEAD] = {'F', 'R', 1, 0};

    put32(head + 4, root->owner);
    put32(head + 8, root->flags);
    put64(head + 12, root->id);
    put64(head + 20, root->version);
    memcpy(head + 28, root->hash, NODE_HASH);
    buf_add(out, head, sizeof(head));
    return buf_add(out, root->data, root->len);
}

int feed_root_read(const void *p, size_t len, struct feed_root *ret)
{
    const char *s = p;

    if (len < FEED_ROOT_HEAD || memcmp(s, "FR\1", 4) != 0)
        return -EPROTO;
    ret->owner = get32(s + 4);
    ret->flags = get32(s + 8);
    ret->id = get64(s + 12);
    ret->version = get64(s + 20);
    memcpy(ret->hash, s + 28, NODE_HASH);
    ret->data = s + FEED_ROOT_HEAD;
    ret->len = len - FEED_ROOT_HEAD;
    return 0;
}

int feed_want_write(const struct feed_want *want, struct buf *out)
{
    buf_addc(out, want->node);
    return buf_add(out, want->hash, NODE_HASH);
}

int feed_wants_read(const void *p, size_t len, struct feed_want wants[FEED_WANTS_MAX])
{
    const char *s = p;
    size_t n = len / FEED_WANT;

    if (n == 0 || n > FEED_WANTS_MAX || len % FEED_WANT != 0)
        return -EPROTO;
    for (size_t i = 0; i < n; i++, s += FEED_WANT) {
        if (*s != 0 && *s != 1)
            return -EPROTO;
        wants[i].node = *s;
        memcpy(wants[i].hash, s + 1, NODE_HASH);
    }
    return (int)n;
}

int feed_object_write(const struct feed_object *o, struct buf *out)
{
    char head[5];

    head[0] = (char)o->i;
    put32(head + 1, o->missing ? FEED_MISSING : (uint32_t)o->len);
    buf_add(out, head, sizeof(head));
    return o->missing ? 0 : buf_add(out, o->data, o->len);
}

int feed_object_read(const void *p, size_t len, size_t *pos, struct feed_object *ret)
{
    const char *s = p;
    uint32_t n;

    if (*pos == len)
        return 0;
    if (len - *pos < 5 || (unsigned char)s[*pos] >= FEED_WANTS_MAX)
        return -EPROTO;
    n = get32(s + *pos + 1);
    *ret =
        (struct feed_object){.i = (unsigned char)s[*pos], .missing = n == FEED_MISSING};
    *pos += 5;
    if (ret->missing)
        return 1;
    if (n > len - *pos)
        return -EPROTO;
    ret->data = s + *pos;
    ret->len = n;
    *pos += n;
    return 1;
}
