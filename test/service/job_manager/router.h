/* A router for tests: handles connected by in-process ports, requests by the first word
 * of their topic, responses along their routes. No broker.
 */
#ifndef TEST_ROUTER_H
#define TEST_ROUTER_H

#include <flux/core.h>

struct router;

struct router *router_new(flux_reactor_t *r);
void router_free(struct router *rt);
/* Show every request to fn as soon as it is sent. */
void router_watch(struct router *rt, void (*fn)(const flux_msg_t *msg, void *arg),
                  void *arg);
/* A handle on the router; service (may be NULL) is what it serves. userid and rolemask
 * are stamped on its requests. Ends with router_close(). */
flux_t *router_open(struct router *rt, const char *service, uint32_t userid,
                    uint32_t rolemask);
/* What it serves is on this rank (at first: 0). */
void router_set_rank(struct router *rt, flux_t *h, uint32_t rank);
/* Close it; the others get a disconnect for it when `disconnect` is set. */
void router_close(struct router *rt, flux_t *h, bool disconnect);

#endif
