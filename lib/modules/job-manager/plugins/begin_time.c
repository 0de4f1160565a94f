/* Dependency scheme begin-time: the job is not eligible before a time, given in seconds
 * since the epoch.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <flux/jobtap.h>

#include "modules/job-manager/plugins/builtin.h"

struct begin {
    flux_plugin_t *p;
    flux_jobid_t id;
    flux_watcher_t *timer;
    char description[64];
};

static void begin_free(void *arg)
{
    struct begin *b = arg;

    flux_watcher_destroy(b->timer);
    free(b);
}

static void timer_cb(flux_reactor_t *r, flux_watcher_t *w, int revents, void *arg)
{
    struct begin *b = arg;
    double now = flux_reactor_now(r),
           begin = strtod(strchr(b->description, '=') + 1, NULL);

    /* The wall clock may have been set meanwhile. */
    if (now < begin) {
        flux_timer_watcher_reset(w, begin - now, 0.);
        flux_watcher_start(w);
        return;
    }
    flux_jobtap_dependency_remove(b->p, b->id, b->description);
    /* Frees b. */
    flux_jobtap_job_aux_delete(b->p, b->id, b);
}

static int add(flux_plugin_t *p, flux_plugin_arg_t *args, flux_jobid_t id, double begin)
{
    flux_reactor_t *r = flux_get_reactor(flux_jobtap_get_flux(p));
    double wait = begin - flux_reactor_now(r);
    char description[64];
    struct begin *b;

    snprintf(description, sizeof(description), "begin-time=%.3f", begin);
    /* Over: it may have been waiting when the broker went down. */
    if (wait <= 0) {
        flux_jobtap_dependency_remove(p, id, description);
        return 0;
    }
    if (!(b = calloc(1, sizeof(*b))))
        return flux_jobtap_reject_job(p, args, "out of memory");
    b->p = p;
    b->id = id;
    memcpy(b->description, description, sizeof(description));
    if (!(b->timer = flux_timer_watcher_create(r, wait, 0., timer_cb, b)) ||
        flux_jobtap_job_aux_set(p, id, NULL, b, begin_free) < 0) {
        begin_free(b);
        return flux_jobtap_reject_job(p, args, "out of memory");
    }
    flux_watcher_start(b->timer);
    if (flux_jobtap_dependency_add(p, id, b->description) < 0)
        return flux_jobtap_reject_job(p, args, "begin-time: cannot be added");
    return 0;
}

static int dependency_cb(flux_plugin_t *p, const char *topic, flux_plugin_arg_t *args,
                         void *arg)
{
    const char *value;
    int64_t id;
    double begin;
    char *end;

    if (flux_plugin_arg_unpack(args, FLUX_PLUGIN_ARG_IN, "{s:I s:{s:s}}", "id", &id,
                               "dependency", "value", &value) < 0)
        return flux_jobtap_reject_job(p, args, "begin-time: %s",
                                      flux_plugin_arg_strerror(args));
    begin = strtod(value, &end);
    if (end == value || *end || !isfinite(begin) || begin < 0)
        return flux_jobtap_reject_job(p, args, "begin-time: '%s' is not a time", value);
    return add(p, args, (flux_jobid_t)id, begin);
}

int plugin_begin_time(flux_plugin_t *p)
{
    return flux_plugin_add_handler(p, "job.dependency.begin-time", dependency_cb, NULL);
}
