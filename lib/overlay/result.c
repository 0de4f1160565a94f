/* nng's results (result.h). */
#include <errno.h>
#include <nng/nng.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "overlay/result.h"

static const struct {
    int nng, error;
} results[] = {
    {NNG_EINTR, EINTR},
    {NNG_ENOMEM, ENOMEM},
    {NNG_EINVAL, EINVAL},
    {NNG_EBUSY, EBUSY},
    {NNG_ETIMEDOUT, ETIMEDOUT},
    {NNG_ECONNREFUSED, ECONNREFUSED},
    {NNG_ECLOSED, EPIPE},
    {NNG_EAGAIN, EAGAIN},
    {NNG_ENOTSUP, EINVAL}, /* an address that this nng does not know */
    {NNG_EADDRINUSE, EADDRINUSE},
    {NNG_ENOENT, ENOENT},
    {NNG_EPROTO, EPROTO},
    {NNG_EUNREACHABLE, EHOSTUNREACH},
    {NNG_EADDRINVAL, EINVAL},
    {NNG_EPERM, EACCES},
    {NNG_ECONNABORTED, ECONNABORTED},
    {NNG_ECONNRESET, ECONNRESET},
    {NNG_ECANCELED, ECANCELED},
    {NNG_ENOFILES, EMFILE},
    {NNG_ENOSPC, ENOSPC},
    {NNG_ECONNSHUT, EPIPE},
};

int result_error(int rv)
{
    if (rv == 0)
        return 0;
    if (rv & NNG_ESYSERR)
        return -(rv & ~NNG_ESYSERR);
    for (size_t i = 0; i < ARRAY_SIZE(results); i++) {
        if (results[i].nng == rv)
            return -results[i].error;
    }
    return -EIO;
}

int result_of_end(int rv)
{
    int rc = result_error(rv);
    return rc == -EPIPE ? 0 : rc;
}

int result_of_dial(int rv)
{
    int rc = result_error(rv);
    if (rc == -EAGAIN || rc == -ENOENT) /* the listener's backlog is full; no socket */
        return -ECONNREFUSED;
    if (rc == -EINVAL) /* the host's name means nothing */
        return -EHOSTUNREACH;
    return rc;
}

void signals_hold(sigset_t *saved)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, saved);
}

void signals_release(const sigset_t *saved)
{
    pthread_sigmask(SIG_SETMASK, saved, NULL);
}
