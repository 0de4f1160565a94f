/* Readers of output streams: each response of UID-shell.output carries a batch of RFC 24
 * entries: a header, what tasks wrote in order, at the end an EOF for each task's
 * streams, and then ENODATA. The same job gives the same entries every time, so that a
 * reader who lost its connection can skip those that it has.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/disconnect.h>
#include <flux/handle.h>
#include <flux/request.h>
#include <flux/response.h>

#include "base/cleanup.h"
#include "shell/ioevent.h"
#include "shell/shell_private.h"

#define CHUNK (128 << 10) /* bytes of records read, and about those of a response */
#define BUSY 0.005        /* seconds to wait while the connection takes no more */

struct follow {
    struct list link;
    flux_t *h;
    const flux_msg_t *msg;
    struct stream *stream;
    bool live;      /* wait for what is still to come */
    bool header;    /* was given */
    uint64_t pos;   /* in the stream */
    unsigned neofs; /* given */
    int64_t skip;   /* entries not to send */
};

/* The entries of one response. */
struct entries {
    struct buf text;
    unsigned n;
};

static void follow_free(struct follow *f)
{
    list_del(&f->link);
    flux_msg_decref(f->msg);
    stream_unref(f->stream);
    free(f);
}

/* Begin an entry; false: it is to be skipped. */
static bool entry(struct follow *f, struct entries *e)
{
    if (f->skip > 0) {
        f->skip--;
        return false;
    }
    buf_adds(&e->text, e->n++ == 0 ? "{\"events\":[" : ",");
    return true;
}

/* 1: there is more; 0: not now; -errno. */
static int add_records(struct follow *f, struct entries *e, char *chunk, size_t size)
{
    ssize_t got = stream_read(f->stream, f->pos, chunk, size);
    size_t used = 0, need = 0;
    if (got < 0)
        return (int)got;
    while (used < (size_t)got) {
        struct segment_record r;
        ssize_t n = segment_read(chunk + used, (size_t)got - used, &r, &need);
        if (n < 0)
            return (int)n;
        if (n == 0)
            break;
        if (r.kind != SEGMENT_SEQ && entry(f, e))
            ioevent_record(&e->text, &r);
        used += (size_t)n;
    }
    f->pos += used;
    if (used == 0 && got > 0)
        return need > size ? -EFBIG : -EPROTO;
    return f->pos < stream_size(f->stream);
}

/* Of a job that ran elsewhere, and wrote nothing, this is not known in the end. */
static unsigned ntasks_of(const struct follow *f)
{
    unsigned n = stream_ntasks(f->stream);
    return n > 0 ? n : 1;
}

static void add_eofs(struct follow *f, struct entries *e)
{
    unsigned ntasks = ntasks_of(f);
    double time = stream_time(f->stream);
    for (; f->neofs < 2 * ntasks && e->text.len < CHUNK; f->neofs++)
        if (entry(f, e))
            ioevent_eof(&e->text, time, f->neofs / 2, f->neofs % 2);
}

/* 1: call again soon; 0: wait for more; -ENODATA: all was given; other -errno. */
static int add_entries(struct follow *f, struct entries *e)
{
    if (stream_ntasks(f->stream) == 0 && f->live && !stream_has_ended(f->stream))
        return 0;
    if (!f->header && entry(f, e))
        ioevent_header(&e->text, stream_time(f->stream), ntasks_of(f));
    f->header = true;
    AUTOFREE char *chunk = malloc(2 * CHUNK);
    int rc = chunk ? add_records(f, e, chunk, 2 * CHUNK) : -ENOMEM;
    if (rc != 0)
        return rc;
    if (!stream_has_ended(f->stream) && f->live)
        return 0;
    add_eofs(f, e);
    return f->neofs < 2 * ntasks_of(f) ? 1 : -ENODATA;
}

static bool has_news(const struct follow *f)
{
    return !f->header || f->pos < stream_size(f->stream) || !f->live ||
           stream_has_ended(f->stream);
}

/* True: it wants to go on soon. The follow may be freed. */
static bool step(struct follow *f)
{
    struct entries e = {0};
    int rc = add_entries(f, &e);
    if (e.n > 0) {
        buf_adds(&e.text, "]}");
        if (e.text.failed || flux_respond(f->h, f->msg, e.text.data) < 0)
            rc = -ENOMEM;
    }
    buf_free(&e.text);
    if (rc >= 0)
        return rc > 0;
    (void)flux_respond_error(f->h, f->msg, -rc, NULL);
    follow_free(f);
    return false;
}

void follow_turn(struct shell *sh)
{
    bool more = false;
    if (list_empty(&sh->follows))
        return;
    list_each(f, &sh->follows, struct follow, link)
    {
        if (!has_news(f))
            continue;
        if (!(flux_pollevents(f->h) & FLUX_POLLOUT))
            more = true;
        else
            more |= step(f);
    }
    if (more)
        shell_turn_again(sh, BUSY);
}

/* live: the job may run, here or elsewhere. */
static int open_stream(struct shell *sh, flux_jobid_t id, bool live, unsigned ntasks,
                       struct stream **ret)
{
    struct job *job = shell_job(sh, id);
    struct keep *k = keep_find(sh, id);
    int rc = live ? keep_need(sh, id, ntasks, 0, &k) : 0;
    if (rc < 0)
        return rc;
    if (k || (job && job->stream)) {
        *ret = stream_ref(k ? k->stream : job->stream);
        return 0;
    }
    AUTOFREE char *path = shell_output_path(sh, id);
    return path ? stream_open(sh->env, path, ret) : -ENOMEM;
}

int follow_add(struct shell *sh, flux_t *h, const flux_msg_t *msg)
{
    flux_jobid_t id;
    int follow = 0, live = 0, ntasks = 0;
    int64_t skip = 0;
    if (flux_request_unpack(msg, NULL, "{s:I s?b s?I s?b s?i}", "id", &id, "follow",
                            &follow, "skip", &skip, "live", &live, "ntasks", &ntasks) < 0)
        return -EPROTO;
    if (!flux_msg_is_streaming(msg))
        return -EPROTO;
    struct follow *f = calloc(1, sizeof(*f));
    if (!f)
        return -ENOMEM;
    int rc = open_stream(sh, id, live, (unsigned)ntasks, &f->stream);
    if (rc < 0) {
        free(f);
        return rc;
    }
    f->h = h;
    f->msg = flux_msg_incref(msg);
    f->live = follow;
    f->skip = skip;
    list_append(&sh->follows, &f->link);
    return 0;
}

void follow_cancel(struct shell *sh, flux_t *h, const flux_msg_t *msg)
{
    list_each(f, &sh->follows, struct follow, link) if (flux_cancel_match(msg, f->msg))
    {
        (void)flux_respond_error(h, f->msg, ENODATA, NULL);
        follow_free(f);
    }
}

void follow_disconnect(struct shell *sh, const flux_msg_t *msg)
{
    list_each(f, &sh->follows, struct follow,
              link) if (flux_disconnect_match(msg, f->msg)) follow_free(f);
}

void follow_drop_all(struct shell *sh)
{
    list_each(f, &sh->follows, struct follow, link) follow_free(f);
}
