/* What the instance has to schedule, and where that is known from: what somebody told
 * (source.h); else R of the enclosing instance (enclosing.h); else what the brokers' hosts
 * have (gather.h), which grows as brokers come.
 *
 * A node's rank is that of the broker that runs on it. Functions return 0 or more, or
 * -errno, with the reason in err.
 */
#ifndef FLUX_RESOURCE_INVENTORY_H
#define FLUX_RESOURCE_INVENTORY_H

#include <flux/conf.h>
#include <flux/handle.h>
#include <flux/idset.h>

#include "env/env.h"
#include "modules/resource/gather.h"
#include "modules/resource/hosts.h"
#include "proto/rset.h"

/* The [resource] table. Strings are borrowed from the configuration. */
struct settings {
    const char *path, *exclude;
    const cJSON *config;
    int norestrict, noverify;
};

struct inventory_conf {
    flux_t *h;
    const flux_conf_t *conf;
    struct env *env;
    const struct hosts *hosts;
    const struct gather *gather;
    const struct rset *enclosing; /* NULL: there is no enclosing instance */
    const char *path;             /* read R from there; NULL: as configured */
};

struct inventory {
    const struct hosts *hosts; /* borrowed */
    struct rset *all;          /* everything, also what is excluded */
    struct rset *usable;       /* what a scheduler gets */
    struct idset *ranks;       /* of all nodes and brokers */
    struct idset *exclude;
    const char *method; /* for the event log: how it was found */
    bool fake;          /* nodes without brokers */
    bool dynamic;       /* it grows with what the brokers tell */
    bool verify;        /* hosts should be seen to have what they are said to have */
};

int inventory_settings(const flux_conf_t *conf, struct settings *set, flux_error_t *err);
int inventory_make(const struct inventory_conf *ic, struct inventory *ret,
                   flux_error_t *err);
void inventory_finish(struct inventory *inv);
/* Ranks of "0-3", or of host names "a[0-3]". -EINVAL: names the unknown one. */
int inventory_targets(const struct inventory *inv, const char *targets,
                      struct idset **ret, flux_error_t *err);
/* Host name of a rank, NULL: not known; borrowed. */
const char *inventory_host(const struct inventory *inv, unsigned rank);
/* Host names of ranks, in short form; yours. NULL on ENOMEM. */
char *inventory_hosts(const struct inventory *inv, const struct idset *ranks);

#endif
