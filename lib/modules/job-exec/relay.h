/* Readers of job output: requests of job-info that are passed on to the shell.
 */
#ifndef FLUX_JOB_EXEC_RELAY_H
#define FLUX_JOB_EXEC_RELAY_H

#include "modules/job-exec/exec.h"

int relays_new(struct exec *x, struct relays **ret);
void relays_free(struct relays *rs); /* answers ENODATA; accepts NULL */
bool relays_any(const struct relays *rs);

/* Handle a request: output, output-cancel, disconnect. */
void relay_add(struct relays *rs, const flux_msg_t *msg);
void relay_cancel(struct relays *rs, const flux_msg_t *msg);
void relay_disconnect(struct relays *rs, const flux_msg_t *msg);

/* There is a shell: ask it. The shell is gone: wait for the next one. There will be
 * none: fail. */
void relays_resume(struct relays *rs, const char *service);
void relays_suspend(struct relays *rs);
void relays_fail(struct relays *rs, int errnum, const char *text);

#endif
