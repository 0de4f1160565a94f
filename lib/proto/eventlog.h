/* Event logs (RFC 18): lines of {"timestamp":f,"name":s,"context":{}}.
 * Functions return 0 or more, or -errno.
 */
#ifndef FLUX_PROTO_EVENTLOG_H
#define FLUX_PROTO_EVENTLOG_H

#include "base/json.h"

/* Append one entry and its newline. context: NULL or the text of a JSON object
 * (the _json form), or a pack format. Names and texts are escaped; never two lines. */
int eventlog_add(struct buf *out, double timestamp, const char *name,
                 const char *context_fmt, ...);
int eventlog_add_json(struct buf *out, double timestamp, const char *name,
                      const char *context, size_t context_len);

/* One decoded entry; name and context are borrowed from the tree. */
struct event {
    double timestamp;
    const char *name;
    const cJSON *context; /* NULL when absent */
    cJSON *tree;
};
int event_parse(const char *line, size_t len, struct event *ret, flux_error_t *err);
void event_free(struct event *e); /* frees tree */
/* Next line of a log: 1 and [*line, *len) (with its newline), or 0 at the end; -EPROTO when the last line has
 * no newline. *pos starts at 0. */
int eventlog_next(const char *log, size_t loglen, size_t *pos, const char **line,
                  size_t *len);

#endif
