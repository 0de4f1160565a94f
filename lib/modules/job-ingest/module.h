/* The module's entry, for the broker's table. */
#ifndef FLUX_JOB_INGEST_MODULE_H
#define FLUX_JOB_INGEST_MODULE_H

#include <flux/module.h>

extern const struct flux_module job_ingest_module;

#endif
