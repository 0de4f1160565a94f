/* The environment of a task: the job's, without what an enclosing instance left in it,
 * and the variables by which a program knows its place.
 */
#ifndef FLUX_SHELL_TASKENV_H
#define FLUX_SHELL_TASKENV_H

#include "shell/plan.h"

/* The variable that marks every process of a job: "UUID.ID". */
#define TASKENV_MARK "FLUX_JOB_UUID"

struct taskenv_opts {
    const char *uri;         /* FLUX_URI */
    const char *uuid;        /* of the shell's journal */
    const char *pmi_library; /* FLUX_PMI_LIBRARY_PATH; NULL: there is none */
};

/* NULL-terminated, one block to free(). -ENOMEM. */
int taskenv_make(const struct plan *p, const struct taskenv_opts *opts, unsigned index,
                 char ***ret);

#endif
