/* Objects that somebody needs and that are not in memory: what -EAGAIN is about. */
#ifndef FLUX_MODULE_KVS_NEED_H
#define FLUX_MODULE_KVS_NEED_H

#include "modules/kvs/obj.h"

#define NEED_MAX 64

struct needed {
    unsigned char hash[NODE_HASH];
    bool node;
};

struct need {
    unsigned n;
    bool maybe; /* they may be gone: nothing is wrong then */
    struct needed objs[NEED_MAX];
};

/* The object below entry i, borrowed. -EAGAIN: it was added to `need` (unless that is
 * full); -EIO. */
int need_kid(struct objs *os, struct obj *o, unsigned i, struct need *need,
             struct obj **ret);
void need_add(struct need *need, const unsigned char *hash, bool node);

#endif
