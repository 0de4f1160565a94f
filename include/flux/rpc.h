/* Remote procedure calls: a request and the future of its response. */
#ifndef FLUX_RPC_H
#define FLUX_RPC_H

#include <flux/types.h>
#include <flux/message.h>
#include <flux/future.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    FLUX_RPC_NORESPONSE = 1, /* no answer wanted: the future is ready at once */
    FLUX_RPC_STREAMING = 2,  /* many answers, the last one an error (ENODATA: all well) */
};

/* Send a request to the service in `topic`, with a string (or NULL), JSON, bytes, or
 * the topic and payload of a message. nodeid: a rank, FLUX_NODEID_ANY,
 * FLUX_NODEID_UPSTREAM. NULL, errno. */
flux_future_t *flux_rpc(flux_t *h, const char *topic, const char *s, uint32_t nodeid,
                        int flags);
flux_future_t *flux_rpc_pack(flux_t *h, const char *topic, uint32_t nodeid, int flags,
                             const char *fmt, ...);
flux_future_t *flux_rpc_vpack(flux_t *h, const char *topic, uint32_t nodeid, int flags,
                              const char *fmt, va_list ap);
flux_future_t *flux_rpc_raw(flux_t *h, const char *topic, const void *data, size_t len,
                            uint32_t nodeid, int flags);
flux_future_t *flux_rpc_message(flux_t *h, const flux_msg_t *msg, uint32_t nodeid,
                                int flags);

/* The payload of the response, waiting for it if need be; borrowed from the future.
 * `s` may be NULL, *s is NULL when there is no payload. -1 with the service's errno
 * (flux_future_error_string() has its text), EPROTO it does not fit. */
int flux_rpc_get(flux_future_t *f, const char **s);
int flux_rpc_get_unpack(flux_future_t *f, const char *fmt, ...);
int flux_rpc_get_raw(flux_future_t *f, const void **data, size_t *len);

/* For a cancel request of a stream. FLUX_MATCHTAG_NONE / FLUX_NODEID_ANY when f is no
 * RPC (errno EINVAL). */
uint32_t flux_rpc_get_matchtag(flux_future_t *f);
uint32_t flux_rpc_get_nodeid(flux_future_t *f);

#ifdef __cplusplus
}
#endif
#endif
