/* What happens when a record is durable, or has been refused. */
#ifndef FLUX_MODULE_KVS_PUBLISH_H
#define FLUX_MODULE_KVS_PUBLISH_H

#include "modules/kvs/commit_private.h"

/* Answer all of a batch; error: errno of the record, for those that did not fail
 * themselves. */
void publish_answers(struct commits *c, struct batch *b, int error);

#endif
