/* Between the files that build a jobspec. */
#ifndef FLUX_CLI_JOBSPEC_IMPL_H
#define FLUX_CLI_JOBSPEC_IMPL_H

#include <cjson/cJSON.h>

#include "cli/cli.h"

/* Fill resources and tasks[0].count from the shape options. 0, or 1 after a message. */
int jobspec_set_shape(struct cli *c, cJSON *jobspec);
/* --requires (RFC 35) to attributes.system.constraints (RFC 31). */
int jobspec_set_requires(struct cli *c, cJSON *jobspec);

#endif
