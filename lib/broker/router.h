/* The switch in the middle of a broker: takes messages from endpoints (client
 * connections, modules, in-process handles, the broker's own services, other brokers),
 * stamps their credentials, and delivers them: requests by rank and service name,
 * responses by route, events by subscription.
 *
 * Other brokers are endpoints too: the parent and the children in the tree. A request for
 * another rank goes to the one in whose direction that is; one for any rank, to a service
 * of this broker, or else to the parent. An endpoint's routing id is new each time it is
 * attached, so that nothing meant for a lost connection arrives on its successor.
 *
 * All calls on the loop's thread. Functions return 0 or more, or -errno.
 */
#ifndef FLUX_BROKER_ROUTER_H
#define FLUX_BROKER_ROUTER_H

#include <flux/message.h>

#include "base/list.h"
#include "base/map.h"
#include "broker/subs.h"
#include "broker/used.h"
#include "env/env.h"

struct router;

enum endpoint_kind {
    ENDPOINT_LOCAL,
    ENDPOINT_PARENT, /* the broker above this one ... */
    ENDPOINT_CHILD,  /* ... or below: stamped already, when their messages came in */
};

/* One place that messages come from and go to. The owner embeds it, fills the first
 * part, and calls router_attach(). */
struct endpoint {
    /* Deliver: takes over the reference, does not change the message if it is shared,
     * and does not detach any endpoint before it returns. */
    void (*send)(struct endpoint *ep, flux_msg_t *msg);
    /* Bytes that wait to be read by the other end; NULL: none ever do. */
    size_t (*queued)(const struct endpoint *ep);
    /* Is this a request that only rank 0 answers? NULL: none is. */
    bool (*for_leader)(const struct endpoint *ep, const flux_msg_t *request);
    enum endpoint_kind kind;
    const char *name;          /* for people */
    struct flux_msg_cred cred; /* who is there */
    bool guest;                /* not to be believed: credentials are overwritten */
    unsigned calls_max;        /* requests in flight; 0: no limit */
    size_t calls_bytes_max;    /* and their payloads together, when calls_max is set */

    /* The router's. */
    char uuid[37];
    struct list link;
    struct subs subs;
    struct umap *calls;   /* our requests that wait for a response */
    size_t calls_bytes;   /* their payloads together */
    struct list serving;  /* requests that wait for our response */
    struct used_set used; /* services we sent requests to */
};

struct router_stats {
    uint64_t requests, responses, events;
    uint64_t forwarded; /* requests to other brokers, of `requests` */
    uint64_t dropped;   /* no topic, no route, not allowed */
    uint64_t lost;      /* events that should have come */
};

#define ROUTER_SEQ_STEP 8192

/* This broker's place among others. */
struct router_tree {
    uint32_t rank, size;
    /* The endpoint through which rank `rank` (not ours) is reached; NULL: it is not. */
    struct endpoint *(*toward)(uint32_t rank, void *arg);
    /* Rank 0: event `seq`, a multiple of ROUTER_SEQ_STEP, is being published. */
    void (*numbered)(uint32_t seq, void *arg);
    /* Events first to last did not come. */
    void (*lost)(uint32_t first, uint32_t last, void *arg);
    void *arg;
};

/* owner: the instance's user. */
int router_new(struct env *env, uint32_t owner, struct router **ret);
void router_free(struct router *r); /* all endpoints are detached; accepts NULL */
/* Until this is called the broker is alone: rank 0 of 1. Before anything is attached. */
void router_set_tree(struct router *r, const struct router_tree *tree);
uint32_t router_rank(const struct router *r);
uint32_t router_owner(const struct router *r);
const struct router_stats *router_stats(const struct router *r);
/* Requests that wait for an answer. */
size_t router_pending(const struct router *r);

/* Give ep a routing id (uuid NULL: a random one) and make it reachable. */
int router_attach(struct router *r, struct endpoint *ep, const char *uuid);
/* Forget ep: its services and subscriptions end, requests it was to answer fail with
 * errnum, and services it used get a disconnect. Harmless when it is not attached. */
void router_detach(struct router *r, struct endpoint *ep, int errnum);
bool router_is_attached(const struct endpoint *ep);

/* The endpoint of a routing id; NULL when it has gone. */
struct endpoint *router_endpoint(struct router *r, const char *uuid);
/* The endpoint that a request being delivered came from, by its newest route; NULL when
 * that one has gone. */
struct endpoint *router_sender(struct router *r, const flux_msg_t *request);

/* A message came from ep. Takes it over. */
void router_recv(struct router *r, struct endpoint *from, flux_msg_t *msg);
/* Send a response on its way as it is, credentials included. Takes it over. */
void router_respond(struct router *r, struct endpoint *from, flux_msg_t *msg);

/* Events. Rank 0 numbers them from 1; from there they go down the tree, and every broker
 * delivers them in order. */

/* Rank 0 only: number an event, deliver it. Takes it over; returns the number. */
uint32_t router_publish(struct router *r, flux_msg_t *msg);
/* May the sender of a message publish under this topic? */
bool router_may_publish(const struct endpoint *from, const flux_msg_t *msg,
                        const char *topic);
/* Does a name begin with the userid of a guest, and '-'? */
bool router_name_is_of(uint32_t userid, const char *name);
/* The number of the latest event; and at rank 0, of the one that was the latest. */
uint32_t router_seq(const struct router *r);
void router_set_seq(struct router *r, uint32_t seq);
/* Send a child what it missed since event `seq` (0: it has seen none). Returns how many
 * are not kept any more. */
uint32_t router_replay(struct router *r, struct endpoint *child, uint32_t seq);

/* Services. -EEXIST; -EPERM: a guest's name must begin with its userid and '-';
 * -EINVAL: empty, too long, or with other characters than printable ones. */
int router_service_add(struct router *r, struct endpoint *ep, const char *name);
/* -ENOENT: nobody, or another endpoint, has it. */
int router_service_remove(struct router *r, struct endpoint *ep, const char *name);
/* Who answers requests of this topic; NULL: nobody. The longest part of the topic
 * before a '.' counts. */
struct endpoint *router_service_find(struct router *r, const char *topic);
/* Call fn for each name that ep has registered. */
void router_service_each(struct router *r, const struct endpoint *ep,
                         void (*fn)(const char *name, void *arg), void *arg);

#endif
