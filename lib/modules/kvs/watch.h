/* Watches: answers that follow a key from version to version; and lookups that wait for a
 * key to exist, or that give a long value in pieces.
 */
#ifndef FLUX_MODULE_KVS_WATCH_H
#define FLUX_MODULE_KVS_WATCH_H

#include "modules/kvs/ns.h"

struct watches;
int watches_new(struct kvs *kvs, struct watches **ret);
void watches_free(struct watches *ws); /* accepts NULL */

/* kvs-watch.lookup, kvs-watch.cancel */
void watch_request(struct watches *ws, const flux_msg_t *msg);
void watch_cancel(struct watches *ws, const flux_msg_t *msg);
void watch_disconnect(struct watches *ws, const flux_msg_t *msg);

/* A version has become visible; these keys changed (as in struct batch). */
void watch_published(struct watches *ws, struct ns *ns, const struct buf *keys);
/* A namespace has been made, or has gone. */
void watch_created(struct watches *ws, struct ns *ns);
void watch_removed(struct watches *ws, struct ns *ns);
/* Answer all: the service ends. */
void watch_end_all(struct watches *ws);

#endif
