/* Event loops, the part that the real and the simulated one share: references,
 * the queue that other threads append to, work for worker threads, and watchers as
 * their users see them. What differs is behind struct loop_ops (impl.h).
 *
 * The queue holds posts, kicked async watchers and finished work, in order. Only
 * the first entry of an empty queue wakes the loop, so a burst costs one wake-up.
 */
#include <errno.h>
#include <stdlib.h>

#include "env/impl.h"

int loop_new(struct env *env, struct loop **ret)
{
    return env->ops->loop_new(env, ret);
}

void loop_init(struct loop *l, const struct loop_ops *ops, struct env *env)
{
    l->ops = ops;
    l->env = env_ref(env);
    atomic_init(&l->refcount, 1);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->finished, NULL);
    list_init(&l->pending);
    list_init(&l->running);
}

void loop_fini(struct loop *l)
{
    pthread_cond_destroy(&l->finished);
    pthread_mutex_destroy(&l->lock);
    env_unref(l->env);
}

struct loop *loop_ref(struct loop *l)
{
    atomic_fetch_add(&l->refcount, 1);
    return l;
}

/* Whoever handed an argument to loop_post or loop_work counts on the call that
 * frees it, so what is queued still runs, and work is waited for. */
static void loop_wind_up(struct loop *l)
{
    while (l->works > 0 || loop_has_queued(l)) {
        if (!loop_has_queued(l))
            l->ops->await(l);
        loop_drain(l);
    }
}

void loop_unref(struct loop *l)
{
    if (!l || atomic_fetch_sub(&l->refcount, 1) > 1)
        return;
    atomic_store(&l->refcount, 1); /* what still runs may take and drop references */
    loop_wind_up(l);
    l->ops->destroy(l);
}

struct env *loop_env(const struct loop *l)
{
    return l->env;
}

int loop_run(struct loop *l, int flags)
{
    loop_ref(l);
    int rc = l->ops->run(l, flags);
    loop_unref(l);
    return rc;
}

void loop_stop(struct loop *l)
{
    l->ops->stop(l);
}

double loop_now(struct loop *l)
{
    return l->ops->now(l);
}

void loop_now_update(struct loop *l)
{
    l->ops->now_update(l);
}

int loop_pollfd(struct loop *l)
{
    return l->ops->pollfd(l);
}

/* ---- the queue ---- */

void loop_queue(struct loop *l, struct queued *q)
{
    pthread_mutex_lock(&l->lock);
    if (list_empty(&q->link)) {
        bool first = list_empty(&l->pending);
        list_append(&l->pending, &q->link);
        /* Under the lock: once it is free, a loop that waits for its last work may
         * go away. */
        if (first)
            l->ops->wake(l);
        pthread_cond_signal(&l->finished);
    }
    pthread_mutex_unlock(&l->lock);
}

void loop_unqueue(struct loop *l, struct queued *q)
{
    pthread_mutex_lock(&l->lock);
    list_del(&q->link);
    pthread_mutex_unlock(&l->lock);
}

static struct queued *next_running(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    struct queued *q = list_first(&l->running, struct queued, link);
    if (q)
        list_del(&q->link);
    pthread_mutex_unlock(&l->lock);
    return q;
}

bool loop_has_queued(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    bool any = !list_empty(&l->pending) || !list_empty(&l->running);
    pthread_mutex_unlock(&l->lock);
    return any;
}

void loop_drain(struct loop *l)
{
    pthread_mutex_lock(&l->lock);
    list_splice(&l->running, &l->pending);
    pthread_mutex_unlock(&l->lock);
    struct queued *q;
    while ((q = next_running(l)))
        q->run(q);
}

struct post {
    struct queued q;
    void (*fn)(void *arg);
    void *arg;
};

static void post_run(struct queued *q)
{
    struct post *p = list_entry(q, struct post, q);
    void (*fn)(void *arg) = p->fn;
    void *arg = p->arg;
    free(p);
    fn(arg);
}

int loop_post(struct loop *l, void (*fn)(void *arg), void *arg)
{
    struct post *p = calloc(1, sizeof(*p));
    if (!p)
        return -ENOMEM;
    list_init(&p->q.link);
    p->q.run = post_run;
    p->fn = fn;
    p->arg = arg;
    loop_queue(l, &p->q);
    return 0;
}

static void work_done(struct queued *q)
{
    struct work *work = list_entry(q, struct work, q);
    void (*done)(void *arg) = work->done;
    void *arg = work->arg;
    work->loop->works--;
    work->loop->ops->hold(work->loop, -1);
    free(work);
    if (done)
        done(arg);
}

void work_execute(struct work *work)
{
    work->fn(work->arg);
    loop_queue(work->loop, &work->q);
}

int loop_work(struct loop *l, void (*fn)(void *arg), void (*done)(void *arg), void *arg)
{
    AUTOFREE struct work *work = calloc(1, sizeof(*work));
    if (!work)
        return -ENOMEM;
    list_init(&work->q.link);
    list_init(&work->link);
    work->q.run = work_done;
    work->loop = l;
    work->fn = fn;
    work->done = done;
    work->arg = arg;
    int rc = l->ops->work(l, work);
    if (rc < 0)
        return rc;
    l->works++;
    l->ops->hold(l, 1);
    TAKE(work);
    return 0;
}
