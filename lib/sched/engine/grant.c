/* What a running job holds; see grant.h. */
#include <stdlib.h>
#include <string.h>

#include "sched/engine/grant.h"

struct grant *grant_new(uint32_t nnodes, uint32_t cw, uint32_t gw)
{
    size_t words = (size_t)nnodes * (1u + cw + gw);
    struct grant *g = malloc(sizeof(*g) + words * sizeof(uint64_t));

    if (!g)
        return NULL;
    g->nnodes = 0;
    g->cw = (uint16_t)cw;
    g->gw = (uint16_t)gw;
    return g;
}

void grant_del(struct grant *g, uint32_t i)
{
    size_t stride = (1u + g->cw + g->gw) * sizeof(uint64_t);

    memmove(grant_entry(g, i), grant_entry(g, i + 1), (g->nnodes - i - 1) * stride);
    g->nnodes--;
}
