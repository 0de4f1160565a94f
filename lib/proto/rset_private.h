/* Inside of a resource set: rset.c keeps it, rset_decode.c reads and rset_write.c
 * writes it. */
#ifndef FLUX_PROTO_RSET_PRIVATE_H
#define FLUX_PROTO_RSET_PRIVATE_H

#include "proto/rset.h"

struct rset {
    struct rset_node *nodes; /* by rank */
    size_t n, size;
    uint64_t ids; /* counted against RSET_IDS_MAX */
    struct rset_head head;
    cJSON *properties, *scheduling; /* what head points to; ours */
};

/* What cores and gpus cost one rank. */
uint64_t rset_cost(const struct idset *cores, const struct idset *gpus);

#endif
