/* A job on one rank: what its shell says of it, and what that means for the whole job.
 */
#ifndef FLUX_JOB_EXEC_PART_H
#define FLUX_JOB_EXEC_PART_H

#include "modules/job-exec/exec.h"

/* Make the parts of a job by its R and let them wait for their shells. -EPROTO: R makes
 * no sense; -ENOMEM. */
int parts_make(struct exec_job *job, struct slice R);
void parts_free(struct exec_job *job);
/* The one of a rank; NULL: there is none. */
struct exec_part *part_of(struct exec_job *job, unsigned rank);

/* The shell said so, or it is known from elsewhere. */
void part_started(struct exec_part *p, bool reattached);
/* data: {"severity","type","note"}. */
void part_exception(struct exec_part *p, struct slice data);
/* data: {"status","utime"?,"stime"?,"maxrss"?}. */
void part_finished(struct exec_part *p, struct slice data);
/* A task of it has exited. data: {"exit-timeout":f}: so long others may run. */
void part_exited(struct exec_part *p, struct slice data);
/* It ends here, without its shell: an exception, and a wait status. */
void part_fail(struct exec_part *p, const char *type, const char *note, int status);

/* It waits for its shell, which is here and does not know it. */
void part_unknown(struct exec_part *p);

/* End a job on all its ranks. */
void parts_cancel(struct exec_job *job);
/* Report the ranks that are done and were not released; final: it is the last one. */
void part_release(struct exec_job *job, bool final);

#endif
