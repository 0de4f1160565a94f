/* Prefixes of the primary namespace that are not in its tree: what is below them belongs
 * to another service, which is asked.
 *
 *   SERVICE.kvs-lookup {"key":s,"flags":i} -> {"val":treeobj} or {"below":true}
 *
 * The key is the rest of it behind the prefix, in normal form; flags are those of a
 * lookup; the request has the credentials of who looks up, and the service decides what
 * is for them. "below" says that the key is in a job's own namespace, and that they may
 * read there.
 */
#ifndef FLUX_MODULE_KVS_MOUNT_H
#define FLUX_MODULE_KVS_MOUNT_H

#include <stdbool.h>

#include "base/slice.h"

struct mount {
    const char *name; /* no dots */
    const char *service;
};

/* The one that a key in normal form is in; *rest (may be NULL) is what the service is
 * asked for. NULL: none. */
const struct mount *mount_find(struct slice key, struct slice *rest);
/* Is it in one? Nobody writes there. */
bool mount_covers(struct slice key);
/* {"name":directory,...} of all of them, in order of their names. */
extern const char mount_entries[];

#endif
