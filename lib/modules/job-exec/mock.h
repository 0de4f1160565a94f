/* Mock execution (attributes.system.exec.test): a job that is nothing but a timer.
 *   run_duration    FSD or seconds; default: the job's duration
 *   wait_status     how it ends; default 0
 *   mock_exception  "init" or "run": fail before, or instead of, running
 */
#ifndef FLUX_JOB_EXEC_MOCK_H
#define FLUX_JOB_EXEC_MOCK_H

#include "modules/job-exec/exec.h"

/* Is it a mock job? Then *ret is exec.test. */
bool mock_wanted(struct slice jobspec, struct slice *ret);
struct mock *mock_new(void); /* NULL on ENOMEM */
/* Begin; reattach: it was begun by an earlier instance. */
void mock_start(struct exec_job *job, struct slice test, struct slice entry,
                bool reattach);
void mock_kill(struct exec_job *job, int signum);
void mock_free(struct mock *m); /* accepts NULL */

#endif
