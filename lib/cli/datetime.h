/* Points in time as people write them. */
#ifndef FLUX_CLI_DATETIME_H
#define FLUX_CLI_DATETIME_H

#include <flux/types.h>

/* "+FSD", "-FSD" from now; "now"; "YYYY-MM-DD[ T]HH:MM[:SS]", "YYYY-MM-DD", "HH:MM[:SS]" (the
 * next one), "@SECONDS" or a bare number of seconds since the epoch. Local time. 0 or -EINVAL. */
int datetime_parse(const char *s, double now, double *ret, flux_error_t *err);

#endif
