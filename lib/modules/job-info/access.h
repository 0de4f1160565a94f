/* What one may read of a job: the instance owner everything, others their own jobs. */
#ifndef FLUX_JOB_INFO_ACCESS_H
#define FLUX_JOB_INFO_ACCESS_H

#include <flux/core.h>

/* 0, or -EPERM. */
int access_check(const flux_msg_t *msg, uint32_t job_userid);
extern const char access_denied[];

#endif
