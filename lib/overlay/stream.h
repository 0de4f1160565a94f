/* One connection of nng_transport, dialled or accepted: a struct link over an
 * nng_stream. See stream.c for how the loop and nng's threads share it.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_OVERLAY_STREAM_H
#define FLUX_OVERLAY_STREAM_H

#include <nng/nng.h>
#include <sys/uio.h>

#include "env/transport.h"

/* Begin to connect. */
int stream_dial(struct loop *loop, const char *address, const struct link_conf *conf,
                struct link **ret);
/* Make a link of a stream that a listener accepted; takes it over, also on error. */
int stream_accept(struct loop *loop, const char *address, const struct link_conf *conf,
                  nng_stream *nng, struct link **ret);
int stream_send(struct link *link, const struct iovec *parts, int n);
/* What the system takes at once is still sent. */
void stream_close(struct link *link);

#endif
