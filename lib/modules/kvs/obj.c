/* Objects: life, loading, looking. Changes are in obj_edit.c. */
#include "modules/kvs/obj.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "base/varint.h"
#include "modules/kvs/obj_private.h"

#define BUCKETS_FIRST 1024

int objs_init(struct objs *os)
{
    *os = (struct objs){.nbuckets = BUCKETS_FIRST};
    os->buckets = calloc(os->nbuckets, sizeof(*os->buckets));
    return os->buckets ? 0 : -ENOMEM;
}

void objs_fini(struct objs *os)
{
    free(os->buckets);
    buf_free(&os->scratch);
    *os = (struct objs){0};
}

/* ---- by hash ---- */

static struct obj **bucket(const struct objs *os, const unsigned char *hash)
{
    uint64_t h;

    memcpy(&h, hash, sizeof(h));
    return &os->buckets[h & (os->nbuckets - 1)];
}

/* Without memory the table only gets slower. */
static void table_grow(struct objs *os)
{
    struct obj **old = os->buckets, **more = calloc(os->nbuckets * 2, sizeof(*more));
    size_t n = os->nbuckets;

    if (!more)
        return;
    os->buckets = more;
    os->nbuckets = n * 2;
    for (size_t i = 0; i < n; i++)
        for (struct obj *o = old[i], *next; o; o = next) {
            struct obj **b = bucket(os, o->hash);

            next = o->next;
            o->next = *b;
            *b = o;
        }
    free(old);
}

static void table_add(struct objs *os, struct obj *o)
{
    struct obj **b;

    if (++os->nhashed > os->nbuckets * 2)
        table_grow(os);
    b = bucket(os, o->hash);
    o->next = *b;
    *b = o;
}

void obj_unhash(struct objs *os, struct obj *o)
{
    struct obj **p;

    if (!o->hashed)
        return;
    for (p = bucket(os, o->hash); *p != o; p = &(*p)->next)
        ;
    *p = o->next;
    o->next = NULL;
    o->hashed = o->stored = false;
    os->nhashed--;
}

struct obj *obj_by_hash(struct objs *os, const unsigned char *hash, bool node)
{
    struct obj *o = *bucket(os, hash);

    while (o && ((o->kind != OBJ_BLOB) != node || memcmp(o->hash, hash, NODE_HASH) != 0))
        o = o->next;
    return o;
}

void obj_hash(struct objs *os, struct obj *o)
{
    struct entry e;

    if (o->hashed)
        return;
    for (unsigned i = 0; o->kids && i < o->n; i++) {
        if (!o->kids[i])
            continue;
        obj_entry(o, i, &e);
        memcpy(o->data + (e.hash - (unsigned char *)o->data), o->kids[i]->hash,
               NODE_HASH);
    }
    sha256(o->data, o->len, o->hash);
    o->hashed = true;
    table_add(os, o);
}

/* ---- life ---- */

static struct obj *new_obj(struct objs *os, enum obj_kind kind, unsigned level,
                           uint64_t edit)
{
    struct obj *o = calloc(1, sizeof(*o));

    if (!o)
        return NULL;
    o->refs = 1;
    o->kind = kind;
    o->level = (uint8_t)level;
    o->edit = edit;
    o->used = os->now;
    os->count++;
    os->bytes += sizeof(*o);
    return o;
}

static size_t table_size(unsigned room)
{
    return (room * sizeof(uint16_t) + 7) & ~(size_t)7;
}

/* Pointers to kids, as many as there is room for entries. */
static int reserve_kids(struct objs *os, struct obj *o, unsigned room)
{
    struct obj **kids = calloc(room ? room : 1, sizeof(*kids));

    if (!kids)
        return -ENOMEM;
    if (o->kids) {
        memcpy(kids, o->kids, o->n * sizeof(*kids));
        os->bytes -= o->room * sizeof(*kids);
    }
    os->bytes += room * sizeof(*kids);
    free(o->kids);
    o->kids = kids;
    return 0;
}

int obj_make_kids(struct objs *os, struct obj *o)
{
    return o->kids ? 0 : reserve_kids(os, o, o->room);
}

int obj_reserve(struct objs *os, struct obj *o, unsigned room, size_t size)
{
    char *body = malloc(table_size(room) + size);

    if (!body || (o->kids && reserve_kids(os, o, room) < 0)) {
        free(body);
        return -ENOMEM;
    }
    if (o->n)
        memcpy(body, o->off, o->n * sizeof(uint16_t));
    if (o->len)
        memcpy(body + table_size(room), o->data, o->len);
    obj_free_body(os, o);
    os->bytes += table_size(room) + size;
    o->off = o->kind == OBJ_BLOB ? NULL : (uint16_t *)(void *)body;
    o->data = body + table_size(room);
    o->room = (uint16_t)room;
    o->size = size;
    return 0;
}

void obj_free_body(struct objs *os, struct obj *o)
{
    if (!o->data)
        return;
    os->bytes -= table_size(o->room) + o->size;
    free(o->off ? (void *)o->off : o->data);
}

struct obj *obj_new_node(struct objs *os, enum obj_kind kind, unsigned level,
                         uint64_t edit)
{
    struct obj *o = new_obj(os, kind, level, edit);

    if (!o)
        return NULL;
    if (obj_reserve(os, o, 8, 256) < 0) {
        obj_unref(os, o);
        return NULL;
    }
    o->len = NODE_HEAD;
    obj_write_head(o);
    return o;
}

struct obj *obj_new_blob(struct objs *os, const void *data, size_t len, uint64_t edit)
{
    struct obj *o = new_obj(os, OBJ_BLOB, 0, edit);

    if (!o)
        return NULL;
    if (obj_reserve(os, o, 0, len ? len : 1) < 0) {
        obj_unref(os, o);
        return NULL;
    }
    if (len)
        memcpy(o->data, data, len);
    o->len = len;
    o->count = len;
    return o;
}

struct obj *obj_ref(struct obj *o)
{
    o->refs++;
    return o;
}

/* Those of its children that go with it are put in front of `list`. */
static struct obj *release_kids(struct objs *os, struct obj *o, struct obj *list)
{
    for (unsigned i = 0; o->kids && i < o->n; i++) {
        struct obj *kid = o->kids[i];

        if (!kid || --kid->refs > 0)
            continue;
        obj_unhash(os, kid);
        kid->next = list;
        list = kid;
    }
    return list;
}

/* Not recursive: a tree may be deeper than a stack. */
void obj_unref(struct objs *os, struct obj *o)
{
    if (!o || --o->refs > 0)
        return;
    obj_unhash(os, o);
    o->next = NULL;
    while (o) {
        struct obj *rest = release_kids(os, o, o->next);

        if (o->kids)
            os->bytes -= o->room * sizeof(*o->kids);
        free(o->kids);
        obj_free_body(os, o);
        os->bytes -= sizeof(*o);
        os->count--;
        free(o);
        o = rest;
    }
}

/* ---- loading ---- */

/* The entries' places and what is below them, of bytes that were checked. */
static int index_entries(struct objs *os, struct obj *o, const void *data, size_t len,
                         unsigned n)
{
    size_t pos = NODE_HEAD;
    struct entry e;

    if (obj_reserve(os, o, n ? n : 1, len) < 0)
        return -ENOMEM;
    memcpy(o->data, data, len);
    o->len = len;
    for (unsigned i = 0; i < n; i++) {
        int size = entry_read(o->kind, o->data + pos, len - pos, &e);

        if (size < 0)
            return -EIO;
        o->off[i] = (uint16_t)pos;
        o->count += o->kind == NODE_LEAF ? 1 : e.n;
        pos += (size_t)size;
    }
    o->n = (uint16_t)n;
    return 0;
}

static int load_node(struct objs *os, const void *data, size_t len, struct obj **ret)
{
    struct node_head h;
    struct obj *o;
    int rc;

    if (len > OBJ_LOAD_BYTES || node_check(data, len) < 0 ||
        node_head_read(data, len, &h) < 0 || h.n > OBJ_LOAD_ENTRIES)
        return -EIO;
    if (!(o = new_obj(os, (enum obj_kind)h.kind, h.level, 0)))
        return -ENOMEM;
    if ((rc = index_entries(os, o, data, len, h.n)) < 0) {
        obj_unref(os, o);
        return rc;
    }
    *ret = o;
    return 0;
}

int obj_load(struct objs *os, const unsigned char *hash, bool node, const void *data,
             size_t len, struct obj **ret)
{
    unsigned char found[NODE_HASH];
    struct obj *o;
    int rc = 0;

    sha256(data, len, found);
    if (memcmp(found, hash, NODE_HASH) != 0)
        return -EIO;
    if ((o = obj_by_hash(os, hash, node))) {
        *ret = obj_ref(o);
        return 0;
    }
    if (node)
        rc = load_node(os, data, len, &o);
    else if (!(o = obj_new_blob(os, data, len, 0)))
        rc = -ENOMEM;
    if (rc < 0)
        return rc;
    memcpy(o->hash, hash, NODE_HASH);
    o->hashed = o->stored = true;
    table_add(os, o);
    *ret = o;
    return 0;
}

/* ---- looking ---- */

void obj_entry(const struct obj *o, unsigned i, struct entry *ret)
{
    size_t pos = o->off[i];

    entry_read((enum node_kind)o->kind, o->data + pos, o->len - pos, ret);
}

/* The key alone, which comes first. */
static struct slice key_at(const struct obj *o, unsigned i)
{
    const unsigned char *p = (const unsigned char *)o->data + o->off[i];
    uint64_t len = *p++;

    if (len & 0x80)
        p = varint_get(p - 1, (const unsigned char *)o->data + o->len, &len);
    return (struct slice){(const char *)p, (size_t)len};
}

unsigned obj_search(const struct obj *o, struct slice key, bool *found)
{
    unsigned lo = 0, hi = o->n;

    *found = false;
    while (lo < hi) {
        unsigned mid = (lo + hi) / 2;
        int c = key_compare(key_at(o, mid), key);

        if (c == 0) {
            *found = true;
            return mid;
        }
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

unsigned obj_child(const struct obj *o, struct slice key)
{
    bool found;
    unsigned i = obj_search(o, key, &found);

    return found || i == 0 ? i : i - 1;
}

bool obj_kid_is_node(const struct obj *o, const struct entry *e)
{
    return o->kind == OBJ_ROPE ? o->level > 1 : e->type != ENTRY_BLOB;
}

/* May kid stand below such an entry? Whoever can name a hash can name a wrong one. */
static bool fits(const struct obj *o, const struct entry *e, const struct obj *kid)
{
    switch (o->kind) {
    case OBJ_INNER:
        return kid->level == o->level - 1 &&
               kid->kind == (o->level == 1 ? OBJ_LEAF : OBJ_INNER);
    case OBJ_ROPE:
        return o->level == 1 ? kid->kind == OBJ_BLOB
                             : kid->kind == OBJ_ROPE && kid->level == o->level - 1;
    default:
        return e->type == ENTRY_BLOB   ? kid->kind == OBJ_BLOB
               : e->type == ENTRY_ROPE ? kid->kind == OBJ_ROPE
                                       : kid->kind == OBJ_LEAF || kid->kind == OBJ_INNER;
    }
}

static int find_kid(struct objs *os, struct obj *o, unsigned i, struct obj **ret)
{
    struct obj *kid;
    struct entry e;

    obj_entry(o, i, &e);
    if (!e.hash || !(kid = obj_by_hash(os, e.hash, obj_kid_is_node(o, &e))))
        return -EAGAIN;
    if (!fits(o, &e, kid))
        return -EIO;
    *ret = kid;
    return obj_put_kid(os, o, i, obj_ref(kid));
}

int obj_kid(struct objs *os, struct obj *o, unsigned i, struct obj **ret)
{
    struct obj *kid = o->kids ? o->kids[i] : NULL;
    int rc;

    if (!kid && (rc = find_kid(os, o, i, &kid)) < 0)
        return rc;
    kid->used = os->now;
    *ret = kid;
    return 0;
}

void obj_drop_kid(struct objs *os, struct obj *o, unsigned i)
{
    struct obj *kid = o->kids[i];

    o->kids[i] = NULL;
    obj_unref(os, kid);
}
