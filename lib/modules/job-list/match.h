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
/* The same by what the store's index knows of a finished job: 1 it matches, 0 it does not,
 * -1 its record has to be looked at. */
int match_row(const struct match *m, int result, uint32_t userid);

/* What certainly holds for all matching jobs, to narrow a search: which states and
 * results may occur; one userid (UINT32_MAX: any). */
int match_states(const struct match *m);
int match_results(const struct match *m);
uint32_t match_userid(const struct match *m);

#endif
