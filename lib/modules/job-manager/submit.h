/* New jobs: job-manager.submit {"jobs":[..]} (see proto/submit.h) -> {"ids":[id |
 * {"errnum":i,"errstr":s}..]}, answered when they are on disk. From job-ingest.
 */
#ifndef FLUX_JOB_MANAGER_SUBMIT_H
#define FLUX_JOB_MANAGER_SUBMIT_H

#include "modules/job-manager/manager.h"

void submit_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);

#endif
