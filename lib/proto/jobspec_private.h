/* The two halves of the jobspec reader: jobspec.c reads tasks and attributes,
 * jobspec_resources.c the shape. */
#ifndef FLUX_PROTO_JOBSPEC_PRIVATE_H
#define FLUX_PROTO_JOBSPEC_PRIVATE_H

#include "proto/jobspec.h"

#define JOBSPEC_COUNT_MAX (1u << 20)

/* An integer 1 .. 2^20 at key; `where` is the path of o, for the error. */
int jobspec_count(const cJSON *o, const char *key, const char *where, unsigned *ret,
                  flux_error_t *err);
/* o is an object with no keys but these (NULL-terminated). */
int jobspec_check_keys(const cJSON *o, const char *const keys[], const char *where,
                       flux_error_t *err);
/* The resources section; the label of its slot is borrowed. */
int jobspec_read_resources(const cJSON *resources, struct jobspec_shape *ret,
                           const char **ret_label, flux_error_t *err);

#endif
