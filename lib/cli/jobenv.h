/* The environment that a job gets: the submitter's, changed by rules. */
#ifndef FLUX_CLI_JOBENV_H
#define FLUX_CLI_JOBENV_H

#include <cjson/cJSON.h>

#include "cli/cli.h"

/* Build the environment object from environ and the options --env, --env-remove and
 * --env-file, in the order given. NULL after printing what is wrong.
 * Rules: `-PATTERN` removes, `^FILE` reads rules from a file, `VAR=VALUE` sets (with $VAR and
 * ${VAR} expanded), `PATTERN` copies from environ. Patterns are globs, or /regex/. */
cJSON *jobenv_build(struct cli *c, char *const *environ_);

extern const struct cli_option jobenv_options[];

#endif
