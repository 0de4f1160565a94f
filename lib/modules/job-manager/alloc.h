/* The conversation with the scheduler (RFC 27), whoever registered "sched":
 *
 *   sched -> job-manager.sched-hello   stream of {"id","priority","userid","t_submit",
 *                                      "R"} of jobs that hold resources, ENODATA
 *   sched -> job-manager.sched-ready   {"mode":"unlimited"} or {"mode":"limited",
 *                                      "limit":n}, "batch":b? -> {"count":n}
 *
 * and then, one job a message, responses to sched.alloc coming with matchtag 0:
 *   sched.alloc {"id","priority","userid","t_submit","jobspec"} -> {"id","type","R"?,
 *     "annotations"?,"note"?}, sched.free {"id","R","final"}, sched.cancel {"id"}
 * or, "batch", all of a commit in a message that wants no response:
 *   sched.alloc {"jobs":[{"id","priority","userid","t_submit","duration","nnodes",
 *     "nslots","slots_per_node","cores","gpus","exclusive","queue"?,"constraint"?}..]},
 *   sched.free {"ids":[..]}, sched.cancel {"ids":[..]},
 *   sched -> job-manager.sched-results {"results":[{"id","type","R"?,"annotations"?,
 *     "note"?}..]}
 * In both: sched.prioritize {"jobs":[[id,priority]..]}, sched.expiration
 * {"id","expiration"}. type: 0 allocated, 1 annotations only, 2 denied, 3 cancelled.
 */
#ifndef FLUX_JOB_MANAGER_ALLOC_H
#define FLUX_JOB_MANAGER_ALLOC_H

#include "modules/job-manager/manager.h"

enum {
    ALLOC_SUCCESS = 0,
    ALLOC_ANNOTATE = 1,
    ALLOC_DENY = 2,
    ALLOC_CANCEL = 3,
};

int alloc_new(struct job_manager *jm, struct alloc **ret);
void alloc_destroy(struct alloc *a);

/* Bring the scheduler's idea of a job (whose events are on disk) up to date: ask for
 * it, change its priority, or take it back. */
void alloc_update(struct alloc *a, struct job *job);
/* The same for all pending jobs (the queue was started or stopped). */
void alloc_update_all(struct alloc *a);
/* Its resources are free. */
void alloc_free_R(struct alloc *a, struct job *job);
/* Send what was collected. */
void alloc_flush(struct alloc *a);
unsigned alloc_pending(const struct alloc *a);
size_t alloc_queued(const struct alloc *a);
/* Tell of a new expiration. */
void alloc_expiration(struct alloc *a, const struct job *job);

void alloc_hello_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void alloc_ready_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void alloc_results_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                      void *arg);
void alloc_response_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                       void *arg);
void alloc_query_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void alloc_resource_status_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg,
                              void *arg);
/* A sender went away: if it was the scheduler, wait for another. */
void alloc_disconnect(struct alloc *a, const flux_msg_t *msg);

#endif
