/* A job of flux-capacitor: from its submission to its last event and its last output. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "capacitor.h"
#include "cli/joboutput.h"

struct capacitor_job {
    struct capacitor *cap;
    struct capacitor_job *next, **at; /* of cap->jobs */
    flux_jobid_t id;
    char name[64], prefix[80];
    flux_future_t *submit, *events, *output;
    struct joboutput out;
    bool pending, failed;
};

void capacitor_worst(struct capacitor *cap, int code)
{
    if (code > cap->code)
        cap->code = code;
}

static void no_longer_pending(struct capacitor_job *j)
{
    if (!j->pending)
        return;
    j->pending = false;
    j->cap->pending--;
}

static void job_end(struct capacitor_job *j)
{
    struct capacitor *cap = j->cap;

    no_longer_pending(j);
    cap->active--;
    if (j->failed)
        cap->failed++;
    else
        cap->good++;
    flux_future_destroy(j->submit);
    flux_future_destroy(j->events);
    flux_future_destroy(j->output);
    if (j->next)
        j->next->at = j->at;
    *j->at = j->next;
    free(j);
    cap->go_on(cap);
}

static void job_fail(struct capacitor_job *j, const char *text)
{
    cli_fail(j->cap->c, "%s: %s", j->name, text);
    capacitor_worst(j->cap, 1);
    j->failed = true;
    job_end(j);
}

static void got_output(flux_future_t *f, void *arg)
{
    struct capacitor_job *j = arg;
    const char *event;

    if (flux_job_event_watch_get(f, &event) == 0) {
        joboutput_print(&j->out, event);
        fflush(stdout);
        flux_future_reset(f);
        return;
    }
    if (errno != ENODATA && errno != ENOENT)
        cli_fail(j->cap->c, "%s: output: %s", j->name, cli_why(f));
    flux_future_destroy(f);
    j->output = NULL;
    if (!j->events)
        job_end(j);
}

static void note_finish(struct capacitor_job *j, const cJSON *context)
{
    const cJSON *status = cJSON_GetObjectItem(context, "status");
    flux_error_t why;
    int code = flux_job_waitstatus_to_exitcode(
        cJSON_IsNumber(status) ? status->valueint : -1, &why);

    if (code == 0)
        return;
    j->failed = true;
    capacitor_worst(j->cap, code);
    cli_fail(j->cap->c, "%s: %s", j->name, why.text);
}

static void note_exception(struct capacitor_job *j, const cJSON *context)
{
    const cJSON *severity = cJSON_GetObjectItem(context, "severity");
    const char *type = cJSON_GetStringValue(cJSON_GetObjectItem(context, "type"));
    const char *note = cJSON_GetStringValue(cJSON_GetObjectItem(context, "note"));

    cli_fail(j->cap->c, "%s: exception: type=%s %s", j->name, type ? type : "?",
             note ? note : "");
    if (cJSON_IsNumber(severity) && severity->valueint > 0)
        return;
    j->failed = true;
    capacitor_worst(j->cap, 1);
}

static void take_event(struct capacitor_job *j, const char *text)
{
    cJSON *o = cJSON_Parse(text);
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItem(o, "name"));
    const cJSON *context = cJSON_GetObjectItem(o, "context");

    if (name && !strcmp(name, "finish"))
        note_finish(j, context);
    else if (name && !strcmp(name, "exception"))
        note_exception(j, context);
    else if (name && !strcmp(name, "start") && j->pending) {
        no_longer_pending(j);
        j->cap->go_on(j->cap);
    }
    cJSON_Delete(o);
}

static void got_event(flux_future_t *f, void *arg)
{
    struct capacitor_job *j = arg;
    const char *event;

    if (flux_job_event_watch_get(f, &event) == 0) {
        take_event(j, event);
        flux_future_reset(f);
        return;
    }
    if (errno != ENODATA) {
        job_fail(j, cli_why(f));
        return;
    }
    flux_future_destroy(f);
    j->events = NULL;
    if (!j->output)
        job_end(j);
}

static bool follow(struct capacitor_job *j)
{
    flux_t *h = j->cap->h;

    j->events = flux_job_event_watch(h, j->id, "eventlog", 0);
    if (!j->events || flux_future_then(j->events, -1., got_event, j) < 0)
        return false;
    if (j->cap->quiet)
        return true;
    j->output = flux_job_event_watch(h, j->id, "guest.output", 0);
    return j->output && flux_future_then(j->output, -1., got_output, j) == 0;
}

static void got_id(flux_future_t *f, void *arg)
{
    struct capacitor_job *j = arg;
    struct capacitor *cap = j->cap;

    if (flux_job_submit_get_id(f, &j->id) < 0) {
        job_fail(j, cli_why(f));
        return;
    }
    cap->submitted++;
    flux_job_id_encode(j->id, "f58", j->name, sizeof(j->name));
    snprintf(j->prefix, sizeof(j->prefix), "%s.", j->name);
    j->out = (struct joboutput){.label = cap->prefix, .prefix = j->prefix};
    flux_future_destroy(f);
    j->submit = NULL;
    if (!follow(j))
        job_fail(j, strerror(errno));
    else if (cap->stopping)
        flux_future_destroy(flux_job_cancel(cap->h, j->id, "flux-capacitor was stopped"));
}

bool capacitor_submit(struct capacitor *cap, const char *jobspec, int urgency, int flags)
{
    struct capacitor_job *j = calloc(1, sizeof(*j));

    if (!j) {
        cli_fail(cap->c, "out of memory");
        return false;
    }
    j->cap = cap;
    snprintf(j->name, sizeof(j->name), "submit");
    j->submit = flux_job_submit(cap->h, jobspec, urgency, flags);
    if (!j->submit || flux_future_then(j->submit, -1., got_id, j) < 0) {
        cli_fail(cap->c, "submit: %s", strerror(errno));
        flux_future_destroy(j->submit);
        free(j);
        return false;
    }
    j->at = &cap->jobs;
    j->next = cap->jobs;
    if (j->next)
        j->next->at = &j->next;
    cap->jobs = j;
    j->pending = true;
    cap->pending++;
    cap->active++;
    return true;
}

void capacitor_cancel_all(struct capacitor *cap)
{
    for (struct capacitor_job *j = cap->jobs; j; j = j->next) {
        if (j->events)
            flux_future_destroy(
                flux_job_cancel(cap->h, j->id, "flux-capacitor was stopped"));
    }
}
