/* What plug-ins call (flux/jobtap.h): jobs, priorities, dependencies, exceptions,
 * events. Prologs, services and the rest are in jobtap_api_more.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "modules/job-manager/advance.h"
#include "modules/job-manager/event.h"
#include "modules/job-manager/jobtap_private.h"

static int result(int rc)
{
    if (rc >= 0)
        return rc;
    errno = -rc;
    return -1;
}

struct jobtap *jobtap_host(flux_plugin_t *p)
{
    struct jobtap *t = p ? flux_plugin_aux_get(p, "flux::jobtap") : NULL;

    if (!t)
        errno = EINVAL;
    return t;
}

struct job *jobtap_find_job(flux_plugin_t *p, flux_jobid_t id)
{
    struct jobtap *t = jobtap_host(p);
    struct job *job;

    if (!t)
        return NULL;
    if (id == FLUX_JOBTAP_CURRENT_JOB) {
        if (!t->call || !t->call->job)
            errno = EINVAL;
        return t->call ? t->call->job : NULL;
    }
    /* A job that is being submitted is not in the table yet. */
    for (struct tap_call *c = t->call; c; c = c->outer)
        if (c->job && c->job->id == id)
            return c->job;
    if (!(job = manager_job(t->jm, id)))
        errno = ENOENT;
    return job;
}

flux_t *flux_jobtap_get_flux(flux_plugin_t *p)
{
    struct jobtap *t = jobtap_host(p);

    return t ? t->jm->h : NULL;
}

int flux_jobtap_reprioritize_all(flux_plugin_t *p)
{
    struct jobtap *t = jobtap_host(p);
    void *value;

    if (!t)
        return -1;
    for (size_t it = 0; umap_next(t->jm->jobs, &it, NULL, &value);) {
        struct job *job = value;

        if (job->state == FLUX_JOB_STATE_PRIORITY) {
            job->no_priority = false;
            advance_add(t->jm, job);
        } else if (job->state == FLUX_JOB_STATE_SCHED) {
            jobtap_reprioritize(t, job);
        }
    }
    return 0;
}

int flux_jobtap_reprioritize_job(flux_plugin_t *p, flux_jobid_t id, unsigned int priority)
{
    struct job *job = jobtap_find_job(p, id);
    struct jobtap *t = jobtap_host(p);

    if (!job)
        return -1;
    if (job->state != FLUX_JOB_STATE_PRIORITY && job->state != FLUX_JOB_STATE_SCHED)
        return 0;
    if (job->state == FLUX_JOB_STATE_SCHED && job->priority == (int64_t)priority)
        return 0;
    job->no_priority = false;
    job->priority = priority;
    job->reprioritized = true;
    return result(
        event_post(t->jm, job, EVENT_PRIORITY, "{s:I}", "priority", (int64_t)priority));
}

int flux_jobtap_priority_unavail(flux_plugin_t *p, flux_plugin_arg_t *args)
{
    struct jobtap *t = jobtap_host(p);

    if (!t || !args) {
        errno = EINVAL;
        return -1;
    }
    return flux_plugin_arg_pack(args, FLUX_PLUGIN_ARG_OUT, "{s:I}", "priority",
                                (int64_t)-1);
}

static int set_errstr(flux_plugin_arg_t *args, const char *fmt, va_list ap)
{
    char text[512];

    vsnprintf(text, sizeof(text), fmt, ap);
    flux_plugin_arg_pack(args, FLUX_PLUGIN_ARG_OUT, "{s:s}", "errstr", text);
    return -1;
}

int flux_jobtap_error(flux_plugin_t *p, flux_plugin_arg_t *args, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    set_errstr(args, fmt, ap);
    va_end(ap);
    return -1;
}

int flux_jobtap_reject_job(flux_plugin_t *p, flux_plugin_arg_t *args, const char *fmt,
                           ...)
{
    va_list ap;

    if (!fmt)
        return flux_jobtap_error(p, args, "rejected by job-manager plugin %s",
                                 flux_plugin_get_name(p));
    va_start(ap, fmt);
    set_errstr(args, fmt, ap);
    va_end(ap);
    return -1;
}

int flux_jobtap_dependency_add(flux_plugin_t *p, flux_jobid_t id, const char *description)
{
    struct job *job = jobtap_find_job(p, id);
    struct jobtap *t = jobtap_host(p);
    struct job_more *m;
    int rc;

    if (!job)
        return -1;
    if (!description || job->state > FLUX_JOB_STATE_DEPEND)
        return result(-EINVAL);
    if (!(m = job_more(job)))
        return result(-ENOMEM);
    /* After a restart the plug-in adds what the record has already. */
    if (texts_has(&m->deps, description))
        return 0;
    if (texts_has(&m->deps_gone, description))
        return result(-EEXIST);
    if ((rc = texts_add(&m->deps, description)) < 0)
        return result(rc);
    return result(event_post(t->jm, job, EVENT_DEPENDENCY_ADD, "{s:s}", "description",
                             description));
}

int flux_jobtap_dependency_remove(flux_plugin_t *p, flux_jobid_t id,
                                  const char *description)
{
    struct job *job = jobtap_find_job(p, id);
    struct jobtap *t = jobtap_host(p);
    int rc;

    if (!job)
        return -1;
    if (!description)
        return result(-EINVAL);
    if (!job->more || (rc = texts_del(&job->more->deps, description)) < 0)
        return result(-ENOENT);
    texts_add(&job->more->deps_gone, description);
    return result(event_post(t->jm, job, EVENT_DEPENDENCY_REMOVE, "{s:s}", "description",
                             description));
}

int flux_jobtap_job_aux_set(flux_plugin_t *p, flux_jobid_t id, const char *name,
                            void *val, flux_free_f free_fn)
{
    struct job *job = jobtap_find_job(p, id);

    if (!job)
        return -1;
    if ((!name && !val) || (!name && !free_fn))
        return result(-EINVAL);
    return result(job_aux_set(job, p, name, val, free_fn));
}

void *flux_jobtap_job_aux_get(flux_plugin_t *p, flux_jobid_t id, const char *name)
{
    struct job *job = name ? jobtap_find_job(p, id) : NULL;
    void *val;

    if (!job) {
        if (!name)
            errno = EINVAL;
        return NULL;
    }
    if (!(val = job_aux_get(job, p, name)))
        errno = ENOENT;
    return val;
}

int flux_jobtap_job_aux_delete(flux_plugin_t *p, flux_jobid_t id, void *val)
{
    struct job *job = jobtap_find_job(p, id);

    if (!job)
        return -1;
    job_aux_delete(job, p, val);
    return 0;
}

int flux_jobtap_job_set_flag(flux_plugin_t *p, flux_jobid_t id, const char *flag)
{
    static const struct {
        const char *name;
        uint8_t bit;
    } flags[] = {
        {"debug", FLUX_JOB_DEBUG},
        {"waitable", FLUX_JOB_WAITABLE},
        {"novalidate", FLUX_JOB_NOVALIDATE},
    };
    struct job *job = jobtap_find_job(p, id);
    struct jobtap *t = jobtap_host(p);

    if (!job)
        return -1;
    for (unsigned i = 0; flag && i < ARRAY_SIZE(flags); i++)
        if (strcmp(flags[i].name, flag) == 0) {
            if ((flags[i].bit & ~job->flags) == FLUX_JOB_WAITABLE)
                t->jm->waitable++;
            job->flags |= flags[i].bit;
            return result(
                event_post(t->jm, job, EVENT_SET_FLAGS, "{s:[s]}", "flags", flag));
        }
    return result(-EINVAL);
}

int flux_jobtap_raise_exception(flux_plugin_t *p, flux_jobid_t id, const char *type,
                                int severity, const char *fmt, ...)
{
    struct job *job = jobtap_find_job(p, id);
    struct jobtap *t = jobtap_host(p);
    char note[512];
    va_list ap;

    if (!job)
        return -1;
    if (!type || !fmt || severity < 0 || severity > 7 ||
        job->state == FLUX_JOB_STATE_INACTIVE)
        return result(-EINVAL);
    va_start(ap, fmt);
    vsnprintf(note, sizeof(note), fmt, ap);
    va_end(ap);
    return result(event_post_exception(t->jm, job, type, severity, UINT32_MAX, -1, note));
}

int flux_jobtap_event_post_pack(flux_plugin_t *p, flux_jobid_t id, const char *name,
                                const char *fmt, ...)
{
    struct job *job = jobtap_find_job(p, id);
    struct jobtap *t = jobtap_host(p);
    struct buf context = {0};
    enum event_id event;
    va_list ap;
    int rc = 0;

    if (!job)
        return -1;
    if (!name || job->state == FLUX_JOB_STATE_INACTIVE)
        return result(-EINVAL);
    /* Those that move a job along have calls of their own, or are not a plug-in's. */
    event = event_by_name(name, strlen(name));
    if (event != EVENT_OTHER && event != EVENT_MEMO)
        return result(-EINVAL);
    if (fmt) {
        va_start(ap, fmt);
        rc = json_vpack_buf(&context, fmt, ap);
        va_end(ap);
    }
    if (rc == 0)
        rc = event_post_text(t->jm, job, name,
                             (struct slice){fmt ? context.data : NULL, context.len});
    buf_free(&context);
    return result(rc);
}
