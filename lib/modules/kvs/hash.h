/* Walks over a tree in memory, a bit at a time: hashing what is not hashed yet, children
 * first; and forgetting what nobody has looked at lately.
 */
#ifndef FLUX_MODULE_KVS_HASH_H
#define FLUX_MODULE_KVS_HASH_H

#include "modules/kvs/obj.h"

struct hasher {
    struct objs *os;
    struct obj *root; /* referenced */
    bool store;       /* all that is not stored is wanted, hashed or not */
    struct {
        struct obj *o;
        unsigned i;
    } * stack;
    size_t depth, size;
};

int hasher_init(struct hasher *h, struct objs *os, struct obj *root, bool store);
void hasher_fini(struct hasher *h); /* also of {0} */
/* Hash objects of some `bytes` in all; fn (may be NULL) sees each of them. 1: the root is
 * done; 0: there is more to do. */
typedef int (*hasher_f)(struct obj *o, void *arg);
int hasher_step(struct hasher *h, size_t bytes, hasher_f fn, void *arg);
/* All of it at once. */
int hash_tree(struct objs *os, struct obj *root);

/* Forget stored objects below root that were last used before `before`, until os->bytes
 * is not above limit. */
void forget_cold(struct objs *os, struct obj *root, uint32_t before, size_t limit);

#endif
