/* The kvs module of ranks above 0. It answers lookups from what it has kept of the leader's
 * trees, whose objects never change and are known by their hashes (upstream.h), and hands
 * on to the leader what it does not answer itself (relay.h).
 *
 * What is the current version? The leader publishes each one that becomes visible as an
 * event, before the commit is answered and before watches are, and all of them come down
 * the same way in the same order. So when a client here can have learned of a version, from
 * whomever, the event has been here before. A lookup is answered from a version not older
 * than the newest one heard of; if the one at hand is older, the current root is asked for
 * first, from the module of the broker above, which does the same. Nothing is asked for, and
 * nothing hashed at the leader, unless somebody reads.
 *
 * Events may be missed while a broker is cut off from the one above. Then a stream that is
 * open between the two modules fails, and all namespaces are in doubt until their roots have
 * been asked for again. As long as nobody can be asked, what is at hand is good enough: no
 * client here has seen more.
 *
 * A namespace is followed from its first use on, and not any more when it was not used for
 * a while.
 */
#ifndef FLUX_MODULE_KVS_FOLLOWER_H
#define FLUX_MODULE_KVS_FOLLOWER_H

#include "modules/kvs/ns.h"

struct follower;
int follower_new(struct kvs *kvs, struct follower **ret);
void follower_free(struct follower *fo); /* accepts NULL */

/* A namespace in a version that is new enough: as ns_get(). */
int follower_get(struct follower *fo, const char *name, struct ns_wait *w,
                 struct ns **ret);
/* A version is heard of: it is not to be older than that. */
void follower_note(struct follower *fo, const char *name, uint64_t id, uint64_t version);
/* An event of a namespace. */
void follower_event(struct follower *fo, const flux_msg_t *msg);
/* Somebody waits for a version that is not there yet. */
void follower_late(struct follower *fo, const char *name);
/* Those below rely on us: know when we miss something. */
void follower_attend(struct follower *fo);

#endif
