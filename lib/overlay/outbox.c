/* Messages into bytes (outbox.h). Small messages share a chunk; a large one has a chunk
 * of its own. A chunk that nng has is not written to, so what is sent meanwhile goes
 * into the next.
 */
#include <errno.h>
#include <string.h>

#include "overlay/inbox.h"
#include "overlay/outbox.h"

#define CHUNK_SIZE (16u << 10)

void outbox_init(struct outbox *out)
{
    list_init(&out->chunks);
    out->flying = 0;
}

void outbox_fini(struct outbox *out)
{
    chunk_list_free(&out->chunks);
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

/* A chunk at the end of the queue with room for size bytes. */
static struct chunk *room_for(struct outbox *out, size_t size)
{
    struct chunk *last = list_empty(&out->chunks)
                             ? NULL
                             : list_entry(out->chunks.prev, struct chunk, link);
    if (last && last->size - last->used >= size && !is_flying(out, last))
        return last;
    last = chunk_new(size > CHUNK_SIZE ? size : CHUNK_SIZE);
    if (last)
        list_append(&out->chunks, &last->link);
    return last;
}

static void append(struct chunk *c, const void *data, size_t len)
{
    if (len > 0)
        memcpy(c->data + c->used, data, len);
    c->used += len;
}

int outbox_greet(struct outbox *out)
{
    struct chunk *c = room_for(out, GREETING_SIZE);
    if (!c)
        return -ENOMEM;
    append(c, GREETING, GREETING_SIZE);
    return 0;
}

int outbox_put(struct outbox *out, const struct iovec *parts, int n, size_t len)
{
    struct chunk *c = room_for(out, LENGTH_SIZE + len);
    if (!c)
        return -ENOMEM;
    unsigned char head[LENGTH_SIZE] = {(unsigned char)(len >> 24),
                                       (unsigned char)(len >> 16),
                                       (unsigned char)(len >> 8), (unsigned char)len};
    append(c, head, sizeof(head));
    for (int i = 0; i < n; i++)
        append(c, parts[i].iov_base, parts[i].iov_len);
    c->payload += len;
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
        chunk_unref(c);
    }
    return payload;
}

void outbox_unsent(struct outbox *out)
{
    out->flying = 0;
}
