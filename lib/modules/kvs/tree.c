/* Following keys. */
#include "modules/kvs/tree.h"

#include <errno.h>
#include <string.h>

#include "proto/key.h"

void place_fini(struct place *p)
{
    buf_free(&p->key);
}

/* What a link makes of a key: its target, and the rest behind it. */
static int link_key(const struct entry *link, struct slice rest, struct place *p)
{
    int rc;

    p->key.len = 0;
    if (link->ns.len >= sizeof(p->ns))
        return -EINVAL;
    memcpy(p->ns, link->ns.p, link->ns.len);
    p->ns[link->ns.len] = '\0';
    if (buf_reserve(&p->key, link->val.len + rest.len + 1) < 0)
        return -ENOMEM;
    if ((rc = key_normalize(link->val.p, link->val.len, p->key.data, NULL)) < 0)
        return rc;
    p->key.len = (size_t)rc;
    if (rest.len && p->key.len)
        buf_addc(&p->key, '.');
    if (rest.len)
        buf_add(&p->key, rest.p, rest.len);
    return p->key.len > KEY_MAX ? -ENAMETOOLONG : 1;
}

int tree_walk(struct objs *os, struct obj *root, struct slice key, enum walk how,
              struct need *need, struct place *place)
{
    const char *p = key.p, *end = key.p + key.len;
    struct slice name;
    struct obj *dir = root;
    struct entry e;
    int rc;

    place->leaf = NULL;
    while (key_next(&p, end, &name.p, &name.len)) {
        if (how == WALK_PARENTS && p == end)
            return 0;
        if ((rc = dir_find(os, dir, name, need, &place->leaf, &place->i)) < 0)
            return rc;
        obj_entry(place->leaf, place->i, &e);
        if (e.type == ENTRY_LINK && (p < end || how == WALK_FOLLOW))
            return link_key(&e, (struct slice){p, (size_t)(end - p)}, place);
        if (p == end)
            return 0;
        if (e.type != ENTRY_DIR)
            return -ENOTDIR;
        if ((rc = need_kid(os, place->leaf, place->i, need, &dir)) < 0)
            return rc;
    }
    return 0;
}
