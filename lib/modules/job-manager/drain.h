/* Waiting for quiet. job-manager.drain -> {} when no job is active; job-manager.idle ->
 * {"pending":i} when none runs. Both when that is on disk.
 */
#ifndef FLUX_JOB_MANAGER_DRAIN_H
#define FLUX_JOB_MANAGER_DRAIN_H

#include "modules/job-manager/manager.h"

int drain_new(struct job_manager *jm, struct drain **ret);
void drain_free(struct drain *d);
/* Answer those whose wait is over. */
void drain_check(struct drain *d);
void drain_disconnect(struct drain *d, const flux_msg_t *msg);

void drain_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void idle_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);

#endif
