/* The little that job-exec wants to know of an R (RFC 20), read in place.
 */
#ifndef FLUX_JOB_EXEC_RANKS_H
#define FLUX_JOB_EXEC_RANKS_H

#include "base/slice.h"

struct hostlist;

/* Its ranks, in order; yours to free(). An R without any is on rank 0. -EPROTO, -ENOMEM. */
int ranks_read(struct slice R, unsigned **ret, unsigned *ret_n);
/* The hosts of its ranks, in their order, as far as R tells them; yours to destroy. NULL:
 * no memory. */
struct hostlist *ranks_hosts(struct slice R);

#endif
