/* What plug-ins call (flux/jobtap.h): updates of a jobspec, look-ups, subscriptions,
 * prologs and epilogs, services.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "modules/job-manager/advance.h"
#include "modules/job-manager/event.h"
#include "modules/job-manager/jobtap_private.h"

struct tap_service {
    struct list link;
    flux_msg_handler_t *mh;
};

static int result(int rc)
{
    if (rc >= 0)
        return rc;
    errno = -rc;
    return -1;
}

void jobtap_services_free(struct tap *tap)
{
    list_each(s, &tap->services, struct tap_service, link)
    {
        flux_msg_handler_destroy(s->mh);
        list_del(&s->link);
        free(s);
    }
}

int flux_jobtap_service_register_ex(flux_plugin_t *p, const char *method,
                                    uint32_t rolemask, flux_msg_handler_f cb, void *arg)
{
    struct jobtap *t = jobtap_host(p);
    struct tap *tap = t ? jobtap_find(t, p) : NULL;
    const char *name = flux_plugin_get_name(p);
    struct flux_match match = FLUX_MATCH_REQUEST;
    struct tap_service *s;
    char topic[256];

    if (!tap || !method || !cb || !name)
        return result(-EINVAL);
    /* Built-ins are called .NAME. */
    if (*name == '.')
        name++;
    if (snprintf(topic, sizeof(topic), "job-manager.%s.%s", name, method) >=
        (int)sizeof(topic))
        return result(-EINVAL);
    if (!(s = calloc(1, sizeof(*s))))
        return -1;
    match.topic_glob = topic;
    if (!(s->mh = flux_msg_handler_create(t->jm->h, match, cb, arg))) {
        free(s);
        return -1;
    }
    flux_msg_handler_allow_rolemask(s->mh, rolemask);
    flux_msg_handler_start(s->mh);
    list_append(&tap->services, &s->link);
    return 0;
}

int flux_jobtap_service_register(flux_plugin_t *p, const char *method,
                                 flux_msg_handler_f cb, void *arg)
{
    return flux_jobtap_service_register_ex(p, method, 0, cb, arg);
}

static bool may_update(const struct job *job)
{
    return !(job->state & (FLUX_JOB_STATE_RUNNING | FLUX_JOB_STATE_INACTIVE));
}

static int valid_updates(const cJSON *updates)
{
    const cJSON *u;

    if (!cJSON_IsObject(updates))
        return -EINVAL;
    cJSON_ArrayForEach(u,
                       updates) if (strncmp(u->string, "attributes.", 11) != 0 &&
                                    strncmp(u->string, "resources", 9) != 0 &&
                                    strncmp(u->string, "tasks", 5) != 0) return -EINVAL;
    return 0;
}

int flux_jobtap_jobspec_update_pack(flux_plugin_t *p, const char *fmt, ...)
{
    struct jobtap *t = jobtap_host(p);
    struct tap_call *call = t ? t->call : NULL;
    cJSON *updates, *u;
    va_list ap;

    if (!call || !call->job || !fmt || !may_update(call->job))
        return result(-EINVAL);
    va_start(ap, fmt);
    updates = json_vpack(fmt, ap);
    va_end(ap);
    if (!updates || valid_updates(updates) < 0) {
        json_free(updates);
        return result(-EINVAL);
    }
    if (!call->updates) {
        call->updates = updates;
        return 0;
    }
    while ((u = updates->child)) {
        cJSON_DetachItemViaPointer(updates, u);
        cJSON_DeleteItemFromObjectCaseSensitive(call->updates, u->string);
        cJSON_AddItemToObject(call->updates, u->string, u);
    }
    json_free(updates);
    return 0;
}

int flux_jobtap_jobspec_update_id_pack(flux_plugin_t *p, flux_jobid_t id, const char *fmt,
                                       ...)
{
    struct jobtap *t = jobtap_host(p);
    struct job *job = jobtap_find_job(p, id);
    cJSON *updates;
    va_list ap;
    int rc = -EINVAL;

    if (!job || !fmt || !may_update(job) || (t->call && t->call->job == job))
        return result(-EINVAL);
    va_start(ap, fmt);
    updates = json_vpack(fmt, ap);
    va_end(ap);
    if (updates && (rc = valid_updates(updates)) == 0)
        rc = event_post_update(t->jm, job, updates);
    json_free(updates);
    return result(rc);
}

/* Arguments of a look-up outlive it, and maybe the job. */
struct kept_call {
    struct tap_call call;
    struct jobtap *host;
    flux_jobid_t id;
};

static int kept_fill(flux_plugin_arg_t *args, void *ctx)
{
    struct kept_call *k = ctx;

    k->call.job = manager_job(k->host->jm, k->id);
    return jobtap_fill(args, &k->call);
}

flux_plugin_arg_t *flux_jobtap_job_lookup(flux_plugin_t *p, flux_jobid_t id)
{
    struct jobtap *t = jobtap_host(p);
    struct job *job = jobtap_find_job(p, id);
    flux_plugin_arg_t *args;
    struct kept_call *k;

    if (!job || !(k = calloc(1, sizeof(*k))))
        return NULL;
    k->host = k->call.host = t;
    k->id = job->id;
    k->call.prev_state = job->state;
    if (!(args = flux_plugin_arg_create())) {
        free(k);
        return NULL;
    }
    flux_plugin_arg_set_fill(args, kept_fill, k, free);
    return args;
}

struct find_result {
    flux_jobid_t id;
    int state, result;
};

static int found(const struct store_job *job, void *arg)
{
    struct find_result *f = arg;

    f->state = job->state;
    f->result = job->result;
    return 0;
}

static int find_stored(struct store_reader *r, void *arg)
{
    struct find_result *f = arg;

    return store_reader_job(r, f->id, found, f);
}

int flux_jobtap_get_job_result(flux_plugin_t *p, flux_jobid_t id,
                               flux_job_result_t *resultp)
{
    struct jobtap *t = jobtap_host(p);
    struct find_result f = {.id = id};
    struct job *job;

    if (!t || !resultp)
        return result(-EINVAL);
    if ((job = jobtap_find_job(p, id))) {
        f.state = job->state;
        f.result = job->result;
    } else if (id > t->jm->max_id || store_read_now(t->jm->store, find_stored, &f) < 0) {
        return result(-ENOENT);
    }
    if (f.state != FLUX_JOB_STATE_INACTIVE)
        return result(-EINVAL);
    *resultp = (flux_job_result_t)f.result;
    return 0;
}

struct find_event {
    flux_jobid_t id;
    const char *pattern; /* "name":"NAME" */
    bool found;
};

static int look_for_event(uint64_t seq, const void *data, size_t len, void *arg)
{
    struct find_event *f = arg;

    f->found |= memmem(data, len, f->pattern, strlen(f->pattern)) != NULL;
    return 0;
}

static int find_event(struct store_reader *r, void *arg)
{
    struct find_event *f = arg;

    return store_reader_jobdata(r, f->id, "eventlog", look_for_event, f);
}

/* An ended job's events are in the store only. */
static int stored_event(struct jobtap *t, flux_jobid_t id, const char *name)
{
    char pattern[128];
    struct find_event f = {.id = id, .pattern = pattern};

    snprintf(pattern, sizeof(pattern), "\"name\":\"%s\"", name);
    if (id > t->jm->max_id || store_read_now(t->jm->store, find_event, &f) < 0)
        return result(-ENOENT);
    return f.found;
}

int flux_jobtap_job_event_posted(flux_plugin_t *p, flux_jobid_t id, const char *name)
{
    struct jobtap *t = jobtap_host(p);
    struct job *job;
    enum event_id event;

    if (!t || !name)
        return result(-EINVAL);
    if (!(job = jobtap_find_job(p, id)))
        return id == FLUX_JOBTAP_CURRENT_JOB ? -1 : stored_event(t, id, name);
    event = event_by_name(name, strlen(name));
    if (event == EVENT_OTHER)
        return job->more && texts_has(&job->more->events, name);
    if (event == EVENT_EXCEPTION)
        return job_posted(job, EVENT_EXCEPTION) || job_is_doomed(job);
    return job_posted(job, event);
}

static unsigned count_subscribers(const struct job_more *m)
{
    unsigned n = 0;

    while (m->subscribers && m->subscribers[n])
        n++;
    return n;
}

int flux_jobtap_job_subscribe(flux_plugin_t *p, flux_jobid_t id)
{
    struct job *job = jobtap_find_job(p, id);
    struct job_more *m = job ? job_more(job) : NULL;
    unsigned n;
    void **v;

    if (!m)
        return -1;
    n = count_subscribers(m);
    for (unsigned i = 0; i < n; i++)
        if (m->subscribers[i] == p)
            return 0;
    if (!(v = realloc(m->subscribers, (n + 2) * sizeof(*v))))
        return -1;
    v[n] = p;
    v[n + 1] = NULL;
    m->subscribers = v;
    return 0;
}

void flux_jobtap_job_unsubscribe(flux_plugin_t *p, flux_jobid_t id)
{
    struct job *job = jobtap_find_job(p, id);
    unsigned n, i;

    if (!job || !job->more || !(n = count_subscribers(job->more)))
        return;
    for (i = 0; i < n && job->more->subscribers[i] != p; i++)
        ;
    for (; i < n; i++)
        job->more->subscribers[i] = job->more->subscribers[i + 1];
}

static int action_start(flux_plugin_t *p, const char *description, enum event_id event)
{
    struct jobtap *t = jobtap_host(p);
    struct job *job = jobtap_find_job(p, FLUX_JOBTAP_CURRENT_JOB);
    bool prolog = event == EVENT_PROLOG_START;
    struct job_more *m;
    int rc;

    if (!job)
        return -1;
    /* Too late for the one when it has started, for the other when all is freed. */
    if (!description || (prolog ? job_posted(job, EVENT_START) || job->start_sent
                                : job_posted(job, EVENT_FREE)))
        return result(-EINVAL);
    if (!(m = job_more(job)))
        return result(-ENOMEM);
    if ((rc = texts_add(prolog ? &m->prologs : &m->epilogs, description)) < 0)
        return result(rc);
    return result(event_post(t->jm, job, event, "{s:s}", "description", description));
}

static int action_finish(flux_plugin_t *p, flux_jobid_t id, const char *description,
                         int status, enum event_id event)
{
    struct jobtap *t = jobtap_host(p);
    struct job *job = jobtap_find_job(p, id);
    struct texts *list;

    if (!job)
        return -1;
    if (!description || !job->more)
        return result(-EINVAL);
    list = event == EVENT_PROLOG_FINISH ? &job->more->prologs : &job->more->epilogs;
    if (texts_del(list, description) < 0)
        return result(-ENOENT);
    return result(event_post(t->jm, job, event, "{s:s s:i}", "description", description,
                             "status", status));
}

int flux_jobtap_prolog_start(flux_plugin_t *p, const char *description)
{
    return action_start(p, description, EVENT_PROLOG_START);
}

int flux_jobtap_prolog_finish(flux_plugin_t *p, flux_jobid_t id, const char *description,
                              int status)
{
    return action_finish(p, id, description, status, EVENT_PROLOG_FINISH);
}

int flux_jobtap_epilog_start(flux_plugin_t *p, const char *description)
{
    return action_start(p, description, EVENT_EPILOG_START);
}

int flux_jobtap_epilog_finish(flux_plugin_t *p, flux_jobid_t id, const char *description,
                              int status)
{
    return action_finish(p, id, description, status, EVENT_EPILOG_FINISH);
}

int flux_jobtap_call(flux_plugin_t *p, flux_jobid_t id, const char *topic,
                     flux_plugin_arg_t *args)
{
    struct jobtap *t = jobtap_host(p);
    struct job *job = jobtap_find_job(p, id);
    struct tap_call call = {.job = job};
    bool called;
    int rc;

    if (!job)
        return -1;
    if (!topic || strncmp(topic, "job.", 4) == 0)
        return result(-EINVAL);
    call.prev_state = job->state;
    jobtap_begin(t, &call);
    rc = jobtap_call_topic(t, topic, args, &called);
    jobtap_end(t, &call);
    return rc < 0 ? -1 : called;
}
