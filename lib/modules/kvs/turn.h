/* Work that takes long, a step in each turn of the loop. */
#ifndef FLUX_MODULE_KVS_TURN_H
#define FLUX_MODULE_KVS_TURN_H

#include "modules/kvs/kvs.h"

struct turns;
int turns_new(struct kvs *kvs, struct turns **ret);
void turns_free(struct turns *ts); /* accepts NULL */

/* Embedded in what is to be done. step() is called once a turn until it is removed. */
struct turn {
    struct list link;
    void (*step)(struct turn *t);
};
void turn_add(struct kvs *kvs, struct turn *t);
void turn_remove(struct turn *t); /* harmless when it is not there */

#endif
