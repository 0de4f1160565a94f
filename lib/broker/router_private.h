/* The router's inside: router.c (requests and responses), router_event.c (events). */
#ifndef FLUX_BROKER_ROUTER_PRIVATE_H
#define FLUX_BROKER_ROUTER_PRIVATE_H

#include "broker/ring.h"
#include "broker/router.h"
#include "broker/service.h"

struct router {
    struct env *env;
    uint32_t owner;
    struct router_tree tree;
    struct services *services;
    struct map *by_uuid;
    struct list endpoints;
    struct endpoint *parent; /* NULL: none is connected */
    uint32_t seq;            /* of the latest event; 0: there was none */
    struct ring ring;
    struct router_stats stats;
};

/* An event came from an endpoint. Takes it over. */
void router_event(struct router *r, struct endpoint *from, flux_msg_t *msg);

#endif
