/* The world's door (env.h): passes each call to the real or the simulated side. */
#include <stdio.h>

#include "env/impl.h"

struct env *env_ref(struct env *env)
{
    atomic_fetch_add(&env->refcount, 1);
    return env;
}

void env_unref(struct env *env)
{
    if (env && atomic_fetch_sub(&env->refcount, 1) == 1)
        env->ops->destroy(env);
}

bool env_is_sim(const struct env *env)
{
    return env->ops->sim;
}

double env_time(struct env *env)
{
    return env->ops->time(env);
}

double env_monotonic(struct env *env)
{
    return env->ops->monotonic(env);
}

void env_random(struct env *env, void *buf, size_t len)
{
    env->ops->random(env, buf, len);
}

void env_uuid(struct env *env, char buf[37])
{
    unsigned char b[16];
    env_random(env, b, sizeof(b));
    b[6] = (b[6] & 0x0f) | 0x40; /* version 4 */
    b[8] = (b[8] & 0x3f) | 0x80; /* RFC 4122 variant */
    char *p = buf;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *p++ = '-';
        p += sprintf(p, "%02x", b[i]);
    }
}

int env_thread_start(struct env *env, const char *name, void (*fn)(void *arg), void *arg,
                     struct env_thread **ret)
{
    return env->ops->thread_start(env, name, fn, arg, ret);
}
