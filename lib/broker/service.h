/* The registry of services: which endpoint answers which name. */
#ifndef FLUX_BROKER_SERVICE_H
#define FLUX_BROKER_SERVICE_H

#include <stddef.h>

struct endpoint;
struct services;

#define SERVICE_NAME_MAX 128

int services_new(struct services **ret);
void services_free(struct services *s); /* accepts NULL */
/* -EINVAL, -EEXIST, -ENOMEM. */
int services_add(struct services *s, const char *name, struct endpoint *ep);
int services_remove(struct services *s, const char *name, const struct endpoint *ep);
/* All of ep's. */
void services_remove_all(struct services *s, const struct endpoint *ep);
/* The longest part of topic[0..len) before a '.' that is registered, or topic itself;
 * *ret_name is that name, good until it is removed. NULL: none. */
struct endpoint *services_match(struct services *s, const char *topic, size_t len,
                                const char **ret_name);
struct endpoint *services_get(struct services *s, const char *name);
void services_each(struct services *s, const struct endpoint *ep,
                   void (*fn)(const char *name, void *arg), void *arg);

#endif
