/* A link between simulated brokers. Private to lib/env: transport_sim.c makes it work,
 * net_sim.c breaks it.
 *
 * What is under way to a link (a message, the news that it is connected or closed) is a
 * struct parcel: first on the wire, in order of sending, then in the inbox, as an entry
 * of the loop's queue, which calls back. So closing a link drops all that is still to
 * come to it.
 */
#ifndef FLUX_ENV_LINK_SIM_H
#define FLUX_ENV_LINK_SIM_H

#include "env/sim.h"

#define SIM_NOBODY UINT_MAX

struct sim_link {
    struct link base;
    struct list all;        /* in sim_world.links */
    struct sim_link *peer;  /* NULL: not yet, or no longer */
    unsigned far;           /* number of the host at the other end; SIM_NOBODY: unknown */
    struct list wire;       /* parcels under way to us */
    struct list inbox;      /* parcels that have arrived */
    struct list outbox;     /* messages sent before there was a peer */
    struct sim_event next;  /* the first parcel of the wire arrives */
    struct sim_event dial;  /* our request reaches the listener */
    struct sim_event probe; /* half open: what we sent comes back as a reset */
    int64_t last;           /* time of the latest arrival on the wire */
    int tries;              /* of a dial that got no answer */
    int dial_error;         /* the dial is given up, with this */
    bool listening, dead, was_high;
    bool half_open; /* the peer is gone, and we were not told */
    bool probing;   /* and we have sent something since */
};

static inline struct sim_env *link_host(const struct sim_link *l)
{
    return sim_env(l->base.loop->env);
}

/* The connection ends for both, after a moment; what is on the wire is lost. */
void link_reset(struct sim_link *l);
/* The way to this link, or from it, may be open again. */
void link_retry(struct sim_link *l);

#endif
