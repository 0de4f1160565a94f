/* A list of messages with a cursor. It holds references. */
#ifndef FLUX_MSGLIST_H
#define FLUX_MSGLIST_H

#include <flux/types.h>
#include <flux/message.h>

#ifdef __cplusplus
extern "C" {
#endif

struct flux_msglist;

struct flux_msglist *flux_msglist_create(void); /* NULL, errno */
void flux_msglist_destroy(struct flux_msglist *l); /* accepts NULL, keeps errno */

/* Add a reference to msg at the front, at the end. -1, errno. */
int flux_msglist_push(struct flux_msglist *l, const flux_msg_t *msg);
int flux_msglist_append(struct flux_msglist *l, const flux_msg_t *msg);
/* Take the first one off; the reference is yours. NULL: empty. */
const flux_msg_t *flux_msglist_pop(struct flux_msglist *l);

/* Move the cursor and return the message there, borrowed; NULL: none. */
const flux_msg_t *flux_msglist_first(struct flux_msglist *l);
const flux_msg_t *flux_msglist_next(struct flux_msglist *l);
const flux_msg_t *flux_msglist_last(struct flux_msglist *l);
/* Remove the message at the cursor; flux_msglist_next() goes on behind it. */
void flux_msglist_delete(struct flux_msglist *l);

int flux_msglist_count(struct flux_msglist *l);

/* For event loops: the descriptor becomes readable when an event was raised; FLUX_POLLIN
 * while there are messages, FLUX_POLLOUT always. -1, errno. */
int flux_msglist_pollevents(struct flux_msglist *l);
int flux_msglist_pollfd(struct flux_msglist *l);

#ifdef __cplusplus
}
#endif
#endif
