/* Removing ended jobs from the store, for good.
 *
 * purge {"age_limit":f,"num_limit":i,"batch":i,"force":b} -> {"count":i}: ended jobs
 *   older than age_limit seconds (-1: none), and the oldest beyond num_limit (-1: none),
 *   at most `batch` a call; without force they are only counted
 * purge-id {"ids":[I..] | "id":I,"force":b} -> {"count":i}
 */
#ifndef FLUX_JOB_MANAGER_PURGE_H
#define FLUX_JOB_MANAGER_PURGE_H

#include "modules/job-manager/manager.h"

void purge_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void purge_id_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);

#endif
