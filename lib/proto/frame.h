/* Messages on a local socket (RFC 3 as flux-core's clients speak it): 0xffee0012
 * in host order, big-endian length of what follows, then the parts. Incremental:
 * limits are checked on the length before memory is taken.
 */
#ifndef FLUX_PROTO_FRAME_H
#define FLUX_PROTO_FRAME_H

#include <flux/message.h>
#include "base/buf.h"

#define FRAME_MAX_OWNER (64u << 20)
#define FRAME_MAX_GUEST (4u << 20)

/* Take one message off the front of in[0..len). Returns the bytes used and *ret; 0
 * when more bytes are needed (*ret_need, may be NULL: how many in total are needed to go on);
 * -EPROTO bad magic, length or parts; -EMSGSIZE above max. */
ssize_t frame_decode(const char *in, size_t len, size_t max, flux_msg_t **ret,
                     size_t *ret_need);
/* Append a message. -ENOMEM, -EMSGSIZE. */
int frame_encode(const flux_msg_t *msg, struct buf *out);
/* Its size when encoded. */
size_t frame_size(const flux_msg_t *msg);

#endif
