/* A walk over the keys below a root of the KVS, in their order, read from the store alone:
 * for dumps and checks. It may be cut into pieces anywhere: a cursor says where it was.
 */
#ifndef FLUX_STORE_WALK_H
#define FLUX_STORE_WALK_H

#include "base/buf.h"
#include "base/slice.h"
#include "store/kvs.h"

enum walk_kind {
    WALK_VAL,
    WALK_LINK,
    WALK_DIR, /* an empty one; others show by what is in them */
    WALK_BAD, /* something at or below this key cannot be read */
};

struct walk_item {
    enum walk_kind kind;
    const char *key; /* in normal form */
    uint64_t offset; /* of data in a large value, which comes in several pieces */
    uint64_t size;   /* of the value */
    struct slice data;
    struct slice ns, target; /* link */
    const char *why;         /* bad */
    const unsigned char *hash;
};

/* {0} to begin with. */
struct walk_cursor {
    struct buf key;  /* the last one given, if `begun` */
    uint64_t offset; /* where to go on in it; 0: behind it */
    bool begun;
};
void walk_cursor_free(struct walk_cursor *c);

struct walk_how {
    const void *root; /* hash */
    bool check;       /* look at all there is, but give what is bad only */
    size_t bytes;     /* stop when about so many have been looked at */
};

/* Go on from the cursor, which is moved. 1: there may be more; 0: that was all. A non-zero
 * return of fn stops and is returned; so is -ENOMEM. */
typedef int (*walk_f)(const struct walk_item *item, void *arg);
int store_walk(struct store_reader *r, const struct walk_how *how, struct walk_cursor *c,
               walk_f fn, void *arg);

#endif
