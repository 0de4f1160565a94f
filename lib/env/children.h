/* Which child processes this env spawned and has not reaped, so that orphans can
 * be told from them. Private to lib/env.
 */
#ifndef FLUX_ENV_CHILDREN_H
#define FLUX_ENV_CHILDREN_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/list.h"
#include "base/map.h"

struct children {
    pthread_mutex_t lock;
    struct list births; /* of struct birth: spawns under way */
    struct umap *pids;
};

/* A spawn under way. The kernel writes pid before the child's first instruction,
 * so a child that has exited is always known. */
struct birth {
    struct list link;
    _Atomic(pid_t) pid; /* 0: not yet */
};

int children_init(struct children *c);
void children_fini(struct children *c);
void children_begin(struct children *c, struct birth *birth);
/* The spawn is over; pid 0: there is no child. -ENOMEM: it could not be recorded. */
int children_end(struct children *c, struct birth *birth, pid_t pid);
/* Lock held. */
bool children_known(const struct children *c, pid_t pid);
void children_forget(struct children *c, pid_t pid);

#endif
