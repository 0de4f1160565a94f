/* Sealed notes (seal.h). A secretstream begins with a header, which travels in front of
 * the first note.
 */
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/note.h"
#include "overlay/seal.h"

#define HEADER_SIZE crypto_secretstream_xchacha20poly1305_HEADERBYTES
#define STREAM_SIZE crypto_secretstream_xchacha20poly1305_ABYTES

_Static_assert(HEADER_SIZE + STREAM_SIZE <= SEAL_ROOM && MAC_SIZE <= SEAL_ROOM, "");
_Static_assert(SEAL_KEY_SIZE == crypto_secretstream_xchacha20poly1305_KEYBYTES, "");
_Static_assert(SEAL_KEY_SIZE >= crypto_generichash_KEYBYTES_MIN, "");

typedef crypto_secretstream_xchacha20poly1305_state stream_t;

struct way {
    unsigned char key[SEAL_KEY_SIZE];
    bool begun;
    stream_t stream;
};

struct seal {
    bool encrypt;
    struct way tx, rx;
};

int seal_new(bool encrypt, const unsigned char tx[SEAL_KEY_SIZE],
             const unsigned char rx[SEAL_KEY_SIZE], struct seal **ret)
{
    struct seal *s = calloc(1, sizeof(*s));
    if (!s)
        return -ENOMEM;
    s->encrypt = encrypt;
    memcpy(s->tx.key, tx, SEAL_KEY_SIZE);
    memcpy(s->rx.key, rx, SEAL_KEY_SIZE);
    *ret = s;
    return 0;
}

void seal_free(struct seal *s)
{
    if (!s)
        return;
    sodium_memzero(s, sizeof(*s));
    free(s);
}

bool seal_encrypts(const struct seal *s)
{
    return s->encrypt;
}

static size_t gather(struct buf *to, const struct iovec *parts, int n)
{
    to->len = 0;
    for (int i = 0; i < n; i++)
        buf_add(to, parts[i].iov_base, parts[i].iov_len);
    return to->len;
}

static int close_with_mac(struct seal *s, const struct iovec *parts, int n,
                          struct buf *out)
{
    unsigned char mac[MAC_SIZE];
    gather(out, parts, n);
    crypto_generichash(mac, sizeof(mac), (unsigned char *)out->data, out->len, s->tx.key,
                       SEAL_KEY_SIZE);
    buf_add(out, mac, sizeof(mac));
    return out->failed ? -ENOMEM : 0;
}

int seal_close(struct seal *s, const struct iovec *parts, int n, struct buf *plain,
               struct buf *out)
{
    if (!s->encrypt)
        return close_with_mac(s, parts, n, out);
    size_t len = gather(plain, parts, n), head = s->tx.begun ? 0 : HEADER_SIZE;
    out->len = 0;
    if (plain->failed || buf_reserve(out, head + len + STREAM_SIZE) < 0)
        return -ENOMEM;
    unsigned char *p = (unsigned char *)out->data;
    if (head) {
        crypto_secretstream_xchacha20poly1305_init_push(&s->tx.stream, p, s->tx.key);
        s->tx.begun = true;
    }
    crypto_secretstream_xchacha20poly1305_push(&s->tx.stream, p + head, NULL,
                                               (const unsigned char *)plain->data, len,
                                               NULL, 0, 0);
    out->len = head + len + STREAM_SIZE;
    return 0;
}

static int open_with_mac(struct seal *s, const unsigned char *data, size_t len,
                         const void **ret, size_t *ret_len)
{
    unsigned char mac[MAC_SIZE];
    if (len < MAC_SIZE)
        return -EBADMSG;
    len -= MAC_SIZE;
    crypto_generichash(mac, sizeof(mac), data, len, s->rx.key, SEAL_KEY_SIZE);
    if (sodium_memcmp(mac, data + len, MAC_SIZE) != 0)
        return -EBADMSG;
    *ret = data;
    *ret_len = len;
    return 0;
}

int seal_open(struct seal *s, const void *data, size_t len, struct buf *room,
              const void **ret, size_t *ret_len)
{
    const unsigned char *p = data;
    if (!s->encrypt)
        return open_with_mac(s, p, len, ret, ret_len);
    if (!s->rx.begun) {
        if (len < HEADER_SIZE || crypto_secretstream_xchacha20poly1305_init_pull(
                                     &s->rx.stream, p, s->rx.key) != 0)
            return -EBADMSG;
        s->rx.begun = true;
        p += HEADER_SIZE;
        len -= HEADER_SIZE;
    }
    if (len < STREAM_SIZE)
        return -EBADMSG;
    room->len = 0;
    if (buf_reserve(room, len) < 0)
        return -ENOMEM;
    if (crypto_secretstream_xchacha20poly1305_pull(
            &s->rx.stream, (unsigned char *)room->data, NULL, NULL, p, len, NULL, 0) != 0)
        return -EBADMSG;
    *ret = room->data;
    *ret_len = len - STREAM_SIZE;
    return 0;
}
