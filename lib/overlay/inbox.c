/* Bytes into messages (inbox.h). A message that lies in one chunk is handed out where
 * it lies; others are gathered in a chunk of their own. Messages hold references on
 * chunks, so that one may be looked at while the next are taken (a callback may run
 * the loop).
 */
#include <errno.h>
#include <string.h>

#include "overlay/inbox.h"

void inbox_init(struct inbox *in, size_t size)
{
    memset(in, 0, sizeof(*in));
    list_init(&in->chunks);
    stock_init(&in->done, size);
}

void inbox_fini(struct inbox *in)
{
    chunk_list_free(&in->chunks);
    chunk_unref(in->msg);
    stock_clear(&in->done);
}

void inbox_add(struct inbox *in, struct list *chunks)
{
    list_splice(&in->chunks, chunks);
}

bool inbox_is_whole(const struct inbox *in)
{
    return list_empty(&in->chunks) && !in->in_message && in->head_len == 0;
}

void message_release(struct inbox *in, struct message *m)
{
    if (m->hold)
        stock_give(&in->done, m->hold);
}

/* The first chunk with something in it; those that are used up are let go. */
static struct chunk *front(struct inbox *in)
{
    struct chunk *c;
    while ((c = list_first(&in->chunks, struct chunk, link)) && c->off == c->used) {
        list_del(&c->link);
        stock_give(&in->done, c);
    }
    return c;
}

/* Move up to n bytes into buf; returns how many there were. */
static size_t take(struct inbox *in, void *buf, size_t n)
{
    size_t at = 0;
    struct chunk *c;
    while (at < n && (c = front(in))) {
        size_t some = c->used - c->off < n - at ? c->used - c->off : n - at;
        memcpy((char *)buf + at, c->data + c->off, some);
        c->off += some;
        at += some;
    }
    front(in);
    return at;
}

/* Fill the head with `size` bytes: 1 when it is full. */
static int read_head(struct inbox *in, size_t size)
{
    in->head_len += take(in, in->head + in->head_len, size - in->head_len);
    if (in->head_len < size)
        return 0;
    in->head_len = 0;
    return 1;
}

static int read_greeting(struct inbox *in)
{
    size_t before = in->head_len;
    int rc = read_head(in, GREETING_SIZE);
    size_t have = rc ? GREETING_SIZE : in->head_len;
    /* A stranger may say less than eight bytes and wait for an answer. */
    if (memcmp(in->head + before, GREETING + before, have - before) != 0)
        return -EPROTO;
    in->greeted = rc > 0;
    return rc;
}

static int read_length(struct inbox *in, size_t max)
{
    int rc = read_head(in, LENGTH_SIZE);
    if (rc <= 0)
        return rc;
    const unsigned char *b = (const unsigned char *)in->head;
    in->len = (size_t)b[0] << 24 | (size_t)b[1] << 16 | (size_t)b[2] << 8 | b[3];
    if (in->len > max)
        return -EMSGSIZE;
    in->in_message = true;
    return 1;
}

/* The whole message lies in the first chunk (or is empty). */
static bool read_in_place(struct inbox *in, struct message *ret)
{
    struct chunk *c = front(in);
    if (in->msg || (in->len > 0 && (!c || c->used - c->off < in->len)))
        return false;
    *ret = (struct message){.data = "", .len = in->len};
    if (in->len > 0) {
        ret->data = c->data + c->off;
        ret->hold = chunk_ref(c);
        c->off += in->len;
        front(in);
    }
    return true;
}

/* Room for a message: a chunk that was read, if there is one and it is large enough. */
static struct chunk *gathering_chunk(struct inbox *in)
{
    struct stock *done = &in->done;
    return done->n > 0 && in->len <= done->size ? stock_take(done, done->size)
                                                : chunk_new(in->len);
}

static int gather(struct inbox *in, struct message *ret)
{
    if (!in->msg && !(in->msg = gathering_chunk(in)))
        return -ENOMEM;
    struct chunk *m = in->msg;
    m->used += take(in, m->data + m->used, in->len - m->used);
    if (m->used < in->len)
        return 0;
    *ret = (struct message){.data = m->data, .len = m->used, .hold = TAKE(in->msg)};
    return 1;
}

int inbox_next(struct inbox *in, size_t max, struct message *ret)
{
    int rc = in->greeted ? 1 : read_greeting(in);
    if (rc > 0 && !in->in_message)
        rc = read_length(in, max);
    if (rc <= 0)
        return rc;
    rc = read_in_place(in, ret) ? 1 : gather(in, ret);
    if (rc > 0)
        in->in_message = false;
    return rc;
}
