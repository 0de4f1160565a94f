/* The real world: clocks, randomness and threads of the operating system. Its
 * loops are in loop_real.c, files in file_real.c, processes in proc.c.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "env/real.h"

static double clock_seconds(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static double real_time(struct env *env)
{
    return clock_seconds(CLOCK_REALTIME);
}

static double real_monotonic(struct env *env)
{
    return clock_seconds(CLOCK_MONOTONIC);
}

static void real_random(struct env *env, void *buf, size_t len)
{
    char *p = buf;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0) {
            if (errno != EINTR)
                abort(); /* keys must never be drawn from nothing */
            continue;
        }
        p += n;
        len -= (size_t)n;
    }
}

int real_thread_create(pthread_t *ret, size_t stack, void *(*fn)(void *arg), void *arg)
{
    pthread_attr_t attr;
    sigset_t all, old;
    pthread_attr_init(&attr);
    if (stack > 0)
        pthread_attr_setstacksize(&attr, stack);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int rc = pthread_create(ret, &attr, fn, arg);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    pthread_attr_destroy(&attr);
    return -rc;
}

struct env_thread {
    pthread_t thread;
    void (*fn)(void *arg);
    void *arg;
};

static void *thread_main(void *arg)
{
    struct env_thread *t = arg;
    t->fn(t->arg);
    return NULL;
}

static int real_thread_start(struct env *env, const char *name, void (*fn)(void *arg),
                             void *arg, struct env_thread **ret)
{
    struct env_thread *t = calloc(1, sizeof(*t));
    if (!t)
        return -ENOMEM;
    t->fn = fn;
    t->arg = arg;
    int rc = real_thread_create(&t->thread, 0, thread_main, t);
    if (rc < 0) {
        free(t);
        return rc;
    }
    char cut[16]; /* the kernel's limit */
    snprintf(cut, sizeof(cut), "%s", name ? name : "flux");
    pthread_setname_np(t->thread, cut);
    *ret = t;
    return 0;
}

void env_thread_join(struct env_thread *t)
{
    if (!t)
        return;
    pthread_join(t->thread, NULL);
    free(t);
}

static void real_destroy(struct env *env)
{
    struct real_env *r = real_env(env);
    pool_fini(&r->pool);
    children_fini(&r->children);
    libev_close(&r->ev);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

static const struct env_ops real_ops = {
    .destroy = real_destroy,
    .time = real_time,
    .monotonic = real_monotonic,
    .random = real_random,
    .thread_start = real_thread_start,
    .loop_new = real_loop_new,
    .file = &real_file_ops,
    .proc = &real_proc_ops,
};

int env_new_real(struct env **ret)
{
    struct real_env *r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->base.ops = &real_ops;
    atomic_init(&r->base.refcount, 1);
    if (children_init(&r->children) < 0) {
        free(r);
        return -ENOMEM;
    }
    pthread_mutex_init(&r->lock, NULL);
    pool_init(&r->pool);
    *ret = &r->base;
    return 0;
}
