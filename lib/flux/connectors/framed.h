/* A connection over a byte stream to a broker, directly or with something between: first
 * the broker sends one byte, 0 or an errno; then both sides send frames (proto/frame.h).
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_FLUX_CONNECTORS_FRAMED_H
#define FLUX_FLUX_CONNECTORS_FRAMED_H

#include "flux/handle_private.h"

struct framed_kind {
    /* A new descriptor, non-blocking, which is closed by local_close(); or -errno. */
    int (*connect)(void *arg);
    /* The descriptor was closed; optional. */
    void (*hung_up)(void *arg);
    void (*free)(void *arg);
    double admit_timeout; /* seconds for the first byte; < 0: as long as it takes */
};

/* Connect. arg is taken over, also on failure. */
int framed_open(const struct framed_kind *kind, void *arg, int flags, flux_t **ret);

#endif
