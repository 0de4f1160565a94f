/* The resident flux-shell, seen from job-exec: started when somebody needs it, watched,
 * replaced when it dies, sent away when it is idle.
 */
#ifndef FLUX_JOB_EXEC_SHELLCTL_H
#define FLUX_JOB_EXEC_SHELLCTL_H

#include "modules/job-exec/exec.h"

int shellctl_new(struct exec *x, struct shellctl **ret);
void shellctl_free(struct shellctl *s); /* accepts NULL */

/* A shell says hello (a request to be held), or any client goes away. */
void shellctl_hello(struct shellctl *s, const flux_msg_t *msg);
void shellctl_disconnect(struct shellctl *s, const flux_msg_t *msg);

/* Somebody wants a shell, if there is none. */
void shellctl_need(struct shellctl *s);
/* At the end of a turn: send it the waiting jobs. */
void shellctl_turn(struct shellctl *s);
/* Pass a request on: method and payload. -ENOTCONN: there is no shell now. */
int shellctl_send(struct shellctl *s, const char *method, const char *payload);
flux_future_t *shellctl_rpc(struct shellctl *s, const char *method, const char *payload);

#endif
