/* What makes an instance the same after a restart of its rank 0: the store, and in it the
 * instance's uuid, the count of its starts, and how far its events were numbered. */
#ifndef FLUX_BROKER_IDENTITY_H
#define FLUX_BROKER_IDENTITY_H

#include <stdint.h>

#include <flux/types.h>

struct broker;

/* Rank 0: open the store; b->instance, epoch, event_seq. -errno, err. */
int identity_open(struct broker *b, flux_error_t *err);
/* Event `seq` is the latest: after a restart, go on well behind it. */
void identity_keep_seq(struct broker *b, uint32_t seq);

#endif
