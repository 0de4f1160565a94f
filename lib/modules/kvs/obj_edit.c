/* Objects changed by the edit that made them. */
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "base/varint.h"
#include "modules/kvs/obj_private.h"

#define SLACK 512 /* bytes beyond what a copy needs: it is about to grow */

void obj_write_head(struct obj *o)
{
    node_head_write(o->data, &(struct node_head){o->kind, o->level, o->n});
}

static void write_n(struct obj *o)
{
    uint16_t n = htole16(o->n);

    memcpy(o->data + 6, &n, sizeof(n));
}

static int copy_kids(struct objs *os, struct obj *to, const struct obj *from)
{
    if (!from->kids)
        return 0;
    if (obj_make_kids(os, to) < 0)
        return -ENOMEM;
    for (unsigned i = 0; i < from->n; i++)
        to->kids[i] = from->kids[i] ? obj_ref(from->kids[i]) : NULL;
    return 0;
}

static int copy(struct objs *os, const struct obj *o, uint64_t edit, struct obj **ret)
{
    struct obj *c;

    if (o->kind == OBJ_BLOB) {
        *ret = obj_new_blob(os, o->data, o->len, edit);
        return *ret ? 0 : -ENOMEM;
    }
    if (!(c = obj_new_node(os, (enum obj_kind)o->kind, o->level, edit)))
        return -ENOMEM;
    if (obj_reserve(os, c, o->n + 4u, o->len + SLACK) < 0 || copy_kids(os, c, o) < 0) {
        obj_unref(os, c);
        return -ENOMEM;
    }
    memcpy(c->off, o->off, o->n * sizeof(*c->off));
    memcpy(c->data, o->data, o->len);
    c->n = o->n;
    c->len = o->len;
    c->count = o->count;
    *ret = c;
    return 0;
}

int obj_edit(struct objs *os, struct obj **slot, uint64_t edit)
{
    struct obj *c;
    int rc;

    if ((*slot)->edit == edit && (*slot)->refs == 1)
        return 0;
    if ((rc = copy(os, *slot, edit, &c)) < 0)
        return rc;
    obj_unref(os, *slot);
    *slot = c;
    return 0;
}

static int grow(struct objs *os, struct obj *o, unsigned more, size_t bytes)
{
    unsigned room = o->room;
    size_t size = o->size;

    assert(!o->hashed);
    if (o->n + more <= room && o->len + bytes <= size)
        return 0;
    if (o->n + more > room)
        room = o->n + more + room / 4;
    if (o->len + bytes > size)
        size = o->len + bytes + size / 4;
    return obj_reserve(os, o, room, size);
}

void obj_trim(struct objs *os, struct obj *o)
{
    if (o->size > o->len + o->len / 8)
        obj_reserve(os, o, o->n, o->len);
}

/* Make a gap of `bytes` for `more` entries at i, or close one (negative). */
static void shift(struct obj *o, unsigned i, int more, ptrdiff_t bytes)
{
    size_t pos = i < o->n ? o->off[i] : o->len;

    memmove(o->data + pos + bytes, o->data + pos, o->len - pos);
    for (unsigned k = i; k < o->n; k++)
        o->off[k] = (uint16_t)(o->off[k] + bytes);
    if (more) {
        memmove(o->off + i + more, o->off + i, (o->n - i) * sizeof(*o->off));
        if (o->kids)
            memmove(o->kids + i + more, o->kids + i, (o->n - i) * sizeof(*o->kids));
    }
    o->len = (size_t)((ptrdiff_t)o->len + bytes);
    o->n = (uint16_t)(o->n + more);
    write_n(o);
}

static int print_entry(struct objs *os, const struct obj *o, const struct entry *e)
{
    os->scratch.len = 0;
    if (entry_write((enum node_kind)o->kind, e, &os->scratch) == 0)
        return 0;
    os->scratch.failed = false;
    return -ENOMEM;
}

int obj_put_kid(struct objs *os, struct obj *o, unsigned i, struct obj *kid)
{
    if (kid && obj_make_kids(os, o) < 0) {
        obj_unref(os, kid);
        return -ENOMEM;
    }
    if (!o->kids)
        return 0;
    if (o->kids[i])
        obj_unref(os, o->kids[i]);
    o->kids[i] = kid;
    return 0;
}

struct obj *obj_take_kid(struct objs *os, struct obj *o, unsigned i)
{
    struct obj *kid = o->kids ? o->kids[i] : NULL;

    if (kid)
        o->kids[i] = NULL;
    return kid;
}

int obj_insert(struct objs *os, struct obj *o, unsigned i, const struct entry *e,
               struct obj *kid)
{
    size_t pos, size;

    if (print_entry(os, o, e) < 0 || grow(os, o, 1, os->scratch.len) < 0) {
        obj_unref(os, kid);
        return -ENOMEM;
    }
    size = os->scratch.len;
    pos = i < o->n ? o->off[i] : o->len;
    shift(o, i, 1, (ptrdiff_t)size);
    o->off[i] = (uint16_t)pos;
    memcpy(o->data + pos, os->scratch.data, size);
    if (o->kids)
        o->kids[i] = NULL;
    o->count += o->kind == OBJ_LEAF ? 1 : e->n;
    return obj_put_kid(os, o, i, kid);
}

static size_t end_of(const struct obj *o, unsigned i)
{
    return i + 1u < o->n ? o->off[i + 1] : o->len;
}

int obj_replace(struct objs *os, struct obj *o, unsigned i, const struct entry *e,
                struct obj *kid)
{
    size_t pos = o->off[i], size;
    ptrdiff_t more;
    struct entry old;

    if (print_entry(os, o, e) < 0 || grow(os, o, 0, os->scratch.len) < 0) {
        obj_unref(os, kid);
        return -ENOMEM;
    }
    if (o->kind != OBJ_LEAF) {
        obj_entry(o, i, &old);
        o->count += e->n - old.n;
    }
    size = os->scratch.len;
    more = (ptrdiff_t)size - (ptrdiff_t)(end_of(o, i) - pos);
    shift(o, i + 1, 0, more);
    memcpy(o->data + pos, os->scratch.data, size);
    return obj_put_kid(os, o, i, kid);
}

int obj_recount(struct objs *os, struct obj *o, unsigned i)
{
    struct obj *kid = o->kids[i];
    uint64_t n = kid->count;
    struct entry e;

    obj_entry(o, i, &e);
    if (e.n == n)
        return 0;
    if (varint_size(e.n) == varint_size(n)) {
        varint_put((unsigned char *)o->data + (e.hash - (unsigned char *)o->data) +
                       NODE_HASH,
                   n);
        o->count += n - e.n;
        return 0;
    }
    e.n = n;
    return obj_replace(os, o, i, &e, obj_take_kid(os, o, i));
}

int obj_remove(struct objs *os, struct obj *o, unsigned i)
{
    size_t pos = o->off[i], end = end_of(o, i);
    struct entry e;

    obj_entry(o, i, &e);
    o->count -= o->kind == OBJ_LEAF ? 1 : e.n;
    if (o->kids && o->kids[i])
        obj_drop_kid(os, o, i);
    if (i + 1u < o->n) {
        shift(o, i + 1, -1, -(ptrdiff_t)(end - pos));
        return 0;
    }
    o->len = pos;
    o->n--;
    write_n(o);
    return 0;
}

int obj_blob_append(struct objs *os, struct obj *o, const void *data, size_t len)
{
    int rc = grow(os, o, 0, len);

    if (rc < 0)
        return rc;
    memcpy(o->data + o->len, data, len);
    o->len += len;
    o->count += len;
    return 0;
}

static uint64_t count_from(const struct obj *o, unsigned at)
{
    uint64_t count = 0;
    struct entry e;

    if (o->kind == OBJ_LEAF)
        return o->n - at;
    for (unsigned i = at; i < o->n; i++) {
        obj_entry(o, i, &e);
        count += e.n;
    }
    return count;
}

int obj_move(struct objs *os, struct obj *o, unsigned at, struct obj *to)
{
    unsigned n = o->n - at;
    size_t from = at < o->n ? o->off[at] : o->len, bytes = o->len - from;
    uint64_t count = count_from(o, at);

    if (n == 0)
        return 0;
    if (grow(os, to, n, bytes) < 0 || (o->kids && obj_make_kids(os, to) < 0))
        return -ENOMEM;
    memcpy(to->data + to->len, o->data + from, bytes);
    for (unsigned i = 0; i < n; i++) {
        to->off[to->n + i] = (uint16_t)(o->off[at + i] - from + to->len);
        if (to->kids)
            to->kids[to->n + i] = o->kids ? o->kids[at + i] : NULL;
    }
    to->n = (uint16_t)(to->n + n);
    to->len += bytes;
    to->count += count;
    o->n = (uint16_t)at;
    o->len = from;
    o->count -= count;
    write_n(o);
    write_n(to);
    return 0;
}

bool obj_is_full(const struct obj *o)
{
    return o->n > OBJ_ENTRIES_MAX || (o->len > OBJ_BYTES_MAX && o->n > 1);
}
