/* --cc and --bcc: one submission a member of an id set. */
#ifndef FLUX_CLI_COPIES_H
#define FLUX_CLI_COPIES_H

#include <cjson/cJSON.h>
#include <flux/idset.h>

#include "cli/cli.h"

extern const struct cli_option copies_options[];

/* The ids of --cc or --bcc, or NULL when there is neither (*ret_cc then false). *ok is false after
 * a message. Free with idset_destroy(). */
struct idset *copies_ids(struct cli *c, bool *ret_cc, bool *ok);

/* A copy of jobspec for id: {cc} replaced in the command and in file names; with set_env,
 * FLUX_JOB_CC in the environment. NULL on ENOMEM. */
cJSON *copies_make(const cJSON *jobspec, unsigned id, bool set_env);
/* True when all copies would be the same text. */
bool copies_identical(const cJSON *jobspec, bool set_env);

#endif
