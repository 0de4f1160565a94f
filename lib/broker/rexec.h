/* The service rexec (RFC 42): the owner runs processes through the broker.
 *
 * exec {"cmd":{"cmdline":[s],"env":{},"cwd":s,"opts":{},"label":s?},"flags":i}: a stream of
 * {"type":"started"|"output"|"add-credit"|"finished"|...} that ends with ENODATA. Without
 * the streaming flag the process runs in the background: one answer {"type":"started",
 * "pid"}, in a session of its own, output to the file opts.output (default rexec.log in
 * the statedir or rundir), and it outlives the broker when there is a statedir.
 * write {"matchtag","io"}, kill {"pid"|"label","signum"}, list, wait {"pid"|"label"}.
 */
#ifndef FLUX_BROKER_REXEC_H
#define FLUX_BROKER_REXEC_H

#include "broker/core.h"

struct broker;
struct rexec;

int rexec_new(struct broker *b, struct rexec **ret);
int rexec_serve(struct rexec *r);
enum rexec_end {
    REXEC_END, /* foreground processes are killed; background ones are asked to end, ... */
    REXEC_KEEP, /* ... or go on, */
    REXEC_DROP, /* and so do all */
};
void rexec_free(struct rexec *r, enum rexec_end how); /* accepts NULL */

#endif
