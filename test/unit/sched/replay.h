/* A trace run through the engine on virtual time, for tests: at each distinct time, jobs
 * that are over leave, jobs that are due arrive, then one pass is made.
 */
#ifndef TEST_SCHED_REPLAY_H
#define TEST_SCHED_REPLAY_H

#include "sched/engine/engine.h"

struct trace_job {
    int64_t submit, runtime, limit; /* seconds; limit 0: none */
    int64_t start;                  /* result */
    struct request req;
};

struct trace {
    struct trace_job *job; /* in order of submission; job i has id i + 1 */
    size_t n;
};

/* The machine: nnodes nodes of ncores cores and ngpus gpus each. */
struct machine {
    unsigned nnodes, ncores, ngpus;
};

struct replay {
    struct trace *trace;
    struct flux_sched *s;
    const char *depth; /* option reserve-depth; may be NULL */
    size_t nrunning, *running;
    int64_t now;
    /* Called after each pass; may be NULL. */
    void (*after_pass)(struct replay *r);
    void *arg;
};

/* Make an engine with these nodes, all up. */
struct flux_sched *machine_new(const struct engine_ops *ops, void *arg, struct machine m);
/* Run the whole trace; sets start of every job. Aborts if jobs are left over. */
void replay_run(struct replay *r, struct machine m, const char *policy);

/* A repeatable stream of random numbers. */
uint32_t draw(uint64_t *seed, uint32_t below);

#endif
