/* Broker attributes: names and string values of the broker this handle talks to.
 * Values are cached in the handle; all calls wait for the broker when need be.
 */
#ifndef FLUX_ATTR_H
#define FLUX_ATTR_H

#include <flux/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The value, borrowed from the handle's cache: good until the attribute is asked for
 * again and has changed. NULL, errno: ENOENT. */
const char *flux_attr_get(flux_t *h, const char *name);
/* Set it; val NULL removes it. force: although it is read-only. -1, errno; _ex writes
 * the reason for a person. */
int flux_attr_set(flux_t *h, const char *name, const char *val);
int flux_attr_set_ex(flux_t *h, const char *name, const char *val, bool force,
                     flux_error_t *errp);
/* Put a value into the cache only; NULL removes it. For tests. */
int flux_attr_set_cacheonly(flux_t *h, const char *name, const char *val);
/* Names in the cache; NULL at the end. */
const char *flux_attr_cache_first(flux_t *h);
const char *flux_attr_cache_next(flux_t *h);

/* Number of brokers in the instance, and the rank of this one. -1, errno. */
int flux_get_size(flux_t *h, uint32_t *size);
int flux_get_rank(flux_t *h, uint32_t *rank);
/* When the instance's leader started, wall-clock seconds. -1, errno. */
int flux_get_instance_starttime(flux_t *h, double *starttime);

#ifdef __cplusplus
}
#endif
#endif
