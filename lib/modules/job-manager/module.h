/* The module's entry, for the broker's table. */
#ifndef FLUX_JOB_MANAGER_MODULE_H
#define FLUX_JOB_MANAGER_MODULE_H

#include <flux/module.h>

extern const struct flux_module job_manager_module;

/* Instead of fini: free, and write nothing more, as when the broker is killed. For
 * tests. */
void job_manager_abandon(flux_t *h, void *ctx);

#endif
