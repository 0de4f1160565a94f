/* job-info.lookup: pieces of a job from the store. */
#ifndef FLUX_JOB_INFO_LOOKUP_H
#define FLUX_JOB_INFO_LOOKUP_H

#include <flux/core.h>

#include "store/store.h"

/* {"id":I,"keys":[s],"flags":i} -> {"id":I,"<key>":...}. Keys: jobspec, R, eventlog, J. Flag 1: jobspec
 * and R as objects instead of text. */
void lookup_start(flux_t *h, struct store *store, const flux_msg_t *msg);

#endif
