/* New jobs: job-manager.submit {"jobs":[..]} (see proto/submit.h) -> {"ids":[id |
 * {"errnum":i,"errstr":s}..]}, answered when they are on disk. From job-ingest.
 */
#ifndef FLUX_JOB_MANAGER_SUBMIT_H
#define FLUX_JOB_MANAGER_SUBMIT_H

#include "base/buf.h"
#include "modules/job-manager/manager.h"

/* The answer to a submission when its jobs cannot be written: those that are not on disk yet
 * are refused. Others may be in it, whose nonces were sent again. Empty if it is none. */
void submit_refuse(struct job_manager *jm, const char *answer, int errnum,
                   const char *why, struct buf *out);

void submit_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);

#endif
