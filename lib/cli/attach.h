/* Attach to a job: its output on our stdout and stderr, its exit code as ours. Survives
 * the broker's restart: the connection is opened again and goes on where it was. */
#ifndef FLUX_CLI_ATTACH_H
#define FLUX_CLI_ATTACH_H

#include <flux/types.h>

#include "cli/cli.h"

struct attach_options {
    bool label;        /* put the task rank before each line */
    bool events;       /* show events on stderr */
    bool quiet;        /* do not say why the job failed */
    bool read_only;    /* signals leave the job alone */
    bool exec_events;  /* show the events of the execution too */
    bool status;       /* say on stderr what a pending job waits for */
    const char *until; /* return at this event instead of the end; NULL: the end */
};

/* h (consumed) is an open handle. Returns the exit code: the job's, 1 for a job that
 * failed without running, 128+signal. SIGINT cancels the job when given twice within two seconds. */
int attach_job(struct cli *c, flux_t *h, flux_jobid_t id, const struct attach_options *o);

#endif
