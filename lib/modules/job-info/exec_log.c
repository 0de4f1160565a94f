/* guest.exec.eventlog (RFC 50). One resident shell runs all jobs, so a job's execution has no log of its own:
 * `start` means that it was set up, `finish` that it is complete.
 */

#include <stdio.h>
#include <string.h>

#include "base/jobid.h"
#include "base/json.h"
#include "modules/job-info/exec_log.h"

void exec_log_add(struct buf *out, uint64_t id, uint32_t userid, const struct event *e)
{
    char context[160], name[JOBID_SIZE];
    int64_t status = 0;

    if (!strcmp(e->name, "start")) {
        jobid_encode(id, "f58plain", name, sizeof(name));
        snprintf(context, sizeof(context),
                 "{\"service\":\"%u-shell-%s\",\"leader-rank\":0,\"size\":1}", userid,
                 name);
        eventlog_add_json(out, e->timestamp, "init", NULL, 0);
        eventlog_add_json(out, e->timestamp, "starting", NULL, 0);
        eventlog_add_json(out, e->timestamp, "shell.init", context, strlen(context));
        eventlog_add_json(out, e->timestamp, "shell.start", NULL, 0);
    } else if (!strcmp(e->name, "finish")) {
        json_int64(json_get(e->context, "status"), &status);
        snprintf(context, sizeof(context), "{\"status\":%d}", (int)status);
        eventlog_add_json(out, e->timestamp, "complete", context, strlen(context));
        eventlog_add_json(out, e->timestamp, "done", NULL, 0);
    }
}
