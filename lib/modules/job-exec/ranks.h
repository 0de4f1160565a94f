/* The little that job-exec wants to know of an R (RFC 20), read in place.
 */
#ifndef FLUX_JOB_EXEC_RANKS_H
#define FLUX_JOB_EXEC_RANKS_H

#include "base/slice.h"

/* Its ranks, in order; yours to free(). An R without any is on rank 0. -EPROTO, -ENOMEM. */
int ranks_read(struct slice R, unsigned **ret, unsigned *ret_n);
/* The host of its i-th rank, yours to free(); NULL: R does not say. */
char *ranks_host(struct slice R, unsigned i);

#endif
