/* The simulated event loop. Private to lib/env. */
#ifndef FLUX_ENV_LOOP_SIM_H
#define FLUX_ENV_LOOP_SIM_H

#include "env/sim.h"

struct sim_loop {
    struct loop base;
    struct list host;      /* in sim_env.loops */
    struct sim_event turn; /* the next turn, when there is cause for one */
    unsigned id;
    uint64_t turns; /* made so far */
    int active;     /* reasons for a run to go on */
    int busy;       /* in a turn, which does not nest (but see loop_sim.c) */
    bool stopped;
    bool prepared; /* the prepare watchers have run since the last turn */
    struct list prepares, checks, idles; /* active, struct sim_phase */
    struct list due;                     /* expired, struct sim_timer */
    struct list periodics;               /* active, struct sim_timer */
};

/* Prepare, check or idle. */
struct sim_phase {
    struct watcher w;
    struct list link; /* in one of the loop's three lists */
    struct list todo; /* to be called in this phase of this turn */
};

/* A timer or a periodic. */
struct sim_timer {
    struct watcher w;
    struct sim_event ev;
    struct list link; /* in due */
    struct list all;  /* periodic: in periodics */
    double wall;      /* periodic: expires at */
};

static inline struct sim_loop *sim_loop(struct loop *l)
{
    return CONTAINER_OF(l, struct sim_loop, base);
}

/* There is cause for a turn soon. (Inside of one: nothing; its end looks for causes.) */
void sim_loop_want(struct sim_loop *l);
/* The host's clock has jumped: periodics expire at other moments. */
void sim_loop_clock(struct sim_loop *l);
/* The host goes on: so do its loops. */
void sim_loops_resume(struct sim_env *host);
/* Call an expired timer's callback, after setting it again or marking it stopped. */
void sim_timer_deliver(struct sim_timer *t);

extern const struct watcher_ops sim_prepare_ops, sim_check_ops, sim_idle_ops;
extern const struct watcher_ops sim_timer_ops, sim_periodic_ops;

#endif
