/* What a running job holds: for each node, which cores and which gpus. One block of
 * memory; 32 bytes for a small job on a small machine.
 */
#ifndef FLUX_SCHED_ENGINE_GRANT_H
#define FLUX_SCHED_ENGINE_GRANT_H

#include <stddef.h>
#include <stdint.h>

struct grant {
    uint32_t nnodes;
    uint16_t cw, gw; /* mask words */
    uint64_t data[]; /* for each node: head word, cw core words, gw gpu words */
};

/* Room for nnodes nodes, nnodes set to 0; grant_add fills it. NULL on ENOMEM; free(). */
struct grant *grant_new(uint32_t nnodes, uint32_t cw, uint32_t gw);

static inline uint64_t *grant_entry(const struct grant *g, uint32_t i)
{
    return (uint64_t *)g->data + (size_t)i * (1u + g->cw + g->gw);
}
/* Append a node; its masks are then filled in through grant_cores and grant_gpus. */
static inline uint32_t grant_add(struct grant *g, uint32_t node, uint32_t ncores,
                                 uint32_t ngpus)
{
    *grant_entry(g, g->nnodes) = node | (uint64_t)ncores << 32 | (uint64_t)ngpus << 48;
    return g->nnodes++;
}
static inline uint32_t grant_node(const struct grant *g, uint32_t i)
{
    return (uint32_t)*grant_entry(g, i);
}
static inline uint32_t grant_ncores(const struct grant *g, uint32_t i)
{
    return *grant_entry(g, i) >> 32 & 0xffff;
}
static inline uint32_t grant_ngpus(const struct grant *g, uint32_t i)
{
    return *grant_entry(g, i) >> 48;
}
static inline uint64_t *grant_cores(const struct grant *g, uint32_t i)
{
    return grant_entry(g, i) + 1;
}
static inline uint64_t *grant_gpus(const struct grant *g, uint32_t i)
{
    return grant_entry(g, i) + 1 + g->cw;
}
/* Remove one node (order is kept). */
void grant_del(struct grant *g, uint32_t i);

#endif
