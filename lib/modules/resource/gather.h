/* What all brokers' hosts have, known at rank 0. Each host is looked at once: one broker
 * of it is asked (discover.h), and the others share what it found. Only where a broker
 * may not run on all of its host's cpus are its neighbours asked as well, and they look
 * only if theirs are other ones.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_RESOURCE_GATHER_H
#define FLUX_RESOURCE_GATHER_H

#include <flux/handle.h>

#include "modules/resource/discover.h"
#include "modules/resource/hosts.h"
#include "proto/rset.h"

struct gather;
/* A broker answered, or could not. */
typedef void (*gather_f)(void *arg);

struct gather_conf {
    flux_t *h;
    struct env *env;
    struct hosts *hosts; /* borrowed */
    gather_f changed;
    void *arg;
};

int gather_new(const struct gather_conf *conf, struct gather **ret);
void gather_free(struct gather *g); /* accepts NULL */
/* Ask all anew when they are wanted next; until then what is known holds. */
void gather_restart(struct gather *g, bool restrict_to_binding);
/* Look at this host, on which `rank` runs, now. */
int gather_own(struct gather *g, uint32_t rank, flux_error_t *err);
/* What an earlier start of the instance knew: good until the broker itself is there. */
int gather_preload(struct gather *g, const struct rset *rs);
/* These ranks can be asked: find out what is not known of them. */
void gather_want(struct gather *g, const struct idset *ranks);
bool gather_is_busy(const struct gather *g); /* answers are to come */
const struct found *gather_get(const struct gather *g, uint32_t rank); /* NULL: unknown */
bool gather_is_fresh(const struct gather *g, uint32_t rank); /* and not from before */

#endif
