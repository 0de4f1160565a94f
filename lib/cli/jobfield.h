/* Fields of a job for output formats: from the objects that job-list answers. */
#ifndef FLUX_CLI_JOBFIELD_H
#define FLUX_CLI_JOBFIELD_H

#include <cjson/cJSON.h>

#include "base/buf.h"

/* format_value_f: row is a job object, arg a const double * (the present time). Conversions: D ISO
 * time, d date and time, F duration, H hours:minutes:seconds, P percent. */
bool jobfield_value(const void *row, const char *field, char conversion, struct buf *out,
                    void *arg);
/* The column heading; NULL when there is no such field. */
const char *jobfield_title(const char *field, void *arg);
/* Value as a number or text for sorting: <0, 0, >0. */
int jobfield_compare(const cJSON *a, const cJSON *b, const char *field, double now);

/* A named format (default, cute, long, deps, endreason), or NULL. */
const char *jobfield_named_format(const char *name);

#endif
