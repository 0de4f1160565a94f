/* Resource sets (R) as the commands need them: counts per node, and differences. */
#ifndef FLUX_CLI_RCOUNT_H
#define FLUX_CLI_RCOUNT_H

#include <cjson/cJSON.h>
#include <flux/hostlist.h>
#include <flux/idset.h>

struct rnode {
    unsigned rank;
    char *host; /* may be NULL */
    struct idset *cores, *gpus;
};

struct rcount {
    struct rnode *nodes;
    size_t n;
};

/* Read R (a JSON object, or null for none). 0, or -EPROTO, -ENOMEM. */
int rcount_read(const cJSON *R, struct rcount *ret);
void rcount_clear(struct rcount *rc);
/* Take b's cores and gpus out of a; nodes left empty go. */
int rcount_subtract(struct rcount *a, const struct rcount *b);
/* Keep only the nodes of these ranks. */
int rcount_select(struct rcount *rc, const struct idset *ranks);
size_t rcount_cores(const struct rcount *rc);
size_t rcount_gpus(const struct rcount *rc);
/* Host names in bracket form; yours to free(). */
char *rcount_nodelist(const struct rcount *rc);
char *rcount_ranks(const struct rcount *rc);

#endif
