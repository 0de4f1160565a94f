/* What job-exec is configured to do: [exec] of the configuration, and module arguments.
 */
#ifndef FLUX_JOB_EXEC_CONFIG_H
#define FLUX_JOB_EXEC_CONFIG_H

#include "modules/job-exec/exec.h"

/* Defaults, then [exec], then job-shell=PATH. -EINVAL with the reason in err. */
int config_read(struct exec *x, int argc, char **argv, flux_error_t *err);

#endif
