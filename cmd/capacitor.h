/* flux-capacitor: what its two files share. */
#ifndef FLUX_CMD_CAPACITOR_H
#define FLUX_CMD_CAPACITOR_H

#include <flux/core.h>
#include <flux/job.h>

#include "cli/cli.h"

struct capacitor_job;

struct capacitor {
    struct cli *c;
    flux_t *h;
    long window;        /* of jobs that have not started */
    bool prefix, quiet; /* label the output; do not print it */
    bool stopping;      /* no more jobs */
    size_t submitted, pending, active, good, failed;
    int code;                             /* the worst exit code */
    struct capacitor_job *jobs;           /* the active ones */
    void (*go_on)(struct capacitor *cap); /* a job has started, or ended */
};

/* Submit a jobspec and follow the job to its end. False after a message. */
bool capacitor_submit(struct capacitor *cap, const char *jobspec, int urgency, int flags);
/* Cancel all that are active. */
void capacitor_cancel_all(struct capacitor *cap);
void capacitor_worst(struct capacitor *cap, int code);

#endif
