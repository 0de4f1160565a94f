/* The table of policies; see policy.h. */
#include <string.h>

#include "sched/policy/policy.h"

extern const struct flux_sched_policy sched_policy_fcfs;
extern const struct flux_sched_policy sched_policy_hybrid;

static const struct flux_sched_policy *const policies[] = {
    &sched_policy_hybrid, /* the default */
    &sched_policy_fcfs,
    NULL,
};

const struct flux_sched_policy *sched_policy_get(unsigned i)
{
    return i < sizeof(policies) / sizeof(policies[0]) ? policies[i] : NULL;
}

const struct flux_sched_policy *sched_policy_find(const char *name)
{
    if (strncmp(name, "sched.", 6) == 0)
        name += 6;
    for (unsigned i = 0; policies[i]; i++)
        if (strcmp(policies[i]->name, name) == 0)
            return policies[i];
    return NULL;
}
