/* What the resource service remembers over a restart, in the store's metadata: the nodes
 * that are drained, and the R that was found by asking the brokers.
 *
 *   resource.drain  [{"idset","nodelist","timestamp","reason"}...]
 *   resource.R      R
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_RESOURCE_KEEP_H
#define FLUX_RESOURCE_KEEP_H

#include <flux/handle.h>
#include <flux/message.h>

#include "proto/rset.h"
#include "store/store.h"

struct keep;

/* store NULL: nothing is remembered. */
int keep_new(flux_t *h, struct store *store, struct keep **ret);
void keep_free(struct keep *k); /* accepts NULL */
/* What there is from before, each yours, NULL when there is none. */
int keep_load(struct keep *k, struct rset **ret_R, cJSON **ret_drain);
void keep_R(struct keep *k, const struct rset *rs);
/* Record it, and answer msg (NULL: nobody asked) when that is done. */
void keep_drain(struct keep *k, const cJSON *drain, const flux_msg_t *msg);

#endif
