/* The reactor: env's loop with reference counts, Flux's way of stopping, and tasks
 * (see reactor_private.h).
 */
#include "flux/reactor_private.h"

#include <errno.h>
#include <stdlib.h>

#include <flux/connector.h>

/* Rounds of tasks in a row before descriptors get their turn. */
#define ROUNDS_MAX 16

static void run_round(flux_reactor_t *r)
{
    struct task *t;

    r->round++;
    while ((t = list_first(&r->tasks, struct task, link)) && t->round != r->round) {
        list_del(&t->link);
        t->fn(t);
    }
}

static void run_tasks(flux_reactor_t *r)
{
    for (int i = 0; i < ROUNDS_MAX && !r->stopped && !list_empty(&r->tasks); i++)
        run_round(r);
}

static void run_flushes(flux_reactor_t *r)
{
    struct task *t;

    while ((t = list_first(&r->flushes, struct task, link))) {
        list_del(&t->link);
        t->fn(t);
    }
}

static void on_prepare(struct watcher *w, int revents, void *arg)
{
    flux_reactor_t *r = arg;

    /* After tasks the loop turns once more before it waits: other prepare watchers, which
     * may have run before this one, are to see what the tasks did. */
    if (list_empty(&r->tasks))
        watcher_stop(r->idle);
    run_tasks(r);
    run_flushes(r);
}

/* The idle watcher's only job is to keep the loop from waiting. */
static void on_idle(struct watcher *w, int revents, void *arg)
{
}

void reactor_defer(flux_reactor_t *r, struct task *t)
{
    if (!list_empty(&t->link))
        return;
    t->round = r->round;
    list_append(&r->tasks, &t->link);
    watcher_start(r->idle);
}

void reactor_defer_flush(flux_reactor_t *r, struct task *t)
{
    if (list_empty(&t->link))
        list_append(&r->flushes, &t->link);
}

static void reactor_free(flux_reactor_t *r)
{
    watcher_free(r->keepalive);
    watcher_free(r->prepare);
    watcher_free(r->idle);
    loop_unref(r->loop);
    free(r);
}

static int reactor_init(flux_reactor_t *r, struct env *env)
{
    int rc;

    if ((rc = loop_new(env, &r->loop)) < 0 ||
        (rc = watcher_new_prepare(r->loop, on_prepare, r, &r->prepare)) < 0 ||
        (rc = watcher_new_idle(r->loop, on_idle, r, &r->idle)) < 0)
        return rc;
    watcher_unref(r->prepare);
    watcher_start(r->prepare);
    return 0;
}

flux_reactor_t *flux_reactor_create_env(struct env *env)
{
    flux_reactor_t *r;
    int rc;

    if (!env) {
        errno = EINVAL;
        return NULL;
    }
    if (!(r = calloc(1, sizeof(*r))))
        return NULL;
    r->refs = 1;
    list_init(&r->tasks);
    list_init(&r->flushes);
    if ((rc = reactor_init(r, env)) < 0) {
        reactor_free(r);
        errno = -rc;
        return NULL;
    }
    return r;
}

flux_reactor_t *flux_reactor_create(int flags)
{
    flux_reactor_t *r;
    struct env *env;
    int rc;

    if (flags & ~FLUX_REACTOR_SIGCHLD) {
        errno = EINVAL;
        return NULL;
    }
    if ((rc = env_new_real(&env)) < 0) {
        errno = -rc;
        return NULL;
    }
    r = flux_reactor_create_env(env);
    env_unref(env);
    return r;
}

void flux_reactor_incref(flux_reactor_t *r)
{
    if (r)
        r->refs++;
}

void flux_reactor_decref(flux_reactor_t *r)
{
    int saved_errno = errno;

    if (r && --r->refs == 0)
        reactor_free(r);
    errno = saved_errno;
}

void flux_reactor_destroy(flux_reactor_t *r)
{
    flux_reactor_decref(r);
}

struct loop *flux_reactor_loop(flux_reactor_t *r)
{
    return r->loop;
}

static int loop_flags(int flags)
{
    return (flags & FLUX_REACTOR_NOWAIT ? LOOP_NOWAIT : 0) |
           (flags & FLUX_REACTOR_ONCE ? LOOP_ONCE : 0);
}

/* What the callbacks of this run left behind. A single turn should end with its own
 * continuations called, not leave them for the next. */
static void finish_run(flux_reactor_t *r, int flags)
{
    if (flags && !r->stopped)
        run_tasks(r);
    run_flushes(r);
}

int flux_reactor_run(flux_reactor_t *r, int flags)
{
    int rc;

    if (!r || (flags & ~(FLUX_REACTOR_NOWAIT | FLUX_REACTOR_ONCE))) {
        errno = EINVAL;
        return -1;
    }
    flux_reactor_incref(r);
    r->running++;
    r->stopped = false;
    r->errnum = 0;
    rc = loop_run(r->loop, loop_flags(flags));
    finish_run(r, flags);
    r->running--;
    if (r->errnum)
        rc = -r->errnum;
    r->stopped = false; /* that was for this run, not for one around it */
    r->errnum = 0;
    flux_reactor_decref(r);
    if (rc < 0) {
        errno = -rc;
        return -1;
    }
    return rc;
}

void flux_reactor_stop(flux_reactor_t *r)
{
    r->stopped = true;
    loop_stop(r->loop);
}

void flux_reactor_stop_error(flux_reactor_t *r)
{
    r->errnum = errno ? errno : EINVAL;
    flux_reactor_stop(r);
}

double flux_reactor_now(flux_reactor_t *r)
{
    return loop_now(r->loop);
}

void flux_reactor_now_update(flux_reactor_t *r)
{
    loop_now_update(r->loop);
}

double flux_reactor_time(void)
{
    struct env *env;
    double t;

    if (env_new_real(&env) < 0)
        return 0;
    t = env_time(env);
    env_unref(env);
    return t;
}

static void on_keepalive(struct watcher *w, int revents, void *arg)
{
}

void flux_reactor_active_incref(flux_reactor_t *r)
{
    if (!r)
        return;
    /* An async watcher that nobody kicks: it counts as active and costs nothing. */
    if (!r->keepalive && watcher_new_async(r->loop, on_keepalive, r, &r->keepalive) < 0)
        return;
    if (r->active++ == 0)
        watcher_start(r->keepalive);
}

void flux_reactor_active_decref(flux_reactor_t *r)
{
    if (r && r->active > 0 && --r->active == 0)
        watcher_stop(r->keepalive);
}
