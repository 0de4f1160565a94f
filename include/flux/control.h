/* Control messages: one hop, a type and a status. */
#ifndef FLUX_CONTROL_H
#define FLUX_CONTROL_H

#include <flux/types.h>
#include <flux/message.h>

#ifdef __cplusplus
extern "C" {
#endif

/* NULL, errno. */
flux_msg_t *flux_control_encode(int type, int status);
/* Either may be NULL. -1, errno: EPROTO not a control message. */
int flux_control_decode(const flux_msg_t *msg, int *type, int *status);

#ifdef __cplusplus
}
#endif
#endif
