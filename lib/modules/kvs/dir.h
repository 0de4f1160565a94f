/* A directory: a balanced tree of leaves and inner nodes, by name. Changes go through an
 * edit, which copies what it changes; whoever has the root from before sees nothing of
 * them.
 *
 * -EAGAIN from any function: objects are missing, see `need`; what was done is to be
 * dropped, and done again when they have been loaded. So that the next try finds them,
 * they are hung into the tree as it was before the edit: nothing is copied before what is
 * below it has been looked for.
 */
#ifndef FLUX_MODULE_KVS_DIR_H
#define FLUX_MODULE_KVS_DIR_H

#include "modules/kvs/need.h"

struct edit {
    struct objs *os;
    uint64_t id;
    uint64_t version; /* that changed entries get */
    struct need need;
    bool (*is_closed)(struct slice key); /* keys that may not be written; NULL: none */
};

/* The leaf and the place in it of a name, borrowed. -ENOENT. */
int dir_find(struct objs *os, struct obj *root, struct slice name, struct need *need,
             struct obj **leaf, unsigned *i);
/* The same, in a leaf that the edit may change. */
int dir_find_edit(struct edit *e, struct obj **root, struct slice name, struct obj **leaf,
                  unsigned *i);
/* Insert or replace; the reference on kid (may be NULL) is taken over, always. */
int dir_put(struct edit *e, struct obj **root, const struct entry *entry,
            struct obj *kid);
int dir_delete(struct edit *e, struct obj **root, struct slice name); /* -ENOENT */

/* Entries in order. */
#define DIR_LEVELS NODE_LEVEL_MAX
struct dir_iter {
    struct objs *os;
    int depth;
    struct {
        struct obj *node; /* referenced */
        unsigned i;
    } at[DIR_LEVELS + 1];
};
void dir_iter_init(struct dir_iter *it, struct objs *os, struct obj *root);
void dir_iter_fini(struct dir_iter *it);
/* 1: the next entry, in *leaf at *i; 0: there are no more. After -EAGAIN it goes on from
 * where it stood. */
int dir_iter_next(struct dir_iter *it, struct need *need, struct obj **leaf, unsigned *i);

#endif
