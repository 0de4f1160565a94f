/* The resident flux-shell of one broker rank, seen from job-exec: started when somebody
 * needs it, watched, replaced when it dies, sent away when it is idle; and what it is
 * told: jobs, cancels, acknowledgements.
 */
#ifndef FLUX_JOB_EXEC_SHELLCTL_H
#define FLUX_JOB_EXEC_SHELLCTL_H

#include "modules/job-exec/exec.h"

int shellctl_new(struct exec *x, unsigned rank, struct shellctl **ret);
void shellctl_free(struct shellctl *s); /* accepts NULL */
unsigned shellctl_rank(const struct shellctl *s);
/* NULL: not known yet. Takes host over. */
const char *shellctl_host(const struct shellctl *s);
void shellctl_set_host(struct shellctl *s, char *host);

/* A shell says hello (a request to be held), or any client goes away. */
void shellctl_hello(struct shellctl *s, const flux_msg_t *msg);
void shellctl_disconnect(struct shellctl *s, const flux_msg_t *msg);

/* A part waits for the shell; it is finished; it is no more. */
void shellctl_add(struct shellctl *s, struct exec_part *p);
void shellctl_done(struct shellctl *s, struct exec_part *p);
void shellctl_remove(struct shellctl *s, struct exec_part *p);
/* Tell the shell, if there is one, at the end of the turn: to end a job that it has; that
 * the end of a job is on disk; that all its output is there. And now: a job's new
 * expiration. */
void shellctl_cancel(struct shellctl *s, flux_jobid_t id);
void shellctl_ack(struct shellctl *s, flux_jobid_t id);
void shellctl_output_end(struct shellctl *s, flux_jobid_t id);
void shellctl_expiration(struct shellctl *s, const struct exec_job *job);

/* Jobs that the shell has and we do not: strays. A result of one; the job manager is
 * done with one. */
void shellctl_stray_result(struct shellctl *s, flux_jobid_t id, bool finished);
void shellctl_ack_stray(struct shellctl *s, flux_jobid_t id);

/* What a shell says of a job may have its number of tasks. */
void shellctl_take_ntasks(struct exec_job *job, struct slice o);

/* At the end of a turn, of one that was marked. */
void shellctl_turn(struct shellctl *s);
struct list *shellctl_dirty(struct shellctl *s);
struct shellctl *shellctl_of_dirty(struct list *link);

/* Pass a request on: method and payload. -ENOTCONN: there is no shell now. */
int shellctl_send(struct shellctl *s, const char *method, const char *payload);
flux_future_t *shellctl_rpc(struct shellctl *s, const char *method, const char *payload);

#endif
