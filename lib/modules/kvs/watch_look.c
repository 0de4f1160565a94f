/* The looks of a watch: one version after the other, so that each gives at most one answer
 * and none is left out. A look may have to wait for objects; then those behind it wait.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "modules/kvs/answer.h"
#include "modules/kvs/watch_private.h"
#include "proto/blobref.h"

#define LOOKUP_FLAGS (FLUX_KVS_READDIR | FLUX_KVS_READLINK | FLUX_KVS_TREEOBJ)
#define BY_PIECES (FLUX_KVS_WATCH_APPEND | FLUX_KVS_STREAM)
#define PIECE (256u << 10) /* bytes of a streamed value in one answer */

static void look_free(struct watch *w, struct look *l)
{
    list_del(&l->link);
    obj_unref(&w->ws->kvs->os, l->root);
    free(l);
}

void kvs_watch_clear_looks(struct watch *w)
{
    list_each(l, &w->looks, struct look, link)
    {
        look_free(w, l);
    }
    if (w->current)
        look_free(w, w->current);
    w->current = NULL;
    if (w->lookup)
        lookup_drop(w->lookup);
    w->lookup = NULL;
    stages_clear(&w->stages);
}

int kvs_watch_add_look(struct watch *w, uint64_t version, struct obj *root, bool named,
                       bool appended)
{
    struct look *l = calloc(1, sizeof(*l));

    if (!l)
        return -ENOMEM;
    list_init(&l->link);
    l->version = version;
    l->root = obj_ref(root);
    l->named = named;
    l->appended = appended;
    list_append(&w->looks, &l->link);
    return 0;
}

/* ---- answers ---- */

static void send_sentinel(struct watch *w)
{
    struct buf out = {0};

    buf_adds(&out, "{\"val\":");
    answer_val(&out, NULL, 0);
    buf_addc(&out, '}');
    kvs_respond_buf(w->ws->kvs, w->msg, &out);
}

/* Is it what was answered last? */
static bool is_same(struct watch *w, const struct lookup *l)
{
    unsigned char hash[SHA256_SIZE];
    bool same;

    if (!(w->flags & (FLUX_KVS_WATCH_FULL | FLUX_KVS_WATCH_UNIQ)) && !w->mounted)
        return false;
    sha256(l->out.data, l->out.len, hash);
    same = w->seen && memcmp(hash, w->hash, sizeof(hash)) == 0;
    memcpy(w->hash, hash, sizeof(hash));
    return same;
}

/* All mounted directories are one as objects: nothing would ever be told. False: the watch
 * is over. */
static bool take_whole(struct watch *w, struct lookup *l)
{
    if (w->mounted && (w->flags & FLUX_KVS_TREEOBJ) && (w->flags & FLUX_KVS_WATCH) &&
        memmem(l->out.data, l->out.len, BLOBREF_MOUNTED_DIR,
               sizeof(BLOBREF_MOUNTED_DIR) - 1)) {
        kvs_watch_fail(w, EINVAL,
                       "a mounted directory has no reference that would change: watch "
                       "what it lists (FLUX_KVS_READDIR)");
        return false;
    }
    if (!is_same(w, l))
        lookup_finish(l);
    return w->seen = true;
}

/* A piece of the value, from where it was told so far. False: it is over. */
static bool take_piece(struct watch *w, struct lookup *l)
{
    bool first = !w->seen && !w->more;

    if (!first && !w->more &&
        (!w->current->appended || w->overwritten || l->total < w->told)) {
        kvs_watch_fail(w, EINVAL, "the value was overwritten, not appended to");
        return false;
    }
    if (first || l->total > w->told)
        lookup_finish(l);
    w->told += l->got;
    w->more = w->told < l->total;
    if (w->more || w->seen)
        return true;
    w->seen = true;
    w->overwritten = false;
    if (w->flags & FLUX_KVS_WATCH_INITIAL_SENTINEL)
        send_sentinel(w);
    return true;
}

/* Something was found. False: the watch is over. */
static bool take_answer(struct watch *w, struct lookup *l)
{
    if (w->flags & BY_PIECES) {
        if (!take_piece(w, l))
            return false;
    } else if (!take_whole(w, l))
        return false;
    if ((w->flags & FLUX_KVS_WATCH) || w->more)
        return true;
    if (w->flags & FLUX_KVS_STREAM)
        kvs_watch_fail(w, ENODATA, NULL);
    else
        kvs_watch_free(w);
    return false;
}

/* ---- looking ---- */

static void end_look(struct watch *w)
{
    look_free(w, w->current);
    w->current = NULL;
    if (list_empty(&w->looks) && !list_empty(&w->open_link))
        list_del(&w->open_link);
}

static void looked(struct lookup *l, int rc)
{
    struct watch *w = l->arg;

    w->lookup = NULL;
    if (rc == -ENOENT && kvs_watch_is_waiting(w))
        ; /* it waits */
    else if (rc < 0) {
        kvs_watch_fail(w, -rc, l->err.text);
        return;
    } else if (!take_answer(w, l))
        return;
    if (!w->more) {
        if (kvs_watch_stand_wide(w) < 0) {
            kvs_watch_fail(w, ENOMEM, NULL);
            return;
        }
        end_look(w);
    }
    if ((w->current || !list_empty(&w->looks) || w->gone || w->over) &&
        list_empty(&w->turn.link))
        turn_add(w->ws->kvs, &w->turn);
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
    l->foreign = w->foreign;
    if (w->flags & BY_PIECES) {
        l->from = w->told;
        l->max = w->flags & FLUX_KVS_STREAM ? PIECE : ANSWER_MAX;
        l->lines = w->flags & FLUX_KVS_WATCH_APPEND; /* logs are read by lines */
    }
    if (kvs_watch_is_wide(w)) {
        stages_clear(&w->stages);
        l->stages = &w->stages;
    }
    buf_reserve(&l->key, w->key.len + 1);
    if (w->key.len)
        buf_add(&l->key, w->key.data, w->key.len);
    if (!l->key.failed)
        return l;
    lookup_drop(l);
    return NULL;
}

/* The next look that can matter: one of a commit that named the key, unless all do. */
static struct look *next_look(struct watch *w)
{
    list_each(l, &w->looks, struct look, link)
    {
        if (!w->seen || l->named || w->guest || (w->flags & FLUX_KVS_WATCH_FULL)) {
            list_del(&l->link);
            return l;
        }
        w->overwritten |= !l->appended;
        look_free(w, l);
    }
    return NULL;
}

static void look(struct watch *w)
{
    struct look *current = w->current;

    if (!(w->lookup = make_lookup(w))) {
        kvs_watch_fail(w, ENOMEM, NULL);
        return;
    }
    if (kvs_watch_is_wide(w) && list_empty(&w->open_link))
        list_append(&w->ws->open, &w->open_link);
    lookup_in(w->lookup, w->id, current->version, current->root);
}

/* Who waits for what will not come learns that. */
static void end_over(struct watch *w)
{
    if (kvs_watch_is_waiting(w))
        kvs_watch_fail(w, ENOENT, "the job has ended without it");
    else
        kvs_watch_fail(w, ENODATA, NULL);
}

void kvs_watch_go_on(struct watch *w)
{
    if (w->lookup)
        return;
    if (!w->current)
        w->current = next_look(w);
    if (w->current)
        look(w);
    else if (w->gone)
        kvs_watch_fail(w, ENOTSUP, "the namespace was removed");
    else if (kvs_watch_is_over(w))
        end_over(w);
    else
        list_del(&w->open_link);
}

void kvs_watch_end_after_looks(struct watch *w)
{
    w->gone = true;
    kvs_watch_go_on(w);
}
