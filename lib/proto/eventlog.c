/* Event logs: one JSON object a line, written by this serializer only, so that no
 * name or text can break a line. */
#include "proto/eventlog.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"

/* One event is a line of a log, not a document. */
static const struct json_limits event_limits = {
    .bytes = 4u << 20,
    .depth = 64,
    .nodes = 200000,
};

static int add_head(struct buf *out, double timestamp, const char *name)
{
    if (!name || !*name || !(timestamp >= 0))
        return -EINVAL;
    buf_adds(out, "{\"timestamp\":");
    json_buf_time(out, timestamp);
    buf_adds(out, ",\"name\":");
    return json_buf_str(out, name, strlen(name));
}

/* Take back a half-written entry. */
static int add_undo(struct buf *out, size_t start, int rc)
{
    out->len = start;
    if (out->data)
        out->data[start] = '\0';
    return rc;
}

static int add_tail(struct buf *out, size_t start)
{
    buf_adds(out, "}\n");
    return out->failed ? add_undo(out, start, -ENOMEM) : 0;
}

int eventlog_add_json(struct buf *out, double timestamp, const char *name,
                      const char *context, size_t context_len)
{
    size_t start = out->len;
    int rc;

    if (context && memchr(context, '\n', context_len))
        return -EINVAL;
    if ((rc = add_head(out, timestamp, name)) < 0)
        return add_undo(out, start, rc);
    if (context) {
        buf_adds(out, ",\"context\":");
        buf_add(out, context, context_len);
    }
    return add_tail(out, start);
}

int eventlog_add(struct buf *out, double timestamp, const char *name,
                 const char *context_fmt, ...)
{
    size_t start = out->len, context;
    va_list ap;
    int rc;

    if ((rc = add_head(out, timestamp, name)) < 0)
        return add_undo(out, start, rc);
    if (context_fmt) {
        buf_adds(out, ",\"context\":");
        context = out->len;
        va_start(ap, context_fmt);
        rc = json_vpack_buf(out, context_fmt, ap);
        va_end(ap);
        if (rc < 0)
            return add_undo(out, start, rc);
        if (!out->failed && out->data[context] != '{')
            return add_undo(out, start, -EINVAL);
    }
    return add_tail(out, start);
}

static int event_read(cJSON *tree, struct event *ret, flux_error_t *err)
{
    const cJSON *timestamp = json_get(tree, "timestamp");
    const char *name = json_str(json_get(tree, "name"));
    const cJSON *context = json_get(tree, "context");
    double t;

    if (!timestamp || json_real(timestamp, &t) < 0 || !(t >= 0))
        return error_set(err, EPROTO, "event: timestamp is not a positive number");
    if (!name || !*name)
        return error_set(err, EPROTO, "event: name is not a string");
    if (context && !cJSON_IsObject(context))
        return error_set(err, EPROTO, "event %s: context is not an object", name);
    *ret = (struct event){t, name, context, tree};
    return 0;
}

int event_parse(const char *line, size_t len, struct event *ret, flux_error_t *err)
{
    cJSON *tree;
    int rc;

    if (len > 0 && line[len - 1] == '\n')
        len--;
    if (memchr(line, '\n', len))
        return error_set(err, EPROTO, "event: more than one line");
    if ((rc = json_parse(line, len, &event_limits, &tree, err)) < 0)
        return rc;
    if ((rc = event_read(tree, ret, err)) < 0)
        json_free(tree);
    return rc;
}

void event_free(struct event *e)
{
    json_free(e->tree);
    *e = (struct event){0};
}

int eventlog_next(const char *log, size_t loglen, size_t *pos, const char **line,
                  size_t *len)
{
    const char *start = log + *pos, *end;

    if (*pos >= loglen)
        return 0;
    if (!(end = memchr(start, '\n', loglen - *pos)))
        return -EPROTO;
    *line = start;
    *len = end + 1 - start;
    *pos += *len;
    return 1;
}
