/* The trie. A node lives as long as there is something at it or below it; it knows how
 * many wide concerns are below, so that a change does not search among narrow ones.
 */
#include "modules/kvs/trie.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proto/key.h"

struct trie_node {
    struct trie_node *parent;
    struct map *kids; /* by name; NULL: none ever */
    struct list narrow, wide;
    size_t nwide; /* at it and below it */
    char name[];
};

static struct trie_node *node_new(struct trie_node *parent, struct slice name)
{
    struct trie_node *n = malloc(sizeof(*n) + name.len + 1);

    if (!n)
        return NULL;
    n->parent = parent;
    n->kids = NULL;
    n->nwide = 0;
    list_init(&n->narrow);
    list_init(&n->wide);
    if (name.len)
        memcpy(n->name, name.p, name.len);
    n->name[name.len] = '\0';
    return n;
}

static struct trie_node *find_kid(const struct trie_node *n, struct slice name)
{
    char text[KEY_NAME_MAX + 1];

    if (!n->kids || name.len > KEY_NAME_MAX)
        return NULL;
    memcpy(text, name.p, name.len);
    text[name.len] = '\0';
    return map_get(n->kids, text);
}

/* Free nodes that nothing needs, from n up. */
static void prune(struct trie *t, struct trie_node *n)
{
    while (n && list_empty(&n->narrow) && list_empty(&n->wide) &&
           (!n->kids || map_count(n->kids) == 0)) {
        struct trie_node *parent = n->parent;

        if (parent)
            map_take(parent->kids, n->name);
        else
            t->root = NULL;
        map_free(n->kids);
        free(n);
        n = parent;
    }
}

static struct trie_node *make_kid(struct trie_node *n, struct slice name)
{
    struct trie_node *kid = find_kid(n, name);

    if (kid)
        return kid;
    if (!n->kids && !(n->kids = map_new(NULL)))
        return NULL;
    if (!(kid = node_new(n, name)))
        return NULL;
    if (map_add(n->kids, kid->name, kid) == 0)
        return kid;
    free(kid);
    return NULL;
}

int trie_add(struct trie *t, struct slice key, bool wide, struct concern *c)
{
    const char *p = key.p, *end = key.p + key.len;
    struct trie_node *n, *kid;
    struct slice name;

    if (!t->root && !(t->root = node_new(NULL, SLICE_NONE)))
        return -ENOMEM;
    n = t->root;
    while (key_next(&p, end, &name.p, &name.len)) {
        if (!(kid = make_kid(n, name))) {
            prune(t, n);
            return -ENOMEM;
        }
        n = kid;
    }
    c->trie = t;
    c->node = n;
    c->wide = wide;
    list_append(wide ? &n->wide : &n->narrow, &c->link);
    for (kid = n; wide && kid; kid = kid->parent)
        kid->nwide++;
    return 0;
}

void trie_remove(struct concern *c)
{
    struct trie_node *n = c->node;

    if (!n)
        return;
    list_del(&c->link);
    c->node = NULL;
    for (struct trie_node *up = n; c->wide && up; up = up->parent)
        up->nwide--;
    prune(c->trie, n);
}

static void call_list(const struct list *l, trie_f fn, void *arg)
{
    list_each(c, l, struct concern, link)
    {
        fn(c, arg);
    }
}

/* All below n, or the wide ones. The depth is that of a key. */
static void call_below(const struct trie_node *n, bool narrow, trie_f fn, void *arg)
{
    const char *name;
    void *value;

    for (size_t it = 0; n->kids && map_next(n->kids, &it, &name, &value);) {
        const struct trie_node *kid = value;

        if (!narrow && kid->nwide == 0)
            continue;
        call_list(&kid->wide, fn, arg);
        if (narrow)
            call_list(&kid->narrow, fn, arg);
        call_below(kid, narrow, fn, arg);
    }
}

void trie_touch(const struct trie *t, struct slice key, trie_f fn, void *arg)
{
    const char *p = key.p, *end = key.p + key.len;
    const struct trie_node *n = t->root;
    struct slice name;

    while (n && key_next(&p, end, &name.p, &name.len)) {
        call_list(&n->wide, fn, arg);
        n = find_kid(n, name);
    }
    if (!n)
        return;
    call_list(&n->wide, fn, arg);
    call_list(&n->narrow, fn, arg);
    if (n->nwide)
        call_below(n, false, fn, arg);
}

void trie_each(const struct trie *t, trie_f fn, void *arg)
{
    if (!t->root)
        return;
    call_list(&t->root->wide, fn, arg);
    call_list(&t->root->narrow, fn, arg);
    call_below(t->root, true, fn, arg);
}
