/* What this host has: cores by hwloc, gpus by what the kernel's drivers list.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_RESOURCE_DISCOVER_H
#define FLUX_RESOURCE_DISCOVER_H

#include <flux/idset.h>
#include <flux/types.h>

#include "env/env.h"

/* Cores that this process may use (restrict: also within its cpu binding), numbered from 0
 * as hwloc orders them, and the numbers of the gpus, NULL when there are none; both
 * yours. */
int discover_host(struct env *env, bool restrict_to_binding, struct idset **ret_cores,
                  struct idset **ret_gpus, flux_error_t *err);

#endif
