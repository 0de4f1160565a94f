/* Constraints on jobs (RFC 31 operators as RFC 43 lists them): and, or, not, userid, name,
 * queue, states, results, ranks, hostlist, and t_submit, t_depend, t_run, t_cleanup,
 * t_inactive with values such as ">=1700000000". Evaluated on job objects.
 */
#ifndef FLUX_JOB_LIST_MATCH_H
#define FLUX_JOB_LIST_MATCH_H

#include "base/json.h"

struct match;

/* Check and keep a constraint (copied; NULL: everything). -EINVAL, -ENOMEM. */
int match_new(const cJSON *constraint, struct match **ret, flux_error_t *err);
void match_free(struct match *m);
bool match_job(const struct match *m, const cJSON *job);
/* The same by what the store's row has of a finished job: 1 it matches, 0 it does not, -1
 * its record has to be looked at. */
struct match_row {
    int result;
    uint32_t userid;
    const char *name, *queue; /* NULL: none */
    double t_submit, t_inactive;
};
int match_row(const struct match *m, const struct match_row *row);

/* What certainly holds for all matching jobs, to narrow a search. Texts live as long as
 * the match. */
struct match_narrow {
    int states, results; /* that may occur */
    uint32_t userid;     /* UINT32_MAX: any */
    const char *name, *queue;
    double since, before; /* of the end, exclusive */
    bool exact; /* a job in one of the states, of that user, name and queue matches */
};
void match_narrow(const struct match *m, struct match_narrow *ret);

#endif
