/* The queue: may jobs be submitted (enable), are they shown to the scheduler (start)?
 * There is one, without a name. Its state is kept in the store.
 *
 * job-manager.queue-list -> {"queues":[]}; queue-status {"name":s?} -> {"enable":b,
 * "start":b,"disable_reason":s?,"stop_reason":s?}; queue-enable {"name":s?,"enable":b,
 * "reason":s?,"all":b,"nocheckpoint":b?}; queue-start {"name":s?,"start":b,...}.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_JOB_MANAGER_QUEUE_H
#define FLUX_JOB_MANAGER_QUEUE_H

#include "modules/job-manager/manager.h"

int queue_new(struct job_manager *jm, struct queue **ret);
void queue_free(struct queue *q);
/* As it was saved: JSON text of queue-status; NULL: never. */
void queue_restore(struct queue *q, const char *saved);

/* NULL: enabled; else why not. */
const char *queue_disabled(const struct queue *q);
bool queue_started(const struct queue *q);
/* Does the queue a job names exist? -EINVAL. name: JSON string, or none. */
int queue_check(const struct queue *q, struct slice name, flux_error_t *err);

void queue_list_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void queue_status_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void queue_enable_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void queue_start_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);

#endif
