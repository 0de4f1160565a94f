/* The inside of the engine: what engine.c (events), pass.c (the table of calls), plan.c
 * and nodeset.c share.
 */
#ifndef FLUX_SCHED_ENGINE_STATE_H
#define FLUX_SCHED_ENGINE_STATE_H

#include "base/map.h"
#include "sched/engine/ends.h"
#include "sched/engine/engine.h"
#include "sched/engine/grant.h"
#include "sched/engine/link.h"
#include "sched/engine/order.h"
#include "sched/engine/plan.h"

/* A number for each node, under a name. */
struct attribute {
    char *name;
    int64_t *value; /* by node */
    uint64_t *has;  /* bits: it has one */
};

struct nodeset {
    uint64_t *words;
};

struct flux_sched {
    const struct engine_ops *ops;
    void *ops_arg;

    struct rpool pool;
    struct entries jobs;
    struct shapes shapes;
    uint32_t root; /* order of all that wait */
    uint32_t npending, nrunning;
    uint32_t running; /* list of running jobs, by the entries' links */
    uint32_t kind_pending[SHAPE_KINDS];
    uint32_t npartial; /* running jobs that hold parts of nodes */
    struct ends ends;
    struct links links;
    struct planner planner;

    int64_t now, wake;
    uint32_t why; /* bits for the next pass; 0: none is needed */
    bool in_pass;
    /* The state of what is free and planned, for the windows of the shapes. */
    uint32_t gains, losses;

    const struct flux_sched_policy *policy;
    void *self;

    struct attribute *attr;
    uint32_t nattrs;
    struct nodeset *set; /* of this pass; handle - 1 */
    uint32_t nsets, set_room;
    uint32_t set_words;  /* words of a set */
    struct map *reasons; /* text -> index + 1 */
    const char **reason; /* by index */
    uint32_t nreasons, reason_room;
};

/* The table given to policies (pass.c). */
extern const struct flux_sched_api engine_api;

/* Start a pending job on the nodes in s->planner.parts. -ENOMEM. */
int engine_start(struct flux_sched *s, uint32_t job);
/* Take a pending job out of the queue, keeping its entry. */
void engine_unqueue(struct flux_sched *s, uint32_t job);
/* Free an entry that is neither queued nor running. */
void engine_forget(struct flux_sched *s, uint32_t job);
/* Fill a policy's view. */
void engine_view(const struct flux_sched *s, uint32_t job, struct flux_sched_job *out);
/* Something was given back / taken: windows of shapes are to be looked at again. */
static inline void engine_gain(struct flux_sched *s)
{
    s->gains++;
}
static inline void engine_loss(struct flux_sched *s)
{
    s->losses++;
}
/* Look up the nodes of a new or changed constraint. */
int engine_fit_shape(struct flux_sched *s, struct shape *sh);
/* Take the ids of a grant from the pool. -EBUSY, with nothing taken. */
int engine_take_grant(struct flux_sched *s, const struct grant *g);
/* Does a grant hold all of each of its nodes? */
bool engine_holds_whole(const struct flux_sched *s, const struct grant *g);
/* nodeset.c */
void nodesets_clear(struct flux_sched *s);
void nodesets_finish(struct flux_sched *s);
const uint64_t *nodeset_words(const struct flux_sched *s, uint32_t set);
uint32_t nodeset_free(struct flux_sched *s, uint32_t job);
uint32_t nodeset_where(struct flux_sched *s, const char *name, int64_t lo, int64_t hi);
uint32_t nodeset_op(struct flux_sched *s, int op, uint32_t a, uint32_t b);
int64_t node_attribute(const struct flux_sched *s, uint32_t node, const char *name,
                       int64_t dflt);

#endif
