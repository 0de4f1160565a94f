/* The resource pool: which cores and gpus of which nodes are free now. No time, no
 * jobs. Usable nodes (up, not drained) lie in buckets by their exact number of free
 * cores (and, if there are gpus, of free gpus), so that the best-fitting node is found
 * by a few bit scans however large the pool is.
 */
#ifndef FLUX_SCHED_ENGINE_RPOOL_H
#define FLUX_SCHED_ENGINE_RPOOL_H

#include "sched/engine/hbitmap.h"

/* What the owner of an engine says of a node. Bits are core and gpu ids. */
struct rpool_desc {
    uint32_t rank;
    const uint64_t *cores; /* core_words words */
    const uint64_t *gpus;  /* gpu_words words, or NULL */
    uint32_t core_words, gpu_words;
};

struct rpool_node {
    uint32_t rank;
    uint16_t ncores, ngpus; /* capacity */
    uint16_t cfree, gfree;  /* free, whether up or not */
    bool up;
};

/* Nodes by an exact number of something free. */
struct rpool_buckets {
    uint32_t max;          /* buckets 0 .. max */
    struct hbitmap *set;   /* nodes with exactly k free */
    uint32_t *count;       /* members of each */
    struct hbitmap filled; /* k with members */
};

struct rpool {
    uint32_t nnodes, cw, gw; /* nodes; mask words for each node's cores, gpus */
    struct rpool_node *node;
    uint64_t *core_free, *core_all;         /* nnodes * cw */
    uint64_t *gpu_free, *gpu_all;           /* nnodes * gw */
    struct rpool_buckets by_cores, by_gpus; /* usable nodes only */
    struct hbitmap idle;                    /* usable and wholly free */
    uint32_t nidle, nup;
    uint64_t up_cores, up_gpus;     /* capacity of usable nodes */
    uint64_t free_cores, free_gpus; /* free on usable nodes */
    uint64_t all_cores, all_gpus;   /* capacity of all nodes */
    bool uniform;                   /* all nodes have the same capacity */
};

/* All nodes start down and free. -ENOMEM; -EINVAL: more than 65535 cores on a node. */
int rpool_init(struct rpool *p, const struct rpool_desc *desc, uint32_t n);
void rpool_finish(struct rpool *p);

static inline bool rpool_is_idle(const struct rpool_node *n)
{
    return n->cfree == n->ncores && n->gfree == n->ngpus;
}

/* Take nc free cores and ng free gpus of a node, lowest ids first; the ids go to
 * cores[cw] and gpus[gw]. The caller knows that they are free. */
void rpool_take(struct rpool *p, uint32_t node, uint32_t nc, uint32_t ng, uint64_t *cores,
                uint64_t *gpus);
/* Take exactly these ids; -EBUSY, with nothing taken, if one is not free. */
int rpool_take_ids(struct rpool *p, uint32_t node, const uint64_t *cores,
                   const uint64_t *gpus);
/* Give ids back that were taken. */
void rpool_give(struct rpool *p, uint32_t node, const uint64_t *cores,
                const uint64_t *gpus);
void rpool_set_up(struct rpool *p, uint32_t node, bool up);

/* The first bucket >= k that has members; HBITMAP_NONE if none. */
static inline uint32_t rpool_bucket(const struct rpool_buckets *b, uint32_t k)
{
    return hbitmap_next(&b->filled, k);
}

#endif
