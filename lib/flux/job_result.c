/* flux_job_result(): the end of a job, summed up from its event log as it comes.
 * Also the time left of the job one runs in. */

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <flux/core.h>
#include <flux/job.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/json.h"
#include "proto/eventlog.h"

struct result {
    flux_jobid_t id;
    int flags;
    flux_future_t *watch;
    double t_submit, t_run, t_cleanup;
    int waitstatus; /* -1: none */
    bool exception;
    int severity;
    char *type, *note;
};

static void result_free(void *arg)
{
    struct result *r = arg;

    if (!r)
        return;
    flux_future_destroy(r->watch);
    free(r->type);
    free(r->note);
    free(r);
}

static char *copy_text(const cJSON *o, const char *key)
{
    const char *s = json_str(json_get(o, key));

    return strdup(s ? s : "");
}

static void note_exception(struct result *r, const cJSON *context)
{
    int64_t severity = 0;

    json_int64(json_get(context, "severity"), &severity);
    if (r->exception && r->severity <= severity)
        return;
    free(r->type);
    free(r->note);
    r->exception = true;
    r->severity = (int)severity;
    r->type = copy_text(context, "type");
    r->note = copy_text(context, "note");
}

static void note_event(struct result *r, const struct event *e)
{
    int64_t status;

    if (!strcmp(e->name, "submit"))
        r->t_submit = e->timestamp;
    else if (!strcmp(e->name, "alloc"))
        r->t_run = e->timestamp;
    else if (!strcmp(e->name, "finish")) {
        r->t_cleanup = e->timestamp;
        if (json_int64(json_get(e->context, "status"), &status) == 0)
            r->waitstatus = (int)status;
    } else if (!strcmp(e->name, "exception")) {
        note_exception(r, e->context);
        if (r->severity == 0 && r->t_cleanup == 0.)
            r->t_cleanup = e->timestamp;
    }
}

static int result_code(const struct result *r)
{
    if (r->exception && r->severity == 0) {
        if (!strcmp(r->type, "cancel"))
            return FLUX_JOB_RESULT_CANCELED;
        if (!strcmp(r->type, "timeout"))
            return FLUX_JOB_RESULT_TIMEOUT;
        return FLUX_JOB_RESULT_FAILED;
    }
    return r->waitstatus == 0 ? FLUX_JOB_RESULT_COMPLETED : FLUX_JOB_RESULT_FAILED;
}

static char *result_text(const struct result *r)
{
    cJSON *o = json_pack("{s:I s:i s:f s:b}", "id", (int64_t)r->id, "result", result_code(r),
                         "t_submit", r->t_submit, "exception_occurred", (int)r->exception);
    char *text;

    if (o && r->t_run > 0.)
        cJSON_AddItemToObject(o, "t_run", json_new_real(r->t_run));
    if (o && r->t_cleanup > 0.)
        cJSON_AddItemToObject(o, "t_cleanup", json_new_real(r->t_cleanup));
    if (o && r->waitstatus >= 0)
        cJSON_AddItemToObject(o, "waitstatus", json_new_int(r->waitstatus));
    if (o && r->exception) {
        cJSON_AddItemToObject(o, "exception_type", json_new_str(r->type));
        cJSON_AddItemToObject(o, "exception_severity", json_new_int(r->severity));
        cJSON_AddItemToObject(o, "exception_note", json_new_str(r->note));
    }
    text = o ? json_print(o) : NULL;
    json_free(o);
    return text;
}

static void fulfill(flux_future_t *f, struct result *r)
{
    char *text = result_text(r);

    if (text)
        flux_future_fulfill(f, text, free);
    else
        flux_future_fulfill_error(f, ENOMEM, NULL);
}

static void got_event(flux_future_t *watch, void *arg)
{
    flux_future_t *f = arg;
    struct result *r = flux_future_aux_get(f, "flux::result");
    struct event e;
    const char *line;

    if (flux_job_event_watch_get(watch, &line) < 0) {
        if (errno == ENODATA)
            fulfill(f, r);
        else
            flux_future_fulfill_error(f, errno, flux_future_error_string(watch));
        return;
    }
    if (event_parse(line, strlen(line), &e, NULL) == 0) {
        note_event(r, &e);
        event_free(&e);
    }
    flux_future_reset(watch);
}

static void start_watch(flux_future_t *f, void *arg)
{
    struct result *r = arg;

    r->watch = flux_job_event_watch(flux_future_get_flux(f), r->id, "eventlog", r->flags);
    if (!r->watch || flux_future_then(r->watch, -1., got_event, f) < 0)
        flux_future_fulfill_error(f, errno, NULL);
}

flux_future_t *flux_job_result(flux_t *h, flux_jobid_t id, int flags)
{
    struct result *r = calloc(1, sizeof(*r));
    flux_future_t *f = r ? flux_future_create(start_watch, r) : NULL;

    if (!h || !f || flux_future_aux_set(f, "flux::result", r, result_free) < 0) {
        flux_future_destroy(f);
        free(r);
        errno = h ? ENOMEM : EINVAL;
        return NULL;
    }
    r->id = id;
    r->flags = flags;
    r->waitstatus = -1;
    flux_future_set_flux(f, h);
    return f;
}

int flux_job_result_get(flux_future_t *f, const char **json_str)
{
    const void *text;

    if (flux_future_get(f, &text) < 0)
        return -1;
    if (json_str)
        *json_str = text;
    return 0;
}

int flux_job_result_get_unpack(flux_future_t *f, const char *fmt, ...)
{
    cJSON *o = flux_future_aux_get(f, "flux::result_tree");
    const char *text;
    va_list ap;
    int rc;

    if (flux_job_result_get(f, &text) < 0)
        return -1;
    if (!o) {
        rc = json_parse(text, strlen(text), NULL, &o, NULL);
        if (rc == 0 && flux_future_aux_set(f, "flux::result_tree", o,
                                           (flux_free_f)json_free) < 0) {
            json_free(o);
            rc = -ENOMEM;
        }
        if (rc < 0) {
            errno = -rc;
            return -1;
        }
    }
    va_start(ap, fmt);
    rc = json_vunpack(o, NULL, fmt, ap);
    va_end(ap);
    if (rc < 0) {
        errno = -rc;
        return -1;
    }
    return 0;
}

/* Ask the enclosing instance for the job's end. */
static int get_expiration(flux_t *h, flux_jobid_t id, double *ret, flux_error_t *error)
{
    flux_future_t *f = flux_job_list_id(h, id, "[\"expiration\"]");
    int rc = 0;

    *ret = 0.;
    if (!f || flux_rpc_get_unpack(f, "{s:{s?f}}", "job", "expiration", ret) < 0)
        rc = -error_set(error, errno, "job-list: %s", flux_future_error_string(f));
    flux_future_destroy(f);
    return rc ? -1 : 0;
}

int flux_job_timeleft(flux_t *h, flux_error_t *error, double *timeleft)
{
    const char *s = getenv("FLUX_JOB_ID");
    double expiration, now;
    flux_jobid_t id;

    if (!h || !timeleft || !s || flux_job_id_parse(s, &id) < 0) {
        error_set(error, EINVAL, "FLUX_JOB_ID is not set: this is not a Flux job");
        errno = EINVAL;
        return -1;
    }
    if (get_expiration(h, id, &expiration, error) < 0)
        return -1;
    now = flux_reactor_now(flux_get_reactor(h));
    *timeleft = expiration <= 0. ? INFINITY : expiration > now ? expiration - now : 0.;
    return 0;
}
