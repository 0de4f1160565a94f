/* Removing ended jobs from the store, for good.
 *
 * purge {"age_limit":f,"num_limit":i,"batch":i,"force":b} -> {"count":i}: ended jobs
 *   older than age_limit seconds (-1: none), and the oldest beyond num_limit (-1: none),
 *   at most `batch` a call; without force they are only counted
 * purge-id {"ids":[I..] | "id":I,"force":b} -> {"count":i}
 *
 * job-manager.inactive-age-limit and inactive-num-limit in the configuration do the same
 * without being asked. One purge is under way at a time, and it removes a few hundred jobs a
 * commit, so that nobody's acknowledgement waits for a large one.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_JOB_MANAGER_PURGE_H
#define FLUX_JOB_MANAGER_PURGE_H

#include "modules/job-manager/manager.h"

/* How many jobs were ever removed, in the store. */
#define PURGED_META "job-manager.purged"

int purger_new(struct job_manager *jm, struct purger **ret);
void purger_free(struct purger *pg); /* accepts NULL */
/* Take the limits out of the configuration. -EINVAL: they keep what they were. */
int purger_configure(struct purger *pg, const flux_conf_t *conf, flux_error_t *err);
/* There are more ended jobs; jobs were removed, on disk; nothing can be any more. */
void purger_ended(struct purger *pg);
void purger_stored(struct purger *pg);
void purger_failed(struct purger *pg);

void purge_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void purge_id_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);

#endif
