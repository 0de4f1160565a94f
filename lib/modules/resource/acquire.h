/* Those who schedule the resources (RFC 28):
 *
 *   resource.acquire (stream) -> {"resources":R,"up":ranks}, then {"up":ranks} and
 *   {"down":ranks} as it changes, and the first form again when R itself was changed.
 *   resource.acquire-cancel {"matchtag":i} or a disconnect ends it.
 */
#ifndef FLUX_RESOURCE_ACQUIRE_H
#define FLUX_RESOURCE_ACQUIRE_H

#include <flux/handle.h>
#include <flux/idset.h>
#include <flux/message.h>

#include "base/json.h"

struct acquire;

int acquire_new(flux_t *h, struct acquire **ret);
void acquire_free(struct acquire *a); /* ends the streams; accepts NULL */
/* What there is, and which ranks are up. R is taken over. Tells everyone. */
int acquire_define(struct acquire *a, cJSON *R, const struct idset *up);
/* Only the ranks that are up changed. */
int acquire_set_up(struct acquire *a, const struct idset *up);
void acquire_request(struct acquire *a, const flux_msg_t *msg);
void acquire_cancel(struct acquire *a, const flux_msg_t *msg);
void acquire_disconnect(struct acquire *a, const flux_msg_t *msg);

#endif
