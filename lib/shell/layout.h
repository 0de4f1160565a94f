/* Which node of a job runs which of its tasks: blocks of consecutive ranks, as many on a
 * node as its share of the slots says. Nodes are counted from 0 in the order of R.
 */
#ifndef FLUX_SHELL_LAYOUT_H
#define FLUX_SHELL_LAYOUT_H

#include "base/buf.h"
#include "proto/jobspec.h"
#include "proto/rset.h"

struct layout {
    unsigned nnodes, ntasks;
    unsigned *first; /* nnodes + 1: node i runs the tasks first[i] to first[i + 1] - 1 */
};

/* rs NULL or without ranks: one node. -ENOMEM. */
int layout_make(const struct rset *rs, const struct jobspec_shape *shape,
                struct layout *ret);
void layout_clear(struct layout *l);

/* How many nodes have tasks. */
unsigned layout_count_nodes(const struct layout *l);
/* Append the layout as PMI_process_mapping, "(vector,(NODE,NODES,TASKS_EACH),...)". */
int layout_mapping(const struct layout *l, struct buf *out);

#endif
