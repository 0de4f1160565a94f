/* Posting events, see event.h. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "modules/job-manager/advance.h"
#include "modules/job-manager/batch.h"
#include "modules/job-manager/event.h"
#include "modules/job-manager/jobtap.h"
#include "modules/job-manager/wait.h"
#include "proto/eventlog.h"

static void set_time(struct job *job, flux_job_state_t state, double now)
{
    switch (state) {
    case FLUX_JOB_STATE_NEW:
        job->t_submit = now;
        break;
    case FLUX_JOB_STATE_DEPEND:
        job->t_depend = now;
        break;
    case FLUX_JOB_STATE_PRIORITY:
        job->t_priority = now;
        break;
    case FLUX_JOB_STATE_SCHED:
        job->t_sched = now;
        break;
    case FLUX_JOB_STATE_RUN:
        job->t_run = now;
        break;
    case FLUX_JOB_STATE_CLEANUP:
        job->t_cleanup = now;
        break;
    case FLUX_JOB_STATE_INACTIVE:
        job->t_inactive = now;
        break;
    }
}

static void set_state(struct job_manager *jm, struct job *job, flux_job_state_t state,
                      double now)
{
    flux_job_state_t prev = job->state;

    jm->counts[state_index(prev)]--;
    jm->counts[state_index(state)]++;
    if (prev & FLUX_JOB_STATE_RUNNING)
        jm->running--;
    if (state & FLUX_JOB_STATE_RUNNING)
        jm->running++;
    job->state = (uint8_t)state;
    set_time(job, state, now);
    if (state == FLUX_JOB_STATE_INACTIVE) {
        job->result = (uint8_t)job_result(job);
        wait_ending(jm->wait, job);
    }
    jobtap_call_state(jm->jobtap, job, prev);
}

static int post(struct job_manager *jm, struct job *job, enum event_id id,
                const char *name, struct slice context)
{
    struct change *c;
    double now = fmax(flux_reactor_now(jm->r), job->t_last);
    flux_job_state_t next;
    size_t start;
    int rc;

    if (job->ended)
        return -EINVAL;
    if (!(c = batch_change(jm->batches, job)))
        return -ENOMEM;
    start = c->events.len;
    if ((rc = eventlog_add_json(&c->events, now, name, context.p, context.len)) < 0)
        return rc;
    job->t_last = now;
    job->seq++;
    c->count++;
    job->posted |= 1u << id;
    if (id == EVENT_SUBMIT)
        job->t_submit = now;
    jobtap_call_event(jm->jobtap, job, name, c->events.data + start,
                      c->events.len - start - 1);
    next = state_after(job->state, id);
    if (next != job->state)
        set_state(jm, job, next, now);
    advance_add(jm, job);
    return 0;
}

static void log_failure(struct job_manager *jm, struct job *job, const char *name, int rc)
{
    flux_log(jm->h, LOG_CRIT, "job %ju: event %s: %s", (uintmax_t)job->id, name,
             strerror(-rc));
}

int event_post(struct job_manager *jm, struct job *job, enum event_id id, const char *fmt,
               ...)
{
    struct buf context = {0};
    va_list ap;
    int rc = 0;

    if (fmt) {
        va_start(ap, fmt);
        rc = json_vpack_buf(&context, fmt, ap);
        va_end(ap);
    }
    if (rc == 0)
        rc = post(jm, job, id, event_name(id),
                  (struct slice){fmt ? context.data : NULL, context.len});
    buf_free(&context);
    if (rc < 0)
        log_failure(jm, job, event_name(id), rc);
    return rc;
}

int event_post_text(struct job_manager *jm, struct job *job, const char *name,
                    struct slice context)
{
    enum event_id id = event_by_name(name, strlen(name));
    struct job_more *m;
    int rc;

    if (id == EVENT_OTHER) {
        if (!(m = job_more(job)))
            return -ENOMEM;
        if ((rc = texts_add(&m->events, name)) < 0 && rc != -EEXIST)
            return rc;
    }
    if ((rc = post(jm, job, id, name, context)) < 0)
        log_failure(jm, job, name, rc);
    return rc;
}

/* The record shows the most severe exception, the first of several such. */
static int note_exception(struct job *job, const char *type, int severity,
                          const char *note)
{
    struct job_more *m = job_more(job);
    char *t, *n;

    if (!m)
        return -ENOMEM;
    if (m->exc.type && m->exc.severity <= severity)
        return 0;
    if (!(t = strdup(type)))
        return -ENOMEM;
    if (!(n = strdup(note ? note : ""))) {
        free(t);
        return -ENOMEM;
    }
    free(m->exc.type);
    free(m->exc.note);
    m->exc = (struct job_exception){t, n, severity};
    return 0;
}

int event_post_exception(struct job_manager *jm, struct job *job, const char *type,
                         int severity, uint32_t userid, int wait_status, const char *note)
{
    enum event_id id = severity == 0 ? EVENT_EXCEPTION_FATAL : EVENT_EXCEPTION;
    struct buf b = {0};
    int rc;

    if ((rc = note_exception(job, type, severity, note)) < 0)
        return rc;
    buf_adds(&b, "{\"type\":");
    json_buf_str(&b, type, strlen(type));
    buf_addf(&b, ",\"severity\":%d,\"note\":", severity);
    json_buf_str(&b, note ? note : "", note ? strlen(note) : 0);
    if (userid != UINT32_MAX)
        buf_addf(&b, ",\"userid\":%u", userid);
    if (wait_status >= 0)
        buf_addf(&b, ",\"wait_status\":%d", wait_status);
    buf_addc(&b, '}');
    rc = b.failed ? -ENOMEM
                  : post(jm, job, id, "exception", (struct slice){b.data, b.len});
    buf_free(&b);
    if (rc < 0)
        log_failure(jm, job, "exception", rc);
    return rc;
}

/* Updates so far, and these. */
static int merge_updates(struct job *job, const cJSON *updates)
{
    struct job_more *m = job_more(job);
    cJSON *all = NULL, *copy;
    const cJSON *u;
    char *text;
    int rc = -ENOMEM;

    if (!m)
        return -ENOMEM;
    if (m->updates) {
        if ((rc = json_parse(m->updates, strlen(m->updates), NULL, &all, NULL)) < 0)
            return rc;
    } else if (!(all = cJSON_CreateObject())) {
        return -ENOMEM;
    }
    rc = -ENOMEM;
    cJSON_ArrayForEach(u, updates)
    {
        if (!(copy = json_copy(u)))
            goto out;
        cJSON_DeleteItemFromObjectCaseSensitive(all, u->string);
        if (!cJSON_AddItemToObject(all, u->string, copy)) {
            cJSON_Delete(copy);
            goto out;
        }
    }
    if (!(text = json_print(all)))
        goto out;
    free(m->updates);
    m->updates = text;
    rc = 0;
out:
    json_free(all);
    return rc;
}

/* The keys of which the job manager keeps a copy. */
static void apply_update(struct job_manager *jm, struct job *job, const cJSON *u)
{
    const struct {
        const char *key;
        const char **field;
    } fields[] = {
        {"attributes.system.job.name", &job->name},
        {"attributes.system.queue", &job->queue},
        {"attributes.system.project", &job->project},
        {"attributes.system.bank", &job->bank},
    };
    double d;

    if (strcmp(u->string, "attributes.system.duration") == 0 && json_real(u, &d) == 0)
        job->duration = d;
    for (unsigned i = 0; i < ARRAY_SIZE(fields); i++)
        if (strcmp(u->string, fields[i].key) == 0 && json_str(u)) {
            intern_drop(jm->strings, *fields[i].field);
            *fields[i].field = intern_add(jm->strings, json_str(u), strlen(json_str(u)));
        }
}

int event_post_update(struct job_manager *jm, struct job *job, const cJSON *updates)
{
    AUTOFREE char *text = json_print(updates);
    const cJSON *u;
    int rc;

    if (!text)
        return -ENOMEM;
    if ((rc = merge_updates(job, updates)) < 0)
        return rc;
    cJSON_ArrayForEach(u, updates) apply_update(jm, job, u);
    return event_post_text(jm, job, "jobspec-update", slice_of(text));
}
