/* Requests in flight: who asked whom, so that each gets an answer even when the one
 * that should give it goes away, and so that guests answer only what they were asked.
 */
#ifndef FLUX_BROKER_CALL_H
#define FLUX_BROKER_CALL_H

#include <flux/message.h>

#include "base/list.h"

struct endpoint;

struct call {
    struct list in_serving; /* of `to` */
    struct endpoint *from, *to;
    uint64_t key; /* in from->calls */
    uint32_t matchtag;
    uint8_t flags; /* the request's */
    size_t topic_len, routes_len, bytes;
    char data[]; /* topic, NUL, routes of clients behind `from` */
};

/* Remember a request whose last route is from's. One without a matchtag, or that
 * wants no response, is not remembered. 0, -ENOMEM. */
int call_begin(struct endpoint *from, struct endpoint *to, const flux_msg_t *request);
/* The call that a response (its last route, from's, taken off) answers; NULL: none. */
struct call *call_find(const struct endpoint *from, const flux_msg_t *response);
/* Is it the last response? */
bool call_ends(const struct call *c, const flux_msg_t *response);
void call_free(struct call *c); /* and forget it */
/* A client behind `from` has gone, as this disconnect says: nobody waits any more for
 * what `to` was asked by it. */
void call_forget(struct endpoint *from, const struct endpoint *to,
                 const flux_msg_t *disconnect);
/* The error response that tells `from` of its failure, without from's route. */
flux_msg_t *call_failure(const struct call *c, int errnum);

#endif
