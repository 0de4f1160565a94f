/* Scheduling policies.
 *
 * The engine owns the state: resources, queue, plans, binding, clock. A policy
 * only decides, through one table of calls. The same object runs in a live
 * instance and in the simulator on virtual time, and may be swapped at run time:
 * it must keep nothing that it cannot do without.
 *
 * A policy is one const struct flux_sched_policy. Built-in ones are in a table; a
 * shared object exports
 *
 *     const struct flux_sched_policy flux_sched_policy = {...};
 *
 * Rules for a policy: no clock but now(), no blocking, no threads, no global
 * state; it calls the table only from inside its own functions. Every act is
 * checked by the engine, so that a faulty policy can schedule badly but cannot
 * give a core to two jobs.
 *
 * Rules of the interface: fixed-width integers, no bit fields, unions or
 * variable arguments, so that an ffi can read it; fields are only ever added at
 * the end (`size` tells what the other side knows), FLUX_SCHED_ABI changes only
 * with a meaning.
 */
#ifndef FLUX_SCHED_H
#define FLUX_SCHED_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FLUX_SCHED_ABI 1

/* Times and durations: microseconds (times since the epoch, or since the start of
 * a simulation). */
#define FLUX_SCHED_NEVER INT64_MAX
/* Times from here on mean "when a job without a time limit has ended": real, ordered,
 * but not known. Durations from here on mean "no time limit". */
#define FLUX_SCHED_HORIZON ((int64_t)1 << 60)

#define FLUX_SCHED_DIMS 8 /* consumables that a job may name */

/* The engine. */
struct flux_sched;

/* What start() may answer. */
enum {
    FLUX_SCHED_OK = 0,
    FLUX_SCHED_BUSY = -1,    /* not enough is free now */
    FLUX_SCHED_HELD = -2,    /* enough is free, but a plan would be delayed */
    FLUX_SCHED_INVALID = -3, /* not a pending job, or a bad argument */
};

/* Why a pass is made (bits). */
enum {
    FLUX_SCHED_ARRIVE = 1, /* jobs came */
    FLUX_SCHED_FREE = 2,   /* resources were given back */
    FLUX_SCHED_NODE = 4,   /* nodes came, went, or changed */
    FLUX_SCHED_PRIO = 8,   /* the order changed, or jobs left the queue */
    FLUX_SCHED_TIMER = 16, /* a time given to wake() came */
    FLUX_SCHED_MORE = 32,  /* the last pass returned 1 */
    FLUX_SCHED_ASK = 64,   /* someone wants estimates: plan, even if nothing can start */
};

/* Job flags. */
enum {
    FLUX_SCHED_EXCLUSIVE = 1, /* whole nodes */
};

/* A job as a policy sees it. Filled by job(); valid until the pass returns. */
struct flux_sched_job {
    uint32_t size;    /* bytes that the engine filled */
    uint32_t job;     /* its handle: dense, never 0, good until the job is gone */
    uint64_t id;      /* its flux job id */
    int64_t priority; /* higher goes first */
    int64_t t_submit;
    int64_t duration; /* time limit; >= FLUX_SCHED_HORIZON: none */
    int64_t start;    /* running: start time; planned: start in the plan; else NEVER */
    uint32_t userid;
    uint32_t shape;  /* equal numbers: equal requests (all fields below) */
    uint32_t nnodes; /* 0: not said, slots go anywhere */
    uint32_t nslots; /* in total */
    uint32_t cores;  /* for each slot */
    uint32_t gpus;   /* for each slot */
    uint32_t flags;  /* FLUX_SCHED_EXCLUSIVE */
    uint32_t reserved;
    int64_t extra[FLUX_SCHED_DIMS]; /* amount of each consumable, for each node */
};

/* How start() and plan() choose among the nodes that would do. NULL: FIT, no limit. */
enum {
    FLUX_SCHED_FIT = 0,    /* nodes with least to spare first (keeps nodes whole) */
    FLUX_SCHED_LOW = 1,    /* lowest number first */
    FLUX_SCHED_SPREAD = 2, /* nodes with most to spare first */
    FLUX_SCHED_SCORE = 3,  /* lowest score() first, then lowest number */
};

struct flux_sched_pick {
    uint32_t size;  /* sizeof (struct flux_sched_pick) */
    uint32_t order; /* FLUX_SCHED_FIT ... */
    uint32_t allow; /* node set to choose from, beside the job's own constraint; 0: all */
    uint32_t reserved;
    /* SCORE only: called for each node that would do. */
    int64_t (*score)(void *arg, uint32_t job, uint32_t node);
    void *arg;
};

/* Node set operations. */
enum {
    FLUX_SCHED_AND = 0,
    FLUX_SCHED_OR = 1,
    FLUX_SCHED_ANDNOT = 2,
};

/* The engine's calls. Jobs and nodes are handles; node sets are handles that live
 * until the pass (or other policy function) returns. 0 is no job and no set. */
struct flux_sched_api {
    uint32_t size; /* of this table */
    uint32_t abi;

    /* -- clock and queue -- */

    /* The time of this pass. Constant within a pass. */
    int64_t (*now)(struct flux_sched *s);
    /* Number of jobs that wait. */
    uint32_t (*pending)(struct flux_sched *s);
    /* The waiting job that comes after `after` (0: the first) by priority, then submit
     * time, then id; 0 at the end. `after` may have been started meanwhile. */
    uint32_t (*next)(struct flux_sched *s, uint32_t after);
    /* The same, but skip to a job that can start now and, for the whole of its
     * duration, touches no plan. Cost grows with the number of different shapes that
     * might fit, not with the length of the queue. */
    uint32_t (*next_fit)(struct flux_sched *s, uint32_t after);
    /* Read a job, pending or running. 0, or FLUX_SCHED_INVALID. */
    int (*job)(struct flux_sched *s, uint32_t job, struct flux_sched_job *out);
    /* Running jobs in no special order: the one after `after`; 0 at the end. */
    uint32_t (*next_running)(struct flux_sched *s, uint32_t after);

    /* -- acts -- */

    /* Start a job now if that delays no plan (its own plan is dropped first). OK, BUSY,
     * HELD, INVALID; nothing has happened unless OK. */
    int (*start)(struct flux_sched *s, uint32_t job, const struct flux_sched_pick *pick);
    /* Book the earliest time >= not_before at which the job can run for its whole
     * duration beside running jobs and plans. Returns it; FLUX_SCHED_NEVER, with nothing
     * booked, if what is up now can never hold the job; a time >= FLUX_SCHED_HORIZON if
     * it has to wait for jobs without a limit: that books its place among those that
     * wait likewise. Plans last until unplan() or the next unplan_all(). */
    int64_t (*plan)(struct flux_sched *s, uint32_t job, int64_t not_before,
                    const struct flux_sched_pick *pick);
    /* plan() that books nothing. */
    int64_t (*probe)(struct flux_sched *s, uint32_t job, int64_t not_before,
                     const struct flux_sched_pick *pick);
    /* Drop one plan. 0, or FLUX_SCHED_INVALID if there is none. */
    int (*unplan)(struct flux_sched *s, uint32_t job);
    void (*unplan_all)(struct flux_sched *s);
    /* Refuse a job for good; `why` is shown to its owner. */
    int (*deny)(struct flux_sched *s, uint32_t job, const char *why);
    /* Say why a job waits, in a few words; shown as sched.reason_pending. Costs
     * memory for each different text. */
    int (*why)(struct flux_sched *s, uint32_t job, const char *reason);
    /* Ask for a pass at a time (the earliest of all askers counts). */
    void (*wake)(struct flux_sched *s, int64_t at);
    /* 1 when the pass has taken long enough: return 1 from pass() soon, to be called
     * again after messages were read. Always 0 in a simulation. */
    int (*should_yield)(struct flux_sched *s);

    /* -- nodes -- */

    /* Nodes are 0 .. n-1. */
    uint32_t (*nnodes)(struct flux_sched *s);
    /* Capacity and what is free now. 0, or FLUX_SCHED_INVALID. */
    int (*node)(struct flux_sched *s, uint32_t node, uint32_t *rank, uint32_t *ncores,
                uint32_t *ngpus, uint32_t *free_cores, uint32_t *free_gpus);
    /* Number that the configuration gives a node under a name ("perf_class", "switch",
     * "pod"); a property without a number counts as 1; dflt if it has none. */
    int64_t (*node_attr)(struct flux_sched *s, uint32_t node, const char *name,
                         int64_t dflt);
    /* Nodes that could take at least one slot (or the node share) of the job now: up,
     * free enough, and within its constraint. 0 on ENOMEM. */
    uint32_t (*set_free)(struct flux_sched *s, uint32_t job);
    /* Nodes with lo <= attribute <= hi. */
    uint32_t (*set_where)(struct flux_sched *s, const char *name, int64_t lo, int64_t hi);
    /* A new set from two. */
    uint32_t (*set_op)(struct flux_sched *s, int op, uint32_t a, uint32_t b);
    uint32_t (*set_count)(struct flux_sched *s, uint32_t set);
    /* Its bits, 64 nodes a word, lowest first; borrowed. */
    const uint64_t *(*set_words)(struct flux_sched *s, uint32_t set, uint32_t *nwords);

    /* -- consumables: capacities on trees of links (bandwidth to a file system, power) --
     * A job's extra[dim] is charged, for each of its nodes, on every link from the node
     * to the root. The engine enforces this in start() and plan(). */

    /* Number of a consumable in extra[], or -1. */
    int (*dim)(struct flux_sched *s, const char *name);
    /* Least that is spare on the way from a node to the root during [from, to), plans
     * deducted; INT64_MAX where nothing limits it. */
    int64_t (*link_spare)(struct flux_sched *s, int dim, uint32_t node, int64_t from,
                          int64_t to);

    /* -- environment -- */

    /* Option of the policy (module arguments, [sched] in the configuration); dflt if not
     * set; borrowed. */
    const char *(*option)(struct flux_sched *s, const char *key, const char *dflt);
    /* level as in syslog(3). */
    void (*log)(struct flux_sched *s, int level, const char *msg);
};

/* Policy flags. */
enum {
    /* Plans are bound to nodes at once. Needed by a policy whose plans choose nodes
     * (pick given to plan()); otherwise plans are by amounts where that is exact. */
    FLUX_SCHED_BIND_PLANS = 1,
};

/* What a policy is. All functions but pass() may be NULL. `self` is what init()
 * stored in *self. */
struct flux_sched_policy {
    uint32_t size; /* sizeof (struct flux_sched_policy) */
    uint32_t abi;  /* FLUX_SCHED_ABI */
    const char *name;
    const char *help; /* one line */
    uint32_t flags;
    uint32_t reserved;
    /* Get ready; read options. May look at jobs and nodes, may not act. 0, or -1 (after
     * a log() that says why): the policy is not taken. */
    int (*init)(struct flux_sched *s, const struct flux_sched_api *api, void **self);
    void (*fini)(void *self);
    /* Make decisions. Called after something changed (bits in why), once for a batch of
     * events, never before resources and running jobs are known. 0, or 1 to be called
     * again soon. */
    int (*pass)(void *self, uint32_t why);
    /* The policy's own order: a job's rank in place of its flux priority (higher first).
     * Called when the job comes and when its priority changes. */
    int64_t (*priority)(void *self, const struct flux_sched_job *job);
    /* May the job enter the queue? Non-zero refuses it with the text put in why. */
    int (*admit)(void *self, const struct flux_sched_job *job, char *why, size_t size);
    /* A job has started / has ended (bookkeeping, fair share). */
    void (*started)(void *self, const struct flux_sched_job *job);
    void (*ended)(void *self, const struct flux_sched_job *job);
    /* An option changed (configuration reloaded). Non-zero: not accepted. */
    int (*option)(void *self, const char *key, const char *value);
};

#ifdef __cplusplus
}
#endif
#endif
