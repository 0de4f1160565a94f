/* Marking. The set of what was reached holds eight bytes of each hash: two objects that
 * have them in common are kept as long as one of them is.
 */
#include "modules/kvs/mark.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/sha256.h"
#include "modules/kvs/ns.h"
#include "modules/kvs/snapshot.h"

#define STEP_OBJECTS 1000
#define STEP_BYTES (2u << 20)

struct spot {
    unsigned char hash[NODE_HASH];
    bool node;
};

struct mark {
    struct umap *seen;
    struct spot *todo;
    size_t ntodo, size;
    size_t bytes;                /* of this step */
    unsigned char at[NODE_HASH]; /* the latest */
};

int mark_new(struct mark **ret)
{
    struct mark *m = calloc(1, sizeof(*m));

    if (!m || !(m->seen = umap_new(NULL))) {
        free(m);
        return -ENOMEM;
    }
    *ret = m;
    return 0;
}

void mark_free(struct mark *m)
{
    if (!m)
        return;
    umap_free(m->seen);
    free(m->todo);
    free(m);
}

/* A value may have the bytes of a node: to have seen the one is not to have looked into
 * the other. */
static uint64_t key_of(const unsigned char *hash, bool node)
{
    uint64_t key;

    memcpy(&key, hash, sizeof(key));
    return (key & ~1ull) | node;
}

static bool seen(const struct mark *m, const unsigned char *hash, bool node)
{
    return umap_get(m->seen, key_of(hash, node)) != NULL;
}

bool mark_has(const struct mark *m, const unsigned char *hash)
{
    return seen(m, hash, true) || seen(m, hash, false);
}

size_t mark_count(const struct mark *m)
{
    return umap_count(m->seen);
}

const unsigned char *mark_bad(const struct mark *m)
{
    return m->at;
}

int mark_add(struct mark *m, const unsigned char *hash, bool node)
{
    size_t size = m->size ? m->size * 2 : 256;
    struct spot *more;

    if (seen(m, hash, node))
        return 0;
    if (m->ntodo == m->size) {
        if (!(more = realloc(m->todo, size * sizeof(*more))))
            return -ENOMEM;
        m->todo = more;
        m->size = size;
    }
    memcpy(m->todo[m->ntodo].hash, hash, NODE_HASH);
    m->todo[m->ntodo++].node = node;
    return 0;
}

/* ---- from memory ---- */

struct memory {
    struct mark *m;
    struct umap *visited; /* objects that are not stored, by address */
    struct obj **todo;
    size_t ntodo, size;
};

static int visit(struct memory *mem, struct obj *o)
{
    size_t size = mem->size ? mem->size * 2 : 64;
    struct obj **more;
    int rc;

    if (o->stored)
        return mark_add(mem->m, o->hash, o->kind != OBJ_BLOB);
    if ((rc = umap_add(mem->visited, (uintptr_t)o, o)) < 0)
        return rc == -EEXIST ? 0 : rc;
    if (mem->ntodo == mem->size) {
        if (!(more = realloc(mem->todo, size * sizeof(*more))))
            return -ENOMEM;
        mem->todo = more;
        mem->size = size;
    }
    mem->todo[mem->ntodo++] = o;
    return 0;
}

/* What an object that is not stored refers to: in memory, or in the store alone. */
static int visit_kids(struct memory *mem, struct obj *o)
{
    struct entry e;
    int rc = 0;

    if (o->kind == OBJ_BLOB)
        return 0;
    for (unsigned i = 0; rc == 0 && i < o->n; i++) {
        obj_entry(o, i, &e);
        if (o->kids && o->kids[i])
            rc = visit(mem, o->kids[i]);
        else if (e.hash)
            rc = mark_add(mem->m, e.hash, obj_kid_is_node(o, &e));
    }
    return rc;
}

static int visit_all(struct memory *mem, struct obj *root)
{
    int rc = visit(mem, root);

    while (rc == 0 && mem->ntodo > 0)
        rc = visit_kids(mem, mem->todo[--mem->ntodo]);
    return rc;
}

static int visit_ns(struct memory *mem, struct ns *ns)
{
    int rc = 0;

    if (ns->now.root)
        rc = visit_all(mem, ns->now.root);
    else if (!ns->creating)
        rc = mark_add(mem->m, ns->root_hash, true);
    if (rc == 0 && ns->next.root)
        rc = visit_all(mem, ns->next.root);
    list_each(v, &ns->versions, struct version, link)
    {
        if (rc == 0)
            rc = visit_all(mem, v->state.root);
    }
    return rc;
}

static int visit_exposed(struct obj *o, void *arg)
{
    return visit_all(arg, o);
}

static int visit_namespaces(struct memory *mem, struct kvs *kvs)
{
    uint64_t id;
    void *value;
    int rc = 0;

    for (size_t it = 0; rc == 0 && umap_next(kvs->ns_by_id, &it, &id, &value);)
        rc = visit_ns(mem, value);
    return rc < 0 ? rc : snapshot_each_exposed(kvs->snapshots, visit_exposed, mem);
}

int mark_add_memory(struct mark *m, struct kvs *kvs)
{
    struct memory mem = {.m = m, .visited = umap_new(NULL)};
    int rc = mem.visited ? visit_namespaces(&mem, kvs) : -ENOMEM;

    for (size_t i = 0; rc == 0 && i < kvs->os.nbuckets; i++)
        for (struct obj *o = kvs->os.buckets[i]; rc == 0 && o; o = o->next)
            if (o->stored)
                rc = mark_add(m, o->hash, o->kind != OBJ_BLOB);
    umap_free(mem.visited);
    free(mem.todo);
    return rc;
}

/* ---- from the store ---- */

static int add_root(const struct store_root *root, void *arg)
{
    return mark_add(arg, root->hash, true);
}

struct pins {
    struct mark *m;
    double now;
};

static int add_pin(const struct store_pin *pin, void *arg)
{
    struct pins *p = arg;

    return pin->expires > p->now ? mark_add(p->m, pin->hash, true) : 0;
}

int mark_add_store(struct mark *m, struct store_reader *r, double now)
{
    struct pins p = {.m = m, .now = now};
    int rc = store_reader_roots(r, add_root, m);

    return rc < 0 ? rc : store_reader_pins(r, add_pin, &p);
}

static int add_entries(struct mark *m, const struct node_head *h, const char *data,
                       size_t len)
{
    size_t pos = NODE_HEAD;
    int size, rc = 0;
    struct entry e;

    for (unsigned i = 0; rc == 0 && i < h->n; i++) {
        if ((size = entry_read(h->kind, data + pos, len - pos, &e)) < 0)
            return -EIO;
        pos += (size_t)size;
        if (e.hash)
            rc = mark_add(m, e.hash,
                          h->kind == NODE_ROPE ? h->level > 1 : e.type != ENTRY_BLOB);
    }
    return rc;
}

static int read_node(uint64_t gen, const void *data, size_t len, void *arg)
{
    unsigned char found[NODE_HASH];
    struct mark *m = arg;
    struct node_head h;

    m->bytes += len;
    sha256(data, len, found);
    if (memcmp(found, m->at, NODE_HASH) != 0 || node_head_read(data, len, &h) < 0)
        return -EIO;
    return add_entries(m, &h, data, len);
}

int mark_step(struct mark *m, struct store_reader *r)
{
    int rc = 0;

    m->bytes = 0;
    for (unsigned i = 0; m->ntodo > 0 && i < STEP_OBJECTS && m->bytes < STEP_BYTES; i++) {
        struct spot p = m->todo[--m->ntodo];

        if ((rc = umap_add(m->seen, key_of(p.hash, p.node), m)) == -EEXIST)
            continue;
        memcpy(m->at, p.hash, NODE_HASH);
        if (rc == 0 && p.node)
            rc = store_reader_blob(r, p.hash, read_node, m);
        if (rc < 0)
            return rc == -ENOENT ? -EIO : rc;
    }
    return m->ntodo == 0;
}
