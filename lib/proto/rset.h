/* Resource sets, "R" version 1 (RFC 20): which cores and gpus of which ranks, from
 * when until when.
 *
 * {"version":1,"execution":{"R_lite":[{"rank":idset,"children":{"core":idset,
 * "gpu":idset?}}...],"nodelist":[hostlist...],"starttime":f,"expiration":f,"nslots":i?,
 * "properties":{name:idset}?},"scheduling":{}?}
 *
 * Host k of the nodelist belongs to the k-th rank in ascending order. Functions
 * return 0 or more, or -errno.
 */
#ifndef FLUX_PROTO_RSET_H
#define FLUX_PROTO_RSET_H

#include <flux/idset.h>

#include "base/json.h"

#define RSET_NODES_MAX 65536
#define RSET_IDS_MAX (1u << 26) /* ranks times their highest id, all entries */

struct rset;

/* What one rank has. Borrowed from the set. */
struct rset_node {
    unsigned rank;
    const char *host; /* NULL: not known */
    const struct idset *cores;
    const struct idset *gpus; /* NULL: none */
};

int rset_new(struct rset **ret);
void rset_free(struct rset *rs); /* accepts NULL */
int rset_copy(const struct rset *rs, struct rset **ret);

/* Read and check R. -EINVAL, err (may be NULL) names what is wrong; -EFBIG above the
 * limits. */
int rset_decode(const cJSON *R, struct rset **ret, flux_error_t *err);
int rset_parse(const char *text, size_t len, struct rset **ret, flux_error_t *err);
/* Append R as text; as a value. */
int rset_print(const struct rset *rs, struct buf *out);
int rset_json(const struct rset *rs, cJSON **ret);

/* By rank: how many, the i-th, that of a rank (NULL). */
size_t rset_nnodes(const struct rset *rs);
const struct rset_node *rset_node(const struct rset *rs, size_t i);
const struct rset_node *rset_find(const struct rset *rs, unsigned rank);
size_t rset_ncores(const struct rset *rs);
size_t rset_ngpus(const struct rset *rs);
int rset_ranks(const struct rset *rs, struct idset **ret); /* yours */
int rset_nodelist(const struct rset *rs, char **ret);      /* hostlist text, yours */

/* 0: not said. -EINVAL unless 0 or start < expiration. */
double rset_starttime(const struct rset *rs);
double rset_expiration(const struct rset *rs);
int rset_set_times(struct rset *rs, double starttime, double expiration);
unsigned rset_nslots(const struct rset *rs); /* 0: not said */
void rset_set_nslots(struct rset *rs, unsigned nslots);
/* {"name":"idset of ranks",...} or NULL; borrowed. The set keeps a copy. */
const cJSON *rset_properties(const struct rset *rs);
int rset_set_properties(struct rset *rs, const cJSON *properties);

/* Give a rank cores and gpus (NULL: none), in addition to what it has. host NULL: leave
 * it. -EFBIG above the limits. */
int rset_add(struct rset *rs, unsigned rank, const char *host, const struct idset *cores,
             const struct idset *gpus);
/* New sets with a's times and properties: a and b; a without b's cores and gpus (a rank
 * that has none left is gone); a's ranks in, or not in, `ranks`. */
int rset_union(const struct rset *a, const struct rset *b, struct rset **ret);
int rset_diff(const struct rset *a, const struct rset *b, struct rset **ret);
int rset_select(const struct rset *a, const struct idset *ranks, struct rset **ret);
int rset_reject(const struct rset *a, const struct idset *ranks, struct rset **ret);
/* A new set in which a's i-th node has the rank ranks[i]; properties follow, scheduling is
 * dropped. -EINVAL: two nodes get one rank. */
int rset_rerank(const struct rset *a, const unsigned *ranks, struct rset **ret);

/* The fast way from an allocation to text: append R for n nodes in ascending order of
 * rank, equal ones grouped. properties and scheduling may be NULL. */
struct rset_head {
    double starttime, expiration;
    unsigned nslots; /* 0: leave out */
    const cJSON *properties, *scheduling;
};
int rset_write(struct buf *out, const struct rset_head *head,
               const struct rset_node *nodes, size_t n);

#endif
