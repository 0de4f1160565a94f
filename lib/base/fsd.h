/* Flux Standard Duration (RFC 23): "1.5s", "10m", "2h", "1d", "500ms", "inf".
 * A number without a unit is seconds. Durations are double seconds, never negative;
 * unlimited is INFINITY.
 */
#ifndef FLUX_BASE_FSD_H
#define FLUX_BASE_FSD_H

#include <stddef.h>

/* 0, or -EINVAL (also for negative numbers and NaN). */
int fsd_parse(const char *s, double *ret);
/* The same for the len bytes at s. */
int fsd_parsen(const char *s, size_t len, double *ret);

/* Print with the largest unit that leaves a number of at least one, and at most six
 * significant digits: "1.5s", "2.1m", "infinity"; below 0.1 s in ms. Returns the length,
 * or -EOVERFLOW, -EINVAL. */
int fsd_format(double seconds, char *buf, size_t size);
/* The same with `digits` significant digits (1-17). */
int fsd_format_digits(double seconds, int digits, char *buf, size_t size);
/* As the TIME column of a job listing prints it (the !F conversion): below 1 ms "0s",
 * three decimals below 10 s, else four significant digits: "1.500s", "12.35s", "2.1m",
 * "inf". */
int fsd_format_short(double seconds, char *buf, size_t size);
/* Days, hours, minutes, seconds (the !H conversion): "0:01:05", "1 day, 2:00:00",
 * "inf". Rounded to whole seconds, but more than nothing is at least one. */
int fsd_format_hms(double seconds, char *buf, size_t size);

#endif
