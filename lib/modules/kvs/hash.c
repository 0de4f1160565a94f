/* Walks over trees. They have a stack of their own: a tree may be deeper than ours. */
#include "modules/kvs/hash.h"

#include <errno.h>
#include <stdlib.h>

static int push(struct hasher *h, struct obj *o)
{
    size_t size = h->size ? h->size * 2 : 16;
    void *more;

    if (h->depth == h->size) {
        if (!(more = realloc(h->stack, size * sizeof(*h->stack))))
            return -ENOMEM;
        h->stack = more;
        h->size = size;
    }
    h->stack[h->depth].o = o;
    h->stack[h->depth++].i = 0;
    return 0;
}

static bool wanted(const struct hasher *h, const struct obj *o)
{
    return h->store ? !o->stored : !o->hashed;
}

int hasher_init(struct hasher *h, struct objs *os, struct obj *root, bool store)
{
    *h = (struct hasher){.os = os, .store = store};
    h->root = obj_ref(root);
    return wanted(h, root) ? push(h, root) : 0;
}

void hasher_fini(struct hasher *h)
{
    free(h->stack);
    if (h->root)
        obj_unref(h->os, h->root);
    *h = (struct hasher){0};
}

/* The next kid of the object on top that is wanted; NULL: none is left. */
static struct obj *next_kid(struct hasher *h)
{
    struct obj *o = h->stack[h->depth - 1].o;

    while (o->kids && h->stack[h->depth - 1].i < o->n) {
        struct obj *kid = o->kids[h->stack[h->depth - 1].i++];

        if (kid && wanted(h, kid))
            return kid;
    }
    return NULL;
}

int hasher_step(struct hasher *h, size_t bytes, hasher_f fn, void *arg)
{
    struct obj *kid;
    size_t done = 0;
    int rc;

    while (h->depth > 0 && done < bytes) {
        struct obj *o = h->stack[h->depth - 1].o;

        if ((kid = next_kid(h))) {
            if ((rc = push(h, kid)) < 0)
                return rc;
            continue;
        }
        obj_hash(h->os, o);
        done += o->len;
        if (fn && (rc = fn(o, arg)) < 0)
            return rc;
        h->depth--;
    }
    return h->depth == 0;
}

int hash_tree(struct objs *os, struct obj *root)
{
    struct hasher h;
    int rc = hasher_init(&h, os, root, false);

    if (rc == 0)
        rc = hasher_step(&h, SIZE_MAX, NULL, NULL);
    hasher_fini(&h);
    return rc < 0 ? rc : 0;
}

void forget_cold(struct objs *os, struct obj *root, uint32_t before, size_t limit)
{
    struct hasher walk = {.os = os};

    if (push(&walk, root) < 0)
        return;
    while (walk.depth > 0 && os->bytes > limit) {
        struct obj *o = walk.stack[walk.depth - 1].o;
        unsigned i = walk.stack[walk.depth - 1].i++;
        struct obj *kid;

        if (!o->kids || i >= o->n) {
            walk.depth--;
            continue;
        }
        if (!(kid = o->kids[i]))
            continue;
        /* Of one that was stored for a reference, the node above may not know the hash. */
        if (o->hashed && kid->stored && (int32_t)(kid->used - before) < 0)
            obj_drop_kid(os, o, i);
        else if (kid->kids && push(&walk, kid) < 0)
            break;
    }
    free(walk.stack);
}
