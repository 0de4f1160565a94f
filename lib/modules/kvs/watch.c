/* Watches. Each stands in the trie of a namespace at its key (FULL, and one that waits
 * for its key to exist: at all keys that the way to it goes through). A commit finds those
 * that it concerns and hands each the root of its version; they look there, one version
 * after the other, so that each version gives at most one answer and none is left out.
 */
#include "modules/kvs/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/sha256.h"
#include "modules/kvs/commit_private.h"
#include "modules/kvs/lookup_private.h"
#include "modules/kvs/trie.h"

#define WATCH_KINDS (FLUX_KVS_WATCH | FLUX_KVS_WAITCREATE | FLUX_KVS_STREAM)
#define NEEDS_WATCH                                                                      \
    (FLUX_KVS_WATCH_FULL | FLUX_KVS_WATCH_UNIQ | FLUX_KVS_WATCH_APPEND)
#define LOOKUP_FLAGS (FLUX_KVS_READDIR | FLUX_KVS_READLINK | FLUX_KVS_TREEOBJ)
#define STREAM_PIECE (256u << 10)

/* A version in which to look. */
struct look {
    struct list link;
    uint64_t version;
    struct obj *root; /* referenced */
    bool appended;    /* the key was appended to, and nothing else */
};

/* A place in a trie. */
struct place_in {
    struct concern concern;
    struct list link; /* w->places */
    struct watch *w;
};

struct watch {
    struct list link;     /* ws->list */
    struct list hit_link; /* of those that a commit concerns */
    struct watches *ws;
    const flux_msg_t *msg;
    int flags;
    uint64_t id; /* of the namespace; 0: it does not exist yet */
    char *ns_name;
    struct buf key;
    bool want_dir;
    uint64_t min_version;
    bool versions; /* tell them */

    struct list places;
    struct list looks; /* still to be made */
    struct lookup *lookup; /* under way */
    struct look *current;
    bool hit_appended;
    bool seen; /* it has been answered once */
    bool ended;
    bool dropped; /* freed when the lookup comes back */
    unsigned char hash[SHA256_SIZE]; /* of the last answer */
    uint64_t length;                 /* of the last value */
    struct list stages;
};

struct watches {
    struct kvs *kvs;
    struct list list;
    struct umap *tries; /* by namespace */
};

static void free_trie(void *arg)
{
    free(arg);
}

int watches_new(struct kvs *kvs, struct watches **ret)
{
    struct watches *ws = calloc(1, sizeof(*ws));

    if (!ws || !(ws->tries = umap_new(free_trie))) {
        free(ws);
        return -ENOMEM;
    }
    ws->kvs = kvs;
    list_init(&ws->list);
    *ret = ws;
    return 0;
}

void watches_free(struct watches *ws)
{
    if (!ws)
        return;
    umap_free(ws->tries);
    free(ws);
}

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

/* ---- life ---- */

static void look_free(struct watch *w, struct look *l)
{
    list_del(&l->link);
    obj_unref(&w->ws->kvs->os, l->root);
    free(l);
}

static void clear_places(struct watch *w)
{
    list_each(p, &w->places, struct place_in, link)
    {
        trie_remove(&p->concern);
        list_del(&p->link);
        free(p);
    }
}

static void watch_free(struct watch *w)
{
    list_del(&w->link);
    list_del(&w->hit_link);
    clear_places(w);
    stages_clear(&w->stages);
    list_each(l, &w->looks, struct look, link)
    {
        look_free(w, l);
    }
    if (w->current)
        look_free(w, w->current);
    if (w->lookup)
        lookup_drop(w->lookup);
    flux_msg_decref(w->msg);
    buf_free(&w->key);
    free(w->ns_name);
    free(w);
}

static void watch_fail(struct watch *w, int errnum, const char *text)
{
    kvs_respond_error(w->ws->kvs, w->msg, errnum, text && *text ? "%s" : NULL, text);
    watch_free(w);
}

/* ---- places ---- */

static int add_place(struct watch *w, uint64_t id, struct slice key, bool wide)
{
    struct trie *t = trie_of(w->ws, id, true);
    struct place_in *p = t ? calloc(1, sizeof(*p)) : NULL;

    if (!p)
        return -ENOMEM;
    list_init(&p->concern.link);
    p->w = w;
    if (trie_add(t, key, wide, &p->concern) < 0) {
        free(p);
        return -ENOMEM;
    }
    list_append(&w->places, &p->link);
    return 0;
}

static bool is_waiting(const struct watch *w)
{
    return (w->flags & FLUX_KVS_WAITCREATE) && !w->seen;
}

static bool is_wide(const struct watch *w)
{
    return (w->flags & FLUX_KVS_WATCH_FULL) || is_waiting(w);
}

/* Stand where a change may change the answer. */
static int take_places(struct watch *w)
{
    int rc = 0;

    clear_places(w);
    if (!is_wide(w))
        return add_place(w, w->id, (struct slice){w->key.data, w->key.len}, false);
    list_each(st, &w->stages, struct stage, link)
    {
        if (rc == 0)
            rc = add_place(w, st->id, (struct slice){st->key, st->len}, true);
    }
    return rc;
}

/* ---- looking ---- */

static void look_next(struct watch *w);

static void send_sentinel(struct watch *w)
{
    struct buf out = {0};

    buf_adds(&out, "{\"val\":{\"data\":\"\",\"type\":\"val\",\"ver\":1}}");
    kvs_respond_buf(w->ws->kvs, w->msg, &out);
}

/* Is it what was answered last? */
static bool is_same(struct watch *w, const struct lookup *l)
{
    unsigned char hash[SHA256_SIZE];
    bool same;

    if (!(w->flags & (FLUX_KVS_WATCH_FULL | FLUX_KVS_WATCH_UNIQ)))
        return false;
    sha256(l->out.data, l->out.len, hash);
    same = w->seen && memcmp(hash, w->hash, sizeof(hash)) == 0;
    memcpy(w->hash, hash, sizeof(hash));
    return same;
}

/* Something was found. False: the watch is over. */
static bool take_answer(struct watch *w, struct lookup *l)
{
    bool first = !w->seen, append = w->flags & FLUX_KVS_WATCH_APPEND;

    if (append && !first && (!w->current->appended || l->total < w->length)) {
        watch_fail(w, EINVAL, "the value was not appended to but overwritten");
        return false;
    }
    if (!is_same(w, l) && !(append && !first && l->total == w->length))
        lookup_finish(l);
    w->length = l->total;
    w->seen = true;
    if (first && (w->flags & FLUX_KVS_WATCH_INITIAL_SENTINEL))
        send_sentinel(w);
    if (!(w->flags & FLUX_KVS_WATCH)) {
        watch_free(w);
        return false;
    }
    return true;
}

static void looked(struct lookup *l, int rc)
{
    struct watch *w = l->arg;

    w->lookup = NULL;
    if (rc == -ENOENT && is_waiting(w))
        ; /* it waits */
    else if (rc < 0) {
        watch_fail(w, -rc, l->err.text);
        return;
    } else if (!take_answer(w, l))
        return;
    if (take_places(w) < 0) {
        watch_fail(w, ENOMEM, NULL);
        return;
    }
    look_free(w, w->current);
    w->current = NULL;
    look_next(w);
}

static struct lookup *make_lookup(struct watch *w)
{
    struct lookup *l = lookup_new(w->ws->kvs, w->msg);

    if (!l)
        return NULL;
    l->done = looked;
    l->arg = w;
    l->flags = w->flags & LOOKUP_FLAGS;
    l->want_dir = w->want_dir;
    l->versions = w->versions;
    if (w->flags & FLUX_KVS_WATCH_APPEND)
        l->from = w->length;
    if (is_wide(w)) {
        stages_clear(&w->stages);
        l->stages = &w->stages;
    }
    if (buf_reserve(&l->key, w->key.len + 1) < 0) {
        lookup_drop(l);
        return NULL;
    }
    buf_add(&l->key, w->key.data, w->key.len);
    return l;
}

/* Look in the next version, unless it looks already. */
static void look_next(struct watch *w)
{
    struct look *look = list_first(&w->looks, struct look, link);

    if (w->current || !look)
        return;
    list_del(&look->link);
    w->current = look;
    if (!(w->lookup = make_lookup(w))) {
        watch_fail(w, ENOMEM, NULL);
        return;
    }
    lookup_in(w->lookup, w->id, look->version, look->root);
}

static int add_look(struct watch *w, uint64_t version, struct obj *root, bool appended)
{
    struct look *l = calloc(1, sizeof(*l));

    if (!l)
        return -ENOMEM;
    list_init(&l->link);
    l->version = version;
    l->root = obj_ref(root);
    l->appended = appended;
    list_append(&w->looks, &l->link);
    return 0;
}

/* ---- commits ---- */

struct hits {
    struct list list;
    uint8_t op;
    bool exact; /* the very key was named, in the watch's own namespace */
    struct slice key;
};

static bool names(const struct watch *w, struct slice key)
{
    return key.len == w->key.len && memcmp(key.p, w->key.data, key.len) == 0;
}

static void hit(struct concern *c, void *arg)
{
    struct place_in *p = CONTAINER_OF(c, struct place_in, concern);
    struct watch *w = p->w;
    struct hits *h = arg;

    if (list_empty(&w->hit_link)) {
        list_append(&h->list, &w->hit_link);
        w->hit_appended = true;
    }
    if (names(w, h->key) && h->op != REDO_APPEND)
        w->hit_appended = false;
}

/* The next key of a batch. */
bool batch_key(const struct buf *keys, size_t *pos, uint8_t *op, struct slice *key)
{
    uint16_t len;

    if (*pos >= keys->len)
        return false;
    *op = (uint8_t)keys->data[*pos];
    memcpy(&len, keys->data + *pos + 1, sizeof(len));
    *key = (struct slice){keys->data + *pos + 3, len};
    *pos += 3u + len;
    return true;
}

void watch_published(struct watches *ws, struct ns *ns, const struct buf *keys)
{
    struct trie *t = trie_of(ws, ns->id, false);
    struct hits hits;
    size_t pos = 0;
    struct ns *own;

    if (!t || !t->root)
        return;
    list_init(&hits.list);
    while (batch_key(keys, &pos, &hits.op, &hits.key))
        trie_touch(t, hits.key, hit, &hits);
    list_each(w, &hits.list, struct watch, hit_link)
    {
        list_del(&w->hit_link);
        own = ns_by_id(ws->kvs, w->id);
        if (own && own->now.root &&
            add_look(w, own->now.version, own->now.root, w->hit_appended) < 0)
            watch_fail(w, ENOMEM, NULL);
        else
            look_next(w);
    }
}

/* ---- requests ---- */

static void start_watch(struct watch *w, struct ns *ns);

static void start_loaded(int rc, void *arg)
{
    struct watch *w = arg;
    struct ns *ns = ns_by_id(w->ws->kvs, w->id);

    w->loading = false;
    if (w->dropped)
        watch_free(w);
    else if (rc < 0 || !ns)
        watch_fail(w, rc < 0 ? -rc : ENOTSUP, NULL);
    else
        start_watch(w, ns);
}
