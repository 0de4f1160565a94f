/* Bringing objects into memory: from the store. What was loaded stays for a while, so that
 * whoever waited for it finds it.
 */
#ifndef FLUX_MODULE_KVS_LOADER_H
#define FLUX_MODULE_KVS_LOADER_H

#include "modules/kvs/kvs.h"

int loader_new(struct kvs *kvs, struct loader **ret);
void loader_free(struct loader *l); /* accepts NULL */

/* Load what is needed and call done: 0; -EIO one of them is not there, or damaged;
 * -ECANCELED the service ends. Never before it returns. */
typedef void (*loader_f)(int rc, void *arg);
int loader_get(struct loader *l, const struct need *need, loader_f done, void *arg);

/* The same within a read function of the store, at once. */
int loader_get_now(struct loader *l, struct store_reader *r, const struct need *need);

#endif
