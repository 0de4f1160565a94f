/* Worker threads (pool.h). A worker takes work in order, runs it, and waits; one
 * that has waited IDLE_SECONDS ends, to give its memory back. Ended workers are
 * joined by whoever starts the next one, or by pool_fini().
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "env/impl.h"
#include "env/real.h"

#define IDLE_SECONDS 5
#define STACK_BYTES (256 * 1024)

struct worker {
    struct list link; /* in finished */
    struct pool *pool;
    pthread_t thread;
};

static int cpus(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 2 ? 2 : n > 4 ? 4 : (int)n;
}

int pool_init(struct pool *p)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->more, &attr);
    pthread_condattr_destroy(&attr);
    list_init(&p->queue);
    list_init(&p->finished);
    p->max = cpus();
    return 0;
}

/* Wait for work; NULL when it is time to go. Lock held. */
static struct work *next_work(struct pool *p)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_SECONDS;
    int rc = 0;
    p->idle++;
    while (list_empty(&p->queue) && !p->stopping && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&p->more, &p->lock, &until);
    p->idle--;
    struct work *work = list_first(&p->queue, struct work, link);
    if (work) {
        list_del(&work->link);
        p->queued--;
    }
    return work;
}

static void *worker_main(void *arg)
{
    struct worker *worker = arg;
    struct pool *p = worker->pool;
    struct work *work;

    pthread_mutex_lock(&p->lock);
    while ((work = next_work(p))) {
        pthread_mutex_unlock(&p->lock);
        work_execute(work);
        pthread_mutex_lock(&p->lock);
    }
    p->workers--;
    list_append(&p->finished, &worker->link);
    pthread_cond_broadcast(&p->more);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Lock held; a finished worker holds it no longer than to leave. */
static void join_finished(struct pool *p)
{
    struct worker *worker;
    while ((worker = list_first(&p->finished, struct worker, link))) {
        list_del(&worker->link);
        pthread_mutex_unlock(&p->lock);
        pthread_join(worker->thread, NULL);
        pthread_mutex_lock(&p->lock);
        free(worker);
    }
}

/* Lock held. */
static int start_worker(struct pool *p)
{
    struct worker *worker = calloc(1, sizeof(*worker));
    if (!worker)
        return -ENOMEM;
    list_init(&worker->link);
    worker->pool = p;
    int rc = real_thread_create(&worker->thread, STACK_BYTES, worker_main, worker);
    if (rc < 0) {
        free(worker);
        return rc;
    }
    p->workers++;
    return 0;
}

int pool_add(struct pool *p, struct work *work)
{
    int rc = 0;
    pthread_mutex_lock(&p->lock);
    join_finished(p);
    if (p->queued >= p->idle && p->workers < p->max)
        rc = start_worker(p);
    if (p->workers > 0) {
        rc = 0;
        p->queued++;
        list_append(&p->queue, &work->link);
        pthread_cond_signal(&p->more);
    }
    pthread_mutex_unlock(&p->lock);
    return rc;
}

void pool_fini(struct pool *p)
{
    pthread_mutex_lock(&p->lock);
    p->stopping = true;
    pthread_cond_broadcast(&p->more);
    while (p->workers > 0)
        pthread_cond_wait(&p->more, &p->lock);
    join_finished(p);
    pthread_mutex_unlock(&p->lock);
    pthread_cond_destroy(&p->more);
    pthread_mutex_destroy(&p->lock);
}
