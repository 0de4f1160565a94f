/* job-list.list: active jobs, and those whose end is not on disk yet, come from the job manager's
 * memory (job-manager.list), then inactive ones from the store, latest end first, in pieces of
 * at most CHUNK rows so that a listing of a million jobs takes little memory. A job that gets
 * there between the two is seen in both: its id is remembered and the second one left out. A
 * client that reads slowly is waited for: the next piece is read when hardly anything of the
 * last ones is left in its queue.
 */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>
#include <flux/job.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/slice.h"
#include "modules/job-list/list.h"
#include "modules/job-list/lookup.h"
#include "modules/job-list/stats.h"

#define CHUNK 500
/* Larger ones are slower: malloc maps them one by one. */
#define MESSAGE_BYTES (64 << 10)
#define BACKLOG_MAX (1 << 20) /* bytes */
#define PACE 0.005            /* seconds between two looks at it */

struct list_request {
    struct list link;
    struct job_list *jl;
    const flux_msg_t *msg;
    struct match *match;
    struct match_narrow narrow;
    cJSON *attrs; /* NULL: all */
    int64_t left; /* entries that may still be sent; -1: no limit */
    double since;
    flux_future_t *active;
    struct umap *seen; /* active ids that were sent */
    bool reading, dead;
    flux_future_t *backlog; /* the broker is asked how much the client has not read */
    flux_watcher_t *pace;   /* it was too much: ask again */
    bool first;             /* nothing was sent yet */
    /* Where the store is read from: rows of t_inactive < before, the first `skip` of them
     * having been read. */
    double before;
    size_t skip;
    /* What one read made: messages, each with a zero byte behind it, and the beginning
     * of another one, at `begin`, with njobs jobs. */
    struct buf jobs;
    size_t begin, njobs, nread;
    double last;
    size_t at_last; /* rows read with t_inactive == last */
};

static void request_free(struct list_request *r)
{
    if (!r)
        return;
    list_del(&r->link);
    flux_future_destroy(r->active);
    flux_future_destroy(r->backlog);
    flux_watcher_destroy(r->pace);
    flux_msg_decref(r->msg);
    match_free(r->match);
    json_free(r->attrs);
    umap_free(r->seen);
    buf_free(&r->jobs);
    free(r);
}

static bool wanted(const cJSON *attrs, const char *name)
{
    const cJSON *v;

    if (!strcmp(name, "id"))
        return true;
    if (!attrs)
        return strcmp(name, "x") != 0;
    cJSON_ArrayForEach(v, attrs)
    {
        if (json_str(v) && !strcmp(json_str(v), name))
            return true;
    }
    return false;
}

void list_project(const cJSON *job, const cJSON *attrs, struct buf *out)
{
    const char *sep = "{";
    const cJSON *v;

    cJSON_ArrayForEach(v, job)
    {
        if (!wanted(attrs, v->string))
            continue;
        buf_adds(out, sep);
        json_buf_str(out, v->string, strlen(v->string));
        buf_addc(out, ':');
        json_print_buf(v, out);
        sep = ",";
    }
    buf_adds(out, *sep == '{' ? "{}" : "}");
}

/* End a message; the first one tells the version. */
static void end_message(struct list_request *r)
{
    buf_adds(&r->jobs, r->first ? "],\"version\":1}" : "]}");
    buf_addc(&r->jobs, '\0');
    r->first = false;
    r->begin = r->jobs.len;
    r->njobs = 0;
}

/* Send what was gathered. */
static void flush_jobs(struct list_request *r)
{
    const char *p, *end;

    if (r->njobs > 0)
        end_message(r); /* the buffer may move */
    p = r->jobs.data;
    for (end = p + r->jobs.len; p < end && !r->jobs.failed; p += strlen(p) + 1)
        flux_respond(r->jl->h, r->msg, p);
    r->jobs.len = 0;
    r->begin = 0;
}

static void begin_job(struct list_request *r)
{
    buf_adds(&r->jobs, r->njobs++ > 0 ? "," : "{\"jobs\":[");
}

static void end_job(struct list_request *r)
{
    if (r->left > 0)
        r->left--;
    if (r->jobs.len - r->begin >= MESSAGE_BYTES)
        end_message(r);
}

static void finish(struct list_request *r, int err, const char *text)
{
    if (!r->dead) {
        if (err == 0 || err == ENODATA)
            flush_jobs(r);
        flux_respond_error(r->jl->h, r->msg, err ? err : ENODATA, text);
    }
    request_free(r);
}

static void gather(struct list_request *r, const cJSON *job)
{
    begin_job(r);
    list_project(job, r->attrs, &r->jobs);
    end_job(r);
}

/* The same as list_project() of a record in text. -EPROTO: it is damaged. */
static int project_text(struct slice rec, const cJSON *attrs, struct buf *out)
{
    size_t pos = 0, start = out->len;
    struct slice key, val;
    char name[64];
    int rc;

    while ((rc = slice_member(rec, &pos, &key, &val)) > 0) {
        if (key.len >= sizeof(name))
            continue;
        memcpy(name, key.p, key.len);
        name[key.len] = '\0';
        if (!wanted(attrs, name))
            continue;
        buf_addc(out, out->len == start ? '{' : ',');
        buf_add(out, key.p - 1, key.len + 2);
        buf_addc(out, ':');
        buf_add(out, val.p, val.len);
    }
    if (rc < 0) {
        out->len = start;
        return rc;
    }
    buf_adds(out, out->len == start ? "{}" : "}");
    return 0;
}

static bool record_matches(const struct list_request *r, const struct store_job *row)
{
    int rc = match_row(r->match,
                       &(struct match_row){row->result, row->userid, row->name,
                                           row->queue, row->t_submit, row->t_inactive});
    cJSON *job;
    bool yes;

    if (rc >= 0)
        return rc > 0;
    if (json_parse(row->rec, row->rec_len, NULL, &job, NULL) < 0)
        return false;
    yes = match_job(r->match, job);
    json_free(job);
    return yes;
}

static void gather_text(struct list_request *r, struct slice rec)
{
    size_t before = r->jobs.len;

    begin_job(r);
    if (project_text(rec, r->attrs, &r->jobs) < 0) {
        r->jobs.len = before;
        r->njobs--;
        return;
    }
    end_job(r);
}

/* On a worker thread: one row. */
static int take_row(const struct store_job *row, void *arg)
{
    struct list_request *r = arg;

    if (r->nread >= CHUNK || r->left == 0)
        return 1;
    if (row->t_inactive == r->before && r->skip > 0) {
        r->skip--;
        return 0;
    }
    r->nread++;
    r->at_last = row->t_inactive == r->last ? r->at_last + 1 : 1;
    r->last = row->t_inactive;
    if (!umap_get(r->seen, row->id) && record_matches(r, row))
        gather_text(r, (struct slice){row->rec, row->rec_len});
    return 0;
}

static int read_chunk(struct store_reader *reader, void *arg)
{
    struct list_request *r = arg;
    struct store_job_query q = {
        .since = fmax(r->since, r->narrow.since),
        .before = r->before > 0. ? nextafter(r->before, INFINITY) : r->narrow.before,
        .userid = r->narrow.userid,
        .results = r->narrow.results,
        .name = r->narrow.name,
        .queue = r->narrow.queue,
    };
    size_t skip = r->skip;
    int rc;

    r->nread = 0;
    r->last = r->before;
    r->at_last = skip;
    rc = store_reader_inactive(reader, &q, take_row, r);
    return rc < 0 ? rc : 0;
}

static void read_more(struct list_request *r);
static void pace(struct list_request *r);

static void pace_cb(flux_reactor_t *reactor, flux_watcher_t *w, int revents, void *arg)
{
    pace(arg);
}

static int wait_a_little(struct list_request *r)
{
    if (!r->pace && !(r->pace = flux_timer_watcher_create(flux_get_reactor(r->jl->h),
                                                          PACE, 0., pace_cb, r)))
        return -ENOMEM;
    flux_timer_watcher_reset(r->pace, PACE, 0.);
    flux_watcher_start(r->pace);
    return 0;
}

static void got_backlog(flux_future_t *f, void *arg)
{
    struct list_request *r = arg;
    int64_t bytes = 0;

    if (flux_rpc_get_unpack(f, "{s:I}", "bytes", &bytes) < 0)
        bytes = 0;
    flux_future_destroy(f);
    r->backlog = NULL;
    if (bytes <= BACKLOG_MAX || wait_a_little(r) < 0)
        read_more(r);
}

/* Go on when the client has read most of what it was sent. */
static void pace(struct list_request *r)
{
    const char *route = flux_msg_route_last(r->msg);

    r->backlog = flux_rpc_pack(r->jl->h, "broker.backlog", FLUX_NODEID_ANY, 0, "{s:s}",
                               "route", route ? route : "");
    if (r->backlog && flux_future_then(r->backlog, -1., got_backlog, r) == 0)
        return;
    flux_future_destroy(r->backlog);
    r->backlog = NULL;
    read_more(r);
}

static void chunk_done(int rc, void *arg)
{
    struct list_request *r = arg;

    r->reading = false;
    if (r->dead || rc < 0) {
        finish(r, rc < 0 ? -rc : 0, rc < 0 ? "reading finished jobs failed" : NULL);
        return;
    }
    if (r->nread < CHUNK || r->left == 0) {
        finish(r, 0, NULL);
        return;
    }
    flush_jobs(r);
    r->before = r->last;
    r->skip = r->at_last;
    pace(r);
}

static void read_more(struct list_request *r)
{
    int rc;

    r->reading = true;
    rc = store_read(r->jl->store, read_chunk, chunk_done, r);
    if (rc < 0) {
        r->reading = false;
        finish(r, -rc, "reading finished jobs failed");
    }
}

static void start_inactive(struct list_request *r)
{
    flux_future_destroy(r->active);
    r->active = NULL;
    if (r->left == 0 || !(r->narrow.states & FLUX_JOB_STATE_INACTIVE) || !r->jl->store)
        finish(r, 0, NULL);
    else
        read_more(r);
}

static void take_active(struct list_request *r, const cJSON *jobs)
{
    const cJSON *job;
    int64_t id;

    cJSON_ArrayForEach(job, jobs)
    {
        if (json_int64(json_get(job, "id"), &id) < 0 || r->left == 0)
            continue;
        umap_set(r->seen, (uint64_t)id, r);
        if (match_job(r->match, job))
            gather(r, job);
    }
    flush_jobs(r);
}

static void got_active(flux_future_t *f, void *arg)
{
    struct list_request *r = arg;
    const cJSON *jobs;

    if (flux_rpc_get_unpack(f, "{s:o}", "jobs", &jobs) == 0) {
        take_active(r, jobs);
        flux_future_reset(f);
        return;
    }
    if (errno == ENODATA || errno == ENOSYS)
        start_inactive(r);
    else
        finish(r, errno, flux_future_error_string(f));
}

/* As much of the constraint as the job manager knows, so that of a hundred thousand jobs
 * only those are told that may match. */
static cJSON *active_request(const struct list_request *r)
{
    const struct match_narrow *n = &r->narrow;
    cJSON *o = json_pack("{s:i}", "states", n->states);

    if (o && n->userid != UINT32_MAX)
        cJSON_AddNumberToObject(o, "userid", n->userid);
    if (o && n->name)
        cJSON_AddStringToObject(o, "name", n->name);
    if (o && n->queue)
        cJSON_AddStringToObject(o, "queue", n->queue);
    if (o && r->since > 0.)
        cJSON_AddNumberToObject(o, "since", r->since);
    if (o && n->exact && r->left > 0)
        cJSON_AddNumberToObject(o, "max", (double)r->left);
    return o;
}

static void start_active(struct list_request *r)
{
    cJSON *request = active_request(r);

    r->active = flux_rpc_pack(r->jl->h, "job-manager.list", FLUX_NODEID_ANY,
                              FLUX_RPC_STREAMING, "o", request);
    if (!r->active || flux_future_then(r->active, -1., got_active, r) < 0)
        finish(r, errno, NULL);
}

bool list_wants_all(const cJSON *attrs)
{
    const cJSON *v;

    cJSON_ArrayForEach(v, attrs)
    {
        if (json_str(v) && !strcmp(json_str(v), "all"))
            return true;
    }
    return false;
}

static int request_new(struct job_list *jl, const flux_msg_t *msg,
                       struct list_request **ret, flux_error_t *err)
{
    const cJSON *attrs, *constraint = NULL;
    struct list_request *r;
    double since = 0.;
    int max, rc;

    err->text[0] = '\0';
    if (flux_request_unpack(msg, NULL, "{s:i s:o s?f s?o}", "max_entries", &max, "attrs",
                            &attrs, "since", &since, "constraint", &constraint) < 0)
        return -EPROTO;
    if (!cJSON_IsArray(attrs) || max < 0)
        return error_set(err, EPROTO,
                         "job-list.list: attrs must be an array, max_entries >= 0");
    r = calloc(1, sizeof(*r));
    if (!r)
        return -ENOMEM;
    list_init(&r->link);
    r->jl = jl;
    r->msg = flux_msg_incref(msg);
    r->left = max > 0 ? max : -1;
    r->since = since;
    r->first = true;
    r->attrs = list_wants_all(attrs) ? NULL : json_copy(attrs);
    r->seen = umap_new(NULL);
    rc = r->seen ? match_new(cJSON_IsNull(constraint) ? NULL : constraint, &r->match, err)
                 : -ENOMEM;
    if (rc < 0) {
        request_free(r);
        return rc;
    }
    match_narrow(r->match, &r->narrow);
    list_append(&jl->requests, &r->link);
    *ret = r;
    return 0;
}

void list_start(struct job_list *jl, const flux_msg_t *msg)
{
    struct list_request *r = NULL;
    flux_error_t err;
    int rc = request_new(jl, msg, &r, &err);

    if (rc < 0)
        flux_respond_error(jl->h, msg, -rc, err.text[0] ? err.text : NULL);
    else
        start_active(r);
}

/* A read under way still needs the request: it frees it when it comes back. */
static void drop(struct list_request *r)
{
    r->dead = true;
    if (!r->reading)
        request_free(r);
}

void list_disconnect(struct job_list *jl, const flux_msg_t *msg)
{
    list_each(r, &jl->requests, struct list_request, link)
    {
        if (flux_disconnect_match(msg, r->msg))
            drop(r);
    }
}

void list_cancel(struct job_list *jl, const flux_msg_t *msg)
{
    list_each(r, &jl->requests, struct list_request, link)
    {
        if (flux_cancel_match(msg, r->msg)) {
            flux_respond_error(jl->h, r->msg, ENODATA, NULL);
            drop(r);
        }
    }
}

void list_stop_all(struct job_list *jl)
{
    list_each(r, &jl->requests, struct list_request, link) drop(r);
    if (jl->store)
        store_read_flush(jl->store);
    job_list_lookup_stop(jl);
    stats_stop(jl);
}
