/* Entries of an output log: see ioevent.h. */
#include <errno.h>
#include <string.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/utf8.h"
#include "shell/ioevent.h"

static const char *stream_name(unsigned stream)
{
    return stream ? "stderr" : "stdout";
}

static void add_head(struct buf *out, double time, const char *name)
{
    buf_adds(out, "{\"timestamp\":");
    json_buf_time(out, time);
    buf_addf(out, ",\"name\":\"%s\",\"context\":{", name);
}

static int add_tail(struct buf *out)
{
    buf_adds(out, "}}");
    return out->failed ? -ENOMEM : 0;
}

static void add_origin(struct buf *out, unsigned rank, unsigned stream)
{
    buf_addf(out, "\"stream\":\"%s\",\"rank\":\"%u\"", stream_name(stream), rank);
}

int ioevent_header(struct buf *out, double time, unsigned ntasks)
{
    add_head(out, time, "header");
    buf_addf(out,
             "\"version\":1,\"encoding\":{\"stdout\":\"UTF-8\",\"stderr\":\"UTF-8\"},"
             "\"count\":{\"stdout\":%u,\"stderr\":%u},\"options\":{}",
             ntasks, ntasks);
    return add_tail(out);
}

static void add_data(struct buf *out, const char *data, size_t len)
{
    if (!memchr(data, '\0', len) && utf8_valid(data, len)) {
        buf_adds(out, ",\"data\":");
        json_buf_str(out, data, len);
        return;
    }
    buf_adds(out, ",\"encoding\":\"base64\",\"data\":\"");
    base64_encode_buf(out, data, len);
    buf_addc(out, '"');
}

int ioevent_record(struct buf *out, const struct segment_record *r)
{
    switch (r->kind) {
    case SEGMENT_DATA:
        add_head(out, r->time, "data");
        add_origin(out, r->rank, r->stream);
        add_data(out, r->data, r->len);
        break;
    case SEGMENT_REDIRECT:
        add_head(out, r->time, "redirect");
        add_origin(out, r->rank, r->stream);
        buf_adds(out, ",\"path\":");
        json_buf_str(out, r->data, utf8_prefix(r->data, r->len));
        break;
    default:
        add_head(out, r->time, "log");
        buf_addf(out,
                 "\"component\":\"flux-shell\",\"level\":%u,\"message\":", r->stream);
        json_buf_str(out, r->data, utf8_prefix(r->data, r->len));
        break;
    }
    return add_tail(out);
}

int ioevent_eof(struct buf *out, double time, unsigned rank, unsigned stream)
{
    add_head(out, time, "data");
    add_origin(out, rank, stream);
    buf_adds(out, ",\"eof\":true");
    return add_tail(out);
}
