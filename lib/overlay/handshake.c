/* The handshake's cryptography (handshake.h). BLAKE2b throughout: keyed for MACs, and
 * through crypto_kdf for keys.
 */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/handshake.h"
#include "overlay/overlay.h"

enum key_id { KEY_HELLO = 1, KEY_REFUSAL, KEY_PROOF, KEY_DOWN, KEY_UP };

#define CONTEXT "fluxtree" /* of crypto_kdf */
#define KEY_SIZE 32

_Static_assert(KEY_SIZE == crypto_kdf_KEYBYTES && KEY_SIZE == SEAL_KEY_SIZE, "");
_Static_assert(OVERLAY_KEY_SIZE == KEY_SIZE, "");
_Static_assert(PUBLIC_SIZE == crypto_scalarmult_BYTES, "");
_Static_assert(sizeof(CONTEXT) - 1 == crypto_kdf_CONTEXTBYTES, "");

struct handshake {
    const unsigned char *key;
    bool encrypt;
    unsigned char nonce[NONCE_SIZE];
    unsigned char secret[KEY_SIZE], public_key[PUBLIC_SIZE];
    unsigned char child_nonce[NONCE_SIZE]; /* of HELLO, ours or the peer's */
    unsigned char peer_public[PUBLIC_SIZE];
    struct buf hello; /* its bytes */
};

int handshake_new(const unsigned char *key, bool encrypt,
                  const unsigned char random[HANDSHAKE_RANDOM], struct handshake **ret)
{
    struct handshake *h = calloc(1, sizeof(*h));
    if (!h)
        return -ENOMEM;
    h->key = key;
    h->encrypt = encrypt;
    memcpy(h->nonce, random, NONCE_SIZE);
    memcpy(h->secret, random + NONCE_SIZE, KEY_SIZE);
    *ret = h;
    return 0;
}

void handshake_free(struct handshake *h)
{
    if (!h)
        return;
    buf_free(&h->hello);
    sodium_memzero(h, sizeof(*h));
    free(h);
}

static void mac_with(const unsigned char master[KEY_SIZE], enum key_id id,
                     const void *before, size_t before_len, const void *data, size_t len,
                     unsigned char out[MAC_SIZE])
{
    unsigned char key[KEY_SIZE];
    crypto_generichash_state state;
    crypto_kdf_derive_from_key(key, sizeof(key), id, CONTEXT, master);
    crypto_generichash_init(&state, key, sizeof(key), MAC_SIZE);
    crypto_generichash_update(&state, before, before_len);
    crypto_generichash_update(&state, data, len);
    crypto_generichash_final(&state, out, MAC_SIZE);
    sodium_memzero(key, sizeof(key));
}

/* ---- hello ---- */

static void mac_of_hello(struct handshake *h, const void *data, size_t len,
                         unsigned char out[MAC_SIZE])
{
    mac_with(h->key, KEY_HELLO, NULL, 0, data, len, out);
}

int handshake_hello(struct handshake *h, const char *version, struct buf *out)
{
    struct hello hello = {.encrypt = h->encrypt};
    unsigned char mac[MAC_SIZE];
    size_t start = out->len;
    if (h->encrypt)
        crypto_scalarmult_base(h->public_key, h->secret);
    memcpy(h->child_nonce, h->nonce, NONCE_SIZE);
    memcpy(hello.nonce, h->nonce, NONCE_SIZE);
    memcpy(hello.public_key, h->public_key, PUBLIC_SIZE);
    snprintf(hello.version, sizeof(hello.version), "%s", version);
    int rc = hello_encode(&hello, out);
    if (rc < 0)
        return rc;
    mac_of_hello(h, out->data + start, out->len - start, mac);
    buf_add(out, mac, sizeof(mac));
    buf_add(&h->hello, out->data + start, out->len - start);
    return out->failed || h->hello.failed ? -ENOMEM : 0;
}

int handshake_read_hello(struct handshake *h, const void *data, size_t len,
                         struct hello *ret)
{
    unsigned char mac[MAC_SIZE];
    if (len < MAC_SIZE || len > HELLO_MAX)
        return -EPROTO;
    int rc = hello_decode(data, len - MAC_SIZE, ret);
    if (rc < 0)
        return rc;
    memcpy(h->child_nonce, ret->nonce, NONCE_SIZE);
    mac_of_hello(h, data, len - MAC_SIZE, mac);
    if (sodium_memcmp(mac, (const char *)data + len - MAC_SIZE, MAC_SIZE) != 0)
        return -EACCES;
    if (ret->encrypt != h->encrypt)
        return -EOPNOTSUPP;
    memcpy(h->peer_public, ret->public_key, PUBLIC_SIZE);
    return buf_add(&h->hello, data, len);
}

/* ---- challenge ---- */

/* Mix all that went before into one key; challenge is without its proof. */
static int master_key(struct handshake *h, const void *challenge, size_t len,
                      unsigned char out[KEY_SIZE])
{
    unsigned char shared[crypto_scalarmult_BYTES] = {0};
    crypto_generichash_state state;
    /* A public key of small order would make the secret a known one. */
    if (h->encrypt && crypto_scalarmult(shared, h->secret, h->peer_public) != 0)
        return -EPROTO;
    crypto_generichash_init(&state, h->key, KEY_SIZE, KEY_SIZE);
    crypto_generichash_update(&state, shared, sizeof(shared));
    crypto_generichash_update(&state, (unsigned char *)h->hello.data, h->hello.len);
    crypto_generichash_update(&state, challenge, len);
    crypto_generichash_final(&state, out, KEY_SIZE);
    sodium_memzero(shared, sizeof(shared));
    sodium_memzero(h->secret, sizeof(h->secret));
    return 0;
}

static int make_seal(const struct handshake *h, const unsigned char master[KEY_SIZE],
                     bool parent, struct seal **ret)
{
    unsigned char tx[KEY_SIZE], rx[KEY_SIZE];
    crypto_kdf_derive_from_key(tx, sizeof(tx), parent ? KEY_DOWN : KEY_UP, CONTEXT,
                               master);
    crypto_kdf_derive_from_key(rx, sizeof(rx), parent ? KEY_UP : KEY_DOWN, CONTEXT,
                               master);
    int rc = seal_new(h->encrypt, tx, rx, ret);
    sodium_memzero(tx, sizeof(tx));
    sodium_memzero(rx, sizeof(rx));
    return rc;
}

/* The note is there but for its proof, which comes last. */
static int prove(struct handshake *h, char *note, size_t len, struct seal **ret)
{
    unsigned char master[KEY_SIZE];
    int rc = master_key(h, note, len - MAC_SIZE, master);
    if (rc < 0)
        return rc;
    crypto_kdf_derive_from_key((unsigned char *)note + len - MAC_SIZE, MAC_SIZE,
                               KEY_PROOF, CONTEXT, master);
    rc = make_seal(h, master, true, ret);
    sodium_memzero(master, sizeof(master));
    return rc;
}

int handshake_challenge(struct handshake *h, struct buf *out, struct seal **ret)
{
    struct challenge c = {.encrypt = h->encrypt};
    size_t start = out->len;
    if (h->encrypt)
        crypto_scalarmult_base(h->public_key, h->secret);
    memcpy(c.nonce, h->nonce, NONCE_SIZE);
    memcpy(c.public_key, h->public_key, PUBLIC_SIZE);
    int rc = challenge_encode(&c, out);
    return rc < 0 ? rc : prove(h, out->data + start, out->len - start, ret);
}

int handshake_read_challenge(struct handshake *h, const void *data, size_t len,
                             struct seal **ret)
{
    struct challenge c;
    unsigned char master[KEY_SIZE], proof[MAC_SIZE];
    int rc = challenge_decode(data, len, &c);
    if (rc < 0)
        return rc;
    if (c.encrypt != h->encrypt)
        return -EOPNOTSUPP;
    memcpy(h->peer_public, c.public_key, PUBLIC_SIZE);
    rc = master_key(h, data, len - MAC_SIZE, master);
    if (rc < 0)
        return rc;
    crypto_kdf_derive_from_key(proof, MAC_SIZE, KEY_PROOF, CONTEXT, master);
    if (sodium_memcmp(proof, c.proof, MAC_SIZE) != 0)
        rc = -EACCES;
    else
        rc = make_seal(h, master, false, ret);
    sodium_memzero(master, sizeof(master));
    return rc;
}

/* ---- refusal ---- */

static void mac_of_refusal(struct handshake *h, const void *data, size_t len,
                           unsigned char out[MAC_SIZE])
{
    mac_with(h->key, KEY_REFUSAL, h->child_nonce, NONCE_SIZE, data, len, out);
}

int handshake_refuse(struct handshake *h, const struct refusal *r, struct buf *out)
{
    unsigned char mac[MAC_SIZE];
    size_t start = out->len;
    int rc = refusal_encode(r, out);
    if (rc < 0)
        return rc;
    mac_of_refusal(h, out->data + start, out->len - start, mac);
    return buf_add(out, mac, sizeof(mac));
}

int handshake_read_refusal(struct handshake *h, const void *data, size_t len,
                           struct refusal *ret)
{
    unsigned char mac[MAC_SIZE];
    if (len < MAC_SIZE)
        return -EPROTO;
    int rc = refusal_decode(data, len - MAC_SIZE, ret);
    if (rc < 0)
        return rc;
    mac_of_refusal(h, data, len - MAC_SIZE, mac);
    bool same = sodium_memcmp(mac, (const char *)data + len - MAC_SIZE, MAC_SIZE) == 0;
    return same ? 0 : -EACCES;
}
