/* Requests that a follower hands on to the leader, as they came: with the sender's
 * credentials, which the leader judges by. The answer goes back when it comes; what it says
 * about a version is taken note of first, so that the sender finds that version here.
 */
#ifndef FLUX_MODULE_KVS_RELAY_H
#define FLUX_MODULE_KVS_RELAY_H

#include "modules/kvs/kvs.h"

void relay_request(struct kvs *kvs, const flux_msg_t *msg);
/* End those that are under way. */
void relay_cancel_all(struct kvs *kvs);

#endif
