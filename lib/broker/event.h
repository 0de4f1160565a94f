/* The services by which an endpoint speaks of itself: event.subscribe, unsubscribe and
 * publish, service.add and remove. */
#ifndef FLUX_BROKER_EVENT_H
#define FLUX_BROKER_EVENT_H

#include "broker/core.h"

struct events;

int events_new(struct router *r, struct core *c, struct events **ret);
void events_free(struct events *e); /* accepts NULL */

#endif
