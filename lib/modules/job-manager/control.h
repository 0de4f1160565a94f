/* Requests that act on active jobs, for their owners and the instance's:
 *
 * urgency {"id":I,"urgency":i} -> {"old_urgency":i}      (control_urgency.c)
 * raise {"id":I,"severity":i,"type":s,"note":s?,"wait_status":i?} -> {}
 * raiseall {"dry_run":b,"userid":i,"states":i,"severity":i,"type":s,"note":s?}
 *   -> {"count":i,"errors":i}                            (control_raise.c)
 * kill {"id":I,"signum":i} -> {}; killall {"dry_run":b,"userid":i,"signum":i}
 *   -> {"count":i,"errors":i}                            (control_kill.c)
 * update {"id":I,"updates":{key:value..}} -> {}          (control_update.c)
 */
#ifndef FLUX_JOB_MANAGER_CONTROL_H
#define FLUX_JOB_MANAGER_CONTROL_H

#include "modules/job-manager/manager.h"

void urgency_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void raise_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void raiseall_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void kill_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void killall_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void update_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);

/* Give up on requests that were passed on. */
void control_give_up(struct job_manager *jm);

/* The active job of a request, if the sender may act on it; else NULL after answering:
 * ENOENT, or EPERM with `eperm`. */
struct job *control_job(struct job_manager *jm, const flux_msg_t *msg, flux_jobid_t id,
                        const char *eperm);

#endif
