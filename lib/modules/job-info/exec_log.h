/* guest.exec.eventlog (RFC 50), made from the main log. */
#ifndef FLUX_JOB_INFO_EXEC_LOG_H
#define FLUX_JOB_INFO_EXEC_LOG_H

#include "modules/job-info/watch_private.h"
#include "proto/eventlog.h"

/* Send what an event of the main log means for the execution. */
void exec_log_send(struct watch *w, const struct event *e);

#endif
