/* The output of a job as a value of the KVS: what is there by now. */
#include <errno.h>

#include <flux/core.h>

#include "base/error.h"
#include "base/json.h"
#include "modules/job-info/kvs_view_private.h"

#define OUTPUT_MAX (32u << 20) /* bytes of a value in one answer */

static int add_events(struct view *v, const cJSON *events)
{
    const cJSON *e;

    cJSON_ArrayForEach(e, events)
    {
        json_print_buf(e, &v->data);
        buf_addc(&v->data, '\n');
        if (v->data.len > OUTPUT_MAX)
            return error_set(&v->err, EFBIG,
                             "the output is longer than an answer can be: flux job "
                             "attach shows it");
    }
    return v->data.failed ? -ENOMEM : 0;
}

static void got_output(flux_future_t *f, void *arg)
{
    struct view *v = arg;
    const cJSON *events;
    int rc;

    if (flux_rpc_get_unpack(f, "{s:o}", "events", &events) == 0) {
        if ((rc = add_events(v, events)) < 0)
            view_end(v, rc);
        else
            flux_future_reset(f);
    } else if (errno == ENODATA || errno == ENOENT)
        view_end(v, view_value(v, v->data.data, v->data.len));
    else
        view_end(v, -errno);
}

void view_output_start(struct view *v)
{
    v->data.len = 0;
    list_append(&v->views->outputs, &v->link);
    v->output =
        flux_rpc_pack(v->h, "job-exec.output", FLUX_NODEID_ANY, FLUX_RPC_STREAMING,
                      "{s:I s:b}", "id", (int64_t)v->id, "follow", 0);
    if (!v->output || flux_future_then(v->output, -1., got_output, v) < 0)
        view_end(v, -errno);
}
