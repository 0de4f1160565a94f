/* Worker threads for loop_work(): a few, made when there is work, gone after some
 * seconds without. Private to lib/env.
 */
#ifndef FLUX_ENV_POOL_H
#define FLUX_ENV_POOL_H

#include <pthread.h>

#include "base/list.h"

struct work;

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t more;
    struct list queue;    /* of work */
    struct list finished; /* of workers that have returned or are about to */
    int workers, idle, queued, max;
    bool stopping;
};

int pool_init(struct pool *p);
/* Queue work for a worker. -EAGAIN, -ENOMEM when the first one cannot be started. */
int pool_add(struct pool *p, struct work *work);
/* Finish what is queued and end all workers. */
void pool_fini(struct pool *p);

#endif
