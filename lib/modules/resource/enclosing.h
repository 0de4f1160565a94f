/* The resources that the enclosing instance gave us, when this instance is a job of
 * another: R of that job.
 */
#ifndef FLUX_RESOURCE_ENCLOSING_H
#define FLUX_RESOURCE_ENCLOSING_H

#include <flux/handle.h>

#include "proto/rset.h"

/* NULL: there is no enclosing instance. The k-th of its ranks is rank k here; cores keep
 * their numbers, and the times hold. size: how many brokers there are; -EINVAL, with the
 * reason, when that is not the number of nodes. Waits for the answer. */
int enclosing_R(flux_t *h, uint32_t size, struct rset **ret, flux_error_t *err);

#endif
