/* Error text for people. */
#ifndef FLUX_BASE_ERROR_H
#define FLUX_BASE_ERROR_H

#include <flux/types.h>

/* Write the text (cut to fit) unless err is NULL; returns -code, so that
 * `return error_set(err, EINVAL, "...")` reads well. */
int error_set(flux_error_t *err, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
