/* An endpoint in this process: the router's end of a flux_port, whose other end is a
 * flux_t of a module or of the program that embeds the broker. */
#ifndef FLUX_BROKER_PORT_H
#define FLUX_BROKER_PORT_H

#include <flux/reactor.h>

#include "broker/router.h"

struct port;
/* The handle end was closed; the port may be freed in here. */
typedef void (*port_closed_f)(struct port *p, void *arg);

/* closed may be NULL. The handle is the caller's to close. */
int port_new(struct router *r, flux_reactor_t *reactor, const char *name,
             port_closed_f closed, void *arg, struct port **ret, flux_t **ret_h);
/* Requests it did not answer fail with errnum. Accepts NULL. */
void port_free(struct port *p, int errnum);
struct endpoint *port_endpoint(struct port *p);
/* When a message last came from the handle, monotonic seconds. */
double port_last_seen(const struct port *p);

#endif
