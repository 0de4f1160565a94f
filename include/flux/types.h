/* Types that all headers share. */
#ifndef FLUX_TYPES_H
#define FLUX_TYPES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct flux_handle flux_t;

/* Called when an object goes away. */
typedef void (*flux_free_f)(void *arg);

/* The reason of a failure, for a person. */
typedef struct {
    char text[160];
} flux_error_t;

typedef uint64_t flux_jobid_t;

#define FLUX_USERID_UNKNOWN 0xFFFFFFFFu
#define FLUX_NODEID_ANY 0xFFFFFFFFu
#define FLUX_NODEID_UPSTREAM 0xFFFFFFFEu

#ifdef __cplusplus
}
#endif
#endif
