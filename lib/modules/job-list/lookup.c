/* job-list.list-id. The job manager is asked first (job-manager.list with an id), so that an
 * active job is shown as it is now; a job it does not hold is in the store or nowhere.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>
#include <flux/job.h>

#include "modules/job-list/lookup.h"

struct lookup {
    struct list link;
    struct job_list *jl;
    flux_future_t *active; /* the job manager is asked */
    const flux_msg_t *msg;
    uint64_t id;
    cJSON *attrs; /* NULL: all */
    struct buf out;
};

static void lookup_free(struct lookup *l)
{
    list_del(&l->link);
    flux_future_destroy(l->active);
    flux_msg_decref(l->msg);
    json_free(l->attrs);
    buf_free(&l->out);
    free(l);
}

static void answer(struct lookup *l, const cJSON *job)
{
    buf_adds(&l->out, "{\"job\":");
    list_project(job, l->attrs, &l->out);
    buf_addc(&l->out, '}');
}

static int take_row(const struct store_job *row, void *arg)
{
    struct lookup *l = arg;
    cJSON *job;

    if (json_parse(row->rec, row->rec_len, NULL, &job, NULL) < 0)
        return -EPROTO;
    answer(l, job);
    json_free(job);
    return 0;
}

static int read_row(struct store_reader *reader, void *arg)
{
    struct lookup *l = arg;

    return store_reader_job(reader, l->id, take_row, l);
}

static void read_done(int rc, void *arg)
{
    struct lookup *l = arg;

    if (rc < 0)
        flux_respond_error(l->jl->h, l->msg, -rc,
                           rc == -ENOENT ? "unknown job id" : NULL);
    else
        flux_respond(l->jl->h, l->msg, l->out.data);
    lookup_free(l);
}

static void got_active(flux_future_t *f, void *arg)
{
    struct lookup *l = arg;
    const cJSON *jobs;
    int rc;

    if (flux_rpc_get_unpack(f, "{s:o}", "jobs", &jobs) == 0 && jobs->child) {
        answer(l, jobs->child);
        flux_respond(l->jl->h, l->msg, l->out.data);
        lookup_free(l);
    } else if (l->jl->store) {
        rc = store_read(l->jl->store, read_row, read_done, l);
        if (rc < 0)
            read_done(rc, l);
    } else
        read_done(-ENOENT, l);
}

void job_list_lookup_stop(struct job_list *jl)
{
    list_each(l, &jl->lookups, struct lookup, link) lookup_free(l);
}

void job_list_lookup(struct job_list *jl, const flux_msg_t *msg)
{
    struct lookup *l = calloc(1, sizeof(*l));
    const cJSON *attrs;
    int64_t id;

    if (!l ||
        flux_request_unpack(msg, NULL, "{s:I s:o}", "id", &id, "attrs", &attrs) < 0) {
        flux_respond_error(jl->h, msg, l ? EPROTO : ENOMEM, NULL);
        free(l);
        return;
    }
    l->jl = jl;
    list_init(&l->link);
    list_append(&jl->lookups, &l->link);
    l->msg = flux_msg_incref(msg);
    l->id = (uint64_t)id;
    l->attrs = list_wants_all(attrs) ? NULL : json_copy(attrs);
    l->active = flux_rpc_pack(jl->h, "job-manager.list", FLUX_NODEID_ANY,
                              FLUX_RPC_STREAMING, "{s:I}", "id", id);
    if (!l->active || flux_future_then(l->active, -1., got_active, l) < 0) {
        flux_respond_error(jl->h, msg, errno, NULL);
        lookup_free(l);
    }
}
