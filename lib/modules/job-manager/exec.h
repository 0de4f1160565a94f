/* The conversation with the execution service (RFC 32), whoever says hello last:
 *
 *   exec -> job-manager.exec-hello {"service":s?,"batch":b?} -> {}
 *
 * and then, one job a message, responses to <service>.start coming with matchtag 0:
 *   <service>.start {"id","userid","jobspec","R","reattach"} -> {"id","type","data"}
 * or, "batch", requests that want no response:
 *   <service>.start {"jobs":[{the same}..]}
 *   exec -> job-manager.exec-results {"results":[{"id","type","data"}..]}
 * type: start, reattached, release {"ranks","final"}, exception {"severity","type",
 * "note"}, finish {"status",...}; stray: exec found a job that it was not told to start.
 * It will be, or it is over, and then acknowledged.
 * In both: <service>.cancel {"ids":[..],"reason"} ends jobs with an exception,
 * <service>.ack {"ids":[..]} says that their final release is on disk (until then exec
 * repeats finish and release), <service>.kill {"id","signum"}, <service>.expiration {"id","expiration"}.
 *
 * A start may be sent again, to a new execution service or after a restart: for a job
 * that runs it changes nothing and is answered with its present state. "reattach" says
 * that the job has been started before and must not be started anew, "maybe-started" that
 * it may have been: whatever runs it may have been told.
 */
#ifndef FLUX_JOB_MANAGER_EXEC_H
#define FLUX_JOB_MANAGER_EXEC_H

#include "modules/job-manager/manager.h"

int exec_new(struct job_manager *jm, struct exec **ret);
void exec_destroy(struct exec *e);

/* Bring the execution service up to date with a job whose events are on disk: start it,
 * or end it. */
void exec_update(struct exec *e, struct job *job);
/* The end of a job's execution is on disk. */
void exec_ack(struct exec *e, flux_jobid_t id);
void exec_expiration(struct exec *e, const struct job *job);
/* Send what was collected. */
void exec_flush(struct exec *e);
/* The service's name; NULL: there is none. */
const char *exec_service(const struct exec *e);

void exec_hello_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void exec_results_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void exec_disconnect(struct exec *e, const flux_msg_t *msg);

#endif
