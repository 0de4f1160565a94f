/* Objects: the nodes and blobs of the KVS in memory. An object's bytes are what is stored
 * under its hash (proto/kvsnode.h); beside them a node has the places of its entries,
 * and pointers to those objects below it that are in memory.
 *
 * An object that others may see never changes. One that was made by an edit may be
 * changed by that edit, until the edit is over (copy on write: obj_edit()).
 *
 * The hash of an object is made when somebody asks, and with it the hashes that its
 * bytes hold of the objects below: until then those are out of date. A hashed object can
 * be found by its hash as long as anyone refers to it.
 *
 * Functions return 0 or more, or -errno. Everything on one thread.
 */
#ifndef FLUX_MODULE_KVS_OBJ_H
#define FLUX_MODULE_KVS_OBJ_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/kvsnode.h"

#define OBJ_ENTRIES_MAX 64    /* of a node that we make */
#define OBJ_BYTES_MAX 8192    /* a node above is cut in two */
#define OBJ_LOAD_ENTRIES 4096 /* of a node that we accept */
#define OBJ_LOAD_BYTES 32768

enum obj_kind {
    OBJ_LEAF = NODE_LEAF,
    OBJ_INNER = NODE_INNER,
    OBJ_ROPE = NODE_ROPE,
    OBJ_BLOB,
};

struct obj {
    unsigned refs;
    uint8_t kind, level;
    bool hashed; /* hash is set, and those in its bytes are right */
    bool stored; /* it and all below it are in the store */
    uint16_t n;  /* entries */
    uint16_t room;
    uint32_t used;  /* objs->now when it was last looked at */
    uint64_t edit;  /* the edit that may change it */
    uint64_t count; /* entries below; bytes of a rope or blob */
    size_t len, size;
    char *data;
    uint16_t *off;     /* where each entry begins; NULL: a blob */
    struct obj **kids; /* by entry, NULL: not in memory; itself NULL: none is */
    struct obj *next;  /* of the same hash bucket */
    unsigned char hash[NODE_HASH];
};

/* All objects of one KVS. */
struct objs {
    struct obj **buckets; /* by hash */
    size_t nbuckets, nhashed;
    size_t bytes, count; /* of memory; objects */
    uint32_t now;
    uint64_t last_edit;
    struct buf scratch; /* an entry in the making */
};

int objs_init(struct objs *os);
void objs_fini(struct objs *os); /* all objects are gone */

/* An empty node, a blob. NULL: no memory. */
struct obj *obj_new_node(struct objs *os, enum obj_kind kind, unsigned level,
                         uint64_t edit);
struct obj *obj_new_blob(struct objs *os, const void *data, size_t len, uint64_t edit);
/* An object of the store: what it must be is known from where its hash was found. -EIO:
 * the bytes are not those of the hash, or not what they must be. */
int obj_load(struct objs *os, const unsigned char *hash, bool node, const void *data,
             size_t len, struct obj **ret);
struct obj *obj_ref(struct obj *o);
void obj_unref(struct objs *os, struct obj *o); /* accepts NULL */
/* A node, or a blob, of that hash, borrowed; NULL: not in memory. */
struct obj *obj_by_hash(struct objs *os, const unsigned char *hash, bool node);

/* Entry i. Its slices lie in the object. */
void obj_entry(const struct obj *o, unsigned i, struct entry *ret);
/* Where a key is or would be; *found says which. Leaves and inner nodes. */
unsigned obj_search(const struct obj *o, struct slice key, bool *found);
/* The child of an inner node that has or would have a key. */
unsigned obj_child(const struct obj *o, struct slice key);
/* The object below entry i, borrowed. -EAGAIN: it is not in memory; -EIO: it is not what
 * it must be. */
int obj_kid(struct objs *os, struct obj *o, unsigned i, struct obj **ret);
/* Is what stands below entries of that kind in o a node? */
bool obj_kid_is_node(const struct obj *o, const struct entry *e);
/* Forget the object below entry i, which is stored. */
void obj_drop_kid(struct objs *os, struct obj *o, unsigned i);

/* Make *slot an object that `edit` may change, which is a copy unless it is one. */
int obj_edit(struct objs *os, struct obj **slot, uint64_t edit);
/* Change one that may be changed. The reference on kid (may be NULL) is taken over, also
 * on failure; the entry's slices may lie in another object. */
int obj_insert(struct objs *os, struct obj *o, unsigned i, const struct entry *e,
               struct obj *kid);
int obj_replace(struct objs *os, struct obj *o, unsigned i, const struct entry *e,
                struct obj *kid);
int obj_remove(struct objs *os, struct obj *o, unsigned i);
/* Say how much is below entry i of an inner node or a rope: what its kid counts. */
int obj_recount(struct objs *os, struct obj *o, unsigned i);
/* Take the object below entry i out, to be put back with obj_put_kid(). */
struct obj *obj_take_kid(struct objs *os, struct obj *o, unsigned i);
int obj_put_kid(struct objs *os, struct obj *o, unsigned i, struct obj *kid);
/* Append bytes to a blob. */
int obj_blob_append(struct objs *os, struct obj *o, const void *data, size_t len);
/* Move the entries from `at` on to the end of another node. */
int obj_move(struct objs *os, struct obj *o, unsigned at, struct obj *to);
bool obj_is_full(const struct obj *o);
/* Give back the room that it does not use. */
void obj_trim(struct objs *os, struct obj *o);

/* Set o's hash; those of all objects below that are in memory are set. */
void obj_hash(struct objs *os, struct obj *o);

#endif
