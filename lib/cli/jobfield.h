/* Fields of a job for output formats: from the objects that job-list answers. */
#ifndef FLUX_CLI_JOBFIELD_H
#define FLUX_CLI_JOBFIELD_H

#include <stdint.h>

#include <cjson/cJSON.h>

#include "base/buf.h"

/* What the fields of all rows share. */
struct jobfield_context {
    double now; /* the present time */
    /* The user whose name was looked up last; "" at first. */
    uint32_t userid;
    char username[64];
};

/* format_value_f: row is a job object, arg a struct jobfield_context *. Conversions: D ISO time, d date and time, F duration, H hours:minutes:seconds, P percent. */
bool jobfield_value(const void *row, const char *field, char conversion, struct buf *out,
                    void *arg);
/* The column heading; NULL when there is no such field. */
const char *jobfield_title(const char *field, void *arg);
/* Attributes of job-list that a known field is made of, besides "id", with blanks between
 * them. */
const char *jobfield_needs(const char *field);
/* Value as a number or text for sorting: <0, 0, >0. */
int jobfield_compare(const cJSON *a, const cJSON *b, const char *field,
                     struct jobfield_context *ctx);

/* A named format (default, cute, long, deps, endreason), or NULL. */
const char *jobfield_named_format(const char *name);

#endif
