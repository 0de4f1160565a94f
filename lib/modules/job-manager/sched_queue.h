/* Jobs waiting to be shown to the scheduler, by priority, then by age: a binary heap
 * that remembers in each job its place.
 */
#ifndef FLUX_JOB_MANAGER_SCHED_QUEUE_H
#define FLUX_JOB_MANAGER_SCHED_QUEUE_H

#include <stddef.h>

#include "modules/job-manager/job.h"

struct sched_queue { /* {0} is an empty one */
    struct job **v;
    size_t n, size;
};

void sched_queue_free(struct sched_queue *q);
int sched_queue_add(struct sched_queue *q, struct job *job);  /* -ENOMEM */
void sched_queue_del(struct sched_queue *q, struct job *job); /* harmless if not in it */
void sched_queue_moved(struct sched_queue *q, struct job *job); /* its priority changed */
struct job *sched_queue_pop(struct sched_queue *q);             /* NULL: empty */

#endif
