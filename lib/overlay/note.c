/* Notes as bytes (note.h). */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "overlay/note.h"

#define MAGIC "fluxtree"
#define MAGIC_SIZE 8
#define FORMAT 1
#define FLAG_ENCRYPT 1
#define FLAG_FOREVER 1

/* ---- writing ---- */

static void put_number(struct buf *out, uint64_t n, int bytes)
{
    while (bytes-- > 0)
        buf_addc(out, (char)(n >> 8 * bytes));
}

static void put_string(struct buf *out, const char *s)
{
    size_t len = strlen(s);
    if (len > 255)
        len = 255;
    put_number(out, len, 1);
    buf_add(out, s, len);
}

static int written(const struct buf *out)
{
    return out->failed ? -ENOMEM : 0;
}

/* ---- reading ---- */

/* What is left to read; a read beyond the end fails it for good. */
struct reader {
    const unsigned char *p, *end;
    bool failed;
};

static const unsigned char *get(struct reader *r, size_t n)
{
    if (r->failed || (size_t)(r->end - r->p) < n) {
        r->failed = true;
        return NULL;
    }
    r->p += n;
    return r->p - n;
}

static void get_bytes(struct reader *r, void *to, size_t n)
{
    const unsigned char *p = get(r, n);
    if (p)
        memcpy(to, p, n);
}

static uint64_t get_number(struct reader *r, int bytes)
{
    uint64_t n = 0;
    const unsigned char *p = get(r, (size_t)bytes);
    for (int i = 0; p && i < bytes; i++)
        n = n << 8 | p[i];
    return n;
}

/* A string of at most size - 1 printable characters. */
static void get_string(struct reader *r, char *to, size_t size)
{
    size_t len = get_number(r, 1);
    const unsigned char *p = get(r, len);
    if (!p || len >= size) {
        r->failed = true;
        return;
    }
    for (size_t i = 0; i < len; i++)
        to[i] = p[i] < ' ' || p[i] == 127 ? '?' : (char)p[i];
    to[len] = '\0';
}

/* A uuid, or if that is allowed none. */
static void get_uuid(struct reader *r, char to[UUID_SIZE + 1], bool or_none)
{
    size_t len = get_number(r, 1);
    const unsigned char *p = get(r, len);
    if (!p || (len != UUID_SIZE && !(len == 0 && or_none))) {
        r->failed = true;
        return;
    }
    for (size_t i = 0; i < len; i++)
        r->failed |= p[i] > 127 || (!isalnum(p[i]) && p[i] != '-');
    memcpy(to, p, len);
    to[len] = '\0';
}

static struct reader read_note(enum note_kind kind, const void *data, size_t len)
{
    const unsigned char *p = data;
    struct reader r = {.p = p, .end = p + len};
    r.failed = get_number(&r, 1) != kind;
    return r;
}

static int read_up(const struct reader *r)
{
    return r->failed || r->p != r->end ? -EPROTO : 0;
}

/* ---- the handshake ---- */

int hello_encode(const struct hello *h, struct buf *out)
{
    put_number(out, NOTE_HELLO, 1);
    buf_add(out, MAGIC, MAGIC_SIZE);
    put_number(out, FORMAT, 1);
    put_number(out, h->encrypt ? FLAG_ENCRYPT : 0, 1);
    buf_add(out, h->nonce, NONCE_SIZE);
    if (h->encrypt)
        buf_add(out, h->public_key, PUBLIC_SIZE);
    put_string(out, h->version);
    return written(out);
}

int hello_decode(const void *data, size_t len, struct hello *ret)
{
    struct reader r = read_note(NOTE_HELLO, data, len);
    const unsigned char *magic = get(&r, MAGIC_SIZE);
    memset(ret, 0, sizeof(*ret));
    if (!magic || memcmp(magic, MAGIC, MAGIC_SIZE) != 0)
        return -EPROTO;
    if (get_number(&r, 1) != FORMAT)
        return r.failed ? -EPROTO : -EPROTONOSUPPORT;
    unsigned flags = (unsigned)get_number(&r, 1);
    ret->encrypt = flags & FLAG_ENCRYPT;
    get_bytes(&r, ret->nonce, NONCE_SIZE);
    if (ret->encrypt)
        get_bytes(&r, ret->public_key, PUBLIC_SIZE);
    get_string(&r, ret->version, sizeof(ret->version));
    return flags & ~FLAG_ENCRYPT ? -EPROTO : read_up(&r);
}

int challenge_encode(const struct challenge *c, struct buf *out)
{
    put_number(out, NOTE_CHALLENGE, 1);
    put_number(out, c->encrypt ? FLAG_ENCRYPT : 0, 1);
    buf_add(out, c->nonce, NONCE_SIZE);
    if (c->encrypt)
        buf_add(out, c->public_key, PUBLIC_SIZE);
    buf_add(out, c->proof, MAC_SIZE);
    return written(out);
}

int challenge_decode(const void *data, size_t len, struct challenge *ret)
{
    struct reader r = read_note(NOTE_CHALLENGE, data, len);
    memset(ret, 0, sizeof(*ret));
    unsigned flags = (unsigned)get_number(&r, 1);
    ret->encrypt = flags & FLAG_ENCRYPT;
    get_bytes(&r, ret->nonce, NONCE_SIZE);
    if (ret->encrypt)
        get_bytes(&r, ret->public_key, PUBLIC_SIZE);
    get_bytes(&r, ret->proof, MAC_SIZE);
    return flags & ~FLAG_ENCRYPT ? -EPROTO : read_up(&r);
}

int identity_encode(enum note_kind kind, const struct identity *id, struct buf *out)
{
    put_number(out, kind, 1);
    put_number(out, id->rank, 4);
    put_number(out, id->size, 4);
    put_number(out, id->status, 1);
    put_string(out, id->uuid);
    put_string(out, id->instance);
    put_number(out, id->epoch, 8);
    put_number(out, id->json_len, 4);
    buf_add(out, id->json, id->json_len);
    return written(out);
}

int identity_decode(enum note_kind kind, const void *data, size_t len,
                    struct identity *ret)
{
    struct reader r = read_note(kind, data, len);
    memset(ret, 0, sizeof(*ret));
    ret->rank = (uint32_t)get_number(&r, 4);
    ret->size = (uint32_t)get_number(&r, 4);
    ret->status = (uint8_t)get_number(&r, 1);
    get_uuid(&r, ret->uuid, false);
    get_uuid(&r, ret->instance, kind == NOTE_PROOF);
    ret->epoch = get_number(&r, 8);
    ret->json_len = get_number(&r, 4);
    ret->json = (const char *)get(&r, ret->json_len);
    return read_up(&r);
}

int refusal_encode(const struct refusal *r, struct buf *out)
{
    put_number(out, NOTE_REFUSED, 1);
    put_number(out, r->forever ? FLAG_FOREVER : 0, 1);
    put_number(out, (uint32_t)r->errnum, 4);
    put_string(out, r->reason);
    return written(out);
}

int refusal_decode(const void *data, size_t len, struct refusal *ret)
{
    struct reader r = read_note(NOTE_REFUSED, data, len);
    memset(ret, 0, sizeof(*ret));
    unsigned flags = (unsigned)get_number(&r, 1);
    ret->forever = flags & FLAG_FOREVER;
    ret->errnum = (int)get_number(&r, 4);
    get_string(&r, ret->reason, sizeof(ret->reason));
    if (ret->errnum <= 0 || flags & ~FLAG_FOREVER)
        return -EPROTO;
    return read_up(&r);
}

/* ---- later ---- */

void number_encode(enum note_kind kind, uint64_t n, unsigned char out[NOTE_NUMBER_SIZE])
{
    out[0] = (unsigned char)kind;
    for (int i = 1; i < NOTE_NUMBER_SIZE; i++)
        out[i] = (unsigned char)(n >> 8 * (NOTE_NUMBER_SIZE - 1 - i));
}

int number_decode(const void *data, size_t len, uint64_t *ret)
{
    const unsigned char *p = data;
    struct reader r = {.p = p, .end = p + len};
    get(&r, 1);
    *ret = get_number(&r, 8);
    return read_up(&r);
}
