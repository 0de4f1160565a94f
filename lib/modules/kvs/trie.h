/* Who is concerned by which keys: a tree of names, in which a change of a key finds those
 * that stand at it, above it and below it, at a cost that depends on the key and on them,
 * not on how many there are elsewhere.
 */
#ifndef FLUX_MODULE_KVS_TRIE_H
#define FLUX_MODULE_KVS_TRIE_H

#include <stdbool.h>

#include "base/list.h"
#include "base/map.h"
#include "base/slice.h"

struct trie_node;

struct trie {
    struct trie_node *root; /* NULL: empty */
};

/* Embedded in what is concerned. A wide one is concerned by changes above and below its
 * key as well, a narrow one only by one of its very key. */
struct concern {
    struct list link;
    struct trie *trie;
    struct trie_node *node; /* NULL: not in a trie */
    bool wide;
};

/* Put a concern at a key in normal form. -ENOMEM. */
int trie_add(struct trie *t, struct slice key, bool wide, struct concern *c);
void trie_remove(struct concern *c); /* harmless when it is in none */

/* Call fn for each that a change of this key concerns; fn must not change the trie. */
typedef void (*trie_f)(struct concern *c, void *arg);
void trie_touch(const struct trie *t, struct slice key, trie_f fn, void *arg);
/* Call fn for each. */
void trie_each(const struct trie *t, trie_f fn, void *arg);

#endif
