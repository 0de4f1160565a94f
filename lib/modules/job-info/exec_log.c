/* guest.exec.eventlog (RFC 50). One resident shell runs all jobs, so a job's execution has no log of its own:
 * `start` means that it was set up, `finish` that it is complete.
 */

#include <stdio.h>
#include <string.h>

#include "base/jobid.h"
#include "base/json.h"
#include "modules/job-info/exec_log.h"

static void send_event(struct watch *w, double t, const char *name, const char *context)
{
    struct buf b = {0};

    eventlog_add_json(&b, t, name, context, context ? strlen(context) : 0);
    if (!b.failed)
        watch_send(w, b.data, b.len);
    buf_free(&b);
}

void exec_log_send(struct watch *w, const struct event *e)
{
    char context[160], name[JOBID_SIZE];
    int64_t status = 0;

    if (!strcmp(e->name, "start")) {
        jobid_encode(w->id, "f58plain", name, sizeof(name));
        snprintf(context, sizeof(context),
                 "{\"service\":\"%u-shell-%s\",\"leader-rank\":0,\"size\":1}", w->userid,
                 name);
        send_event(w, e->timestamp, "init", NULL);
        send_event(w, e->timestamp, "starting", NULL);
        send_event(w, e->timestamp, "shell.init", context);
        send_event(w, e->timestamp, "shell.start", NULL);
    } else if (!strcmp(e->name, "finish")) {
        json_int64(json_get(e->context, "status"), &status);
        snprintf(context, sizeof(context), "{\"status\":%d}", (int)status);
        send_event(w, e->timestamp, "complete", context);
        send_event(w, e->timestamp, "done", NULL);
    }
}
