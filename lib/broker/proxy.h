/* An instance's stand-in on another host, or for a time: a local socket whose clients
 * share one connection to a broker. Their requests and answers pass through, each by its
 * route; what concerns a connection as such, subscriptions and services, is kept here for
 * each client and asked of the broker for all.
 */
#ifndef FLUX_BROKER_PROXY_H
#define FLUX_BROKER_PROXY_H

#include <flux/handle.h>
#include <flux/reactor.h>
#include <flux/types.h>

struct proxy;
/* The connection to the broker has failed; requests in flight have too. Not from inside a
 * call. */
typedef void (*proxy_lost_f)(int errnum, void *arg);

/* Listen at path for this user's clients of h, which is borrowed and uses r. -errno, with
 * the reason in err. */
int proxy_new(flux_reactor_t *r, flux_t *h, const char *path, proxy_lost_f lost,
              void *arg, struct proxy **ret, flux_error_t *err);
void proxy_free(struct proxy *p); /* accepts NULL */
/* After proxy_lost_f: flux_reconnect() h and go on. -errno: it cannot be done yet. */
int proxy_reconnect(struct proxy *p);

#endif
