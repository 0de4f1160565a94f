/* Annotations of a job: what the scheduler and users hang on it for job-list.
 *
 * job-manager.memo {"id":I,"volatile":b?,"memo":{}} -> empty: keys of the memo show as
 * annotations.user; null removes one. Functions return 0 or more, or -errno.
 */
#ifndef FLUX_JOB_MANAGER_ANNOTATE_H
#define FLUX_JOB_MANAGER_ANNOTATE_H

#include "modules/job-manager/manager.h"

/* Merge a JSON object into the job's annotations, object into object; a null removes
 * a key. */
int annotate_merge(struct job *job, struct slice annotations);

void memo_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);

#endif
