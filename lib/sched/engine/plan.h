/* Plans: who will run when, beside those who run now.
 *
 * Three ways to count, the cheapest that is exact for the jobs at hand:
 *   CORES  one node, or only one-core slots: cores (and gpus) are interchangeable, so a
 *          count over time says it all, whatever cores a job gets in the end;
 *   NODES  only whole nodes, all alike: the same with nodes;
 *   BOUND  anything else: plans name their nodes (timeline.h).
 * The count profiles are built when a policy first plans and then kept up to date; a
 * policy that never plans pays nothing.
 */
#ifndef FLUX_SCHED_ENGINE_PLAN_H
#define FLUX_SCHED_ENGINE_PLAN_H

#include "sched/engine/entry.h"
#include "sched/engine/place.h"
#include "sched/engine/timeline.h"

struct flux_sched;

enum plan_mode {
    PLAN_CORES,
    PLAN_NODES,
    PLAN_BOUND,
};

/* A booking. */
struct plan {
    uint32_t job; /* 0: dropped */
    int64_t t0, t1;
    int64_t need[2];       /* counting */
    uint32_t span, nspans; /* bound: consecutive spans */
};

struct planner {
    enum plan_mode mode;
    bool live;  /* the profiles hold, for `mode` */
    bool built; /* the timeline holds */
    int dims;   /* profiles in use */
    struct profile profile[2];
    struct timeline timeline;
    struct plan *plan;
    uint32_t n, room, nplans; /* entries, and those not dropped */
    struct parts parts;
};

/* The longest duration with which a job of the shape can start now beside the plans;
 * 0: none; INT64_MAX: any. Remembered until something changes. */
int64_t plan_window(struct flux_sched *s, uint32_t shape);
/* Can this job start now, given pick (may be NULL)? 0 with the nodes in s->parts; or
 * FLUX_SCHED_BUSY, FLUX_SCHED_HELD. */
int plan_check(struct flux_sched *s, uint32_t job, const struct flux_sched_pick *pick);
/* Find and, if `book`, book the earliest time. See plan() in <flux/sched.h>. */
int64_t plan_make(struct flux_sched *s, uint32_t job, int64_t not_before,
                  const struct flux_sched_pick *pick, bool book);
/* Drop the plan of a job, if it has one. */
void plan_drop(struct flux_sched *s, uint32_t job);
void plan_drop_all(struct flux_sched *s);
/* A job has started, holding e->grant until e->end. */
void plan_started(struct flux_sched *s, uint32_t job);
/* A job that was counted until e->end gives back its grant now (or changes its end: call
 * before, then plan_started() after). */
void plan_ended(struct flux_sched *s, uint32_t job);
/* What is up changed, or a grant was cut: count anew. */
void plan_stale(struct flux_sched *s);
/* The time moved on. */
void plan_advance(struct flux_sched *s);
void plan_finish(struct planner *p);

#endif
