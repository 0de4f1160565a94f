/* A listener of nng_transport, where other brokers connect. Its struct link has ops of
 * its own.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_OVERLAY_LISTENER_H
#define FLUX_OVERLAY_LISTENER_H

#include "env/transport.h"

int listener_open(struct loop *loop, const char *address, const struct link_conf *conf,
                  struct link **ret);

#endif
