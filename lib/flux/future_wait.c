/* Waiting for futures. Kinds that can wait by themselves (an RPC reads its connection)
 * do so; for others there is a reactor for the time being, and a clone of the
 * handle on it, so that the caller's own callbacks do not run meanwhile.
 */
#include "flux/future_private.h"

#include <errno.h>
#include <stdlib.h>

#include <flux/msg_handler.h>

#include "flux/handle_private.h"

static int fail(int errnum)
{
    errno = errnum;
    return -1;
}

bool future_can_wait(flux_future_t *f)
{
    if (flux_future_is_ready(f))
        return true;
    return f->ops && f->ops->wait && (!f->ops->can_wait || f->ops->can_wait(f));
}

void future_now_free(struct future_now *now)
{
    if (!now)
        return;
    flux_close(now->h);
    flux_reactor_decref(now->r);
    free(now);
}

static int open_clone(struct future_now *now, flux_t *h)
{
    if (!(now->h = flux_clone(h)) || flux_set_reactor(now->h, now->r) < 0)
        return -errno;
    return 0;
}

static flux_reactor_t *temporary_reactor(flux_future_t *f)
{
    struct env *env = future_env(f);

    return env ? flux_reactor_create_env(env) : flux_reactor_create(0);
}

static int now_init(flux_future_t *f)
{
    int rc;

    if (f->now)
        return 0;
    if (!(f->now = calloc(1, sizeof(*f->now))))
        return -ENOMEM;
    if (!(f->now->r = temporary_reactor(f)))
        rc = -errno;
    else
        rc = f->h ? open_clone(f->now, f->h) : 0;
    if (rc < 0) {
        future_now_free(f->now);
        f->now = NULL;
    }
    return rc;
}

static void on_deadline(struct watcher *w, int revents, void *arg)
{
    flux_reactor_stop(arg);
}

/* The other end of the connection works on this thread (a module on the broker's own
 * loop): nothing comes unless we let it. */
static bool is_same_thread(flux_t *h)
{
    const struct flux_handle_ops *ops = h ? h->root->ops : NULL;

    return ops && ops->wait && ops->wait(h->root->impl, 0, 0) < 0 && errno == EDEADLK;
}

static int run_same_thread(flux_future_t *f)
{
    unsigned before;

    do {
        before = handle_rx_count(f->h->root);
        f->h->root->ops->wait(f->h->root->impl, FLUX_POLLIN, 0);
        if (flux_reactor_run(f->now->r, FLUX_REACTOR_NOWAIT) < 0)
            return -errno;
        if (flux_future_is_ready(f))
            return 0;
    } while (handle_rx_count(f->h->root) != before);
    return -EDEADLK;
}

static int run_until(flux_future_t *f, double deadline)
{
    struct watcher *timer = NULL;
    struct loop *loop = f->now->r->loop;
    double left = deadline < 0 ? -1 : deadline - env_monotonic(loop_env(loop));
    int rc = 0;

    if (is_same_thread(f->h))
        return run_same_thread(f);
    if (deadline >= 0) {
        loop_now_update(loop);
        rc = watcher_new_timer(loop, left > 0 ? left : 0, 0, on_deadline, f->now->r,
                               &timer);
        if (rc < 0)
            return rc;
        watcher_start(timer);
    }
    if (flux_reactor_run(f->now->r, 0) < 0)
        rc = -errno;
    if (rc == 0 && !flux_future_is_ready(f))
        rc = timer && !watcher_is_active(timer) ? -ETIMEDOUT : -EDEADLK;
    watcher_free(timer);
    return rc;
}

int future_wait_now(flux_future_t *f, double deadline)
{
    int rc;

    if (!f->init)
        return -EDEADLK; /* nothing that could fulfill it would run */
    if ((rc = now_init(f)) < 0)
        return rc;
    f->now->active = true;
    if (!f->now->inited) {
        f->now->inited = true;
        f->init(f, f->init_arg);
    }
    if (!flux_future_is_ready(f))
        rc = run_until(f, deadline);
    f->now->active = false;
    if (f->now->h) {
        flux_dispatch_requeue(f->now->h);
        handle_read_soon(f->now->h->root); /* what was read for it and is others' */
    }
    return rc;
}

int future_wait_until(flux_future_t *f, double deadline)
{
    int rc;

    if (flux_future_is_ready(f))
        return 0;
    flux_future_incref(f);
    if (future_can_wait(f))
        rc = f->ops->wait(f, deadline);
    else
        rc = future_wait_now(f, deadline);
    flux_future_decref(f);
    return rc;
}

static int deadline_of(flux_future_t *f, double timeout, double *ret)
{
    struct env *env = future_env(f);

    if (timeout < 0) {
        *ret = -1;
        return 0;
    }
    if (env) {
        *ret = env_monotonic(env) + timeout;
        return 0;
    }
    if (env_new_real(&env) < 0)
        return -ENOMEM;
    *ret = env_monotonic(env) + timeout;
    env_unref(env);
    return 0;
}

int flux_future_wait_for(flux_future_t *f, double timeout)
{
    double deadline;
    int rc;

    if (!f)
        return fail(EINVAL);
    if (flux_future_is_ready(f))
        return 0;
    if ((rc = deadline_of(f, timeout, &deadline)) < 0)
        return fail(-rc);
    rc = future_wait_until(f, deadline);
    return rc < 0 ? fail(-rc) : 0;
}

int flux_future_get(flux_future_t *f, const void **result)
{
    if (flux_future_wait_for(f, -1) < 0)
        return -1;
    if (future_errnum(f))
        return fail(future_errnum(f));
    if (result)
        *result = f->result.value;
    return 0;
}

void future_adopt(flux_future_t *parent, flux_future_t *child)
{
    if (parent->now && parent->now->active) {
        child->r = parent->now->r;
        if (child->h && parent->now->h && child->h->root == parent->now->h->root)
            child->h = parent->now->h;
        return;
    }
    if (!child->r)
        child->r = parent->r;
    if (!child->h && !child->r)
        child->h = parent->h;
}
