/* job-manager.getattr and history.get, see query.h: what is in the store. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/json.h"
#include "modules/job-manager/control.h"
#include "modules/job-manager/query.h"
#include "modules/job-manager/record.h"

struct getattr {
    const flux_msg_t *msg;
    flux_jobid_t id;
    struct buf answer; /* begun with the attributes from memory */
    bool jobspec, eventlog, R;
};

static void getattr_free(void *arg)
{
    struct getattr *g = arg;

    flux_msg_decref(g->msg);
    buf_free(&g->answer);
    free(g);
}

static int add_piece(uint64_t seq, const void *data, size_t len, void *arg)
{
    return buf_add(arg, data, len);
}

/* jobspec and R are JSON, an event log is a string. */
static int read_key(struct store_reader *r, struct getattr *g, const char *key, bool text)
{
    struct buf b = {0};
    int rc = store_reader_jobdata(r, g->id, key, add_piece, &b);

    if (rc == 0) {
        buf_addf(&g->answer, ",\"%s\":", key);
        if (text)
            json_buf_str(&g->answer, b.data, b.len);
        else
            buf_add(&g->answer, b.data, b.len);
    }
    buf_free(&b);
    return rc;
}

static int getattr_read(struct store_reader *r, void *arg)
{
    struct getattr *g = arg;
    int rc = 0;

    if (g->jobspec)
        rc = read_key(r, g, "jobspec", false);
    if (rc == 0 && g->eventlog)
        rc = read_key(r, g, "eventlog", true);
    if (rc == 0 && g->R)
        rc = read_key(r, g, "R", false);
    return rc;
}

static void getattr_done(struct job_manager *jm, int rc, void *arg)
{
    struct getattr *g = arg;

    buf_addc(&g->answer, '}');
    if (rc < 0 || g->answer.failed)
        manager_respond_error(jm, g->msg, rc < 0 ? -rc : ENOMEM,
                              "attribute is not available");
    else
        flux_respond(jm->h, g->msg, g->answer.data);
    getattr_free(g);
}

void getattr_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    struct getattr *g;
    struct job *job;
    cJSON *attrs, *a;
    int64_t id;

    if (flux_request_unpack(msg, NULL, "{s:I s:o}", "id", &id, "attrs", &attrs) < 0 ||
        !cJSON_IsArray(attrs)) {
        manager_respond_error(jm, msg, EPROTO, "malformed getattr request");
        return;
    }
    if (!(job = control_job(jm, msg, (flux_jobid_t)id,
                            "guests can only access their own jobs")))
        return;
    if (!(g = calloc(1, sizeof(*g)))) {
        manager_respond_error(jm, msg, ENOMEM, "out of memory");
        return;
    }
    g->msg = flux_msg_incref(msg);
    g->id = job->id;
    cJSON_ArrayForEach(a, attrs)
    {
        const char *name = json_str(a) ? json_str(a) : "";

        g->jobspec |= strcmp(name, "jobspec") == 0;
        g->eventlog |= strcmp(name, "eventlog") == 0;
        g->R |= strcmp(name, "R") == 0;
    }
    record_print(job, record_mask(attrs), &g->answer);
    if (g->answer.len > 0)
        g->answer.len--;
    if (manager_read(jm, getattr_read, getattr_done, getattr_free, g) < 0) {
        manager_respond_error(jm, msg, ENOMEM, "out of memory");
        getattr_free(g);
    }
}

/* Ids of a user's jobs. */
#define HISTORY_MAX 10000

struct history {
    const flux_msg_t *msg;
    uint32_t userid;
    long start, stop; /* as in Python: negative counts from the end */
    bool has_start, has_stop;
    flux_jobid_t *ids;
    size_t n, size;
};

static void history_free(void *arg)
{
    struct history *hi = arg;

    flux_msg_decref(hi->msg);
    free(hi->ids);
    free(hi);
}

static int history_add(struct history *hi, flux_jobid_t id)
{
    flux_jobid_t *bigger;

    if (hi->n == hi->size) {
        size_t size = hi->size ? hi->size * 2 : 64;

        if (!(bigger = realloc(hi->ids, size * sizeof(*bigger))))
            return -ENOMEM;
        hi->ids = bigger;
        hi->size = size;
    }
    hi->ids[hi->n++] = id;
    return 0;
}

static int history_ended(const struct store_job *job, void *arg)
{
    struct history *hi = arg;

    if (hi->n >= HISTORY_MAX)
        return 1;
    return history_add(hi, job->id);
}

static int history_read(struct store_reader *r, void *arg)
{
    struct history *hi = arg;
    struct store_job_query q = {.userid = hi->userid};
    int rc = store_reader_inactive(r, &q, history_ended, hi);

    return rc < 0 ? rc : 0;
}

static int latest_first(const void *a, const void *b)
{
    const flux_jobid_t *x = a, *y = b;

    return *x < *y ? 1 : *x > *y ? -1 : 0;
}

static size_t slice_index(long i, size_t n)
{
    if (i < 0)
        i += (long)n;
    return i < 0 ? 0 : (size_t)i > n ? n : (size_t)i;
}

static void history_done(struct job_manager *jm, int rc, void *arg)
{
    struct history *hi = arg;
    struct buf out = {0};
    size_t n = 0, first, last;

    qsort(hi->ids, hi->n, sizeof(*hi->ids), latest_first);
    /* A job that ended between the two looks is there twice. */
    for (size_t i = 0; i < hi->n; i++)
        if (n == 0 || hi->ids[n - 1] != hi->ids[i])
            hi->ids[n++] = hi->ids[i];
    first = hi->has_start ? slice_index(hi->start, n) : 0;
    last = hi->has_stop ? slice_index(hi->stop, n) : n;
    buf_adds(&out, "{\"jobs\":[");
    for (size_t i = first; i < last; i++)
        buf_addf(&out, "%s%ju", i > first ? "," : "", (uintmax_t)hi->ids[i]);
    buf_adds(&out, "]}");
    if (rc < 0 || out.failed)
        manager_respond_error(jm, hi->msg, rc < 0 ? -rc : ENOMEM, "history: %s",
                              strerror(rc < 0 ? -rc : ENOMEM));
    else
        flux_respond(jm->h, hi->msg, out.data);
    buf_free(&out);
    history_free(hi);
}

/* "[a:b]", each may be missing; "[a]" is one job. */
static int parse_slice(const char *s, struct history *hi)
{
    char *end;

    if (*s++ != '[')
        return -EINVAL;
    hi->start = strtol(s, &end, 10);
    hi->has_start = end != s;
    s = end;
    if (*s == ']' && hi->has_start && !s[1]) {
        hi->stop = hi->start + 1;
        hi->has_stop = hi->stop != 0;
        return 0;
    }
    if (*s++ != ':')
        return -EINVAL;
    hi->stop = strtol(s, &end, 10);
    hi->has_stop = end != s;
    return strcmp(end, "]") == 0 ? 0 : -EINVAL;
}

void history_cb(flux_t *h, flux_msg_handler_t *mh, const flux_msg_t *msg, void *arg)
{
    struct job_manager *jm = arg;
    struct history *hi = calloc(1, sizeof(*hi));
    struct flux_msg_cred cred;
    const char *slice = "[:]";
    int64_t userid = -1;
    void *value;

    if (!hi) {
        manager_respond_error(jm, msg, ENOMEM, "out of memory");
        return;
    }
    hi->msg = flux_msg_incref(msg);
    if (flux_msg_get_cred(msg, &cred) < 0 ||
        flux_request_unpack(msg, NULL, "{s?s s?I}", "slice", &slice, "userid", &userid) <
            0 ||
        parse_slice(slice, hi) < 0) {
        manager_respond_error(jm, msg, EPROTO, "malformed history request");
        history_free(hi);
        return;
    }
    hi->userid = userid < 0 ? cred.userid : (uint32_t)userid;
    if (flux_msg_authorize(msg, hi->userid) < 0) {
        manager_respond_error(jm, msg, EPERM, "guests can only see their own jobs");
        history_free(hi);
        return;
    }
    for (size_t it = 0; umap_next(jm->jobs, &it, NULL, &value);) {
        struct job *job = value;

        if (!job->fresh && job->userid == hi->userid)
            history_add(hi, job->id);
    }
    if (manager_read(jm, history_read, history_done, history_free, hi) < 0) {
        manager_respond_error(jm, msg, ENOMEM, "out of memory");
        history_free(hi);
    }
}
