/* What follows from an event. Steps that only need the job itself (the next events of
 * its life) are taken at the end of the turn; those that others see (a request to the
 * scheduler or to the execution service, waking who waits) once all its events are on
 * disk.
 */
#ifndef FLUX_JOB_MANAGER_ADVANCE_H
#define FLUX_JOB_MANAGER_ADVANCE_H

#include "modules/job-manager/manager.h"

/* Look at the job at the end of this turn. */
void advance_add(struct job_manager *jm, struct job *job);
/* Look at all of them, until none can take a step. */
void advance_all(struct job_manager *jm);

/* All events of the job are on disk. The job may be gone afterwards. */
void advance_stored(struct job_manager *jm, struct job *job);
/* The same for a job whose events may still be under way: then nothing is done now. */
void advance_poke(struct job_manager *jm, struct job *job);
/* After a row of advance_stored(): send what was collected. */
void advance_stored_all(struct job_manager *jm);

#endif
