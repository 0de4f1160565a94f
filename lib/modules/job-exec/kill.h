/* job-exec.kill: a signal for all tasks of a job, whatever ranks they run on; answered
 * when all shells have answered.
 */
#ifndef FLUX_JOB_EXEC_KILL_H
#define FLUX_JOB_EXEC_KILL_H

#include "modules/job-exec/exec.h"

void kill_request(struct exec *x, const flux_msg_t *msg);

#endif
