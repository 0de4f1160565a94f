/* Where watches stand, and which of them a commit concerns. Each stands at its key; one
 * that follows whatever happens on the way (FULL, APPEND, and one that waits for its key)
 * also at the keys of all namespaces that the way goes through. While a look of such a
 * one is not over, its way is not known, and every commit, or end of a namespace, is taken
 * to concern it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "modules/kvs/commit_private.h"
#include "modules/kvs/watch_private.h"

static struct trie *trie_of(struct watches *ws, uint64_t id, bool make)
{
    struct trie *t = umap_get(ws->tries, id);

    if (t || !make)
        return t;
    if (!(t = calloc(1, sizeof(*t))) || umap_add(ws->tries, id, t) < 0) {
        free(t);
        return NULL;
    }
    return t;
}

bool kvs_watch_is_waiting(const struct watch *w)
{
    return (w->flags & FLUX_KVS_WAITCREATE) && !w->seen;
}

bool kvs_watch_is_wide(const struct watch *w)
{
    return (w->flags & (FLUX_KVS_WATCH_FULL | FLUX_KVS_WATCH_APPEND)) || w->guest ||
           kvs_watch_is_waiting(w);
}

/* ---- spots ---- */

static void spot_free(struct spot *sp)
{
    struct watches *ws = sp->w->ws;
    struct trie *t = sp->concern.trie;

    trie_remove(&sp->concern);
    if (!t->root)
        umap_del(ws->tries, sp->id);
    list_del(&sp->link);
    free(sp);
}

static struct spot *spot_new(struct watch *w, uint64_t id, struct slice key, bool wide)
{
    struct trie *t = trie_of(w->ws, id, true);
    struct spot *sp = t ? malloc(sizeof(*sp) + key.len) : NULL;

    if (!sp)
        return NULL;
    sp->w = w;
    sp->id = id;
    sp->len = key.len;
    if (key.len)
        memcpy(sp->key, key.p, key.len);
    list_init(&sp->link);
    list_init(&sp->concern.link);
    if (trie_add(t, key, wide, &sp->concern) == 0)
        return sp;
    free(sp);
    return NULL;
}

static void leave_wide(struct watch *w)
{
    list_each(sp, &w->wide, struct spot, link)
    {
        spot_free(sp);
    }
}

void kvs_watch_leave(struct watch *w)
{
    leave_wide(w);
    if (w->narrow)
        spot_free(w->narrow);
    w->narrow = NULL;
}

int kvs_watch_stand(struct watch *w)
{
    struct slice key = {w->key.data, w->key.len};

    w->narrow = spot_new(w, w->id, key, false);
    return w->narrow ? 0 : -ENOMEM;
}

/* Does it stand along the way already? */
static bool same_way(const struct watch *w)
{
    struct list *at = w->wide.next;

    list_each(st, &w->stages, struct stage, link)
    {
        const struct spot *sp = list_entry(at, struct spot, link);

        if (at == &w->wide || sp->id != st->id || sp->len != st->len ||
            memcmp(sp->key, st->key, st->len) != 0)
            return false;
        at = at->next;
    }
    return at == &w->wide;
}

int kvs_watch_stand_wide(struct watch *w)
{
    struct spot *sp;

    if (!kvs_watch_is_wide(w)) {
        leave_wide(w);
        return 0;
    }
    if (same_way(w))
        return 0;
    leave_wide(w);
    list_each(st, &w->stages, struct stage, link)
    {
        if (!(sp = spot_new(w, st->id, (struct slice){st->key, st->len}, true)))
            return -ENOMEM;
        list_append(&w->wide, &sp->link);
    }
    return 0;
}

/* ---- commits ---- */

struct hits {
    struct list list;
    uint8_t op;
};

static void add_hit(struct hits *h, struct watch *w)
{
    if (!list_empty(&w->hit_link))
        return;
    list_append(&h->list, &w->hit_link);
    w->hit_named = false;
    w->hit_appended = true;
}

static void hit_by_op(struct concern *c, void *arg)
{
    const struct spot *sp = CONTAINER_OF(c, struct spot, concern);
    struct watch *w = sp->w;
    struct hits *h = arg;

    add_hit(h, w);
    if (!c->wide)
        w->hit_named = true;
    if (w->guest && sp->id == w->id)
        return; /* what the namespace holds is put into the tree, as it is */
    if (h->op != REDO_APPEND)
        w->hit_appended = false;
}

static void hit_open(struct watches *ws, struct hits *h)
{
    list_each(w, &ws->open, struct watch, open_link)
    {
        add_hit(h, w);
    }
}

static void find_hits(const struct trie *t, const struct batch *b, struct hits *h)
{
    struct redo_item item;

    list_each(txn, &b->txns, struct txn, link)
    {
        for (size_t pos = 0; !txn->error && redo_next(txn->t.ops.data, txn->t.ops.len,
                                                      &pos, &item) > 0;) {
            h->op = item.op;
            trie_touch(t, item.key, hit_by_op, h);
        }
    }
    for (size_t pos = 0; redo_next(b->resolved.data, b->resolved.len, &pos, &item) > 0;) {
        h->op = item.op;
        trie_touch(t, item.key, hit_by_op, h);
    }
}

#if defined(MUTANT_WATCH_TWICE) || defined(MUTANT_WATCH_LESS) ||                         \
    defined(MUTANT_WATCH_ORDER)
/* For test/sim/kvs: a change is told twice, not at all, or after the next one. */
static bool tell_otherwise(struct watch *w, const struct ns *own)
{
    static unsigned n;

    if (!w->seen)
        return false;
#ifdef MUTANT_WATCH_TWICE
    if (++n % 20 == 0)
        kvs_watch_add_look(w, own->now.version, own->now.root, true, false);
    return false;
#elif defined(MUTANT_WATCH_LESS)
    return ++n % 20 == 0;
#else
    static struct watch *late;
    static struct obj *root;
    static uint64_t version;

    if (!late && ++n % 20 == 0) {
        late = w;
        version = own->now.version;
        root = obj_ref(own->now.root);
        return true;
    }
    if (late != w)
        return false;
    kvs_watch_add_look(w, own->now.version, own->now.root, true, false);
    kvs_watch_add_look(w, version, root, true, false);
    obj_unref(&w->ws->kvs->os, root);
    late = NULL;
    kvs_watch_go_on(w);
    return true;
#endif
}
#endif

/* Look at what its own namespace is now. */
static void take_hit(struct watch *w)
{
    const struct ns *own = ns_by_id(w->ws->kvs, w->id);
    bool all = (w->flags & FLUX_KVS_WATCH_FULL) || w->guest || kvs_watch_is_waiting(w);

    if (!own || !own->now.root)
        return; /* gone: kvs_watch_removed() tells it */
    if (!all && !w->hit_named && !w->current) {
        w->overwritten |= !w->hit_appended;
        return;
    }
#if defined(MUTANT_WATCH_TWICE) || defined(MUTANT_WATCH_LESS) ||                         \
    defined(MUTANT_WATCH_ORDER)
    if (tell_otherwise(w, own))
        return;
#endif
    if (kvs_watch_add_look(w, own->now.version, own->now.root, w->hit_named,
                           w->hit_appended) < 0)
        kvs_watch_fail(w, ENOMEM, NULL);
    else
        kvs_watch_go_on(w);
}

void kvs_watch_hit(struct watches *ws, const struct ns *ns, const struct batch *b)
{
    struct trie *t = trie_of(ws, ns->id, false);
    struct hits hits;

    list_init(&hits.list);
    if (t)
        find_hits(t, b, &hits);
    hit_open(ws, &hits);
    list_each(hit, &hits.list, struct watch, hit_link)
    {
        list_del(&hit->hit_link);
        take_hit(hit);
    }
}

static void hit_by_end(struct concern *c, void *arg)
{
    struct watch *w = CONTAINER_OF(c, struct spot, concern)->w;

    add_hit(arg, w);
}

void kvs_watch_hit_end(struct watches *ws, const struct ns *ns)
{
    struct trie *t = trie_of(ws, ns->id, false);
    struct hits hits;

    list_init(&hits.list);
    if (t)
        trie_each(t, hit_by_end, &hits);
    hit_open(ws, &hits);
    list_each(w, &hits.list, struct watch, hit_link)
    {
        list_del(&w->hit_link);
        if (w->id == ns->id)
            kvs_watch_end_after_looks(w);
        else
            take_hit(w);
    }
}
