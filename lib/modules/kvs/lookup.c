/* Lookups. One goes as far as it can; what it misses is loaded, and it goes on. What
 * takes long (a large directory) is done by turns.
 */
#include "modules/kvs/lookup.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "modules/kvs/answer.h"
#include "modules/kvs/hash.h"
#include "modules/kvs/loader.h"
#include "modules/kvs/lookup_private.h"
#include "modules/kvs/snapshot.h"
#include "proto/blobref.h"
#include "proto/key.h"

#define HASH_STEP (1u << 20) /* bytes hashed in one turn */
#define LIST_STEP 4096       /* entries listed in one turn */
#define OUT_MAX (60u << 20)  /* bytes of an answer */

void lookup_free(struct lookup *l)
{
    struct kvs *kvs = l->kvs;

    list_del(&l->link);
    list_del(&l->wait.link);
    kvs->nlate -= l->late;
    turn_remove(&l->turn);
    hasher_fini(&l->hasher);
    if (l->listing)
        dir_iter_fini(&l->iter);
    obj_unref(&kvs->os, l->dir);
    obj_unref(&kvs->os, l->root);
    place_fini(&l->place);
    flux_future_destroy(l->asked);
    buf_free(&l->extra);
    buf_free(&l->key);
    buf_free(&l->out);
    flux_msg_decref(l->msg);
    free(l);
}

/* ---- the end ---- */

static void add_root(struct lookup *l)
{
    char ref[BLOBREF_SIZE];

    blobref_print_version(l->id, l->version, ref);
    buf_addf(&l->out, ",\"rootref\":\"%s\"", ref);
}

static void add_versions(struct lookup *l)
{
    buf_adds(&l->out, ",\"rootseq\":");
    json_buf_int(&l->out, (int64_t)l->version);
    buf_adds(&l->out, ",\"version\":");
    json_buf_int(&l->out, (int64_t)l->key_version);
}

void lookup_finish(struct lookup *l)
{
    if (l->plus)
        add_root(l);
    if (l->plus || l->versions)
        add_versions(l);
    buf_addc(&l->out, '}');
    kvs_respond_buf(l->kvs, l->msg, &l->out);
}

void lookup_end(struct lookup *l, int rc)
{
    if (!l->dead)
        l->done(l, rc);
    lookup_free(l);
}

void lookup_drop(struct lookup *l)
{
    l->dead = true;
    if (!l->loading)
        lookup_free(l);
}

static void loaded(int rc, void *arg)
{
    struct lookup *l = arg;

    l->loading = false;
    if (rc < 0 || l->dead)
        lookup_end_loading(l, rc);
    else
        lookup_run(l);
}

static void load(struct lookup *l)
{
    int rc = loader_get(l->kvs->loader, &l->need, loaded, l);

    l->need.n = 0;
    l->loading = rc == 0;
    if (rc < 0)
        lookup_end(l, rc);
}

/* ---- what was found ---- */

static void add_name(struct lookup *l, struct slice name)
{
    if (l->out.data[l->out.len - 1] != '{')
        buf_addc(&l->out, ',');
    json_buf_str(&l->out, name.p, name.len);
    buf_addc(&l->out, ':');
}

/* Entries that are not in the tree, up to a name (NULL: all). True: it is one of them. */
static bool add_extra(struct lookup *l, const struct slice *name)
{
    struct slice all = {l->extra.data, l->extra.len}, k, v;
    size_t pos = l->extra_pos;
    int order = -1;

    while (all.len && slice_member(all, &pos, &k, &v) > 0) {
        if (name && (order = key_compare(k, *name)) > 0)
            return false;
        add_name(l, k);
        buf_add(&l->out, v.p, v.len);
        l->extra_pos = pos;
        if (order == 0)
            return true;
    }
    return false;
}

/* Entries of a directory, some in each turn. 1: all. */
static int list_some(struct lookup *l)
{
    int rc = 1;

    for (unsigned n = 0; n < LIST_STEP && l->out.len < OUT_MAX; n++) {
        struct entry e;
        size_t len;

        if (!l->leaf) {
            rc = dir_iter_next(&l->iter, &l->need, &l->leaf, &l->i);
            if (rc <= 0)
                return rc < 0 ? rc : 1;
        }
        obj_entry(l->leaf, l->i, &e);
        if (l->extra.len && add_extra(l, &e.key)) {
            l->leaf = NULL;
            continue;
        }
        len = l->out.len;
        add_name(l, e.key);
        rc = answer_entry(&l->kvs->os, l->leaf, l->i, &l->need, &l->out);
        if (rc < 0) {
            l->out.len = len;
            return rc;
        }
        l->leaf = NULL;
    }
    return l->out.len < OUT_MAX
               ? 0
               : error_set(&l->err, EFBIG,
                           "the directory is larger than an answer can be");
}

static int list(struct lookup *l)
{
    int rc;

    if (!l->listing) {
        dir_iter_init(&l->iter, &l->kvs->os, l->dir);
        l->listing = true;
        l->leaf = NULL;
        buf_adds(&l->out, "{\"val\":{\"data\":{");
    }
    if ((rc = list_some(l)) == 1)
        add_extra(l, NULL);
    if (rc == 1)
        buf_adds(&l->out, "},\"type\":\"dir\",\"ver\":1}");
    return rc;
}

/* The directory's hash, or its entries with theirs. 1: done. */
static int answer_dir(struct lookup *l)
{
    int rc;

    if (!l->hashing) {
        if ((rc = hasher_init(&l->hasher, &l->kvs->os, l->dir, false)) < 0)
            return rc;
        l->hashing = true;
    }
    if ((rc = hasher_step(&l->hasher, HASH_STEP, NULL, NULL)) <= 0)
        return rc;
    snapshot_expose(l->kvs->snapshots, l->dir);
    if (!(l->flags & FLUX_KVS_TREEOBJ))
        return list(l);
    buf_adds(&l->out, "{\"val\":");
    answer_dirref(&l->out, l->dir->hash);
    return 1;
}

static int found_dir(struct lookup *l, struct obj *dir)
{
    if (l->flags & FLUX_KVS_READLINK)
        return -EINVAL;
    if (!(l->flags & (FLUX_KVS_TREEOBJ | FLUX_KVS_READDIR)))
        return -EISDIR;
    l->dir = obj_ref(dir);
    return answer_dir(l);
}

/* A reference to a value of blobs needs their hashes. */
static int answer_object(struct lookup *l, struct obj *leaf, unsigned i)
{
    struct obj *kid = leaf->kids ? leaf->kids[i] : NULL;
    int rc;

    if (kid && (rc = hash_tree(&l->kvs->os, kid)) < 0)
        return rc;
    if (kid)
        snapshot_expose(l->kvs->snapshots, kid);
    return answer_entry(&l->kvs->os, leaf, i, &l->need, &l->out);
}

/* Bytes behind the last newline are left for the next part. */
static size_t whole_lines(const struct buf *value)
{
    const char *nl = value->len ? memrchr(value->data, '\n', value->len) : NULL;

    return nl ? (size_t)(nl - value->data) + 1 : value->len;
}

/* The value, or a part of it. */
static int answer_part(struct lookup *l, struct obj *leaf, unsigned i,
                       const struct entry *e)
{
    struct buf value = {0};
    int rc;

    l->total = e->type == ENTRY_VAL ? e->val.len : e->n;
    if (!l->from && !l->max)
        return answer_value(&l->kvs->os, leaf, i, &l->need, &l->out);
    rc = value_read(&l->kvs->os, leaf, i, l->from, l->max ? l->max : ANSWER_MAX, &l->need,
                    &value);
    if (rc == 0) {
        bool more = l->total > l->from + value.len;

        l->got = l->lines && more ? whole_lines(&value) : value.len;
        answer_val(&l->out, value.data, l->got);
    }
    buf_free(&value);
    return rc;
}

static int found_entry(struct lookup *l, struct obj *leaf, unsigned i)
{
    struct objs *os = &l->kvs->os;
    struct entry e;
    struct obj *dir;
    int rc;

    obj_entry(leaf, i, &e);
    l->key_version = e.version;
    if (e.type == ENTRY_DIR)
        return (rc = need_kid(os, leaf, i, &l->need, &dir)) < 0 ? rc : found_dir(l, dir);
    if (l->want_dir || (l->flags & FLUX_KVS_READDIR))
        return -ENOTDIR;
    if ((l->flags & FLUX_KVS_READLINK) && e.type != ENTRY_LINK)
        return -EINVAL;
    buf_adds(&l->out, "{\"val\":");
    if (e.type == ENTRY_LINK || (l->flags & FLUX_KVS_TREEOBJ))
        rc = answer_object(l, leaf, i);
    else
        rc = answer_part(l, leaf, i, &e);
    if (rc == -EFBIG)
        error_set(&l->err, EFBIG, "the value is longer than an answer can be");
    if (rc < 0)
        l->out.len = 0;
    return rc < 0 ? rc : 1;
}

/* ---- the way there ---- */

/* A link led to another namespace. */
static int cross(struct lookup *l)
{
    struct obj *root;
    struct ns *ns;
    int rc;

    if ((rc = lookup_find_ns(l, l->place.ns, &ns)) < 0)
        return rc;
    if (ns_authorize(ns, l->msg) < 0)
        return -EPERM;
    if ((rc = ns_root(ns, &l->need, &root)) < 0)
        return rc;
    obj_ref(root);
    obj_unref(&l->kvs->os, l->root);
    l->root = root;
    l->id = ns->id;
    l->version = ns->now.version;
    l->below = false;
    return 0;
}

static int follow(struct lookup *l)
{
    struct buf spare;
    int rc;

    if (l->links == TREE_LINKS_MAX)
        return -ELOOP;
    if (l->place.ns[0] && (rc = cross(l)) < 0)
        return rc;
    l->links++;
    spare = l->key;
    l->key = l->place.key;
    l->place.key = spare;
    return 0;
}

void stages_clear(struct list *stages)
{
    list_each(st, stages, struct stage, link)
    {
        list_del(&st->link);
        free(st);
    }
}

static int add_stage(struct lookup *l)
{
    struct slice key = {l->key.data, l->key.len};
    struct stage *st;

    if (!l->stages)
        return 0;
    if (!(st = malloc(sizeof(*st) + key.len)))
        return -ENOMEM;
    st->id = l->id;
    st->len = key.len;
    if (key.len)
        memcpy(st->key, key.p, key.len);
    list_append(l->stages, &st->link);
    return 0;
}

/* Before the walk of a key. As lookup_mount(). */
static int enter(struct lookup *l)
{
    uint64_t id = l->id;
    int rc;

    if ((rc = add_stage(l)) < 0 || (rc = lookup_mount(l)) != 0)
        return rc;
    return l->id == id ? 0 : add_stage(l);
}

/* 1: answered in l->out; 0: more to do in another turn; -EAGAIN and other errors. */
static int go(struct lookup *l)
{
    enum walk how =
        l->flags & (FLUX_KVS_READLINK | FLUX_KVS_TREEOBJ) ? WALK_STOP : WALK_FOLLOW;
    struct slice key;
    int rc;

    if (l->dir)
        return answer_dir(l);
    do {
        if ((rc = enter(l)) != 0)
            return rc;
        key = (struct slice){l->key.data, l->key.len};
        rc = tree_walk(&l->kvs->os, l->root, key, how, &l->need, &l->place);
    } while (rc == 1 && (rc = follow(l)) == 0);
    if (rc < 0)
        return rc;
    if (l->place.leaf)
        return found_entry(l, l->place.leaf, l->place.i);
    l->key_version = l->version;
    return found_dir(l, l->root);
}

static void step(struct turn *t)
{
    struct lookup *l = list_entry(t, struct lookup, turn);

    turn_remove(t);
    lookup_run(l);
}

void lookup_run(struct lookup *l)
{
    int rc = go(l);

    if (l->extra.len && (rc == -ENOENT || rc == -ENOTDIR))
        rc = lookup_answer_extra(l);
    if (rc == 1)
        lookup_end(l, 1);
    else if (rc == -EINPROGRESS)
        ;
    else if (rc == 0)
        turn_add(l->kvs, &l->turn);
    else if (rc == -EAGAIN)
        load(l);
    else
        lookup_end(l, rc);
}

/* ---- life ---- */

struct lookup *lookup_new(struct kvs *kvs, const flux_msg_t *msg)
{
    struct lookup *l = calloc(1, sizeof(*l));

    if (!l)
        return NULL;
    l->kvs = kvs;
    l->msg = flux_msg_incref(msg);
    list_init(&l->turn.link);
    l->turn.step = step;
    ns_wait_init(&l->wait, lookup_ready);
    list_append(&kvs->lookups, &l->link);
    return l;
}

void lookup_in(struct lookup *l, uint64_t id, uint64_t version, struct obj *root)
{
    l->id = id;
    l->version = version;
    l->root = obj_ref(root);
    lookup_run(l);
}

void lookup_cancel_all(struct kvs *kvs)
{
    list_each(l, &kvs->lookups, struct lookup, link)
    {
        if (!l->loading)
            lookup_end(l, -ENOSYS);
    }
}
