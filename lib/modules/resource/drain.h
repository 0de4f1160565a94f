/* Nodes that an administrator took out of use: what runs there goes on, nothing new
 * starts.
 */
#ifndef FLUX_RESOURCE_DRAIN_H
#define FLUX_RESOURCE_DRAIN_H

#include <flux/idset.h>
#include <flux/types.h>

#include "base/json.h"

struct drained; /* the set of drained ranks, each with time and reason */

enum drain_mode {
    DRAIN_NEW,       /* ranks that are drained already are an error */
    DRAIN_OVERWRITE, /* give them a new time and reason */
    DRAIN_UPDATE,    /* give them a reason if they have none */
};

int drained_new(struct drained **ret);
void drained_free(struct drained *d); /* accepts NULL */
/* Nothing changes on failure. -EEXIST, with the reason; -ENOMEM. */
int drained_add(struct drained *d, const struct idset *ranks, double timestamp,
                const char *reason, enum drain_mode mode, flux_error_t *err);
/* -ENOENT: one is not drained; nothing changes. */
int drained_del(struct drained *d, const struct idset *ranks, flux_error_t *err);
/* The drained ranks, borrowed. */
const struct idset *drained_ranks(const struct drained *d);
/* Forget ranks that no longer exist. */
void drained_limit(struct drained *d, const struct idset *ranks);
/* {"<ranks>":{"timestamp":f,"reason":s}..}, ranks of equal time and reason together. */
cJSON *drained_json(const struct drained *d);

#endif
