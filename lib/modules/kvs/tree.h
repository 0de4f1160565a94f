/* The tree of a namespace: directories in directories. Its root is an object like any
 * other; whoever refers to one has a snapshot.
 *
 * -EAGAIN: as in dir.h.
 */
#ifndef FLUX_MODULE_KVS_TREE_H
#define FLUX_MODULE_KVS_TREE_H

#include "modules/kvs/rope.h"
#include "proto/redo.h"

#define TREE_LINKS_MAX 10 /* links followed for one key */

/* Where a key led to. {0} to begin with. */
struct place {
    struct obj *leaf; /* borrowed; NULL: the root itself */
    unsigned i;
    /* A link on the way: the key that it makes of the rest of the way, in normal form,
     * and its namespace ("": the same one). */
    struct buf key;
    char ns[REDO_NAMESPACE_MAX + 1];
};
void place_fini(struct place *p);

enum walk {
    WALK_FOLLOW,  /* all of it, through a link at the end */
    WALK_STOP,    /* all of it; a link at the end is what is looked for */
    WALK_PARENTS, /* all but the last name: only to see whether there are links */
};
/* Follow a key in normal form. 0: p->leaf and p->i; 1: a link, see above. -ENOENT,
 * -ENOTDIR. */
int tree_walk(struct objs *os, struct obj *root, struct slice key, enum walk how,
              struct need *need, struct place *p);

/* Do one operation. Links in the key are followed within the namespace; what lies in the
 * way is overwritten. `resolved` (emptied) gets the key that was changed when links led
 * elsewhere. -EINVAL: the root; a link to another namespace. -ELOOP, -EISDIR (append),
 * -EOPNOTSUPP (append to a link), -EFBIG, -EROFS: such a key may not be written. */
int tree_apply(struct edit *e, struct obj **root, const struct redo_item *op,
               struct buf *resolved);
/* Look for what an operation will need, and change nothing: -EAGAIN when objects are
 * missing. For those of a long edit, which would be asked for one by one. */
int tree_prepare(struct edit *e, struct obj *root, const struct redo_item *op);

#endif
