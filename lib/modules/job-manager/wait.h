/* Waiting for waitable jobs. job-manager.wait {"id":I} (-1: any) -> {"id":I,"success":b,
 * "errstr":s}, once for each job submitted with the waitable flag; ECHILD when there is
 * nothing to wait for. A waitable job that ended stays known until someone waits, also
 * over a restart.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_JOB_MANAGER_WAIT_H
#define FLUX_JOB_MANAGER_WAIT_H

#include "modules/job-manager/manager.h"

#define WAIT_META "job-manager.zombies"

int wait_new(struct job_manager *jm, struct wait **ret);
void wait_free(struct wait *w);
/* Those known at the last run, as saved; called before the first request. */
int wait_restore(struct wait *w, const char *saved);

/* A job is about to end: if it is waitable, it is saved with its last event. */
void wait_ending(struct wait *w, const struct job *job);
/* It has ended, and that is on disk. */
void wait_finished(struct wait *w, const struct job *job);
/* It was purged. */
void wait_forget(struct wait *w, flux_jobid_t id);
void wait_disconnect(struct wait *w, const flux_msg_t *msg);
size_t wait_zombies(const struct wait *w);

void wait_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);

#endif
