/* The output of a job as a value of the KVS: what is there by now. As a value it only grows:
 * the ends of the streams are part of it once the job has ended, and what is made for each
 * answer (the header, those ends) has the times of what there was before it.
 */
#include <errno.h>
#include <string.h>

#include <flux/core.h>

#include "base/error.h"
#include "base/json.h"
#include "modules/job-info/kvs_view_private.h"
#include "proto/eventlog.h"

#define OUTPUT_MAX (32u << 20) /* bytes of a value in one answer */

static bool is_eof(const cJSON *e)
{
    return cJSON_IsTrue(json_get_path(e, "context.eof"));
}

/* An entry at the time of the one before it. */
static void add_made(struct view *v, const cJSON *e, const char *name)
{
    struct buf context = {0};

    json_print_buf(json_get(e, "context"), &context);
    if (context.failed)
        v->data.failed = true;
    else
        eventlog_add_json(&v->data, v->t_last, name, context.data, context.len);
    buf_free(&context);
}

static void add_event(struct view *v, const cJSON *e)
{
    const char *name = json_str(json_get(e, "name"));
    double t;

    if (is_eof(e) && v->active)
        return;
    if (name && (is_eof(e) || strcmp(name, "header") == 0)) {
        add_made(v, e, name);
        return;
    }
    if (json_real(json_get(e, "timestamp"), &t) == 0 && t > v->t_last)
        v->t_last = t;
    json_print_buf(e, &v->data);
    buf_addc(&v->data, '\n');
}

static int add_events(struct view *v, const cJSON *events)
{
    const cJSON *e;

    cJSON_ArrayForEach(e, events)
    {
        add_event(v, e);
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
    v->t_last = v->t_start;
    list_append(&v->views->outputs, &v->link);
    v->output =
        flux_rpc_pack(v->h, "job-exec.output", FLUX_NODEID_ANY, FLUX_RPC_STREAMING,
                      "{s:I s:b}", "id", (int64_t)v->id, "follow", 0);
    if (!v->output || flux_future_then(v->output, -1., got_output, v) < 0)
        view_end(v, -errno);
}
