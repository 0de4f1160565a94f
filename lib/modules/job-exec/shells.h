/* The resident shells, one for each broker rank that runs jobs: found by rank, told at
 * the end of a turn what there is to tell.
 */
#ifndef FLUX_JOB_EXEC_SHELLS_H
#define FLUX_JOB_EXEC_SHELLS_H

#include "modules/job-exec/shellctl.h"

int shells_new(struct exec *x, struct shells **ret);
void shells_free(struct shells *set); /* accepts NULL */

/* The one of a rank, or NULL; the same, made when it is not known yet (NULL: ENOMEM). */
struct shellctl *shells_find(const struct shells *set, unsigned rank);
struct shellctl *shells_need(struct shells *set, unsigned rank);
/* Call fn for each. */
void shells_each(struct shells *set, void (*fn)(struct shellctl *s, void *arg),
                 void *arg);

/* One has something to tell its shell. */
void shells_mark(struct shells *set, struct shellctl *s);
/* At the end of a turn: tell them. */
void shells_turn(struct shells *set);
/* shell-hello: a request to be held; any client goes away. */
void shells_hello(struct shells *set, const flux_msg_t *msg);
void shells_disconnect(struct shells *set, const flux_msg_t *msg);
/* All output of a job is there: tell the shell that keeps it. */
void shells_output_end(struct shells *set, flux_jobid_t id);
/* The job manager is done with a job that only shells know. */
void shells_ack_stray(struct shells *set, flux_jobid_t id);

#endif
