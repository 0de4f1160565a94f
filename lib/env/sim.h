/* The simulated world's own state. One thread, virtual time in nanoseconds, a heap
 * of events, and the hosts that live in it, each an env of its own. Private to lib/env.
 */
#ifndef FLUX_ENV_SIM_H
#define FLUX_ENV_SIM_H

#include "base/map.h"
#include "env/disk_sim.h"
#include "env/impl.h"
#include "env/sim_faults.h"

/* Something that will happen. Embedded in what it happens to. */
struct sim_event {
    int64_t time;                       /* ns of virtual time */
    uint64_t draw;                      /* order among events of the same time */
    uint64_t seq;                       /* and of the same draw */
    size_t place;                       /* in the heap, from 1; 0: not scheduled */
    const char *what;                   /* for the hash */
    uint64_t id;                        /* for the hash */
    void (*fire)(struct sim_event *ev); /* no longer scheduled; may free it */
};

struct sim_world {
    unsigned refs; /* one a host */
    int64_t now;
    uint64_t seq, seed;
    uint64_t order; /* random state of the simulation's own choices */
    uint64_t hash;
    struct sim_event **heap; /* binary, from index 1 */
    size_t count, size;
    unsigned loops;         /* made so far: their ids */
    unsigned hosts;         /* made so far: their numbers */
    struct sim_env **table; /* by number; NULL: gone */
    struct map *listeners;  /* address -> struct sim_link */
    struct map *addresses;  /* address -> 1 + number of the host that listened last */
    struct list links;      /* all of struct sim_link */
    uint64_t counts[SIM_FAULTS];
};

/* What the way from one host to another is like. */
struct sim_path {
    int64_t min, max; /* ns of delay; 0: the usual ones */
    int64_t blocked;  /* nothing moves before; INT64_MAX: until it is healed */
};

struct sim_env {
    struct env base;
    struct sim_world *w;
    unsigned number;
    char *name;
    uint64_t bytes;  /* random state of env_random(), so that no event depends on it */
    int64_t clock;   /* ns that the wall clock is ahead of the world's */
    int64_t stopped; /* ns: no loop has a turn, no work is done before */
    bool dead;       /* no loop has a turn, nothing is sent: its program has died in the
                       midst of writing */
    bool silent;     /* what it closes is not told to anyone, what is sent to it waits */
    struct list loops;      /* struct sim_loop, by host */
    struct sim_path *paths; /* by number of the host they lead to */
    unsigned npaths;
    struct sim_disk disk;
};

static inline struct sim_env *sim_env(struct env *env)
{
    return CONTAINER_OF(env, struct sim_env, base);
}

static inline struct sim_world *sim_world(struct env *env)
{
    return sim_env(env)->w;
}

/* A number from lo to hi, both included. */
int64_t sim_draw(struct sim_world *w, int64_t lo, int64_t hi);
/* Schedule (or move) an event; time not before now. Asserts that memory lasts: an
 * event lost would be a simulation gone wrong unseen. */
void sim_schedule(struct sim_world *w, struct sim_event *ev, int64_t time);
/* Harmless when it is not scheduled. */
void sim_cancel(struct sim_world *w, struct sim_event *ev);
static inline bool sim_is_scheduled(const struct sim_event *ev)
{
    return ev->place > 0;
}
/* Let the next event happen; false when there is none. */
bool sim_step(struct sim_world *w);

/* Seconds to nanoseconds, far ones cut to some 100 years. */
int64_t sim_ns(double seconds);
double sim_wall(const struct sim_env *s);

int sim_loop_new(struct env *env, struct loop **ret);

extern const struct file_ops sim_file_ops;
extern const struct transport_ops sim_transport_ops;

/* From one host to another, by number: a drawn delay; and the next moment at which
 * something gets through (now: it is open; INT64_MAX: not before it is healed). */
int64_t sim_delay(struct sim_world *w, unsigned from, unsigned to);
int64_t sim_passage(struct sim_world *w, unsigned from, unsigned to);

#endif
