/* Broker attributes: named strings, and the services attr.get, list, set, rm. */
#ifndef FLUX_BROKER_ATTR_H
#define FLUX_BROKER_ATTR_H

#include <stdbool.h>
#include <stddef.h>

#include "broker/core.h"

struct attrs;

enum {
    ATTR_READONLY = 1, /* a fact, never changed from outside */
    ATTR_BOOT = 2,     /* may be given at start, not changed later */
    ATTR_RUNTIME = 4,  /* may be changed any time */
};

int attrs_new(struct attrs **ret);
void attrs_free(struct attrs *a); /* accepts NULL */

/* Borrowed; NULL when there is none. */
const char *attrs_get(const struct attrs *a, const char *name);
int attrs_set(struct attrs *a, const char *name, const char *value, int flags);
int attrs_setf(struct attrs *a, const char *name, int flags, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Before the start: "name=value" as the user gave it. -EINVAL malformed, -EPERM a
 * name that the broker sets itself; err says which. */
int attrs_set_user(struct attrs *a, const char *name_value, flux_error_t *err);
/* Set it unless it is set already. */
int attrs_default(struct attrs *a, const char *name, const char *value, int flags);
/* Values as numbers, `def` when absent or no number. Durations: seconds or RFC 23. */
long attrs_int(const struct attrs *a, const char *name, long def);
double attrs_duration(const struct attrs *a, const char *name, double def);
/* -EINVAL, err: it is there, and no duration. */
int attrs_check_duration(const struct attrs *a, const char *name, flux_error_t *err);
bool attrs_true(const struct attrs *a, const char *name); /* set, not "0" or "false" */

/* Call fn for each that cannot change while the broker runs. */
void attrs_each_fixed(const struct attrs *a,
                      void (*fn)(const char *name, const char *value, void *arg),
                      void *arg);
/* Called after a client changed or removed (value NULL) an attribute. */
void attrs_on_change(struct attrs *a,
                     void (*fn)(const char *name, const char *value, void *arg),
                     void *arg);
/* Answer attr.*. */
int attrs_serve(struct attrs *a, struct core *c);

/* Is broker.recovery-mode set? Somebody looks at a damaged instance: it starts with what
 * can be started, and no job does. */
bool attrs_recovery(const struct attrs *a);

#endif
