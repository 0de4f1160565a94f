/* PMI-1 for the tasks of a job. Each task has a socket, PMI_FD, that costs little until it
 * is used; the server (lib/pmi/server.h) is made when the first one speaks. What tasks
 * put becomes known to those of other nodes at their next barrier, in which each shell
 * sends one message to that of the job's first node, the leader:
 *
 *   UID-shell.pmi-barrier {"id","node","seq","puts":[key,value,...]} -> {"puts":[...]}
 *
 * It is sent again when it, or its answer, may have been lost.
 */
#ifndef FLUX_SHELL_PMI_H
#define FLUX_SHELL_PMI_H

#include <flux/types.h>
#include <flux/message.h>

struct job;
struct pmi;
struct shell;
struct task;

#define PMI_CHILD_FD 3 /* PMI_FD of every task */

/* Listen to a task that has been started. */
void pmi_adopt(struct task *t);
/* Nothing of it is needed any more. */
void pmi_free(struct pmi *p); /* accepts NULL */

/* The leader: a request pmi-barrier. -ENOENT: the job is not known (yet); -EPROTO. */
int pmi_barrier_request(struct shell *sh, const flux_msg_t *msg);

/* The connection goes; there is one again. */
void pmi_suspend(struct shell *sh);
void pmi_resume(struct shell *sh);

#endif
