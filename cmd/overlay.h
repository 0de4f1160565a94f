/* What the parts of `flux overlay` share. */
#ifndef FLUX_CMD_OVERLAY_H
#define FLUX_CMD_OVERLAY_H

#include <cjson/cJSON.h>
#include <flux/core.h>
#include <flux/hostlist.h>
#include <flux/idset.h>

#include "cmds.h"

extern const struct cli_command overlay_status, overlay_errors;

/* overlay.c */
/* Hosts of all ranks in order; NULL after a message. */
struct hostlist *overlay_hosts(struct cli *c, flux_t *h);
const char *overlay_host(struct hostlist *hl, unsigned rank); /* "?": not known */
/* Ranks of "0-3" or of host names. NULL after a message. */
struct idset *overlay_targets(struct cli *c, struct hostlist *hl, const char *targets);
/* The tree below a rank: {"rank","size","children":[..]}; the future holds it. NULL after a
 * message. */
const cJSON *overlay_topology(struct cli *c, flux_t *h, unsigned rank, double timeout,
                              flux_future_t **ret_f);
unsigned overlay_rank_of(const cJSON *node);

#endif
