/* Plug-ins of the job manager ("jobtap"): policy on priority, limits, dependencies,
 * and actions at a job's changes of state. A plug-in is a shared object loaded with
 * `flux jobtap load FILE.so [KEY=VALUE...]` or [job-manager] plugins; see flux/plugin.h.
 *
 * Callbacks, by topic:
 *   job.create, job.destroy         the job exists / is forgotten by the job manager
 *   job.validate                    at submission: -1 refuses the job, see reject_job
 *   job.new                         accepted, or known again after a restart
 *   job.dependency.SCHEME           once for each dependency of that scheme
 *   job.state.depend, .priority, .sched, .run, .cleanup, .inactive
 *   job.event.NAME                  to those who called flux_jobtap_job_subscribe()
 *   job.priority.get                answer {"priority":I} (0 holds the job)
 *   job.inactive-add, -remove       the job left the active set / is purged; no more
 *                                   events can be posted
 *   job.update.KEY, job.update      a change of the jobspec is asked for / is made
 *   conf.update                     {"conf":{}}; -1 refuses the configuration
 *   plugin.query                    answer anything, for `flux jobtap query`
 *
 * Arguments (IN): id, userid, urgency, state, prev_state, priority, t_submit, duration,
 * nnodes, ncores, ngpus (as asked for, 0: not said), jobspec, R (from RUN on), entry and end_event (the event being handled), dependency
 * (job.dependency.*), key, value, updates (job.update*). They cost nothing unless asked
 * for. OUT: priority, annotations, errstr, value, validated, feasibility.
 *
 * Callbacks run when an event is posted, before it is on disk; whoever waits outside
 * (clients, scheduler, execution) hears of it after that. They must not block.
 *
 * Functions return 0 or a pointer, or -1 / NULL with errno: ENOENT no such active job,
 * EINVAL bad arguments or called at the wrong moment.
 */
#ifndef FLUX_JOBTAP_H
#define FLUX_JOBTAP_H

#include <flux/core.h>
#include <flux/job.h>
#include <flux/plugin.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The job whose callback is running. */
#define FLUX_JOBTAP_CURRENT_JOB FLUX_JOBID_ANY

/* The job manager's handle, for timers and RPCs. Borrowed. */
flux_t *flux_jobtap_get_flux(flux_plugin_t *p);

/* Serve requests to "job-manager.<plug-in's name>.<method>", from the owner and from
 * those in rolemask. Ends with the plug-in. */
int flux_jobtap_service_register(flux_plugin_t *p, const char *method,
                                 flux_msg_handler_f cb, void *arg);
int flux_jobtap_service_register_ex(flux_plugin_t *p, const char *method,
                                    uint32_t rolemask, flux_msg_handler_f cb, void *arg);

/* Ask job.priority.get again for all jobs in PRIORITY or SCHED. */
int flux_jobtap_reprioritize_all(flux_plugin_t *p);
/* Set a job's priority. Nothing happens in other states, or if it has it already. */
int flux_jobtap_reprioritize_job(flux_plugin_t *p, flux_jobid_t id,
                                 unsigned int priority);
/* In job.priority.get, job.state.priority: there is no priority yet, the job stays in
 * PRIORITY until flux_jobtap_reprioritize_job(). Returns 0. */
int flux_jobtap_priority_unavail(flux_plugin_t *p, flux_plugin_arg_t *args);

/* Set "errstr" in the answer. Returns -1, for `return flux_jobtap_error (...)`. */
int flux_jobtap_error(flux_plugin_t *p, flux_plugin_arg_t *args, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same in job.validate; fmt NULL: "rejected by job-manager plugin NAME". */
int flux_jobtap_reject_job(flux_plugin_t *p, flux_plugin_arg_t *args, const char *fmt,
                           ...) __attribute__((format(printf, 3, 4)));

/* Keep a job in DEPEND until the description is removed again. A description can be
 * added once. EEXIST: it was there already and is gone (a present one: 0). */
int flux_jobtap_dependency_add(flux_plugin_t *p, flux_jobid_t id,
                               const char *description);
int flux_jobtap_dependency_remove(flux_plugin_t *p, flux_jobid_t id,
                                  const char *description);

/* Things kept with a job by name; freed with the job, which is when it is inactive. */
int flux_jobtap_job_aux_set(flux_plugin_t *p, flux_jobid_t id, const char *name,
                            void *val, flux_free_f free_fn);
void *flux_jobtap_job_aux_get(flux_plugin_t *p, flux_jobid_t id, const char *name);
int flux_jobtap_job_aux_delete(flux_plugin_t *p, flux_jobid_t id, void *val);

/* Set a flag of the job ("debug", "waitable", "novalidate"), with an event. */
int flux_jobtap_job_set_flag(flux_plugin_t *p, flux_jobid_t id, const char *flag);

/* Raise an exception; severity 0 ends the job. */
int flux_jobtap_raise_exception(flux_plugin_t *p, flux_jobid_t id, const char *type,
                                int severity, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));

/* Append an event to the job's log; fmt (may be NULL) packs its context. */
int flux_jobtap_event_post_pack(flux_plugin_t *p, flux_jobid_t id, const char *name,
                                const char *fmt, ...);

/* Change keys of the jobspec ("attributes.system.duration", ...): of the current job
 * once its callback has returned, or of another one at once. Before RUN only. */
int flux_jobtap_jobspec_update_pack(flux_plugin_t *p, const char *fmt, ...);
int flux_jobtap_jobspec_update_id_pack(flux_plugin_t *p, flux_jobid_t id, const char *fmt,
                                       ...);

/* A job's arguments, as its callbacks see them; yours to destroy. Good while the job is
 * active. */
flux_plugin_arg_t *flux_jobtap_job_lookup(flux_plugin_t *p, flux_jobid_t id);
/* Result of an inactive job. EINVAL: it is active. */
int flux_jobtap_get_job_result(flux_plugin_t *p, flux_jobid_t id,
                               flux_job_result_t *resultp);
/* Was an event of this name posted? 1, 0, or -1. Works for ended jobs too. */
int flux_jobtap_job_event_posted(flux_plugin_t *p, flux_jobid_t id, const char *name);

/* Receive job.event.NAME for a job. */
int flux_jobtap_job_subscribe(flux_plugin_t *p, flux_jobid_t id);
void flux_jobtap_job_unsubscribe(flux_plugin_t *p, flux_jobid_t id);

/* Hold the start of the current job, until finish. status 0: it went well. */
int flux_jobtap_prolog_start(flux_plugin_t *p, const char *description);
int flux_jobtap_prolog_finish(flux_plugin_t *p, flux_jobid_t id, const char *description,
                              int status);
/* Hold the release of the current job's resources, until finish. */
int flux_jobtap_epilog_start(flux_plugin_t *p, const char *description);
int flux_jobtap_epilog_finish(flux_plugin_t *p, flux_jobid_t id, const char *description,
                              int status);

/* Call the plug-ins for a topic of one's own (not "job.*") in the name of a job, with
 * just these arguments. */
int flux_jobtap_call(flux_plugin_t *p, flux_jobid_t id, const char *topic,
                     flux_plugin_arg_t *args);

#ifdef __cplusplus
}
#endif
#endif
