/* What a service does with requests it holds when their sender cancels them or goes
 * away.
 */
#ifndef FLUX_DISCONNECT_H
#define FLUX_DISCONNECT_H

#include <flux/types.h>
#include <flux/message.h>
#include <flux/msglist.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Does a disconnect (msg1) concern a request (msg2): from the same sender, or from one
 * behind it (the routes of msg2 end in those of msg1: a lost broker speaks for all its
 * clients), and sent by the owner or the request's own user? */
bool flux_disconnect_match(const flux_msg_t *msg1, const flux_msg_t *msg2);
/* Does a cancel (msg1, payload {"matchtag":N}) concern a request (msg2)? */
bool flux_cancel_match(const flux_msg_t *msg1, const flux_msg_t *msg2);

/* Remove the requests a disconnect concerns; returns how many. */
int flux_msglist_disconnect(struct flux_msglist *l, const flux_msg_t *msg);
/* Answer the request a cancel concerns with ENODATA, and remove it. -1, errno of the
 * answer; 0 also when there is none. */
int flux_msglist_cancel(flux_t *h, struct flux_msglist *l, const flux_msg_t *msg);

#ifdef __cplusplus
}
#endif
#endif
