/* The scheduling engine: resources, queue, running jobs, plans, and one policy that
 * decides. Pure: no clock, no handle, no threads; its owner (the sched module, the
 * simulator, a test) tells it what happened and at what time, and hears of its acts
 * through struct engine_ops.
 *
 * Functions return 0 or more, or -errno. Times are as in <flux/sched.h>.
 */
#ifndef FLUX_SCHED_ENGINE_ENGINE_H
#define FLUX_SCHED_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>

#include <flux/sched.h>
#include "sched/engine/entry.h"
#include "sched/engine/grant.h"
#include "sched/engine/shape.h"

struct engine_ops {
    /* The policy started a job: read e->grant, e->start, e->end. */
    void (*started)(void *arg, const struct entry *e);
    /* The policy refused a job; its entry goes away after the call. */
    void (*denied)(void *arg, uint64_t id, const char *why);
    /* The nodes that a constraint text allows: *ret_mask is a malloc'd bitmap of nnodes
     * bits, or NULL when it allows all. -EINVAL, -ENOMEM. Optional: none is known. */
    int (*eligible)(void *arg, const char *constraint, uint64_t **ret_mask);
    /* 1 when a pass should pause; optional. */
    int (*yield)(void *arg);
    /* Option of the policy, or NULL; optional. */
    const char *(*option)(void *arg, const char *key);
    void (*log)(void *arg, int level, const char *msg); /* optional */
};

int engine_new(const struct engine_ops *ops, void *arg, struct flux_sched **ret);
void engine_free(struct flux_sched *s); /* accepts NULL */

/* -- policy -- */

/* Swap the policy; jobs and grants stay. On failure the old one goes on. -EINVAL. */
int engine_set_policy(struct flux_sched *s, const struct flux_sched_policy *policy);
const struct flux_sched_policy *engine_policy(const struct flux_sched *s);
/* An option changed: tell the policy. -EINVAL if it does not accept it. */
int engine_set_option(struct flux_sched *s, const char *key, const char *value);

/* -- resources -- */

/* Set the nodes, all down; ranks ascend. Running jobs keep what is still there of their
 * grants; constraints are looked up anew. */
int engine_set_nodes(struct flux_sched *s, const struct rpool_desc *desc, uint32_t n);
const struct rpool *engine_pool(const struct flux_sched *s);
int64_t engine_node_of(const struct flux_sched *s, uint32_t rank); /* -ENOENT */
void engine_set_up(struct flux_sched *s, uint32_t node, bool up);
/* Properties of nodes changed: look constraints up anew. */
int engine_refit(struct flux_sched *s);
/* A number for policies, see node_attr(). */
int engine_set_attr(struct flux_sched *s, const char *name, uint32_t node, int64_t value);
/* Consumables (sched/engine/link.h); set after engine_set_nodes(). */
struct links *engine_links(struct flux_sched *s);

/* -- jobs -- */

struct engine_job {
    uint64_t id;
    int64_t priority;
    int64_t t_submit;
    int64_t duration; /* <= 0 or >= FLUX_SCHED_HORIZON: no limit */
    uint32_t userid;
    struct request req;
};

/* A job comes to wait. -EEXIST; -ENOSPC: it can never run, -EINVAL: bad request or
 * constraint, -EPERM: the policy refused it; these with the reason in why. */
int engine_submit(struct flux_sched *s, const struct engine_job *job, char *why,
                  size_t size);
/* engine_submit() without the job: only the answer. */
int engine_satisfiable(struct flux_sched *s, const struct request *req, char *why,
                       size_t size);
/* A job that runs already, holding `grant` (taken over, also on failure): -EBUSY when
 * part of it is not free, -EEXIST. end: FLUX_SCHED_HORIZON or more: no limit. */
int engine_adopt(struct flux_sched *s, const struct engine_job *job, struct grant *grant,
                 int64_t start, int64_t end);
/* A waiting job leaves. -ENOENT; -EBUSY: it runs. */
int engine_cancel(struct flux_sched *s, uint64_t id);
int engine_prioritize(struct flux_sched *s, uint64_t id, int64_t priority); /* -ENOENT */
/* A running job gives back everything, or what it has on one node (which ends the job when it
 * was the last). -ENOENT. */
int engine_release(struct flux_sched *s, uint64_t id);
int engine_release_node(struct flux_sched *s, uint64_t id, uint32_t node);
/* A running job's end moved. -ENOENT */
int engine_set_end(struct flux_sched *s, uint64_t id, int64_t end);

/* -- passes -- */

/* What happens next happens at `now`, which never goes back. */
void engine_set_time(struct flux_sched *s, int64_t now);
/* Is there anything for a pass to do? (bits, FLUX_SCHED_ARRIVE ...) */
uint32_t engine_dirty(const struct flux_sched *s);
/* Let the policy decide, if anything changed since (or `why` gives a reason). 1 when it wants to go on
 * after a pause. */
int engine_pass(struct flux_sched *s, uint32_t why);
/* When the policy asked to be called; FLUX_SCHED_NEVER. */
int64_t engine_wake(const struct flux_sched *s);

/* -- looking -- */

uint32_t engine_npending(const struct flux_sched *s);
uint32_t engine_nrunning(const struct flux_sched *s);
const struct entry *engine_find(const struct flux_sched *s, uint64_t id); /* or NULL */
/* Jobs in the order of the queue; running jobs in no order. NULL at the end, and to start. */
const struct entry *engine_next_pending(const struct flux_sched *s,
                                        const struct entry *after);
const struct entry *engine_next_running(const struct flux_sched *s,
                                        const struct entry *after);
const struct request *engine_request(const struct flux_sched *s, const struct entry *e);
/* Why it waits, as the policy said; NULL. */
const char *engine_reason(const struct flux_sched *s, const struct entry *e);
/* Keep a note of the owner's with a job: e->told. */
void engine_told(struct flux_sched *s, const struct entry *e, uint32_t told);
/* For tests: stops the program if free, granted and counted do not agree. */
void engine_verify(const struct flux_sched *s);

#endif
