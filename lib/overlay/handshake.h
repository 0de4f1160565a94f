/* Two brokers prove to each other that they have the key of the instance, and agree on
 * keys for their link. Pure: bytes in, bytes out; randomness comes from the caller.
 *
 * HELLO ends with a MAC under the instance's key, so that strangers are turned away
 * before anything dear is computed for them. All keys of the link are made from the
 * instance's key, every byte of HELLO and CHALLENGE, and, where the link is to be
 * encrypted, the X25519 secret of the two fresh key pairs: who learns the instance's key
 * later cannot read what was said before. The parent proves itself in its CHALLENGE, the
 * child by sealing its PROOF. A refusal before that carries a MAC over the child's nonce.
 *
 * Functions return 0, or -errno: -EPROTO malformed, -EACCES the other does not have our
 * key, -EPROTONOSUPPORT another format, -EOPNOTSUPP only one wants to encrypt, -ENOMEM.
 */
#ifndef FLUX_OVERLAY_HANDSHAKE_H
#define FLUX_OVERLAY_HANDSHAKE_H

#include "overlay/note.h"
#include "overlay/seal.h"

#define HANDSHAKE_RANDOM 64 /* bytes: a nonce and a secret key */

struct handshake;

/* key: of the instance, borrowed. */
int handshake_new(const unsigned char *key, bool encrypt,
                  const unsigned char random[HANDSHAKE_RANDOM], struct handshake **ret);
void handshake_free(struct handshake *h); /* wipes it; accepts NULL */

/* Child: */
int handshake_hello(struct handshake *h, const char *version, struct buf *out);
int handshake_read_challenge(struct handshake *h, const void *data, size_t len,
                             struct seal **ret);
int handshake_read_refusal(struct handshake *h, const void *data, size_t len,
                           struct refusal *ret);
/* Parent: */
int handshake_read_hello(struct handshake *h, const void *data, size_t len,
                         struct hello *ret);
int handshake_challenge(struct handshake *h, struct buf *out, struct seal **ret);
int handshake_refuse(struct handshake *h, const struct refusal *r, struct buf *out);

#endif
