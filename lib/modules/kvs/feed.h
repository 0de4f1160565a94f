/* What the kvs module of a broker gives to those of the brokers below: the roots of
 * namespaces, objects by their hashes, and a word when it may have missed something
 * (proto/kvsfeed.h). The leader and followers do it alike: what they have not themselves
 * they get first.
 */
#ifndef FLUX_MODULE_KVS_FEED_H
#define FLUX_MODULE_KVS_FEED_H

#include "modules/kvs/kvs.h"

struct feed;
int feed_new(struct kvs *kvs, struct feed **ret);
void feed_free(struct feed *fd); /* accepts NULL */

void feed_root_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void feed_fetch_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void feed_follow_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void feed_disconnect(struct feed *fd, const flux_msg_t *msg);
/* Those below are to be in doubt, too. */
void feed_doubt(struct kvs *kvs);

#endif
