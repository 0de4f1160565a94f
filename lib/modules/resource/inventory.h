/* What the instance has to schedule, and where that is known from:
 *
 *   [fake-resources] nnodes cores-per-node(64) gpus-per-node host-prefix("fake")
 *                    a made-up cluster for tests of scheduling; its nodes are all online
 *   attribute test.cores = M
 *                    M cores on each broker, whatever its host has
 *   [resource] path  a file that holds R
 *   [resource] config = [{hosts, cores, gpus, properties}...]
 *   otherwise        discovery on this host
 *
 * Functions return 0 or more, or -errno, with the reason in err.
 */
#ifndef FLUX_RESOURCE_INVENTORY_H
#define FLUX_RESOURCE_INVENTORY_H

#include <flux/conf.h>
#include <flux/handle.h>
#include <flux/idset.h>

#include "env/env.h"
#include "proto/rset.h"

struct inventory {
    struct rset *all;    /* everything, also what is excluded */
    struct rset *usable; /* what a scheduler gets */
    struct idset *ranks; /* of all */
    struct idset *exclude;
    const char *method; /* for the event log: how it was found */
    bool fake;          /* nodes without brokers */
    char *missing;      /* what this host lacks of what it should have; NULL: nothing */
};

/* path: read R from there instead ([resource] path); NULL: as configured. */
int inventory_make(flux_t *h, const flux_conf_t *conf, struct env *env, const char *path,
                   struct inventory *ret, flux_error_t *err);
void inventory_finish(struct inventory *inv);
/* Ranks of "0-3", or of host names "a[0-3]". -EINVAL: names the unknown one. */
int inventory_targets(const struct inventory *inv, const char *targets,
                      struct idset **ret, flux_error_t *err);
/* Host names of ranks, in short form; yours. NULL on ENOMEM. */
char *inventory_hosts(const struct inventory *inv, const struct idset *ranks);

#endif
