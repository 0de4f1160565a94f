/* The rows of jobs that are about to be deleted, for the plug-ins that want to know. */
#ifndef FLUX_JOB_MANAGER_PURGE_TELL_H
#define FLUX_JOB_MANAGER_PURGE_TELL_H

#include "base/buf.h"
#include "modules/job-manager/manager.h"

#define PURGE_STEP 200 /* jobs at a time */

struct purge_rows {
    struct buf text;        /* one behind the other */
    size_t end[PURGE_STEP]; /* of each */
};

/* On a worker thread: those of these jobs. */
int purge_rows_read(struct purge_rows *rows, struct store_reader *r,
                    const flux_jobid_t *ids, size_t n);
/* Call the plug-ins for the i-th, which is still on disk. */
void purge_rows_tell(const struct purge_rows *rows, size_t i, struct job_manager *jm,
                     flux_jobid_t id);
void purge_rows_clear(struct purge_rows *rows);

#endif
