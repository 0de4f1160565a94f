/* The host of plug-ins: calling them. See jobtap.h; loading is in jobtap_load.c, the
 * functions that plug-ins call in jobtap_api*.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "modules/job-manager/batch.h"
#include "modules/job-manager/event.h"
#include "modules/job-manager/jobtap_private.h"
#include "modules/job-manager/specs.h"

static const char *const topics[JOBTAP_COUNT] = {
    [JOBTAP_CREATE] = "job.create",
    [JOBTAP_DESTROY] = "job.destroy",
    [JOBTAP_VALIDATE] = "job.validate",
    [JOBTAP_NEW] = "job.new",
    [JOBTAP_PRIORITY_GET] = "job.priority.get",
    [JOBTAP_STATE_DEPEND] = "job.state.depend",
    [JOBTAP_STATE_PRIORITY] = "job.state.priority",
    [JOBTAP_STATE_SCHED] = "job.state.sched",
    [JOBTAP_STATE_RUN] = "job.state.run",
    [JOBTAP_STATE_CLEANUP] = "job.state.cleanup",
    [JOBTAP_STATE_INACTIVE] = "job.state.inactive",
    [JOBTAP_INACTIVE_ADD] = "job.inactive-add",
    [JOBTAP_INACTIVE_REMOVE] = "job.inactive-remove",
};

/* First step: what is cheap. */
static int fill_basic(flux_plugin_arg_t *args, const struct tap_call *call)
{
    const struct job *job = call->job;
    const struct jobspec_shape *s = &job->shape;

    flux_plugin_arg_pack(
        args, FLUX_PLUGIN_ARG_IN, "{s:I s:I s:i s:i s:i s:I s:f s:f s:i s:i s:i}", "id",
        (int64_t)job->id, "userid", (int64_t)job->userid, "urgency", (int)job->urgency,
        "state", (int)job->state, "prev_state", (int)call->prev_state, "priority",
        job->priority, "t_submit", job->t_submit, "duration", job->duration, "nnodes",
        (int)s->nnodes, "ncores", (int)(s->nslots * s->cores_per_slot), "ngpus",
        (int)(s->nslots * s->gpus_per_slot));
    if (call->more)
        flux_plugin_arg_pack(args, FLUX_PLUGIN_ARG_IN, "O", call->more);
    return 1;
}

static void add_text(flux_plugin_arg_t *args, const char *key, const char *text,
                     size_t len)
{
    cJSON *o;

    if (json_parse(text, len, NULL, &o, NULL) == 0)
        flux_plugin_arg_pack(args, FLUX_PLUGIN_ARG_IN, "{s:o}", key, o);
}

static void add_jobspec(flux_plugin_arg_t *args, struct jobtap *t, const struct job *job)
{
    struct spec *spec = NULL;
    struct buf text = {0};

    /* A new job's is in its change; a waiting one's may have to be read, and the plug-in
     * that asks for it waits. */
    if (job->change && job->change->spec)
        spec = spec_ref(job->change->spec);
    else if (specs_get(t->jm->specs, job->id, &spec) < 0)
        return;
    if (spec_print(spec, job->more ? job->more->updates : NULL, true, &text) == 0)
        add_text(args, "jobspec", text.data, text.len);
    spec_unref(spec);
    buf_free(&text);
}

/* Second step: what has to be parsed. */
static int fill_rest(flux_plugin_arg_t *args, struct jobtap *t,
                     const struct tap_call *call)
{
    const struct job *job = call->job;

    add_jobspec(args, t, job);
    if (job_has_R(job))
        add_text(args, "R", job->more->R, strlen(job->more->R));
    if (call->entry) {
        add_text(args, "entry", call->entry, call->entry_len);
        add_text(args, "end_event", call->entry, call->entry_len);
    }
    return 1;
}

int jobtap_fill(flux_plugin_arg_t *args, void *ctx)
{
    struct tap_call *call = ctx;

    if (!call->job)
        return 0;
    switch (call->filled++) {
    case 0:
        return fill_basic(args, call);
    case 1:
        return fill_rest(args, call->host, call);
    default:
        return 0;
    }
}

flux_plugin_arg_t *jobtap_args(struct jobtap *t, struct tap_call *call)
{
    flux_plugin_arg_t *args = flux_plugin_arg_create();

    call->host = t;
    if (args)
        flux_plugin_arg_set_fill(args, jobtap_fill, call, NULL);
    return args;
}

void jobtap_begin(struct jobtap *t, struct tap_call *call)
{
    call->outer = t->call;
    t->call = call;
}

void jobtap_end(struct jobtap *t, struct tap_call *call)
{
    t->call = call->outer;
    if (call->updates && call->job)
        event_post_update(t->jm, call->job, call->updates);
    json_free(TAKE(call->updates));
}

void jobtap_reason(flux_plugin_t *p, flux_plugin_arg_t *args, flux_error_t *err)
{
    const char *errstr;

    if (flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_OUT, "{s:s}", "errstr", &errstr) ==
        0)
        snprintf(err->text, sizeof(err->text), "%s", errstr);
    else
        snprintf(err->text, sizeof(err->text), "rejected by job-manager plugin '%s'",
                 flux_plugin_get_name(p));
}

bool jobtap_has(const struct jobtap *t, enum jobtap_topic topic)
{
    return t->callees[topic] && t->callees[topic][0];
}

/* Call those who handle one of the fixed topics; err may be NULL. */
static int call_fixed(struct jobtap *t, struct tap_call *call, enum jobtap_topic topic,
                      flux_plugin_arg_t **ret_args, flux_error_t *err)
{
    flux_plugin_arg_t *args;
    int rc = 0;

    if (!jobtap_has(t, topic))
        return 0;
    if (!(args = jobtap_args(t, call)))
        return -ENOMEM;
    jobtap_begin(t, call);
    for (unsigned i = 0; rc == 0 && t->callees[topic][i]; i++) {
        flux_plugin_t *p = t->callees[topic][i];

        if (flux_plugin_call(p, topics[topic], args) < 0) {
            rc = -EINVAL;
            if (err)
                jobtap_reason(p, args, err);
            else
                flux_log(t->jm->h, LOG_ERR, "jobtap: %s: %s failed",
                         flux_plugin_get_name(p), topics[topic]);
        }
    }
    jobtap_end(t, call);
    if (ret_args)
        *ret_args = args;
    else
        flux_plugin_arg_destroy(args);
    return rc;
}

int jobtap_call(struct jobtap *t, struct job *job, enum jobtap_topic topic)
{
    struct tap_call call = {.job = job, .prev_state = job->state};
    int rc = call_fixed(t, &call, topic, NULL, NULL);

    if (topic == JOBTAP_DESTROY)
        for (struct tap_call *c = t->call; c; c = c->outer)
            if (c->job == job)
                c->job = NULL;
    return rc;
}

int jobtap_validate(struct jobtap *t, struct job *job, flux_error_t *err)
{
    struct tap_call call = {.job = job, .prev_state = job->state};

    return call_fixed(t, &call, JOBTAP_VALIDATE, NULL, err);
}

int jobtap_validate_updates(struct jobtap *t, struct job *job, const cJSON *updates,
                            flux_error_t *err)
{
    cJSON *more = json_pack("{s:O}", "updates", updates);
    struct tap_call call = {.job = job, .prev_state = job->state, .more = more};
    int rc = call_fixed(t, &call, JOBTAP_VALIDATE, NULL, err);

    json_free(more);
    return rc;
}

int jobtap_call_topic(struct jobtap *t, const char *topic, flux_plugin_arg_t *args,
                      bool *called)
{
    *called = false;
    list_each(tap, &t->taps, struct tap, link)
    {
        int rc = flux_plugin_call(tap->p, topic, args);

        if (rc < 0)
            return -1;
        if (rc > 0)
            *called = true;
    }
    return 0;
}

static int call_dependency(struct jobtap *t, struct job *job, const cJSON *dep,
                           flux_error_t *err)
{
    const char *scheme = json_str(json_get(dep, "scheme"));
    cJSON *more = json_pack("{s:O}", "dependency", dep);
    struct tap_call call = {.job = job, .prev_state = job->state, .more = more};
    flux_plugin_arg_t *args = jobtap_args(t, &call);
    char topic[128];
    bool called = false;
    int rc = 0;

    if (!scheme || !args) {
        rc = error_set(err, EINVAL, "dependency without a scheme");
        goto out;
    }
    snprintf(topic, sizeof(topic), "job.dependency.%s", scheme);
    jobtap_begin(t, &call);
    if (jobtap_call_topic(t, topic, args, &called) < 0) {
        rc = -EINVAL;
        if (flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_OUT, "{s:s}", "errstr",
                                   &scheme) == 0)
            snprintf(err->text, sizeof(err->text), "%s", scheme);
        else
            error_set(err, EINVAL, "dependency scheme '%s' refused the job", scheme);
    } else if (!called) {
        rc = error_set(err, EINVAL, "dependency scheme '%s' is not supported", scheme);
    }
    jobtap_end(t, &call);
out:
    flux_plugin_arg_destroy(args);
    json_free(more);
    return rc;
}

int jobtap_dependencies(struct jobtap *t, struct job *job, const char *deps,
                        flux_error_t *err)
{
    cJSON *array;
    const cJSON *dep;
    int rc;

    if ((rc = json_parse(deps, strlen(deps), NULL, &array, err)) < 0)
        return rc;
    cJSON_ArrayForEach(dep,
                       array) if ((rc = call_dependency(t, job, dep, err)) < 0) break;
    json_free(array);
    return rc;
}

int jobtap_priority(struct jobtap *t, struct job *job, int64_t *ret, flux_error_t *err)
{
    struct tap_call call = {.job = job, .prev_state = job->state};
    flux_plugin_arg_t *args = NULL;
    int64_t priority = -1;
    int rc;

    error_set(err, EINVAL, "no priority from the plug-ins");
    rc = call_fixed(t, &call, JOBTAP_PRIORITY_GET, &args, err);
    if (rc == 0 && args &&
        flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_OUT, "{s?I}", "priority",
                               &priority) == 0) {
        if (priority > FLUX_JOB_PRIORITY_MAX)
            rc = error_set(err, EINVAL, "priority %jd is out of range",
                           (intmax_t)priority);
        else
            rc = priority >= 0;
        *ret = priority;
    }
    flux_plugin_arg_destroy(args);
    return rc;
}

void jobtap_reprioritize(struct jobtap *t, struct job *job)
{
    struct job_manager *jm = t->jm;
    flux_error_t err;
    int64_t priority;
    int rc;

    job->no_priority = false;
    if (job->state != FLUX_JOB_STATE_SCHED)
        return;
    rc = jobtap_priority(t, job, &priority, &err);
    if (job->state != FLUX_JOB_STATE_SCHED)
        return;
    if (rc < 0) {
        flux_log(jm->h, LOG_ERR, "job %ju: %s", (uintmax_t)job->id, err.text);
    } else if (rc > 0 && priority != job->priority) {
        job->priority = priority;
        job->reprioritized = true;
        event_post(jm, job, EVENT_PRIORITY, "{s:I}", "priority", priority);
    }
}

void jobtap_call_state(struct jobtap *t, struct job *job, flux_job_state_t prev)
{
    static const enum jobtap_topic by_state[FLUX_JOB_NR_STATES] = {
        JOBTAP_NEW,       JOBTAP_STATE_DEPEND,  JOBTAP_STATE_PRIORITY, JOBTAP_STATE_SCHED,
        JOBTAP_STATE_RUN, JOBTAP_STATE_CLEANUP, JOBTAP_STATE_INACTIVE,
    };
    struct tap_call call = {.job = job, .prev_state = prev};

    if (job->state == FLUX_JOB_STATE_NEW)
        return;
    if (t->call && t->call->job == job) {
        call.entry = t->call->entry;
        call.entry_len = t->call->entry_len;
    }
    call_fixed(t, &call, by_state[state_index(job->state)], NULL, NULL);
}

void jobtap_call_event(struct jobtap *t, struct job *job, const char *name,
                       const char *line, size_t len)
{
    struct tap_call call = {.job = job, .prev_state = job->state};
    flux_plugin_arg_t *args;
    char topic[128];
    AUTOFREE char *copy = NULL;

    if (!job->more || !job->more->subscribers)
        return;
    /* The log grows when the plug-in posts. */
    if (!(copy = strndup(line, len)) || !(args = jobtap_args(t, &call)))
        return;
    call.entry = copy;
    call.entry_len = len;
    snprintf(topic, sizeof(topic), "job.event.%s", name);
    jobtap_begin(t, &call);
    for (unsigned i = 0; job->more->subscribers && job->more->subscribers[i]; i++)
        flux_plugin_call(job->more->subscribers[i], topic, args);
    jobtap_end(t, &call);
    flux_plugin_arg_destroy(args);
}

int jobtap_update(struct jobtap *t, struct job *job, const struct flux_msg_cred *cred,
                  const char *key, const cJSON *value, cJSON *updates, bool *validated,
                  flux_error_t *err)
{
    cJSON *more =
        json_pack("{s:s s:O s:I s:i}", "key", key, "value", value, "cred_userid",
                  (int64_t)cred->userid, "rolemask", (int)cred->rolemask);
    struct tap_call call = {.job = job, .prev_state = job->state, .more = more};
    flux_plugin_arg_t *args = jobtap_args(t, &call);
    cJSON *changed = NULL, *u;
    const char *errstr = NULL;
    int ok = 0, rc = 0;
    char topic[256];
    bool called;

    if (!args || !more) {
        rc = error_set(err, ENOMEM, "out of memory");
        goto out;
    }
    snprintf(topic, sizeof(topic), "job.update.%s", key);
    jobtap_begin(t, &call);
    rc = jobtap_call_topic(t, topic, args, &called);
    jobtap_end(t, &call);
    flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_OUT, "{s?s s?b s?o}", "errstr", &errstr,
                           "validated", &ok, "updates", &changed);
    if (rc < 0)
        rc = error_set(err, EINVAL, "%s", errstr ? errstr : "update refused");
    else if (!called)
        rc = error_set(err, EINVAL, "update of %s is not supported", key);
    *validated = ok;
    if (rc == 0 && cJSON_IsObject(changed)) {
        cJSON_ArrayForEach(u, changed)
            cJSON_AddItemToObject(updates, u->string, json_copy(u));
    }
out:
    flux_plugin_arg_destroy(args);
    json_free(more);
    return rc;
}
