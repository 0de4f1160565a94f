/* Messages on their way out of a link, as the bytes that nng is to send. What is given
 * to nng (outbox_iov) stays where it is until outbox_sent() or outbox_unsent(). Not
 * thread-safe.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_OVERLAY_OUTBOX_H
#define FLUX_OVERLAY_OUTBOX_H

#include <nng/nng.h>
#include <sys/uio.h>

#include "overlay/chunk.h"

#define OUTBOX_IOV 8 /* as many as nng takes at once */

struct outbox {
    struct list chunks;
    int flying; /* that many of them nng has at present */
    int quiet;  /* that many times in a row the queue was short */
    struct stock stock;
};

void outbox_init(struct outbox *out);
void outbox_fini(struct outbox *out);
/* Say hello; before all messages. -ENOMEM. */
int outbox_greet(struct outbox *out);
/* Append one message of n parts, `len` bytes in all. -ENOMEM. */
int outbox_put(struct outbox *out, const struct iovec *parts, int n, size_t len);
/* What to send next; returns how many entries of iov were filled. */
unsigned outbox_iov(struct outbox *out, nng_iov iov[OUTBOX_IOV]);
/* nng has sent n bytes of that. Returns the bytes of messages that are through. */
size_t outbox_sent(struct outbox *out, size_t n);
/* It has sent nothing. */
void outbox_unsent(struct outbox *out);

#endif
