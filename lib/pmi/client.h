/* PMI-1 as a client sees it, whoever serves it: over the wire (PMI_FD), or by a libpmi.so
 * that is opened (Slurm's, say). Calls wait for other processes: worker threads only, one
 * at a time.
 *
 * Functions return 0 or more, or -errno with the reason in err (may be NULL).
 */
#ifndef FLUX_PMI_CLIENT_H
#define FLUX_PMI_CLIENT_H

#include <flux/types.h>

#include "pmi/wire_client.h"

struct pmi_client;

struct pmi_facts {
    int rank, size, appnum, universe_size;
    int keylen_max, vallen_max; /* with the final NUL */
    char kvsname[PMI_KVSNAME_MAX];
};

/* Over a descriptor, which is closed by pmi_client_free(). trace may be NULL. */
int pmi_client_wire(int fd, int rank, int size, pmi_trace_f trace, void *arg,
                    struct pmi_client **ret, flux_error_t *err);
/* By a shared library: its path, or names to try in order, NULL-terminated. -ELIBACC: none
 * could be opened; -ELIBBAD: it lacks a function. */
int pmi_client_dso(const char *const *names, pmi_trace_f trace, void *arg,
                   struct pmi_client **ret, flux_error_t *err);
/* Rank 0 of 1, by nobody. */
int pmi_client_single(struct pmi_client **ret);

/* The wire of a client of that kind; NULL: of another. */
struct pmi_wire *pmi_client_get_wire(struct pmi_client *c);
const struct pmi_facts *pmi_client_facts(const struct pmi_client *c);
int pmi_client_put(struct pmi_client *c, const char *key, const char *value,
                   flux_error_t *err);
/* Everybody's puts are there afterwards. */
int pmi_client_barrier(struct pmi_client *c, flux_error_t *err);
/* The value is yours. -ENOENT. */
int pmi_client_get(struct pmi_client *c, const char *key, char **ret, flux_error_t *err);
/* Once, at the end. */
int pmi_client_finalize(struct pmi_client *c, flux_error_t *err);
void pmi_client_free(struct pmi_client *c); /* accepts NULL */

#endif
