/* Records that come from the streams of other nodes: see stream.h. Which number is next is
 * told by what is in the file; where some were left out (the limit), a record says so.
 */
#include <errno.h>

#include "shell/stream_private.h"

struct origin {
    uint64_t next; /* number of its next record */
    bool gap;      /* those before it are not all in the file */
};

static struct origin *get_origin(struct stream *s, uint32_t origin)
{
    struct origin *o;
    if (!s->origins && !(s->origins = umap_new(free)))
        return NULL;
    o = umap_get(s->origins, origin);
    if (o)
        return o;
    o = calloc(1, sizeof(*o));
    if (o && umap_add(s->origins, origin, o) < 0) {
        free(o);
        return NULL;
    }
    return o;
}

int stream_note_origin(struct stream *s, const struct segment_record *r)
{
    struct origin *o = get_origin(s, r->origin);
    if (!o)
        return -ENOMEM;
    if (r->kind == SEGMENT_SEQ)
        o->next = segment_seq(r);
    else
        o->next++;
    return 0;
}

static void add(struct stream *s, struct origin *o, uint64_t seq,
                const struct segment_record *r)
{
    if (o->gap)
        segment_add_seq(&s->pending, r->origin, seq);
    o->gap = false;
    segment_add(&s->pending, r);
}

static void take_data(struct stream *s, struct origin *o, uint64_t seq,
                      struct segment_record *r)
{
    uint32_t len = r->len;
    if (!s->full[r->stream])
        r->len = (uint32_t)stream_take_room(s, r->stream, len);
    else
        r->len = 0;
    if (r->len > 0)
        add(s, o, seq, r);
    else
        o->gap = true;
    stream_check_full(s, r->stream, r->len < len);
}

static void take(struct stream *s, struct origin *o, uint64_t seq,
                 struct segment_record *r)
{
    if (seq < o->next)
        return;
    o->gap |= seq > o->next;
    o->next = seq + 1;
    if (r->kind == SEGMENT_DATA && r->stream < 2) {
        take_data(s, o, seq, r);
    } else {
        add(s, o, seq, r);
        s->has_data |= r->kind == SEGMENT_LOG;
    }
}

int stream_import(struct stream *s, unsigned node, uint64_t seq, const char *records,
                  size_t len)
{
    struct segment_record r;
    size_t need;
    struct origin *o = get_origin(s, node + 1);
    if (!o)
        return -ENOMEM;
    for (; len > 0; seq++) {
        ssize_t n = segment_read(records, len, &r, &need);
        if (n <= 0 || r.origin != 0 || r.kind == SEGMENT_SEQ)
            return -EPROTO;
        r.origin = node + 1;
        take(s, o, seq, &r);
        records += n;
        len -= (size_t)n;
    }
    return 0;
}
