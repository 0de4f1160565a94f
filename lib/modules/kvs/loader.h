/* Bringing objects into memory: at the leader from the store, at a follower from the broker
 * above (upstream.h). What was loaded stays for a while, so that whoever waited for it
 * finds it.
 */
#ifndef FLUX_MODULE_KVS_LOADER_H
#define FLUX_MODULE_KVS_LOADER_H

#include "modules/kvs/kvs.h"
#include "modules/kvs/need.h"

int loader_new(struct kvs *kvs, struct loader **ret);
void loader_free(struct loader *l); /* accepts NULL */

/* Load what is needed and call done: 0; -EIO one of them is not there, or damaged;
 * -ECANCELED the service ends; at a follower -EHOSTUNREACH, too. Never before it
 * returns. */
typedef void (*loader_f)(int rc, void *arg);
int loader_get(struct loader *l, const struct need *need, loader_f done, void *arg);

/* The bytes of an object have come, or not (rc): make it, and keep it for a while. -EIO. */
int loader_take(struct loader *l, const struct needed *what, bool maybe, int rc,
                const void *data, size_t len);

/* loader_get() within a read function of the store, at once. */
int loader_get_now(struct loader *l, struct store_reader *r, const struct need *need);

#endif
