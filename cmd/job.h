/* Subcommands of flux job, and what they share. */
#ifndef FLUX_CMD_JOB_H
#define FLUX_CMD_JOB_H

#include <flux/future.h>
#include <flux/types.h>

#include "cmds.h"

extern const struct cli_command job_attach, job_cancel, job_eventlog, job_id, job_info,
    job_kill, job_killall, job_last, job_list, job_list_ids, job_purge, job_raise,
    job_raiseall, job_status, job_submit, job_timeleft, job_urgency, job_wait,
    job_wait_event;

/* Parse a job id argument; false after a message. name gets its F58 form. */
bool job_id_arg(struct cli *c, const char *arg, flux_jobid_t *id, char name[64]);

#define JOB_OPTIONS(t) ((const struct cli_option *const[]){t, NULL})

#endif
