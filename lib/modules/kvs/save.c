/* Saving trees. */
#include "modules/kvs/save.h"

#include <errno.h>
#include <stdlib.h>

#include "modules/kvs/hash.h"

#define STEP_BYTES (256u << 10)

struct save {
    struct list link; /* kvs->saves */
    struct kvs *kvs;  /* NULL: cancelled */
    struct hasher hasher;
    struct obj **objs; /* of the transaction under way, referenced */
    size_t nobjs, size;
    struct store_txn *txn;
    bool last;
    save_f done;
    void *arg;
};

static void release_objs(struct save *s)
{
    for (size_t i = 0; i < s->nobjs; i++)
        obj_unref(s->hasher.os, s->objs[i]);
    s->nobjs = 0;
}

static void save_free(struct save *s)
{
    list_del(&s->link);
    store_txn_free(s->txn);
    release_objs(s);
    hasher_fini(&s->hasher);
    free(s->objs);
    free(s);
}

static int add_obj(struct obj *o, void *arg)
{
    struct save *s = arg;

    if (s->nobjs == s->size) {
        size_t size = s->size ? s->size * 2 : 64;
        struct obj **objs = realloc(s->objs, size * sizeof(*objs));

        if (!objs)
            return -ENOMEM;
        s->objs = objs;
        s->size = size;
    }
    s->objs[s->nobjs++] = obj_ref(o);
    return store_txn_blob(s->txn, o->hash, s->kvs->generation, o->data, o->len);
}

static void step_done(int error, void *arg);

static int step(struct save *s)
{
    int rc;

    if (!(s->txn = store_txn_new(s->kvs->store)))
        return -ENOMEM;
    if ((rc = hasher_step(&s->hasher, STEP_BYTES, add_obj, s)) < 0)
        return rc;
    s->last = rc == 1;
    s->kvs->stats.blobs += s->nobjs;
    rc = store_commit(s->kvs->store, s->txn, step_done, s);
    s->txn = NULL;
    return rc;
}

static void finish(struct save *s, int rc)
{
    save_f done = s->done;
    void *arg = s->arg;

    save_free(s);
    done(rc, arg);
}

static void step_done(int error, void *arg)
{
    struct save *s = arg;
    int rc = error;

    if (!s->kvs) { /* cancelled */
        free(s);
        return;
    }
    for (size_t i = 0; error == 0 && i < s->nobjs; i++)
        s->objs[i]->stored = s->objs[i]->hashed;
    release_objs(s);
    if (rc == 0 && !s->last && (rc = step(s)) == 0)
        return;
    finish(s, rc);
}

int save_start(struct kvs *kvs, struct obj *root, save_f done, void *arg)
{
    struct save *s = calloc(1, sizeof(*s));
    int rc;

    if (!s)
        return -ENOMEM;
    s->kvs = kvs;
    s->done = done;
    s->arg = arg;
    list_append(&kvs->saves, &s->link);
    if ((rc = hasher_init(&s->hasher, &kvs->os, root, true)) < 0 || (rc = step(s)) < 0)
        save_free(s);
    return rc;
}

void save_cancel_all(struct kvs *kvs)
{
    list_each(s, &kvs->saves, struct save, link)
    {
        list_del(&s->link);
        release_objs(s);
        hasher_fini(&s->hasher);
        free(s->objs);
        s->kvs = NULL;
        s->done(-ECANCELED, s->arg);
        /* What is left goes when the store answers. */
    }
}
