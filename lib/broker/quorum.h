/* Which brokers must be there (rank 0): broker.quorum of them before the instance runs,
 * broker.critical-ranks for as long as it does. */
#ifndef FLUX_BROKER_QUORUM_H
#define FLUX_BROKER_QUORUM_H

#include <flux/types.h>

struct broker;
struct quorum;

/* -EINVAL, err: an attribute says what cannot be. */
int quorum_new(struct broker *b, struct quorum **ret, flux_error_t *err);
void quorum_free(struct quorum *q); /* accepts NULL */
/* Call life_quorum() as soon as there are enough; complain now and then until then. */
void quorum_wait(struct quorum *q);
/* From now on nobody is missed. */
void quorum_stop(struct quorum *q);

#endif
