/* The other brokers that this one is connected to, as endpoints of the router: the parent
 * and the children in the tree (lib/overlay). What their coming and going means for the
 * broker's life is told to enrol.c, life.c and groups.c. */
#ifndef FLUX_BROKER_PEERS_H
#define FLUX_BROKER_PEERS_H

#include "broker/router.h"
#include "overlay/overlay.h"

struct broker;
struct idset;
struct peers;

/* For an instance of more than one broker, once the place in it is known. -errno, err. */
int peers_new(struct broker *b, struct peers **ret, flux_error_t *err);
/* Cuts all connections; what they were to answer fails. Accepts NULL. */
void peers_free(struct peers *p);
struct overlay *peers_overlay(struct peers *p);
/* The children that are torpid; yours to destroy. NULL: no memory. */
struct idset *peers_torpid(struct peers *p);
/* Where requests for `rank` go; NULL: it is not reachable. */
struct endpoint *peers_toward(struct peers *p, uint32_t rank);
/* The child behind an endpoint; false: it is none. */
bool peers_child_rank(const struct endpoint *ep, uint32_t *ret_rank);
bool peers_has_children(struct peers *p);
/* The last thing said about the parent, for people; "" nothing. */
const char *peers_complaint(const struct peers *p);
/* Call fn when so much waits to be sent to other brokers that clients should wait (true),
 * and when that is over. */
void peers_on_congestion(struct peers *p, void (*fn)(bool congested, void *arg),
                         void *arg);

#endif
