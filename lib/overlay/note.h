/* What two brokers say to each other on a link: each message of the link is one note, its
 * kind in the first byte. Notes of the handshake in full here; the others are a kind and
 * at most a number, or a Flux message. Numbers are big-endian.
 *
 * Decoders believe nothing: lengths are checked first, what is read is bounded, and a note
 * with bytes left over is refused. Functions return 0, or -errno: -EPROTO, -ENOMEM.
 */
#ifndef FLUX_OVERLAY_NOTE_H
#define FLUX_OVERLAY_NOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum note_kind {
    NOTE_HELLO = 1,
    NOTE_CHALLENGE,
    NOTE_PROOF,
    NOTE_WELCOME,
    NOTE_REFUSED,
    NOTE_MESSAGE = 16, /* as lib/proto has it */
    NOTE_HEARTBEAT,
    NOTE_HEALTH, /* an enum overlay_status: of the child's subtree */
    NOTE_STATE,  /* of the parent's broker */
    NOTE_EPOCH,  /* of the instance: rank 0 was started again */
    NOTE_GOODBYE,
    NOTE_GOODBYE_ACK,
};

#define NONCE_SIZE 32
#define PUBLIC_SIZE 32 /* X25519 */
#define MAC_SIZE 32
#define UUID_SIZE 36
#define VERSION_MAX 32

#define HELLO_MAX 512 /* bytes of the longest note before a peer has proved itself, */
#define PROOF_MAX (256 << 10) /* of the note that does */

/* Followed by a MAC with the instance's key. */
struct hello {
    bool encrypt;
    unsigned char nonce[NONCE_SIZE];
    unsigned char public_key[PUBLIC_SIZE]; /* if encrypt */
    char version[VERSION_MAX + 1];
};

struct challenge {
    bool encrypt;
    unsigned char nonce[NONCE_SIZE];
    unsigned char public_key[PUBLIC_SIZE];
    unsigned char proof[MAC_SIZE]; /* comes last */
};

/* Who somebody is: the child in its PROOF, the parent in its WELCOME. */
struct identity {
    uint32_t rank, size;
    uint8_t status; /* of its subtree */
    char uuid[UUID_SIZE + 1];
    char instance[UUID_SIZE + 1]; /* "": not known */
    uint64_t epoch;               /* 0: not known */
    const char *json;             /* what its broker has to tell: points into the note */
    size_t json_len;
};

struct refusal {
    bool forever; /* it need not try again */
    int errnum;
    char reason[256];
};

int hello_encode(const struct hello *h, struct buf *out);
/* Without the MAC. -EPROTONOSUPPORT: of another format. */
int hello_decode(const void *data, size_t len, struct hello *ret);
int challenge_encode(const struct challenge *c, struct buf *out);
int challenge_decode(const void *data, size_t len, struct challenge *ret);
int identity_encode(enum note_kind kind, const struct identity *id, struct buf *out);
int identity_decode(enum note_kind kind, const void *data, size_t len,
                    struct identity *ret);
int refusal_encode(const struct refusal *r, struct buf *out);
int refusal_decode(const void *data, size_t len, struct refusal *ret);

#define NOTE_NUMBER_SIZE 9
/* A note that is a number. */
void number_encode(enum note_kind kind, uint64_t n, unsigned char out[NOTE_NUMBER_SIZE]);
int number_decode(const void *data, size_t len, uint64_t *ret);

#endif
