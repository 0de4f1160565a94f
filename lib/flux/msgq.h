/* A queue of messages: a ring of pointers that grows. {0} is an empty one. */
#ifndef FLUX_FLUX_MSGQ_H
#define FLUX_FLUX_MSGQ_H

#include <flux/message.h>

struct msgq {
    flux_msg_t **ring;
    size_t head; /* position of the first one */
    size_t count;
    size_t size; /* of the ring, a power of two */
};

/* Both take the message over when they succeed. -ENOMEM. */
int msgq_push(struct msgq *q, flux_msg_t *msg); /* at the end */
int msgq_push_front(struct msgq *q, flux_msg_t *msg);
/* Take one off; it is yours. NULL when there is none. */
flux_msg_t *msgq_pop(struct msgq *q);
flux_msg_t *msgq_pop_last(struct msgq *q);
flux_msg_t *msgq_take(struct msgq *q, size_t i); /* i < count */
/* Borrowed. */
flux_msg_t *msgq_peek(const struct msgq *q, size_t i); /* i < count */
/* Drop all messages; and the memory. */
void msgq_clear(struct msgq *q);

#endif
