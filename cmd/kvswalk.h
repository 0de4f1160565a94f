/* All that an instance keeps, piece by piece, as the kvs module's services for dumps tell it:
 * `flux dump` and `flux fsck` go over it. */
#ifndef FLUX_CMD_KVSWALK_H
#define FLUX_CMD_KVSWALK_H

#include <stdbool.h>

#include <cjson/cJSON.h>
#include <flux/core.h>

#include "cli/cli.h"

/* Called for each, until one returns other than 0, which the walk returns. 1: after a message
 * of its own. */
typedef int (*kvswalk_key_f)(const cJSON *item, const char *key, const char *kind,
                             void *arg);
typedef int (*kvswalk_job_f)(cJSON *row, void *arg);

/* The items [key, kind, ...] below a root: "val", "link", "dir" and "bad" ones; with check,
 * "bad" ones alone. */
int kvswalk_keys(struct cli *c, flux_t *h, const char *rootref, bool check,
                 kvswalk_key_f fn, void *arg);
/* The rows of jobs, with their pieces. */
int kvswalk_jobs(struct cli *c, flux_t *h, kvswalk_job_f fn, void *arg);

/* Fulfilled when all that is acknowledged now is in a checkpoint. NULL, errno. */
flux_future_t *kvswalk_sync(flux_t *h);

#endif
