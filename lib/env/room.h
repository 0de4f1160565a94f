/* Limits of the host that many processes meet. Real only; the simulated world has room.
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_ENV_ROOM_H
#define FLUX_ENV_ROOM_H

#include <flux/types.h>

#include "env/env.h"

/* Is there room for so many more processes and threads, and open files in them? -EAGAIN:
 * no; err names the limit, its value, and how to raise it. */
int room_check(struct env *env, long tasks, long files, flux_error_t *err);

#endif
