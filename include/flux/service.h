/* Services under names of the caller's choice. */
#ifndef FLUX_SERVICE_H
#define FLUX_SERVICE_H

#include <flux/types.h>
#include <flux/future.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Ask the broker to send requests for `name`.* to this handle, and to stop. A
 * disconnect ends it. NULL, errno; the future fails with EEXIST when the name is taken,
 * ENOENT when it is not ours. */
flux_future_t *flux_service_register(flux_t *h, const char *name);
flux_future_t *flux_service_unregister(flux_t *h, const char *name);

#ifdef __cplusplus
}
#endif
#endif
