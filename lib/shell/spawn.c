/* Spawning, off the loop: waiting jobs go to the workers in small batches, so that a
 * trip between the threads is paid once for several jobs and all workers are kept busy.
 */
#include <stdlib.h>

#include "shell/shell_private.h"

#define BATCH_JOBS 8
#define BATCHES 4 /* under way at a time: two at work, two waiting for a worker */

struct batch {
    struct list link;
    struct shell *sh;
    unsigned n;
    struct job *jobs[BATCH_JOBS];
};

static void work(void *arg)
{
    struct batch *b = arg;
    for (unsigned i = 0; i < b->n; i++)
        job_spawn(b->jobs[i]);
}

static void done(void *arg)
{
    struct batch *b = arg;
    b->sh->batches--;
    shell_poke(b->sh);
    for (unsigned i = 0; i < b->n; i++)
        job_spawned(b->jobs[i]);
    free(b);
}

static unsigned count_waiting(const struct shell *sh)
{
    unsigned n = 0;
    for (struct list *l = sh->waiting.next; l != &sh->waiting && n < 2 * BATCH_JOBS;
         l = l->next)
        n++;
    return n;
}

static struct batch *take_batch(struct shell *sh)
{
    struct batch *b = calloc(1, sizeof(*b));
    if (!b)
        return NULL;
    unsigned n = (count_waiting(sh) + 1) / 2; /* some for each worker */
    b->sh = sh;
    while (b->n < n) {
        struct job *job = list_first(&sh->waiting, struct job, link);
        list_del(&job->link);
        list_append(&sh->running, &job->link);
        journal_begin(sh->journal, job->id);
        job->state = JOB_SPAWNING;
        b->jobs[b->n++] = job;
    }
    return b;
}

void spawn_prepare(struct shell *sh, struct spawn_list *l)
{
    list_init(&l->batches);
    while (sh->batches < BATCHES && !list_empty(&sh->waiting)) {
        struct batch *b = take_batch(sh);
        if (!b)
            return;
        sh->batches++;
        list_append(&l->batches, &b->link);
    }
}

void spawn_launch(struct shell *sh, struct spawn_list *l)
{
    list_each(b, &l->batches, struct batch, link)
    {
        list_del(&b->link);
        if (loop_work(sh->loop, work, done, b) < 0) {
            work(b); /* no thread to be had: slower, but it goes on */
            done(b);
        }
    }
}

void spawn_undo(struct shell *sh, struct spawn_list *l)
{
    list_each(b, &l->batches, struct batch, link)
    {
        list_del(&b->link);
        sh->batches--;
        for (unsigned i = b->n; i > 0; i--) {
            struct job *job = b->jobs[i - 1];
            list_del(&job->link);
            list_prepend(&sh->waiting, &job->link);
            job->state = JOB_WAITING;
        }
        free(b);
    }
}
