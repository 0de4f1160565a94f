/* Scope-bound clean-up and transfer of ownership. */
#ifndef FLUX_BASE_CLEANUP_H
#define FLUX_BASE_CLEANUP_H

#include <stdlib.h>

#define CLEANUP(fn) __attribute__((cleanup(fn)))
/* The value of p, which becomes NULL. */
#define TAKE(p)                                                                          \
    ({                                                                                   \
        __typeof__(p) *take_p_ = &(p);                                                   \
        __typeof__(p) take_v_ = *take_p_;                                                \
        *take_p_ = NULL;                                                                 \
        take_v_;                                                                         \
    })
/* Define name##_p (T **) that calls fn on a non-NULL *p, for CLEANUP(name##_p). */
#define DEFINE_CLEANUP(T, fn)                                                            \
    static inline void fn##_p(T *p)                                                      \
    {                                                                                    \
        if (*p)                                                                          \
            fn(*p);                                                                      \
    }

static inline void free_p(void *p)
{
    free(*(void **)p);
}
#define AUTOFREE CLEANUP(free_p)
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member)                                                  \
    ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#endif
