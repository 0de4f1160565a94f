/* Mock execution: see mock.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fsd.h"
#include "modules/job-exec/mock.h"

struct mock {
    flux_watcher_t *timer;
    int status;
};

static int get_path(struct slice v, const char *const *path, struct slice *ret)
{
    int rc = 0;
    for (; *path && rc == 0; path++)
        rc = slice_get(v, *path, &v);
    *ret = v;
    return rc;
}

bool mock_wanted(struct slice jobspec, struct slice *ret)
{
    static const char *const path[] = {"attributes", "system", "exec", "test", NULL};
    return get_path(jobspec, path, ret) == 0 && ret->len > 0 && ret->p[0] == '{';
}

void mock_free(struct mock *m)
{
    if (!m)
        return;
    flux_watcher_destroy(m->timer);
    free(m);
}

static int duration_of(struct slice v, double *ret)
{
    struct slice s;
    if (slice_real(v, ret) == 0)
        return 0;
    return slice_str(v, &s) == 0 ? fsd_parsen(s.p, s.len, ret) : -EINVAL;
}

/* Seconds left to run. */
static int read_duration(struct exec *x, struct slice test, struct slice entry,
                         bool reattach, double *ret)
{
    static const char *const duration[] = {"jobspec", "attributes", "system", "duration",
                                           NULL};
    static const char *const starttime[] = {"R", "execution", "starttime", NULL};
    struct slice v;
    double start;
    int rc = slice_get(test, "run_duration", &v);
    if (rc < 0)
        rc = get_path(entry, duration, &v);
    rc = rc < 0 ? rc : duration_of(v, ret);
    if (rc == 0 && reattach && get_path(entry, starttime, &v) == 0 &&
        slice_real(v, &start) == 0 && start > 0 && start < flux_reactor_now(x->r))
        *ret -= flux_reactor_now(x->r) - start; /* unless the clock was set back */
    if (*ret < 0)
        *ret = 0;
    return rc;
}

static void over(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct exec_job *job = arg;
    exec_finish(job, job->mock->status);
}

void mock_start(struct exec_job *job, struct slice test, struct slice entry,
                bool reattach)
{
    struct exec *x = job->x;
    struct slice v, exception = SLICE_NONE;
    double duration = 0;
    int64_t status = 0;
    if (slice_get(test, "wait_status", &v) == 0)
        (void)slice_int(v, &status);
    if (slice_get(test, "mock_exception", &v) == 0)
        (void)slice_str(v, &exception);
    if (read_duration(x, test, entry, reattach, &duration) < 0) {
        exec_fail(job, "exec", "exec.test.run_duration is not a duration");
        return;
    }
    if (slice_is(exception, "init") || slice_is(exception, "starting")) {
        exec_fail(job, "exec", "mock initialization exception generated");
        return;
    }
    job->started = true;
    exec_report(x, job->id, reattach ? "reattached" : "start", SLICE_NONE);
    if (slice_is(exception, "run")) {
        exec_fail(job, "exec", "mock run exception generated");
        return;
    }
    job->mock->status = (int)status;
    job->mock->timer = flux_timer_watcher_create(x->r, duration, 0, over, job);
    if (job->mock->timer)
        flux_watcher_start(job->mock->timer);
    else
        exec_fail(job, "exec", "out of memory");
}

void mock_kill(struct exec_job *job, int signum)
{
    if (job->started && !job->finished)
        exec_finish(job, signum & 0x7f);
}

struct mock *mock_new(void)
{
    return calloc(1, sizeof(struct mock));
}
