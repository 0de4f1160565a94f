/* Posting events: the only way a job changes. An event is appended to the job's log (in
 * the open batch), moves the job along the automaton, and calls the plug-ins; what must
 * follow from it is done by advance.c.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_JOB_MANAGER_EVENT_H
#define FLUX_JOB_MANAGER_EVENT_H

#include "modules/job-manager/manager.h"

/* fmt (NULL: none) packs the context. */
int event_post(struct job_manager *jm, struct job *job, enum event_id id, const char *fmt,
               ...);
/* Any event, context as text (p NULL: none). */
int event_post_text(struct job_manager *jm, struct job *job, const char *name,
                    struct slice context);
/* An exception, and its place in the job's record. userid UINT32_MAX: not a person's;
 * wait_status < 0: none. */
int event_post_exception(struct job_manager *jm, struct job *job, const char *type,
                         int severity, uint32_t userid, int wait_status,
                         const char *note);
/* A change of the jobspec: context is {"attributes.system.duration":x, ...}. */
int event_post_update(struct job_manager *jm, struct job *job, const cJSON *updates);

#endif
