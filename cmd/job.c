/* flux job - the table of its subcommands, and what they share. */

#include <string.h>

#include <flux/core.h>
#include <flux/job.h>

#include "job.h"

bool job_id_arg(struct cli *c, const char *arg, flux_jobid_t *id, char name[64])
{
    if (!arg) {
        cli_usage(c, "a job id is needed");
        return false;
    }
    if (flux_job_id_parse(arg, id) < 0) {
        cli_fail(c, "'%s' is not a job id", arg);
        return false;
    }
    flux_job_id_encode(*id, "f58", name, 64);
    return true;
}

const struct cli_command cmd_job = {
    .name = "job",
    .help = "Look at and control jobs",
    .sub =
        (const struct cli_command *const[]){
            &job_attach,   &job_cancel,  &job_eventlog, &job_id,         &job_info,
            &job_kill,     &job_killall, &job_last,     &job_list,       &job_list_ids,
            &job_purge,    &job_raise,   &job_raiseall, &job_status,     &job_submit,
            &job_timeleft, &job_urgency, &job_wait,     &job_wait_event, NULL},
};
