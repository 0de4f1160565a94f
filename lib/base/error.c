/* Error text for people; see error.h. */
#include <stdio.h>

#include "base/error.h"

int error_set(flux_error_t *err, int code, const char *fmt, ...)
{
    va_list ap;

    if (err) {
        va_start(ap, fmt);
        vsnprintf(err->text, sizeof(err->text), fmt, ap);
        va_end(ap);
    }
    return -code;
}
