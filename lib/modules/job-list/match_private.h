/* What match.c and match_row.c share. */
#ifndef FLUX_JOB_LIST_MATCH_PRIVATE_H
#define FLUX_JOB_LIST_MATCH_PRIVATE_H

#include "modules/job-list/match.h"

#define ALL_STATES 127
#define ALL_RESULTS 15

struct match {
    cJSON *tree; /* NULL: everything */
};

/* The union of an operator's states or results, which are numbers or names. */
int match_mask(const cJSON *values);
/* ">=T", "<=T", ">T", "<T". -EINVAL. */
int match_bound(const char *s, char op[3], double *ret);
/* Is the time within one of the bounds? One that has not come is in none. */
bool match_time(const cJSON *values, double have);

#endif
