/* job-list.job-stats: totals. */
#ifndef FLUX_JOB_LIST_STATS_H
#define FLUX_JOB_LIST_STATS_H

#include "modules/job-list/list.h"

/* -> {"job_states":{...},"successful":i,"failed":i,"canceled":i,"timeout":i,
 * "inactive_purged":i,"queues":[]}. The purged ones are counted since the state began. */
void stats_start(struct job_list *jl, const flux_msg_t *msg);
void stats_stop(struct job_list *jl); /* all of them */

#endif
