/* The real side of env/transport.h: links between brokers over nng's byte streams.
 * Addresses are "tcp://host:port" and "ipc://path". To be given to
 * env_set_transport().
 *
 * On the wire each side begins with an eight-byte greeting; then messages follow, each
 * after its length in four bytes, big-endian.
 *
 * nng has threads of its own; they have all signals blocked. A forked child must not
 * call it, one that was spawned may.
 */
#ifndef FLUX_OVERLAY_TRANSPORT_H
#define FLUX_OVERLAY_TRANSPORT_H

#include "env/transport.h"

extern const struct transport_ops nng_transport;

#endif
