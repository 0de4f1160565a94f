/* What is missing. */
#include "modules/kvs/need.h"

#include <errno.h>
#include <string.h>

void need_add(struct need *need, const unsigned char *hash, bool node)
{
    if (need->n == NEED_MAX)
        return;
    memcpy(need->objs[need->n].hash, hash, NODE_HASH);
    need->objs[need->n++].node = node;
}

int need_kid(struct objs *os, struct obj *o, unsigned i, struct need *need,
             struct obj **ret)
{
    int rc = obj_kid(os, o, i, ret);
    struct entry e;

    if (rc == -EAGAIN) {
        obj_entry(o, i, &e);
        need_add(need, e.hash, obj_kid_is_node(o, &e));
    }
    return rc;
}
