/* The real world's own state. Private to lib/env. */
#ifndef FLUX_ENV_REAL_H
#define FLUX_ENV_REAL_H

#include "env/children.h"
#include "env/impl.h"
#include "env/libev.h"
#include "env/pool.h"

struct real_env {
    struct env base;
    pthread_mutex_t lock; /* guards the opening of ev */
    struct libev ev;      /* opened by the first loop */
    struct pool pool;
    struct children children;
};

static inline struct real_env *real_env(struct env *env)
{
    return CONTAINER_OF(env, struct real_env, base);
}

/* A thread with all signals blocked. stack: bytes, 0 for the default. */
int real_thread_create(pthread_t *ret, size_t stack, void *(*fn)(void *arg), void *arg);

int real_loop_new(struct env *env, struct loop **ret);
extern const struct file_ops real_file_ops;
extern const struct proc_ops real_proc_ops;

#endif
