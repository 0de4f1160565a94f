/* Output events printed; see joboutput.h. */
#include "cli/joboutput.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cli/iodata.h"

static void print_labelled(struct joboutput *out, FILE *f, const char *rank,
                           const char *data, size_t len)
{
    bool *in_line = &out->in_line[f == stderr];

    for (size_t i = 0; i < len; i++) {
        if (!*in_line)
            fprintf(f, "%s%s: ", out->prefix ? out->prefix : "", rank);
        fputc(data[i], f);
        *in_line = data[i] != '\n';
    }
}

static void print_data(struct joboutput *out, const cJSON *io)
{
    const char *stream = json_str(json_get(io, "stream"));
    const char *rank = json_str(json_get(io, "rank"));
    FILE *f = stream && !strcmp(stream, "stderr") ? stderr : stdout;
    struct buf data = {0};

    if (iodata_decode(io, &data, NULL) == 0 && data.len > 0) {
        if (out->label)
            print_labelled(out, f, rank ? rank : "0", data.data, data.len);
        else
            fwrite(data.data, 1, data.len, f);
    }
    buf_free(&data);
}

void joboutput_print(struct joboutput *out, const char *event)
{
    const char *name, *text;
    cJSON *o;

    if (json_parse(event, strlen(event), NULL, &o, NULL) < 0)
        return;
    name = json_str(json_get(o, "name"));
    if (name && !strcmp(name, "data"))
        print_data(out, json_get(o, "context"));
    else if (name && !strcmp(name, "log") &&
             (text = json_str(json_get_path(o, "context.message"))))
        fprintf(stderr, "flux-shell: %s\n", text);
    json_free(o);
}
