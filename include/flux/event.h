/* Events: messages that go to everybody who asked for their topic. */
#ifndef FLUX_EVENT_H
#define FLUX_EVENT_H

#include <flux/types.h>
#include <flux/message.h>
#include <flux/future.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Ask for events whose topic begins with `topic`, and stop. Subscriptions are counted.
 * The plain forms wait for the broker's answer. -1 / NULL, errno. */
int flux_event_subscribe(flux_t *h, const char *topic);
int flux_event_unsubscribe(flux_t *h, const char *topic);
flux_future_t *flux_event_subscribe_ex(flux_t *h, const char *topic, int flags);
flux_future_t *flux_event_unsubscribe_ex(flux_t *h, const char *topic, int flags);

/* Topic and payload of an event, borrowed; topic may be NULL, *s is NULL when there is no
 * payload. -1, errno: EPROTO. */
int flux_event_decode(const flux_msg_t *msg, const char **topic, const char **s);
int flux_event_decode_raw(const flux_msg_t *msg, const char **topic, const void **data,
                          size_t *len);
int flux_event_unpack(const flux_msg_t *msg, const char **topic, const char *fmt, ...);

/* An event to give to flux_send(). NULL, errno. */
flux_msg_t *flux_event_encode(const char *topic, const char *s);
flux_msg_t *flux_event_encode_raw(const char *topic, const void *data, size_t len);
flux_msg_t *flux_event_pack(const char *topic, const char *fmt, ...);

/* Publish and learn the event's sequence number. flags: 0 or FLUX_MSGFLAG_PRIVATE (only
 * the owner and the sender's user see it). NULL, errno. */
flux_future_t *flux_event_publish(flux_t *h, const char *topic, int flags, const char *s);
flux_future_t *flux_event_publish_pack(flux_t *h, const char *topic, int flags,
                                       const char *fmt, ...);
flux_future_t *flux_event_publish_raw(flux_t *h, const char *topic, int flags,
                                      const void *data, size_t len);
int flux_event_publish_get_seq(flux_future_t *f, int *seq);

#ifdef __cplusplus
}
#endif
#endif
