/* A log, line by line; each entry is written again and reads the same. */
#include <stdlib.h>
#include <string.h>

#include "proto/eventlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void again(const struct event *e)
{
    struct buf context = {0}, out = {0};
    struct event copy;

    if (e->context)
        json_print_buf(e->context, &context);
    if (eventlog_add_json(&out, e->timestamp, e->name, e->context ? context.data : NULL,
                          context.len) == 0) {
        if (event_parse(out.data, out.len, &copy, NULL) < 0 ||
            strcmp(copy.name, e->name) != 0)
            abort();
        event_free(&copy);
    }
    buf_free(&context);
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *line;
    size_t len, pos = 0;
    struct event e;

    while (eventlog_next((const char *)data, size, &pos, &line, &len) > 0)
        if (event_parse(line, len, &e, NULL) == 0) {
            again(&e);
            event_free(&e);
        }
    return 0;
}
