/* The automaton of a job (RFC 21): which event leads from which state to which.
 * Pure. Functions return 0 or more, or -errno.
 */
#ifndef FLUX_JOB_MANAGER_STATE_H
#define FLUX_JOB_MANAGER_STATE_H

#include <stddef.h>

#include <flux/job.h>

enum event_id {
    EVENT_SUBMIT,
    EVENT_VALIDATE,
    EVENT_INVALIDATE,
    EVENT_DEPENDENCY_ADD,
    EVENT_DEPENDENCY_REMOVE,
    EVENT_DEPEND,
    EVENT_PRIORITY,
    EVENT_URGENCY,
    EVENT_ALLOC,
    EVENT_PROLOG_START,
    EVENT_PROLOG_FINISH,
    EVENT_START,
    EVENT_FINISH,
    EVENT_RELEASE,
    EVENT_EPILOG_START,
    EVENT_EPILOG_FINISH,
    EVENT_FREE,
    EVENT_CLEAN,
    EVENT_EXCEPTION,       /* severity above 0 */
    EVENT_EXCEPTION_FATAL, /* severity 0 */
    EVENT_MEMO,
    EVENT_SET_FLAGS,
    EVENT_JOBSPEC_UPDATE,
    EVENT_RESOURCE_UPDATE,
    EVENT_FLUX_RESTART,
    EVENT_OTHER, /* a plug-in's own */
};

const char *event_name(enum event_id id); /* NULL for EVENT_OTHER */
enum event_id event_by_name(const char *name, size_t len);

/* The state after an event. */
flux_job_state_t state_after(flux_job_state_t state, enum event_id event);
/* 0 .. 6 for the bit of a state. */
int state_index(flux_job_state_t state);
const char *state_name(flux_job_state_t state); /* "depend" ... */

#endif
