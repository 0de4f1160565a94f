/* Wait statuses: see status.h. */
#include <errno.h>
#include <sys/wait.h>

#include "base/status.h"

int status_of_exit(int code)
{
    return (code & 0xff) << 8;
}

int status_code(int wstatus)
{
    if (WIFSIGNALED(wstatus))
        return 128 + WTERMSIG(wstatus);
    return WIFEXITED(wstatus) ? WEXITSTATUS(wstatus) : 0;
}

int status_worst(int a, int b)
{
    return status_code(b) > status_code(a) ? b : a;
}

int status_of_exec_error(int errnum)
{
    return status_of_exit(errnum == ENOENT || errnum == ENOTDIR ? 127 : 126);
}
