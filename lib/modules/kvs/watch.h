/* Watches: answers that follow a key from version to version; and lookups that wait for a
 * key to exist, or that give a long value in pieces.
 */
#ifndef FLUX_MODULE_KVS_WATCH_H
#define FLUX_MODULE_KVS_WATCH_H

#include "modules/kvs/ns.h"

struct batch;
struct watches;
int kvs_watches_new(struct kvs *kvs, struct watches **ret);
void kvs_watches_free(struct watches *ws); /* accepts NULL */
/* Answer all: the service ends. */
void kvs_watches_end(struct watches *ws);
size_t kvs_watches_count(const struct watches *ws);
/* How many a user other than the instance owner may hold from now on; negative: no limit. */
void kvs_watches_set_limit(struct watches *ws, int64_t limit);

/* kvs-watch.lookup, kvs-watch.cancel; the sender of some has gone. */
void kvs_watch_request(struct watches *ws, const flux_msg_t *msg);
void kvs_watch_cancel(struct watches *ws, const flux_msg_t *msg);
void kvs_watch_disconnect(struct watches *ws, const flux_msg_t *msg);

/* A batch of a namespace has become visible. */
void kvs_watch_published(struct watches *ws, struct ns *ns, const struct batch *b);
/* A namespace has been made, or has gone. */
void kvs_watch_created(struct watches *ws, struct ns *ns);
void kvs_watch_removed(struct watches *ws, struct ns *ns);
/* Jobs have been purged. */
void kvs_watch_purged(struct watches *ws);

#endif
