/* guest.exec.eventlog (RFC 50), made from the main log. */
#ifndef FLUX_JOB_INFO_EXEC_LOG_H
#define FLUX_JOB_INFO_EXEC_LOG_H

#include "base/buf.h"
#include "proto/eventlog.h"

/* Append the lines that an event of a job's main log means for its execution. */
void exec_log_add(struct buf *out, uint64_t id, uint32_t userid, const struct event *e);

#endif
