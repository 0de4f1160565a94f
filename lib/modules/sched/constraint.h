/* Which nodes a constraint (RFC 31) allows: {"properties":["a","^b"]}, {"hostlist":[s]},
 * {"ranks":[s]}, and {"and":[..]}, {"or":[..]}, {"not":[..]} of such.
 */
#ifndef FLUX_MODULES_SCHED_CONSTRAINT_H
#define FLUX_MODULES_SCHED_CONSTRAINT_H

#include "proto/rset.h"

/* A malloc'd bitmap of rset_nnodes() bits, NULL when it allows all nodes. -EINVAL, with
 * the reason; -ENOMEM. */
int sched_constraint_nodes(const struct rset *rs, const char *constraint, uint64_t **ret,
                           flux_error_t *err);

#endif
