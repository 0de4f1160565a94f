/* From submission options to a jobspec (RFC 25 V1). */
#ifndef FLUX_CLI_JOBSPEC_H
#define FLUX_CLI_JOBSPEC_H

#include <cjson/cJSON.h>

#include "cli/cli.h"

/* The option tables that all submitting commands share, NULL-terminated. */
extern const struct cli_option cli_jobspec_options[];

/* The jobspec for the command in c's free arguments. Free with cJSON_Delete(). NULL after
 * printing what is wrong. */
cJSON *cli_jobspec_build(struct cli *c, char *const *environ_);

/* --urgency: 0-31, hold, default, expedite; --flags: debug, waitable, novalidate. */
bool cli_jobspec_urgency(struct cli *c, int *ret);
bool cli_jobspec_flags(struct cli *c, int *ret);

#endif
