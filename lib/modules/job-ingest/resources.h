/* What the instance has, as the resource service says, to refuse at once what can
 * never run. Nothing is refused on old knowledge: the service is asked again first.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_JOB_INGEST_RESOURCES_H
#define FLUX_JOB_INGEST_RESOURCES_H

#include <flux/core.h>

#include "proto/jobspec.h"

struct rset;
struct resources;

/* Asks at once. again(msg, arg) is called for kept requests when the answer is there. */
typedef void (*resources_again_f)(const flux_msg_t *msg, void *arg);
int resources_new(flux_t *h, resources_again_f again, void *arg, struct resources **ret);
void resources_free(struct resources *rs);
/* Ask (again). */
void resources_refresh(struct resources *rs);

/* The first answer has not come yet. */
bool resources_unknown(const struct resources *rs);
/* Could such a job run on all there is? 0, or -EINVAL, err says what lacks. */
int resources_check(const struct resources *rs, const struct jobspec_shape *shape,
                    flux_error_t *err);
/* Keep a request until the next answer. */
int resources_wait(struct resources *rs, const flux_msg_t *msg);
/* Inside again(): the answer is fresh. */
bool resources_fresh(const struct resources *rs);

/* For tests: set without asking. */
int resources_set(struct resources *rs, const struct rset *R);

#endif
