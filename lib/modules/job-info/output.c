/* guest.output: forwarded from job-exec, which asks the shell that has it:
 * job-exec.output {"id":I,"follow":b} -> stream of {"events":[...]}, ENODATA.
 */

#include <errno.h>

#include <flux/core.h>

#include "modules/job-info/watch_private.h"

static void got_output(flux_future_t *f, void *arg)
{
    struct watch *w = arg;
    const cJSON *events, *e;

    if (flux_rpc_get_unpack(f, "{s:o}", "events", &events) < 0) {
        int err = errno;

        w->output_done = true;
        watch_finish(w, err == ENOENT ? ENODATA : err, NULL);
        return;
    }
    cJSON_ArrayForEach(e, events)
    {
        struct buf line = {0};

        json_print_buf(e, &line);
        buf_addc(&line, '\n');
        watch_send(w, line.data, line.len);
        buf_free(&line);
    }
    flux_future_reset(f);
}

void watch_output_start(struct watch *w)
{
    if (w->output)
        return;
    w->output =
        flux_rpc_pack(w->ws->h, "job-exec.output", FLUX_NODEID_ANY, FLUX_RPC_STREAMING,
                      "{s:I s:b}", "id", (int64_t)w->id, "follow", 1);
    if (!w->output || flux_future_then(w->output, -1., got_output, w) < 0) {
        w->output_done = true;
        flux_future_destroy(w->output);
        w->output = NULL;
    }
}
