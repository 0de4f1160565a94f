/* The resource limits that a job gets: the submitter's soft limits, changed by rules. */
#ifndef FLUX_CLI_JOBLIMIT_H
#define FLUX_CLI_JOBLIMIT_H

#include <cjson/cJSON.h>

#include "cli/cli.h"

/* The rlimit object of the shell options ({"core":0,"fsize":-1,...}), from --rlimit rules:
 * `-PATTERN` removes, `PATTERN` adds the present value, `NAME=VALUE` sets (VALUE may be
 * "unlimited", "infinity"). NULL after printing what is wrong. */
cJSON *joblimit_build(struct cli *c);

extern const struct cli_option joblimit_options[];

#endif
