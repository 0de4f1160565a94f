/* What this host has: cores by hwloc, gpus by what the kernel's drivers list.
 *
 *   resource.topo-get {"restrict":b,"cpus":s?}
 *       -> {"cores":ids,"gpus":ids?,"host":s,"cpus":s,"bound":b}
 *       -> {"same":true} when the process may run on just the given cpus: who knows what
 *          another process found on this host with these knows what this one would find
 *
 * Every broker answers it, and looks only when it is asked. Functions return 0 or more, or
 * -errno.
 */
#ifndef FLUX_RESOURCE_DISCOVER_H
#define FLUX_RESOURCE_DISCOVER_H

#include <flux/handle.h>
#include <flux/idset.h>
#include <flux/message.h>
#include <flux/types.h>

#include "base/json.h"
#include "env/env.h"

/* Shared by all who have the same. */
struct found {
    unsigned refs;
    struct idset *cores, *gpus; /* gpus NULL: none */
    char *cpus;                 /* those the process may run on, as ids */
    bool bound;                 /* and they are not all of the host's */
};

/* Cores that this process may use (restrict: also within its cpu binding), numbered from 0
 * as hwloc orders them, and the numbers of the gpus. Yours, with one reference. */
int discover_host(struct env *env, bool restrict_to_binding, struct found **ret,
                  flux_error_t *err);
/* Answer resource.topo-get. */
void discover_answer(flux_t *h, struct env *env, const flux_msg_t *msg);

/* From an answer, which also names the host (borrowed). -EPROTO. */
int found_decode(const cJSON *o, struct found **ret, const char **ret_host);
/* From R: cpus is "". */
int found_new(const struct idset *cores, const struct idset *gpus, struct found **ret);
struct found *found_ref(struct found *f);
void found_unref(struct found *f); /* accepts NULL */

#endif
