/* Shared by alloc.c, alloc_hello.c and alloc_result.c. */
#ifndef FLUX_JOB_MANAGER_ALLOC_PRIVATE_H
#define FLUX_JOB_MANAGER_ALLOC_PRIVATE_H

#include "base/json.h"
#include "modules/job-manager/alloc.h"
#include "modules/job-manager/sched_queue.h"

struct alloc {
    struct job_manager *jm;
    const flux_msg_t *hello; /* of the present scheduler; NULL: there is none */
    bool ready;
    bool batch;
    unsigned limit;   /* jobs shown at a time; 0: all */
    unsigned pending; /* jobs shown */
    struct sched_queue queue;
    /* To be sent at the end of the commit, lists without their closing bracket. */
    struct buf allocs, frees, cancels, priorities;
};

void alloc_send(struct alloc *a, const char *topic, const char *payload, bool noresponse);
/* Is the job, as it is now, to be given resources? */
bool alloc_wanted(const struct alloc *a, const struct job *job);
/* Resources that no job took. */
void alloc_free_id(struct alloc *a, flux_jobid_t id, struct slice R);

#endif
