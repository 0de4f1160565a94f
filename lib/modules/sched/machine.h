/* Between R and the engine: node i of the engine is the i-th rank of the resource set.
 */
#ifndef FLUX_MODULES_SCHED_MACHINE_H
#define FLUX_MODULES_SCHED_MACHINE_H

#include "proto/rset.h"
#include "sched/engine/engine.h"

struct machine {
    struct rset *rs;   /* what there is; NULL: not known yet */
    double expiration; /* of the instance; 0: none */
};

void machine_finish(struct machine *m);
/* Give the engine the nodes of a resource set, which is taken over. */
int machine_load(struct machine *m, struct flux_sched *s, struct rset *rs);
/* Set ranks (those that exist) up or down. */
void machine_set_up(struct flux_sched *s, const struct idset *ranks, bool up);
/* What a job holds, by its R; ids that do not exist here are left out. -ENOENT: nothing is
 * left. */
int machine_grant(const struct machine *m, const struct flux_sched *s,
                  const struct rset *R, struct grant **ret);
/* Append the R of a running job. */
int machine_write_R(struct machine *m, const struct flux_sched *s, const struct entry *e,
                    struct buf *out);
/* What is allocated, and what is down, whole. */
int machine_allocated(const struct machine *m, const struct flux_sched *s,
                      struct rset **ret);
int machine_down(const struct machine *m, const struct flux_sched *s, struct rset **ret);

/* Wall-clock seconds and the engine's microseconds. */
static inline int64_t to_usec(double t)
{
    return (int64_t)(t * 1e6 + 0.5);
}
static inline double to_sec(int64_t t)
{
    return (double)t / 1e6;
}

#endif
