/* How notes are kept from being forged, once both ends of a link have the same keys: with
 * a MAC behind each (the end of the handshake where links are not encrypted), or by
 * libsodium's secretstream (all of them where they are). Notes are opened in the order in
 * which they were sealed.
 *
 * Functions return 0, or -errno.
 */
#ifndef FLUX_OVERLAY_SEAL_H
#define FLUX_OVERLAY_SEAL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "base/buf.h"

#define SEAL_KEY_SIZE 32
#define SEAL_ROOM 64 /* bytes that a sealed note is longer, at most */

struct seal;

int seal_new(bool encrypt, const unsigned char tx[SEAL_KEY_SIZE],
             const unsigned char rx[SEAL_KEY_SIZE], struct seal **ret);
void seal_free(struct seal *s); /* accepts NULL */
bool seal_encrypts(const struct seal *s);

/* Make out the sealed form of the note that the n parts are; plain is for its use. */
int seal_close(struct seal *s, const struct iovec *parts, int n, struct buf *plain,
               struct buf *out);
/* The note inside, as long as room and data are left alone. -EBADMSG: it was not sealed
 * by our peer, or is not the next. */
int seal_open(struct seal *s, const void *data, size_t len, struct buf *room,
              const void **ret, size_t *ret_len);

#endif
