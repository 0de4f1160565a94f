/* What a stranger may send to a broker's port, and what a false parent may answer; and,
 * as if the sender had the key, the notes behind that. The first byte says which.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "overlay/handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const unsigned char key[32], random_bytes[HANDSHAKE_RANDOM] = {1, 2, 3};

static struct handshake *handshake(bool encrypt)
{
    struct handshake *h;
    if (handshake_new(key, encrypt, random_bytes, &h) < 0)
        abort();
    return h;
}

/* A parent that is told this, and one that is told it with a MAC as it should be. */
static void stranger(const uint8_t *data, size_t size, bool encrypt)
{
    struct handshake *h = handshake(encrypt);
    struct buf note = {0};
    struct seal *seal = NULL;
    struct hello hello;
    unsigned char subkey[32], mac[MAC_SIZE];
    if (handshake_read_hello(h, data, size, &hello) == 0)
        abort();
    crypto_kdf_derive_from_key(subkey, sizeof(subkey), 1, "fluxtree", key);
    crypto_generichash(mac, sizeof(mac), data, size, subkey, sizeof(subkey));
    buf_add(&note, data, size);
    buf_add(&note, mac, sizeof(mac));
    if (handshake_read_hello(h, note.data, note.len, &hello) == 0) {
        if (strlen(hello.version) > VERSION_MAX || hello.encrypt != encrypt)
            abort();
        note.len = 0;
        handshake_challenge(h, &note, &seal);
    }
    seal_free(seal);
    buf_free(&note);
    handshake_free(h);
}

static void false_parent(const uint8_t *data, size_t size, bool encrypt)
{
    struct handshake *h = handshake(encrypt);
    struct buf note = {0};
    struct seal *seal = NULL;
    struct refusal no;
    handshake_hello(h, "1.0", &note);
    if (handshake_read_refusal(h, data, size, &no) == 0)
        abort();
    if (handshake_read_challenge(h, data, size, &seal) == 0)
        abort();
    buf_free(&note);
    handshake_free(h);
}

static void sealed(const uint8_t *data, size_t size, bool encrypt)
{
    struct buf room = {0};
    struct seal *seal;
    const void *inside;
    size_t len;
    if (seal_new(encrypt, key, key, &seal) < 0)
        abort();
    if (seal_open(seal, data, size, &room, &inside, &len) == 0)
        abort();
    seal_free(seal);
    buf_free(&room);
}

/* What is read of an identity is what is written of it. */
static void identity(enum note_kind kind, const uint8_t *data, size_t size)
{
    struct identity id;
    struct buf again = {0};
    cJSON *o = NULL;
    if (identity_decode(kind, data, size, &id) < 0)
        return;
    if (identity_encode(kind, &id, &again) < 0 || again.len != size ||
        memcmp(again.data, data, size) != 0)
        abort();
    json_parse(id.json, id.json_len, NULL, &o, NULL);
    json_free(o);
    buf_free(&again);
}

static void others(const uint8_t *data, size_t size)
{
    struct refusal no;
    struct buf again = {0};
    uint64_t n;
    if (number_decode(data, size, &n) == 0 && size != NOTE_NUMBER_SIZE)
        abort();
    if (refusal_decode(data, size, &no) < 0)
        return;
    if (refusal_encode(&no, &again) < 0 || again.len != size)
        abort();
    buf_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    bool encrypt = data[0] & 1;
    switch (data[0] / 2 % 5) {
    case 0:
        stranger(data + 1, size - 1, encrypt);
        break;
    case 1:
        false_parent(data + 1, size - 1, encrypt);
        break;
    case 2:
        sealed(data + 1, size - 1, encrypt);
        break;
    case 3:
        identity(encrypt ? NOTE_PROOF : NOTE_WELCOME, data + 1, size - 1);
        break;
    default:
        others(data + 1, size - 1);
    }
    return 0;
}
