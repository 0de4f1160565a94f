/* The real event loop over libev. Other threads reach it through the queue of
 * loop.c and one eventfd. Entries made by the loop's own callbacks cost no system
 * call: an idle watcher keeps the next poll from waiting and empties the queue.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "env/loop_real.h"
#include "env/real.h"

/* Make eventfd readable. */
static void signal_eventfd(struct real_loop *r)
{
    uint64_t one = 1;
    /* EAGAIN: the counter is full, so it is readable. */
    while (write(r->eventfd, &one, sizeof(one)) < 0 && errno == EINTR)
        ;
}

static void wake_stop(struct real_loop *r)
{
    if (!ev_is_active(&r->wake_on))
        return;
    r->ev->ref(r->loop);
    r->ev->idle_stop(r->loop, &r->wake_on);
}

/* With base.lock held. */
static void real_wake(struct loop *l)
{
    struct real_loop *r = real_loop(l);
    if (r->depth == 0 || !pthread_equal(r->owner, pthread_self())) {
        signal_eventfd(r);
    } else if (!ev_is_active(&r->wake_on)) {
        r->ev->idle_start(r->loop, &r->wake_on);
        r->ev->unref(r->loop);
    }
}

static void on_wake_io(struct ev_loop *loop, ev_io *io, int revents)
{
    struct real_loop *r = io->data;
    uint64_t count;
    while (read(r->eventfd, &count, sizeof(count)) < 0 && errno == EINTR)
        ;
    wake_stop(r);
    loop_drain(&r->base);
}

static void on_wake_idle(struct ev_loop *loop, ev_idle *idle, int revents)
{
    struct real_loop *r = idle->data;
    wake_stop(r);
    loop_drain(&r->base);
}

static void enter(struct real_loop *r)
{
    pthread_mutex_lock(&r->base.lock);
    r->depth++;
    r->owner = pthread_self();
    pthread_mutex_unlock(&r->base.lock);
    r->stopped = false;
}

static void leave(struct real_loop *r)
{
    pthread_mutex_lock(&r->base.lock);
    r->depth--;
    pthread_mutex_unlock(&r->base.lock);
    r->stopped = false; /* was for this run, not for one around it */
    if (r->depth == 0)
        export_settle(r->export, r);
}

static int real_run(struct loop *l, int flags)
{
    struct real_loop *r = real_loop(l);
    int ev_flags = flags & LOOP_NOWAIT ? EVRUN_NOWAIT
                   : flags & LOOP_ONCE ? EVRUN_ONCE
                                       : 0;
    int active;
    enter(r);
    do {
        active = r->ev->run(r->loop, ev_flags);
    } while (!ev_flags && !r->stopped && loop_has_queued(l));
    leave(r);
    return active > 0 ? active : 0;
}

static void real_stop(struct loop *l)
{
    struct real_loop *r = real_loop(l);
    r->stopped = true;
    r->ev->break_(r->loop, EVBREAK_ONE);
}

static double real_now(struct loop *l)
{
    return real_loop(l)->ev->now(real_loop(l)->loop);
}

static void real_now_update(struct loop *l)
{
    real_loop(l)->ev->now_update(real_loop(l)->loop);
}

static int real_pollfd(struct loop *l)
{
    struct real_loop *r = real_loop(l);
    if (!r->export) {
        int rc = export_new(r, &r->export);
        if (rc < 0)
            return rc;
    }
    return export_fd(r->export);
}

static void real_hold(struct loop *l, int delta)
{
    struct real_loop *r = real_loop(l);
    if (delta > 0)
        r->ev->ref(r->loop);
    else
        r->ev->unref(r->loop);
}

static int real_work(struct loop *l, struct work *work)
{
    return pool_add(&real_env(l->env)->pool, work);
}

static void real_await(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    while (list_empty(&l->pending))
        pthread_cond_wait(&l->finished, &l->lock);
    pthread_mutex_unlock(&l->lock);
}

static void real_loop_destroy(struct loop *l)
{
    struct real_loop *r = real_loop(l);
    export_free(r->export);
    wake_stop(r);
    r->ev->ref(r->loop);
    r->ev->io_stop(r->loop, &r->wake_io);
    r->ev->loop_destroy(r->loop);
    close(r->eventfd);
    loop_fini(l);
    free(r);
}

static const struct loop_ops real_loop_ops = {
    .destroy = real_loop_destroy,
    .run = real_run,
    .stop = real_stop,
    .now = real_now,
    .now_update = real_now_update,
    .pollfd = real_pollfd,
    .wake = real_wake,
    .await = real_await,
    .hold = real_hold,
    .work = real_work,
    .watchers =
        {
            [WATCHER_FD] = &real_fd_ops,
            [WATCHER_TIMER] = &real_timer_ops,
            [WATCHER_PERIODIC] = &real_periodic_ops,
            [WATCHER_PREPARE] = &real_prepare_ops,
            [WATCHER_CHECK] = &real_check_ops,
            [WATCHER_IDLE] = &real_idle_ops,
            [WATCHER_SIGNAL] = &signal_watcher_ops,
        },
};

static int open_libev(struct real_env *env)
{
    pthread_mutex_lock(&env->lock);
    int rc = env->ev.dl ? 0 : libev_open(&env->ev);
    pthread_mutex_unlock(&env->lock);
    return rc;
}

static int open_loop(struct real_loop *r)
{
    r->eventfd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (r->eventfd < 0)
        return -errno;
    /* NOENV: the back end is not the environment's to choose. NOINOTIFY: libev's own
     * stat watchers are not used. */
    errno = 0;
    r->loop = r->ev->loop_new(EVFLAG_NOENV | EVFLAG_NOINOTIFY);
    if (!r->loop) {
        int rc = errno ? -errno : -ENOMEM;
        close(r->eventfd);
        return rc;
    }
    return 0;
}

int real_loop_new(struct env *env, struct loop **ret)
{
    int rc = open_libev(real_env(env));
    if (rc < 0)
        return rc;
    struct real_loop *r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->ev = &real_env(env)->ev;
    rc = open_loop(r);
    if (rc < 0) {
        free(r);
        return rc;
    }
    loop_init(&r->base, &real_loop_ops, env);
    list_init(&r->fds);
    list_init(&r->timers);
    list_init(&r->signals);
    ev_idle_init(&r->wake_on, on_wake_idle);
    ev_set_priority(&r->wake_on, EV_MAXPRI); /* else other idle watchers hold it back */
    r->wake_on.data = r;
    ev_io_init(&r->wake_io, on_wake_io, r->eventfd, EV_READ);
    r->wake_io.data = r;
    r->ev->io_start(r->loop, &r->wake_io);
    r->ev->unref(r->loop);
    *ret = &r->base;
    return 0;
}
