/* Dependencies on other jobs: after (it started), afterany (it ended), afterok (ended
 * well), afternotok (ended otherwise). What waits for a job hangs on that job; when a
 * condition can no longer come true, the waiting job gets an exception.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <flux/jobtap.h>

#include "base/cleanup.h"
#include "modules/job-manager/plugins/builtin.h"

enum scheme {
    AFTER,
    AFTERANY,
    AFTEROK,
    AFTERNOTOK,
};

static const struct {
    const char *scheme, *what;
} schemes[] = {
    [AFTER] = {"after", "after-start"},
    [AFTERANY] = {"afterany", "after-finish"},
    [AFTEROK] = {"afterok", "after-success"},
    [AFTERNOTOK] = {"afternotok", "after-failure"},
};

struct waiter {
    struct waiter *next;
    flux_jobid_t id;
    enum scheme scheme;
};

/* Kept with the job that others wait for. */
struct after {
    char idstr[32];
    struct waiter *waiters;
};

static void after_free(void *arg)
{
    struct after *a = arg;
    struct waiter *w;

    while ((w = a->waiters)) {
        a->waiters = w->next;
        free(w);
    }
    free(a);
}

static void describe(enum scheme scheme, const char *idstr, char *buf, size_t size)
{
    snprintf(buf, size, "%s=%s", schemes[scheme].what, idstr);
}

/* Why a condition cannot come true, for a job that has ended; NULL: it did. */
static const char *judge(enum scheme scheme, bool started, flux_job_result_t result)
{
    switch (scheme) {
    case AFTER:
        return started ? NULL : "never started";
    case AFTERANY:
        return NULL;
    case AFTEROK:
        return result == FLUX_JOB_RESULT_COMPLETED ? NULL
                                                   : "did not complete successfully";
    case AFTERNOTOK:
        return result == FLUX_JOB_RESULT_COMPLETED ? "completed successfully" : NULL;
    }
    return NULL;
}

static struct after *get_after(flux_plugin_t *p, flux_jobid_t id, const char *idstr)
{
    struct after *a = flux_jobtap_job_aux_get(p, id, "after");

    if (a || !(a = calloc(1, sizeof(*a))))
        return a;
    snprintf(a->idstr, sizeof(a->idstr), "%s", idstr);
    if (flux_jobtap_job_aux_set(p, id, "after", a, after_free) < 0) {
        free(a);
        return NULL;
    }
    return a;
}

/* The job that is waited for is active. */
static int add_active(flux_plugin_t *p, flux_plugin_arg_t *args, flux_jobid_t id,
                      enum scheme scheme, flux_jobid_t after_id, const char *idstr)
{
    char description[64];
    struct waiter *w;
    struct after *a;

    describe(scheme, idstr, description, sizeof(description));
    if (scheme == AFTER && flux_jobtap_job_event_posted(p, after_id, "start") == 1) {
        flux_jobtap_dependency_remove(p, id, description);
        return 0;
    }
    if (!(a = get_after(p, after_id, idstr)) || !(w = calloc(1, sizeof(*w))))
        return flux_jobtap_reject_job(p, args, "out of memory");
    *w = (struct waiter){.next = a->waiters, .id = id, .scheme = scheme};
    a->waiters = w;
    if (scheme == AFTER)
        flux_jobtap_job_subscribe(p, after_id);
    if (flux_jobtap_dependency_add(p, id, description) < 0 && errno != EEXIST)
        return flux_jobtap_reject_job(p, args, "dependency: %s", strerror(errno));
    return 0;
}

/* A guest must not learn of others' jobs. */
static int check_owner(flux_plugin_t *p, flux_plugin_arg_t *args, flux_jobid_t after_id,
                       int64_t userid, const char *idstr)
{
    flux_plugin_arg_t *other = flux_jobtap_job_lookup(p, after_id);
    int64_t owner = userid;

    if (!other)
        return 0;
    flux_plugin_arg_unpack(other, FLUX_PLUGIN_ARG_IN, "{s:I}", "userid", &owner);
    flux_plugin_arg_destroy(other);
    if (owner != userid && userid != (int64_t)getuid())
        return flux_jobtap_reject_job(p, args, "dependency: %s is not a job of yours",
                                      idstr);
    return 0;
}

static int dependency_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                         void *arg)
{
    enum scheme scheme = (enum scheme)(uintptr_t)arg;
    const char *value, *why;
    flux_job_result_t result;
    flux_jobid_t after_id;
    int64_t id, userid;
    char idstr[32];

    if (flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s:I s:I s:{s:s}}", "id", &id,
                               "userid", &userid, "dependency", "value", &value) < 0)
        return flux_jobtap_reject_job(p, args, "%s: %s", schemes[scheme].scheme,
                                      flux_plugin_arg_strerror(args));
    if (flux_job_id_parse(value, &after_id) < 0 ||
        flux_job_id_encode(after_id, "f58", idstr, sizeof(idstr)) < 0)
        return flux_jobtap_reject_job(p, args, "%s: '%s' is not a job id",
                                      schemes[scheme].scheme, value);
    if (after_id == (flux_jobid_t)id)
        return flux_jobtap_reject_job(p, args, "%s: a job cannot wait for itself",
                                      schemes[scheme].scheme);
    if (check_owner(p, args, after_id, userid, idstr) < 0)
        return -1;
    if (flux_jobtap_get_job_result(p, after_id, &result) < 0) {
        if (errno == ENOENT)
            return flux_jobtap_reject_job(p, args, "%s: %s: no such job",
                                          schemes[scheme].scheme, idstr);
        return add_active(p, args, (flux_jobid_t)id, scheme, after_id, idstr);
    }
    why = judge(scheme, flux_jobtap_job_event_posted(p, after_id, "start") == 1, result);
    if (why)
        return flux_jobtap_reject_job(p, args, "%s: job %s %s", schemes[scheme].scheme,
                                      idstr, why);
    return 0;
}

static void settle(flux_plugin_t *p, const struct after *a, const struct waiter *w,
                   const char *why)
{
    char description[64];

    describe(w->scheme, a->idstr, description, sizeof(description));
    if (why)
        flux_jobtap_raise_exception(p, w->id, "dependency", 0, "%s: job %s", description,
                                    why);
    else
        flux_jobtap_dependency_remove(p, w->id, description);
}

/* Settle those of the current job's waiters whose fate is known; result 0: it started,
 * -1: it is no more. */
static void settle_all(flux_plugin_t *p, int result)
{
    struct after *a = flux_jobtap_job_aux_get(p, FLUX_JOBTAP_CURRENT_JOB, "after");
    bool started;
    struct waiter *w, **list;

    if (!a)
        return;
    started = flux_jobtap_job_event_posted(p, FLUX_JOBTAP_CURRENT_JOB, "start") == 1;
    for (list = &a->waiters; (w = *list);) {
        if (result == 0 && w->scheme != AFTER) {
            list = &w->next;
            continue;
        }
        *list = w->next;
        if (result < 0)
            settle(p, a, w, "was refused");
        else
            settle(p, a, w, judge(w->scheme, started, (flux_job_result_t)result));
        free(w);
    }
}

static int start_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                    void *arg)
{
    settle_all(p, 0);
    return 0;
}

static int inactive_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                       void *arg)
{
    flux_job_result_t result;

    if (flux_jobtap_get_job_result(p, FLUX_JOBTAP_CURRENT_JOB, &result) == 0)
        settle_all(p, (int)result);
    return 0;
}

static int destroy_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                      void *arg)
{
    settle_all(p, -1);
    return 0;
}

int plugin_dependency_after(flux_plugin_t *p)
{
    char topic[64];

    for (uintptr_t i = 0; i < ARRAY_SIZE(schemes); i++) {
        snprintf(topic, sizeof(topic), "job.dependency.%s", schemes[i].scheme);
        if (flux_plugin_add_handler(p, topic, dependency_cb, (void *)i) < 0)
            return -1;
    }
    if (flux_plugin_add_handler(p, "job.event.start", start_cb, NULL) < 0 ||
        flux_plugin_add_handler(p, "job.state.inactive", inactive_cb, NULL) < 0)
        return -1;
    return flux_plugin_add_handler(p, "job.destroy", destroy_cb, NULL);
}
