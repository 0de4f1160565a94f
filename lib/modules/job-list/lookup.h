/* job-list.list-id: one job by id. */
#ifndef FLUX_JOB_LIST_LOOKUP_H
#define FLUX_JOB_LIST_LOOKUP_H

#include "modules/job-list/list.h"

/* {"id":I,"attrs":[s],"state":i?} -> {"job":{}}; ENOENT. */
void job_list_lookup(struct job_list *jl, const flux_msg_t *msg);
void job_list_lookup_stop(struct job_list *jl); /* all of them */

#endif
