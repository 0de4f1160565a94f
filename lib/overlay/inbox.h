/* Bytes that arrived on a link, cut into messages. Used on the loop's thread only. The
 * peer's greeting and each length are checked before memory is taken for what they
 * announce.
 *
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_OVERLAY_INBOX_H
#define FLUX_OVERLAY_INBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "overlay/chunk.h"

#define GREETING "fluxlnk1"
#define GREETING_SIZE 8
#define LENGTH_SIZE 4

struct inbox {
    struct list chunks; /* not yet looked at; the first maybe in part */
    char head[GREETING_SIZE];
    size_t head_len;   /* bytes of the greeting or the length that are here */
    bool greeted;      /* the greeting was read */
    bool in_message;   /* the length was read: */
    size_t len;        /* it is this */
    struct chunk *msg; /* a message that comes in several chunks, gathered */
    struct stock done; /* chunks that were read, to be filled again */
};

/* A message; data is good until message_release(). */
struct message {
    const void *data;
    size_t len;
    struct chunk *hold;
};

/* Chunks of that size are kept in `done`. */
void inbox_init(struct inbox *in, size_t size);
void inbox_fini(struct inbox *in);
/* Add chunks at the end; takes them out of the list. */
void inbox_add(struct inbox *in, struct list *chunks);
/* The next message: 1, 0 when it is not here yet, -EPROTO the peer does not speak our
 * language, -EMSGSIZE the message is longer than max, -ENOMEM. */
int inbox_next(struct inbox *in, size_t max, struct message *ret);
void message_release(struct inbox *in, struct message *m);
/* Did the stream stop between two messages? */
bool inbox_is_whole(const struct inbox *in);

#endif
