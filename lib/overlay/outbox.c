/* Messages into bytes (outbox.h). Messages follow each other in chunks, and may lie in
 * several. A chunk that nng has is not written to, so what is sent meanwhile goes into the
 * next. The first chunk of a queue is small: most queues are short.
 */
#include <errno.h>
#include <string.h>

#include "overlay/inbox.h"
#include "overlay/outbox.h"

#define FIRST_SIZE (16u << 10)
#define CHUNK_SIZE (64u << 10)
#define QUIET 4 /* so many short sends: the rush is over */

void outbox_init(struct outbox *out)
{
    list_init(&out->chunks);
    out->flying = out->quiet = 0;
    stock_init(&out->stock, CHUNK_SIZE);
}

void outbox_fini(struct outbox *out)
{
    chunk_list_free(&out->chunks);
    stock_clear(&out->stock);
}

static bool is_flying(const struct outbox *out, const struct chunk *c)
{
    int i = 0;
    list_each(it, &out->chunks, struct chunk, link)
    {
        if (i++ == out->flying)
            return false;
        if (it == c)
            return true;
    }
    return false;
}

/* The chunk at the end of the queue, if something can be added to it. */
static struct chunk *open_chunk(const struct outbox *out)
{
    if (list_empty(&out->chunks))
        return NULL;
    struct chunk *last = list_entry(out->chunks.prev, struct chunk, link);
    return last->used < last->size && !is_flying(out, last) ? last : NULL;
}

static size_t room_in(const struct chunk *c)
{
    return c ? c->size - c->used : 0;
}

/* Chunks for what does not fit into the last one. */
static int make_room(struct outbox *out, size_t size, struct list *fresh)
{
    bool first = list_empty(&out->chunks);
    size_t room = room_in(open_chunk(out));
    while (room < size) {
        size_t some = first && size <= FIRST_SIZE ? FIRST_SIZE : CHUNK_SIZE;
        struct chunk *c = stock_take(&out->stock, some);
        if (!c) {
            chunk_list_free(fresh);
            return -ENOMEM;
        }
        list_append(fresh, &c->link);
        room += some;
    }
    return 0;
}

/* Append bytes to the open chunk and the fresh ones after it. */
static void append(struct outbox *out, struct list *fresh, const void *data, size_t len,
                   bool payload)
{
    const char *p = data;
    while (len > 0) {
        struct chunk *c = open_chunk(out);
        if (!c) {
            c = list_first(fresh, struct chunk, link);
            list_del(&c->link);
            list_append(&out->chunks, &c->link);
        }
        size_t some = room_in(c) < len ? room_in(c) : len;
        memcpy(c->data + c->used, p, some);
        c->used += some;
        c->payload += payload ? some : 0;
        p += some;
        len -= some;
    }
}

int outbox_greet(struct outbox *out)
{
    struct list fresh;
    list_init(&fresh);
    int rc = make_room(out, GREETING_SIZE, &fresh);
    if (rc == 0)
        append(out, &fresh, GREETING, GREETING_SIZE, false);
    return rc;
}

int outbox_put(struct outbox *out, const struct iovec *parts, int n, size_t len)
{
    unsigned char head[LENGTH_SIZE] = {(unsigned char)(len >> 24),
                                       (unsigned char)(len >> 16),
                                       (unsigned char)(len >> 8), (unsigned char)len};
    struct list fresh;
    list_init(&fresh);
    int rc = make_room(out, LENGTH_SIZE + len, &fresh);
    if (rc < 0)
        return rc;
    append(out, &fresh, head, sizeof(head), false);
    for (int i = 0; i < n; i++)
        append(out, &fresh, parts[i].iov_base, parts[i].iov_len, true);
    return 0;
}

unsigned outbox_iov(struct outbox *out, nng_iov iov[OUTBOX_IOV])
{
    unsigned n = 0;
    list_each(c, &out->chunks, struct chunk, link)
    {
        if (n == OUTBOX_IOV)
            break;
        iov[n].iov_buf = c->data + c->off;
        iov[n++].iov_len = c->used - c->off;
    }
    out->flying = (int)n;
    return n;
}

size_t outbox_sent(struct outbox *out, size_t n)
{
    size_t payload = 0;
    bool small = n < FIRST_SIZE;
    struct chunk *c;
    out->flying = 0;
    while (n > 0 && (c = list_first(&out->chunks, struct chunk, link))) {
        size_t some = c->used - c->off < n ? c->used - c->off : n;
        c->off += some;
        n -= some;
        if (c->off < c->used)
            break;
        payload += c->payload;
        list_del(&c->link);
        stock_give(&out->stock, c);
    }
    out->quiet = small && list_empty(&out->chunks) ? out->quiet + 1 : 0;
    if (out->quiet >= QUIET)
        stock_clear(&out->stock);
    return payload;
}

void outbox_unsent(struct outbox *out)
{
    out->flying = 0;
}
