/* The policies that ship. A policy file includes <flux/sched.h> and nothing else of
 * ours; this table is how the sched module and the simulator find it by name.
 */
#ifndef FLUX_SCHED_POLICY_POLICY_H
#define FLUX_SCHED_POLICY_POLICY_H

#include <flux/sched.h>

/* A policy by name, with or without "sched." in front; NULL. */
const struct flux_sched_policy *sched_policy_find(const char *name);
/* The i-th one; NULL at the end. */
const struct flux_sched_policy *sched_policy_get(unsigned i);

#endif
