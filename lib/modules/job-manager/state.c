/* The automaton of a job, see state.h. */
#include <string.h>

#include "base/cleanup.h"
#include "modules/job-manager/state.h"

static const char *const names[] = {
    [EVENT_SUBMIT] = "submit",
    [EVENT_VALIDATE] = "validate",
    [EVENT_INVALIDATE] = "invalidate",
    [EVENT_DEPENDENCY_ADD] = "dependency-add",
    [EVENT_DEPENDENCY_REMOVE] = "dependency-remove",
    [EVENT_DEPEND] = "depend",
    [EVENT_PRIORITY] = "priority",
    [EVENT_URGENCY] = "urgency",
    [EVENT_ALLOC] = "alloc",
    [EVENT_PROLOG_START] = "prolog-start",
    [EVENT_PROLOG_FINISH] = "prolog-finish",
    [EVENT_START] = "start",
    [EVENT_FINISH] = "finish",
    [EVENT_RELEASE] = "release",
    [EVENT_EPILOG_START] = "epilog-start",
    [EVENT_EPILOG_FINISH] = "epilog-finish",
    [EVENT_FREE] = "free",
    [EVENT_CLEAN] = "clean",
    [EVENT_EXCEPTION] = "exception",
    [EVENT_EXCEPTION_FATAL] = "exception",
    [EVENT_MEMO] = "memo",
    [EVENT_SET_FLAGS] = "set-flags",
    [EVENT_JOBSPEC_UPDATE] = "jobspec-update",
    [EVENT_RESOURCE_UPDATE] = "resource-update",
    [EVENT_FLUX_RESTART] = "flux-restart",
};

const char *event_name(enum event_id id)
{
    return id < EVENT_OTHER ? names[id] : NULL;
}

enum event_id event_by_name(const char *name, size_t len)
{
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (strlen(names[i]) == len && memcmp(names[i], name, len) == 0)
            return (enum event_id)i;
    return EVENT_OTHER;
}

static const struct transition {
    enum event_id event;
    int from; /* mask */
    flux_job_state_t to;
} transitions[] = {
    {EVENT_VALIDATE, FLUX_JOB_STATE_NEW, FLUX_JOB_STATE_DEPEND},
    {EVENT_INVALIDATE, FLUX_JOB_STATE_NEW, FLUX_JOB_STATE_INACTIVE},
    {EVENT_DEPEND, FLUX_JOB_STATE_DEPEND, FLUX_JOB_STATE_PRIORITY},
    {EVENT_PRIORITY, FLUX_JOB_STATE_PRIORITY, FLUX_JOB_STATE_SCHED},
    /* Both ask for the priority, and then for an allocation, once more. */
    {EVENT_FLUX_RESTART, FLUX_JOB_STATE_SCHED, FLUX_JOB_STATE_PRIORITY},
    {EVENT_JOBSPEC_UPDATE, FLUX_JOB_STATE_SCHED, FLUX_JOB_STATE_PRIORITY},
    {EVENT_ALLOC, FLUX_JOB_STATE_SCHED, FLUX_JOB_STATE_RUN},
    {EVENT_FINISH, FLUX_JOB_STATE_RUN, FLUX_JOB_STATE_CLEANUP},
    {EVENT_EXCEPTION_FATAL,
     FLUX_JOB_STATE_NEW | FLUX_JOB_STATE_DEPEND | FLUX_JOB_STATE_PRIORITY |
         FLUX_JOB_STATE_SCHED | FLUX_JOB_STATE_RUN,
     FLUX_JOB_STATE_CLEANUP},
    {EVENT_CLEAN, FLUX_JOB_STATE_CLEANUP, FLUX_JOB_STATE_INACTIVE},
};

flux_job_state_t state_after(flux_job_state_t state, enum event_id event)
{
    for (size_t i = 0; i < ARRAY_SIZE(transitions); i++)
        if (transitions[i].event == event && (transitions[i].from & (int)state))
            return transitions[i].to;
    return state;
}

int state_index(flux_job_state_t state)
{
    return __builtin_ctz((unsigned)state);
}

const char *state_name(flux_job_state_t state)
{
    static const char *const states[] = {"new", "depend",  "priority", "sched",
                                         "run", "cleanup", "inactive"};

    return states[state_index(state)];
}
