/* What the broker and its modules answer alike. */
#ifndef FLUX_BROKER_METHODS_H
#define FLUX_BROKER_METHODS_H

#include <flux/message.h>

#include "base/buf.h"

/* The answer to a ping: the request's object, and the route it took. -errno. */
int ping_answer(const flux_msg_t *msg, uint32_t rank, struct buf *out);
/* The answer to an rusage request {"who"?}. -errno. */
int rusage_answer(const flux_msg_t *msg, struct buf *out);

#endif
