/* Cleaning up jobs: job-manager.queue-start {start:false}, then job-manager.raiseall on
 * all that run, again each second for those that were about to start, until
 * job-manager.idle is answered.
 */
#include <errno.h>
#include <stdlib.h>

#include <flux/rpc.h>

#include "base/cleanup.h"
#include "broker/broker.h"

#define AGAIN 1.0             /* seconds */
#define JOB_STATES_RUNNING 48 /* RUN | CLEANUP, RFC 21's bits */

struct cleanup {
    struct broker *broker;
    flux_future_t *idle;
    struct watcher *again, *deadline;
    void (*done)(void *arg);
    void *arg;
};

static void finish(struct cleanup *c)
{
    void (*done)(void *arg) = TAKE(c->done);

    watcher_stop(c->again);
    watcher_stop(c->deadline);
    if (done)
        done(c->arg);
}

/* Errors do not matter: idle tells how things are. */
static void ignore(flux_future_t *f, void *arg)
{
    flux_future_destroy(f);
}

static void then_ignore(flux_future_t *f)
{
    if (f && flux_future_then(f, -1, ignore, NULL) < 0)
        flux_future_destroy(f);
}

static void stop_queue(struct cleanup *c)
{
    then_ignore(flux_rpc_pack(c->broker->h, "job-manager.queue-start", FLUX_NODEID_ANY, 0,
                              "{s:b s:b s:s s:b}", "start", 0, "all", 1, "reason",
                              "the instance is shutting down", "nocheckpoint", 1));
}

static void cancel_jobs(struct cleanup *c)
{
    then_ignore(flux_rpc_pack(c->broker->h, "job-manager.raiseall", FLUX_NODEID_ANY, 0,
                              "{s:b s:i s:i s:i s:s s:s}", "dry_run", 0, "userid",
                              (int)FLUX_USERID_UNKNOWN, "states", JOB_STATES_RUNNING,
                              "severity", 0, "type", "cancel", "note",
                              "the instance is shutting down"));
}

static void again_cb(struct watcher *w, int revents, void *arg)
{
    cancel_jobs(arg);
}

static void deadline_cb(struct watcher *w, int revents, void *arg)
{
    struct cleanup *c = arg;

    log_printf(c->broker->log, LOG_ERR,
               "jobs still run after broker.cleanup-timeout: shutting down regardless");
    finish(c);
}

static void idle_cb(flux_future_t *f, void *arg)
{
    finish(arg);
}

int cleanup_start(struct broker *b, double timeout, void (*done)(void *arg), void *arg,
                  struct cleanup **ret)
{
    struct cleanup *c = calloc(1, sizeof(*c));
    int rc;

    if (!c)
        return -ENOMEM;
    c->broker = b;
    c->done = done;
    c->arg = arg;
    if ((rc = watcher_new_timer(b->loop, AGAIN, AGAIN, again_cb, c, &c->again)) < 0 ||
        (rc = watcher_new_timer(b->loop, timeout, 0, deadline_cb, c, &c->deadline)) < 0)
        goto error;
    stop_queue(c);
    cancel_jobs(c);
    c->idle = flux_rpc(b->h, "job-manager.idle", NULL, FLUX_NODEID_ANY, 0);
    if (!c->idle || flux_future_then(c->idle, -1, idle_cb, c) < 0) {
        rc = -errno;
        goto error;
    }
    watcher_start(c->again);
    watcher_start(c->deadline);
    *ret = c;
    return 0;
error:
    cleanup_free(c);
    return rc;
}

void cleanup_free(struct cleanup *c)
{
    if (!c)
        return;
    flux_future_destroy(c->idle);
    watcher_free(c->again);
    watcher_free(c->deadline);
    free(c);
}
