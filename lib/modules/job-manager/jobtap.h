/* The host of the job manager's plug-ins (flux/jobtap.h), built-in and loaded ones,
 * and the requests about them:
 *
 * job-manager.jobtap {"load":path?,"remove":glob?,"conf":{}?} or {"query_only":true}
 *   -> {"plugins":[name..]}
 * job-manager.jobtap-query {"name":s} -> {"name":s,"path":s,...}
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_JOB_MANAGER_JOBTAP_H
#define FLUX_JOB_MANAGER_JOBTAP_H

#include <flux/plugin.h>

#include "modules/job-manager/manager.h"

/* Topics that are called for every job. */
enum jobtap_topic {
    JOBTAP_CREATE,
    JOBTAP_DESTROY,
    JOBTAP_VALIDATE,
    JOBTAP_NEW,
    JOBTAP_PRIORITY_GET,
    JOBTAP_STATE_DEPEND,
    JOBTAP_STATE_PRIORITY,
    JOBTAP_STATE_SCHED,
    JOBTAP_STATE_RUN,
    JOBTAP_STATE_CLEANUP,
    JOBTAP_STATE_INACTIVE,
    JOBTAP_INACTIVE_ADD,
    JOBTAP_INACTIVE_REMOVE,
    JOBTAP_COUNT,
};

int jobtap_new(struct job_manager *jm, struct jobtap **ret);
void jobtap_free(struct jobtap *t);
/* Load the plug-ins of the configuration; call conf.update. -EINVAL with err. */
int jobtap_configure(struct jobtap *t, const flux_conf_t *conf, flux_error_t *err);
/* Load a built-in (".name") or a shared object. err says why not. */
int jobtap_load(struct jobtap *t, const char *path, const cJSON *conf, flux_error_t *err);

/* Does any plug-in handle it? */
bool jobtap_has(const struct jobtap *t, enum jobtap_topic topic);
/* Call all plug-ins. -EINVAL if one fails. */
int jobtap_call(struct jobtap *t, struct job *job, enum jobtap_topic topic);
/* A new job: -EINVAL with the reason. The first asks for consent, the second has the
 * plug-ins of the dependencies take them on (deps: JSON array of the jobspec). */
int jobtap_validate(struct jobtap *t, struct job *job, flux_error_t *err);
int jobtap_dependencies(struct jobtap *t, struct job *job, const char *deps,
                        flux_error_t *err);
/* 1 and the priority, 0: there is none yet, -EINVAL with the reason. */
int jobtap_priority(struct jobtap *t, struct job *job, int64_t *ret, flux_error_t *err);
/* Ask again, now, and post the priority if it is another one. */
void jobtap_reprioritize(struct jobtap *t, struct job *job);
/* A job came to its state from another; an event was posted. */
void jobtap_call_state(struct jobtap *t, struct job *job, flux_job_state_t prev);
void jobtap_call_event(struct jobtap *t, struct job *job, const char *name,
                       const char *line, size_t len);
/* May "key" of the jobspec become value? -EINVAL with the reason. On success the
 * plug-ins' changes are in `updates`, and *validated is set if job.validate need not be
 * called. */
int jobtap_update(struct jobtap *t, struct job *job, const struct flux_msg_cred *cred,
                  const char *key, const cJSON *value, cJSON *updates, bool *validated,
                  flux_error_t *err);
/* job.validate once more, for a changed jobspec. */
int jobtap_validate_updates(struct jobtap *t, struct job *job, const cJSON *updates,
                            flux_error_t *err);

void jobtap_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);
void jobtap_query_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg);

#endif
