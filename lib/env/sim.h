/* The simulated world's own state. One thread, virtual time in nanoseconds, a heap
 * of events. Private to lib/env.
 */
#ifndef FLUX_ENV_SIM_H
#define FLUX_ENV_SIM_H

#include "base/map.h"
#include "env/impl.h"

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

struct sim_node;

struct sim_env {
    struct env base;
    int64_t now;
    uint64_t seq;
    uint64_t order; /* random states: of the simulation's own choices, */
    uint64_t bytes; /* and of env_random(), so that a new user of it moves no event */
    uint64_t hash;
    struct sim_event **heap; /* binary, from index 1 */
    size_t count, size;
    unsigned loops;        /* made so far: their ids */
    struct map *listeners; /* address -> struct sim_link */
    struct sim_node *root; /* files */
    uint64_t inodes;
};

static inline struct sim_env *sim_env(struct env *env)
{
    return CONTAINER_OF(env, struct sim_env, base);
}

/* A number from lo to hi, both included. */
int64_t sim_draw(struct sim_env *s, int64_t lo, int64_t hi);
/* Schedule (or move) an event; time not before now. Asserts that memory lasts: an
 * event lost would be a simulation gone wrong unseen. */
void sim_schedule(struct sim_env *s, struct sim_event *ev, int64_t time);
void sim_cancel(struct sim_env *s, struct sim_event *ev);
static inline bool sim_is_scheduled(const struct sim_event *ev)
{
    return ev->place > 0;
}
/* Let the next event happen; false when there is none. */
bool sim_step(struct sim_env *s);

/* Seconds to nanoseconds, far ones cut to some 100 years. */
int64_t sim_ns(double seconds);
double sim_wall(const struct sim_env *s);

int sim_loop_new(struct env *env, struct loop **ret);
extern const struct file_ops sim_file_ops;
extern const struct transport_ops sim_transport_ops;
int sim_files_init(struct sim_env *s);
void sim_files_fini(struct sim_env *s);

#endif
