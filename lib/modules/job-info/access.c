/* What one may read of a job; see access.h. */

#include <errno.h>

#include "modules/job-info/access.h"

const char access_denied[] = "access is restricted to job/instance owner";

int access_check(const flux_msg_t *msg, uint32_t job_userid)
{
    return flux_msg_authorize(msg, job_userid) < 0 ? -EPERM : 0;
}
