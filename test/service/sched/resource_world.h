/* A world for the resource module: a router, the groups of brokers, the state of the
 * instance and other brokers, all played by the test, on virtual time.
 */
#ifndef TEST_RESOURCE_WORLD_H
#define TEST_RESOURCE_WORLD_H

#include <flux/core.h>

#include "base/json.h"
#include "env/env.h"
#include "proto/rset.h"
#include "store/store.h"

enum { OWNER = 1000, GUEST = 2000, WORLD_BROKERS = 64 };

/* Another broker's resource service. */
struct remote {
    struct world *w;
    flux_t *h;
    flux_msg_handler_t **mh;
    const char *answer;    /* to resource.topo-get; NULL: it keeps silent */
    const char *cpus;      /* of which it says they are the same; NULL: none */
    unsigned nasked;       /* how often it was asked, */
    unsigned nlooked;      /* and had to look */
    const flux_msg_t *msg; /* the latest question */
};

struct world {
    struct env *env;
    flux_reactor_t *r;
    struct router *rt;
    flux_t *res, *owner, *guest, *groups, *state;
    flux_msg_handler_t **groups_mh, **state_mh;
    void *ctx;
    cJSON *last; /* latest answer of the stream */
    unsigned nanswers;
    flux_future_t *stream;
    const char *online, *torpid; /* the groups at the start */
    const flux_msg_t *online_req, *torpid_req, *wait_req;
    bool running; /* state-machine.wait is answered at once */
    struct store *store;
    struct remote remote[WORLD_BROKERS];
};

/* One broker on host h0, online; the instance runs. */
struct world *world_new(bool sim);
/* Brokers 0 to size - 1 on these hosts; NULL: not known. Only rank 0 is online. */
void world_set_brokers(struct world *w, unsigned size, const char *hostlist);
/* Play the resource service of another broker. */
struct remote *world_add_remote(struct world *w, unsigned rank, const char *answer);
void world_free(struct world *w);
/* Start the module. conf: JSON; test_cores: the attribute, or NULL. */
int start(struct world *w, const char *conf, const char *test_cores);
/* Stop it; the store stays. */
void stop(struct world *w);

/* Let everything that is due happen; the clock stands nearly still. */
void settle(struct world *w);
void set_online(struct world *w, const char *members);
void set_torpid(struct world *w, const char *members);
void set_running(struct world *w);
/* A remote answers the question that it left open. */
void remote_answer(struct remote *r, const char *answer);

/* 0 or an errno; the answer (or the error's text) in *ret, yours. */
int ask(struct world *w, flux_t *h, const char *topic, const char *payload, cJSON **ret);
struct rset *get_R(struct world *w);
void status_is(struct world *w, const char *key, const char *want);
/* Follow a stream as the owner: w->last, w->nanswers. */
void follow(struct world *w, const char *topic);
/* The latest answer's member, or NULL. */
const char *last_str(const struct world *w, const char *key);

#endif
