/* A heap of jobs by priority, see sched_queue.h. */
#include <errno.h>
#include <stdlib.h>

#include "modules/job-manager/sched_queue.h"

static bool before(const struct job *a, const struct job *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority;
    return a->id < b->id;
}

static void put(struct sched_queue *q, size_t i, struct job *job)
{
    q->v[i] = job;
    job->qpos = (uint32_t)i + 1;
}

static void up(struct sched_queue *q, size_t i, struct job *job)
{
    for (; i > 0 && before(job, q->v[(i - 1) / 2]); i = (i - 1) / 2)
        put(q, i, q->v[(i - 1) / 2]);
    put(q, i, job);
}

static void down(struct sched_queue *q, size_t i, struct job *job)
{
    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < q->n && before(q->v[child + 1], q->v[child]))
            child++;
        if (child >= q->n || !before(q->v[child], job))
            break;
        put(q, i, q->v[child]);
        i = child;
    }
    put(q, i, job);
}

void sched_queue_free(struct sched_queue *q)
{
    free(q->v);
    *q = (struct sched_queue){0};
}

int sched_queue_add(struct sched_queue *q, struct job *job)
{
    if (job->qpos)
        return 0;
    if (q->n == q->size) {
        size_t size = q->size ? q->size * 2 : 64;
        struct job **v = realloc(q->v, size * sizeof(*v));

        if (!v)
            return -ENOMEM;
        q->v = v;
        q->size = size;
    }
    q->n++;
    up(q, q->n - 1, job);
    return 0;
}

void sched_queue_moved(struct sched_queue *q, struct job *job)
{
    size_t i = job->qpos - 1;

    if (!job->qpos)
        return;
    if (i > 0 && before(job, q->v[(i - 1) / 2]))
        up(q, i, job);
    else
        down(q, i, job);
}

void sched_queue_del(struct sched_queue *q, struct job *job)
{
    size_t i = job->qpos - 1;
    struct job *last;

    if (!job->qpos)
        return;
    job->qpos = 0;
    last = q->v[--q->n];
    if (last == job)
        return;
    put(q, i, last);
    sched_queue_moved(q, last);
}

struct job *sched_queue_pop(struct sched_queue *q)
{
    struct job *job = q->n ? q->v[0] : NULL;

    if (job)
        sched_queue_del(q, job);
    return job;
}
