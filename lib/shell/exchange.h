/* Barriers between the nodes of a job, at its leader: each node that has tasks comes with
 * what its tasks have put; when all are in, each gets what all have put. One exchange
 * after the other, by number. A node may come again with the same number: its way here
 * broke before it had its answer.
 *
 * puts: the inside of a JSON array of keys and values in turn.
 */
#ifndef FLUX_SHELL_EXCHANGE_H
#define FLUX_SHELL_EXCHANGE_H

#include "base/slice.h"

struct exchange;

/* rc 0: all are in; puts are theirs, borrowed. Or -errno: there will be no answer.
 * Called once for each that came in. */
typedef void (*exchange_f)(int rc, struct slice puts, void *arg);

/* nodes: of the job; coming: how many of them will. -ENOMEM. */
int exchange_new(unsigned nodes, unsigned coming, struct exchange **ret);
void exchange_free(struct exchange *x); /* accepts NULL; -ECANCELED for all that wait */
/* A node is in. -EPROTO: it is none of ours, or the number is of no use. done may run
 * inside. */
int exchange_enter(struct exchange *x, unsigned node, unsigned seq, struct slice puts,
                   exchange_f done, void *arg);

#endif
