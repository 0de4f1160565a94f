/* A follower's objects come from the kvs module of the broker above, which has them or gets
 * them in the same way. What is missed in one turn of the loop is asked for together, and
 * an object that several miss once. Each object's bytes are checked against its hash.
 */
#ifndef FLUX_MODULE_KVS_UPSTREAM_H
#define FLUX_MODULE_KVS_UPSTREAM_H

#include "modules/kvs/loader.h"
#include "modules/kvs/need.h"

struct upstream;
int upstream_new(struct kvs *kvs, struct loader *l, struct upstream **ret);
void upstream_free(struct upstream *up); /* accepts NULL */

/* As loader_get(). */
int upstream_get(struct upstream *up, const struct need *need, loader_f done, void *arg);

#endif
