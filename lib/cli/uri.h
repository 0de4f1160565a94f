/* From what a person says of an instance to its URI.
 *
 *   local://..., ssh://...      as it is
 *   [jobid:]PATH                job ids with slashes between them: a job of the instance
 *                               before. It begins at this instance, with / at the
 *                               outermost one; .. is the parent, . the same instance
 *   pid:PID                     the instance of that broker, or that the process belongs to
 *   slurm:JOBID                 the one that runs in a Slurm job
 *
 * "?local" or "?remote" at the end asks for a form, as options do.
 */
#ifndef FLUX_CLI_URI_H
#define FLUX_CLI_URI_H

#include <stdbool.h>

#include <flux/types.h>

enum uri_form {
    URI_PLAIN,  /* as it is told */
    URI_REMOTE, /* ssh://host/path */
    URI_LOCAL,  /* local://path, wherever that is */
    URI_NEAR,   /* local://path if the host is this one */
};

/* wait: a job may not have begun to run. Yours to free(); NULL with the reason. */
char *uri_resolve(const char *target, enum uri_form form, bool wait, flux_error_t *err);

/* Each scheme, without forms: 0 and *ret, or -errno. local: instances on the way are on
 * this host too. */
int uri_of_job(const char *path, bool wait, bool local, char **ret, flux_error_t *err);
int uri_of_process(const char *arg, char **ret, flux_error_t *err);
int uri_of_slurm_job(const char *arg, char **ret, flux_error_t *err);
/* In another form; yours, NULL on ENOMEM. */
char *uri_transform(const char *uri, enum uri_form form);

#endif
