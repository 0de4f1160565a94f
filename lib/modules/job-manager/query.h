/* Requests that ask about jobs.
 *
 * list {"attrs":[s]?,"states":mask?,"id":I?,"userid":I?,"name":s?,"queue":s?,"since":f?,
 *   "max":i?} (stream) -> {"jobs":[{attr:value..}..]}.. ENODATA: the jobs in memory that the
 *   sender may see and of which all this holds, of those that have ended the ones that did
 *   so later than `since`; at most max; with the attributes of job-list
 * getattr {"id":I,"attrs":["jobspec"|"eventlog"|"R"|attribute..]} -> {name:value..}
 * getinfo -> {"max_jobid":I}
 * stats-get -> {"active_jobs":i,"inactive_jobs":i,"max_jobid":I,"states":{..},
 *   "journal":{"listeners":i,"events":I},..}
 * history.get {"userid":i?,"slice":"[start:stop]"} -> {"jobs":[id..]}, latest first
 */
#ifndef FLUX_JOB_MANAGER_QUERY_H
#define FLUX_JOB_MANAGER_QUERY_H

#include "modules/job-manager/manager.h"

void list_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void getattr_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void getinfo_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void stats_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void history_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);

#endif
